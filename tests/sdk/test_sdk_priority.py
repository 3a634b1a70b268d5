"""Which job comes first, through the official client. Named by the rows of the checklist."""

from datetime import timedelta

import pytest
from azure.batch import BatchClient, models
from azure.core.exceptions import HttpResponseError

from tests import batch
from tests.batch import sh
from tests.yard import Gate

#: Longer than what may queue on a node: which task is next is decided when a slot is free.
SHORT = sh("sleep 0.2")


def block(client: BatchClient, job_id: str, gate: Gate, slots: int = 1) -> None:
    """Keep the slots of a node busy until the gate is opened."""
    client.create_task(job_id, batch.task("blocker", sh(f"cat {gate.path}"), required_slots=slots))
    batch.wait_for_task(client, job_id, "blocker", "running")


def started(client: BatchClient, *job_ids: str) -> list[str]:
    """Return of which job each task was, in the order of their starts, once all are completed."""
    tasks = [
        (batch.start_of(task), job_id)
        for job_id in job_ids
        for task in batch.wait_for_tasks(client, job_id).values()
        if task.id != "blocker"
    ]
    return [job_id for _, job_id in sorted(tasks)]


def add(client: BatchClient, job_id: str, count: int) -> None:
    """Add short tasks."""
    batch.add_tasks(client, job_id, [batch.task(f"t{i}", SHORT) for i in range(count)])


def test_sa_8_a_job_without_a_priority_has_priority_0(client, narrow, create_job):
    assert client.get_job(create_job(narrow)).priority == 0


@pytest.mark.parametrize(("low", "high"), [(-10, 10), (-1000, 1000)])
def test_sa_9_12_tasks_of_the_job_of_higher_priority_go_first(
    client, narrow, create_job, gate, low, high
):
    first, last = create_job(narrow, priority=low), create_job(narrow, priority=high)
    block(client, first, gate)
    for job in (first, last):
        add(client, job, 3)
    gate.open()
    assert started(client, first, last) == [last] * 3 + [first] * 3


def test_sa_10_a_changed_priority_counts_for_what_starts_next(client, narrow, create_job, gate):
    """J-14."""
    others, raised = create_job(narrow), create_job(narrow)
    block(client, others, gate)
    for job in (others, raised):
        add(client, job, 3)

    client.update_job(raised, models.BatchJobUpdateOptions(priority=500))

    assert client.get_job(raised).priority == 500
    gate.open()
    assert started(client, others, raised) == [raised] * 3 + [others] * 3


def test_sa_11_priorities_go_from_minus_1000_to_1000(client, narrow, create_job):
    for priority in (-1000, 1000):
        assert client.get_job(create_job(narrow, priority=priority)).priority == priority
    job = create_job(narrow)
    for priority in (-1001, 1001):
        with pytest.raises(HttpResponseError) as refused:
            create_job(narrow, priority=priority)
        assert (refused.value.status_code, batch.code_of(refused.value)) == (
            400,
            "OutOfRangePriority",
        )
        with pytest.raises(HttpResponseError) as refused:
            client.update_job(job, models.BatchJobUpdateOptions(priority=priority))
        assert (refused.value.status_code, batch.code_of(refused.value)) == (
            400,
            "OutOfRangePriority",
        )
    assert client.get_job(job).priority == 0


def test_sa_13_a_running_task_of_lower_priority_goes_on(client, narrow, create_job, gate):
    low, high = create_job(narrow, priority=-5), create_job(narrow, priority=5)
    block(client, low, gate)
    client.create_task(high, batch.task("urgent", "true"))
    assert client.get_task(high, "urgent").state == "active"
    gate.open()

    running = batch.wait_for_task(client, low, "blocker", "completed")
    urgent = batch.wait_for_task(client, high, "urgent", "completed")

    execution = batch.execution_of(running)
    assert (execution.exit_code, execution.requeue_count) == (0, 0)
    assert batch.start_of(urgent) >= batch.end_of(running)


def test_sa_14_jobs_of_equal_priority_have_an_equal_chance(client, narrow, create_job, gate):
    """J-10: the service has them take turns."""
    jobs = create_job(narrow), create_job(narrow)
    block(client, jobs[0], gate)
    for job in jobs:
        add(client, job, 8)
    gate.open()
    first = started(client, *jobs)[:8]
    assert all(first.count(job) >= 3 for job in jobs)


def test_jobs_of_equal_priority_go_by_their_creation_where_their_pool_says_so(
    client, make_pool, create_job, gate
):
    """J-11."""
    policy = models.BatchTaskSchedulingPolicy(
        node_fill_type=models.BatchNodeFillType.SPREAD,
        job_default_order=models.BatchJobDefaultOrder.CREATION_TIME,
    )
    pool = make_pool(task_scheduling_policy=policy)
    assert client.get_pool(pool).task_scheduling_policy.job_default_order == "creationtime"
    older, younger = create_job(pool), create_job(pool)
    urgent = create_job(pool, priority=1)
    block(client, younger, gate)
    for job in (younger, older, urgent):
        add(client, job, 2)
    gate.open()
    assert started(client, older, younger, urgent) == [urgent] * 2 + [older] * 2 + [younger] * 2


def test_sa_15_a_priority_has_no_effect_on_another_pool(client, narrow, wide, create_job, gate):
    flood = create_job(narrow, priority=1000)
    block(client, flood, gate)
    add(client, flood, 20)

    other = create_job(wide, priority=-1000)

    assert batch.run_task(client, other, batch.task("only", "true")).state == "completed"
    assert client.get_job_task_counts(flood).task_counts.active == 20


def test_sa_16_a_priority_has_no_effect_on_another_account(
    client, other_client, narrow, create_job, gate
):
    flood = create_job(narrow, priority=1000)
    block(client, flood, gate)
    add(client, flood, 20)
    pool = batch.create_pool(other_client, "others", nodes=1)
    job = batch.create_job(other_client, "others", pool, priority=-1000)
    try:
        task = batch.run_task(other_client, job, batch.task("only", "true"))
    finally:
        other_client.begin_delete_job(job, polling_interval=1)
        other_client.begin_delete_pool(pool, polling_interval=1)
    assert batch.execution_of(task).exit_code == 0
    assert batch.end_of(task) - batch.start_of(task) < timedelta(seconds=5)
    assert client.get_job_task_counts(flood).task_counts.active == 20
