"""What takes hours or days, on a server whose clock is moved. Named by rows of the checklist."""

from datetime import timedelta

import pytest
from azure.batch import models
from azure.core.exceptions import HttpResponseError

from tests import batch
from tests.batch import sh
from tests.clocked import Clocked
from tests.waiting import wait_until


def _job(clocked: Clocked, **options: object) -> str:
    """Create a job on a pool of one node, which is ready."""
    pool = batch.create_pool(clocked.client, "pool", nodes=1, slots=2)
    batch.wait_for_nodes(clocked.client, pool, 1)
    return batch.create_job(clocked.client, "job", pool, **options)


def test_sa_29_a_job_stays_active_after_its_tasks_are_done(clocked):
    job = _job(clocked)
    batch.run_task(clocked.client, job, batch.task("only", "true"))

    clocked.advance(timedelta(days=100))

    found = clocked.client.get_job(job)
    assert found.state == "active"
    assert found.all_tasks_complete_mode == models.BatchAllTasksCompleteMode.NO_ACTION


def test_sa_32_a_job_without_tasks_ends_once_there_was_time_to_add_some(clocked):
    job = _job(clocked, all_tasks_complete_mode=models.BatchAllTasksCompleteMode.TERMINATE_JOB)
    assert clocked.client.get_job(job).state == "active"

    clocked.advance(timedelta(minutes=1))

    ended = batch.wait_for_job(clocked.client, job)
    assert ended.execution_info is not None
    assert ended.execution_info.termination_reason == "AllTasksComplete"


def test_sa_60_the_files_of_completed_tasks_persist_for_seven_days(clocked):
    job = _job(clocked)
    task = batch.run_task(clocked.client, job, batch.task("only", "echo kept"))
    assert task.constraints is not None
    assert task.constraints.retention_time == timedelta(days=7)

    clocked.advance(timedelta(days=6, hours=23))
    assert batch.stdout(clocked.client, job, "only") == "kept\n"
    clocked.advance(timedelta(hours=2))

    refusal = batch.refusal_of(clocked.client.download_task_file, job, "only", "stdout.txt")
    assert refusal == (409, "TaskFilesCleanedup")
    node = batch.the_node(clocked.client, "pool")
    wait_until(
        lambda: f"workitems/{job}/job-1/only" not in batch.node_files(clocked.client, "pool", node),
        10,
        "the directory of the task gone",
    )


def test_sa_59_61_a_task_lives_for_180_days_and_leaves_no_data_if_it_is_not_completed(clocked):
    job = _job(clocked)
    for name, size in (("runs", 1), ("waits", 2)):
        wish = batch.task(name, sh("echo early; exec sleep 600"), required_slots=size)
        clocked.client.create_task(job, wish)
    batch.wait_for_task(clocked.client, job, "runs", "running")
    wait_until(lambda: batch.stdout(clocked.client, job, "runs") == "early\n", 10, "its output")

    clocked.advance(timedelta(days=179, hours=23))
    assert {task.state for task in clocked.client.list_tasks(job)} == {"running", "active"}
    clocked.advance(timedelta(hours=2))

    for name in ("runs", "waits"):
        task = clocked.client.get_task(job, name)
        assert task.state == "completed"
        assert batch.failure_of(batch.execution_of(task)) == "TaskEnded"
        refusal = batch.refusal_of(clocked.client.download_task_file, job, name, "stdout.txt")
        assert refusal == (409, "TaskFilesCleanedup")
        with pytest.raises(HttpResponseError) as refused:
            clocked.client.reactivate_task(job, name)
        assert refused.value.status_code == 409
    wait_until(lambda: not clocked.is_running("sleep 600"), 10, "the process of the task gone")
    counts = clocked.client.get_job_task_counts(job).task_counts
    assert (counts.active, counts.running, counts.failed) == (0, 0, 2)


def test_sa_18_a_job_that_overruns_is_terminated_with_all_its_tasks(clocked):
    constraints = models.BatchJobConstraints(max_wall_clock_time=timedelta(days=2))
    job = _job(clocked, constraints=constraints)
    clocked.client.create_task(job, batch.task("long", sh("echo $$ > pid; exec sleep 600")))
    batch.wait_for_task(clocked.client, job, "long", "running")

    clocked.advance(timedelta(days=1, hours=23))
    assert clocked.client.get_job(job).state == "active"
    clocked.advance(timedelta(hours=2))

    ended = batch.wait_for_job(clocked.client, job)
    assert ended.execution_info is not None
    assert ended.execution_info.termination_reason == "MaxWallClockTimeExpiry"
    task = clocked.client.get_task(job, "long")
    assert task.state == "completed"
    assert batch.failure_of(batch.execution_of(task)) == "TaskEnded"
    wait_until(lambda: not clocked.is_running("sleep 600"), 10, "the process of the task gone")
