"""How jobs end by themselves, through the official client. Named by the rows of the checklist."""

from datetime import timedelta

import pytest
from azure.batch import models
from azure.core.exceptions import HttpResponseError

from tests import batch
from tests.batch import sh

TERMINATE = models.BatchAllTasksCompleteMode.TERMINATE_JOB


def test_sa_30_34_a_job_ends_once_it_is_told_to_end_with_its_tasks(client, wide, create_job):
    job = create_job(wide)
    batch.add_tasks(client, job, [batch.task(name, "true") for name in ("a", "b")])
    batch.wait_for_tasks(client, job)
    client.update_job(job, models.BatchJobUpdateOptions(all_tasks_complete_mode=TERMINATE))

    ended = batch.wait_for_job(client, job)

    assert ended.all_tasks_complete_mode == TERMINATE
    assert ended.execution_info is not None
    assert ended.execution_info.end_time is not None
    assert ended.execution_info.termination_reason == "AllTasksComplete"


def test_sa_31_it_ends_only_when_all_tasks_are_completed(client, wide, create_job, gate):
    job = create_job(wide, all_tasks_complete_mode=TERMINATE)
    lines = {"short": "true", "long": sh(f"cat {gate.path}")}
    batch.add_tasks(client, job, [batch.task(name, line) for name, line in lines.items()])
    batch.wait_for_task(client, job, "short", "completed")
    batch.wait_for_task(client, job, "long", "running")
    assert client.get_job(job).state == "active"

    gate.open()

    batch.wait_for_job(client, job)
    assert client.get_task(job, "long").execution_info.result == "success"


def test_sa_34_a_job_that_ends_with_its_tasks_is_not_told_to_go_on(client, wide, create_job):
    job = create_job(wide, all_tasks_complete_mode=TERMINATE)
    no_action = models.BatchAllTasksCompleteMode.NO_ACTION
    with pytest.raises(HttpResponseError) as refused:
        client.update_job(job, models.BatchJobUpdateOptions(all_tasks_complete_mode=no_action))
    assert refused.value.status_code == 400
    assert refused.value.error is not None
    assert refused.value.error.code == "InvalidPropertyValue"


def test_a_job_ends_with_its_tasks_when_its_wall_clock_time_is_over(client, wide, create_job):
    """J-16: the time counts from its creation."""
    constraints = models.BatchJobConstraints(max_wall_clock_time=timedelta(seconds=1))
    job = create_job(wide, constraints=constraints)
    client.create_task(job, batch.task("long", sh("sleep 600")))

    ended = batch.wait_for_job(client, job)

    assert ended.execution_info is not None
    assert ended.constraints is not None
    assert ended.execution_info.termination_reason == "MaxWallClockTimeExpiry"
    assert ended.constraints.max_wall_clock_time == timedelta(seconds=1)


def test_a_disabled_job_runs_nothing_until_it_is_enabled(client, wide, create_job, gate):
    """J-35 ... J-37."""
    job = create_job(wide)
    client.create_task(job, batch.task("runs", sh(f"cat {gate.path}")))
    batch.wait_for_task(client, job, "runs", "running")

    options = models.BatchJobDisableOptions(disable_tasks=models.DisableBatchJobOption.REQUEUE)
    client.begin_disable_job(job, options, polling_interval=0).wait()

    assert client.get_job(job).state == "disabled"
    task = client.get_task(job, "runs")
    assert task.execution_info is not None
    assert (task.state, task.execution_info.requeue_count) == ("active", 1)
    client.create_task(job, batch.task("later", "true"))
    assert client.get_task(job, "later").state == "active"

    client.begin_enable_job(job, polling_interval=0).wait()

    assert client.get_job(job).state == "active"
    batch.wait_for_task(client, job, "later", "completed")
    gate.open()
    batch.wait_for_task(client, job, "runs", "completed")
