"""What placement sees of the tasks that wait: the first of each size, however many there are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from batchyard.core.keys import JobKey
from tests.engine.world import ACCOUNT, World
from tests.store.test_plans import can_be_explained, statements

JOBS = ("some", "none", "other")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.pool(nodes=0)
    for job in JOBS:
        world.job(job)
    for number, slots in enumerate((3, 1, 1, 3, 1, 3, 256)):
        world.tasks(f"task-{number}", job_id="some", required_slots=slots)
    world.tasks("task-7", job_id="other", required_slots=2)
    yield world
    world.store.close()


def keys(world: World) -> list[JobKey]:
    """Return the keys of all jobs in the order in which they were created."""
    page = world.store.reads.list_jobs(ACCOUNT, 0, len(JOBS))
    return [JobKey(view.job.key) for view in page.items]


def test_of_every_job_the_first_tasks_of_each_size_are_seen_in_their_order(world: World) -> None:
    with world.store.transaction() as transaction:
        waiting = transaction.waiting_tasks(keys(world), 2)
    sizes = [[task.required_slots for task in tasks] for tasks in waiting.values()]
    assert sizes == [[3, 1, 1, 3, 256], [], [2]]
    assert list(waiting) == keys(world)


def test_a_job_shows_the_same_alone_and_among_others(world: World) -> None:
    with world.store.transaction() as transaction:
        together = transaction.waiting_tasks(keys(world), 2)
        alone = [transaction.waiting_tasks([job], 2) for job in together]
    assert together == {job: tasks for one in alone for job, tasks in one.items()}


def test_any_number_of_jobs_is_looked_at_in_one_statement(world: World) -> None:
    jobs = keys(world)
    with statements(world.store) as seen, world.store.transaction() as transaction:
        transaction.waiting_tasks(jobs, 1)
    assert len([statement for statement in seen if can_be_explained(statement)]) == 1
