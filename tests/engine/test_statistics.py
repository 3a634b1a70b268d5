"""What tasks have used, and the sums of their jobs. Source: J-53, J-54, T-67."""

from datetime import timedelta
from typing import Any

from batchyard.core.model import Usage
from batchyard.core.states import EndCause
from batchyard.engine import commands
from batchyard.engine.views import JobStatistics
from batchyard.link import messages
from tests.engine.world import ACCOUNT, World

SECOND = timedelta(seconds=1)


def ended(world: World, execution_id: str, exit_code: int, *used: int) -> messages.Ended:
    """Return the end of an execution that ran for a second."""
    end = world.clock.now()
    told: Any = used
    return messages.Ended(execution_id, EndCause.EXITED, exit_code, "", end - SECOND, end, told)


def statistics(world: World) -> JobStatistics:
    found = world.store.reads.get_job(ACCOUNT, "job", with_statistics=True).statistics
    assert found is not None
    return found


def run(world: World, execution_id: str, exit_code: int, *used: int) -> None:
    world.report(messages.Started(execution_id, world.clock.now()))
    world.clock.pass_time(SECOND)
    world.report(ended(world, execution_id, exit_code, *used))


def test_a_job_adds_up_what_its_tasks_have_used_with_their_retries(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("retried", max_task_retry_count=1)
    run(world, "task-1-1", 1, 100, 10, 8, 16)
    run(world, "task-1-2", 0, 200, 20, 80, 160)
    world.tasks("fails")
    run(world, "task-2-1", 3, 1, 2, 3, 4)

    assert world.task("retried").usage == Usage(300, 30, 2_000_000, 88, 176)
    assert statistics(world) == JobStatistics(
        succeeded=1, failed=1, retries=1, usage=Usage(301, 32, 3_000_000, 91, 180)
    )
    (listed,) = world.store.reads.list_jobs(ACCOUNT, 0, 10, with_statistics=True).items
    assert listed.statistics == statistics(world)


def test_a_terminated_task_counts_what_it_used_until_its_node_has_ended_it(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("ended")
    world.report(messages.Started("task-1-1", world.clock.now()))
    world.clock.pass_time(SECOND)
    world.do(commands.terminate_task, ACCOUNT, "job", "ended")
    before = world.task("ended")
    assert before.usage is None

    world.report(ended(world, "task-1-1", -9, 100, 10, 0, 0))

    after = world.task("ended")
    assert after.usage == Usage(100, 10, 1_000_000)
    assert (after.state, after.end_time, after.failure, after.exit_code) == (
        before.state,
        before.end_time,
        before.failure,
        before.exit_code,
    )
    assert statistics(world).usage == Usage(100, 10, 1_000_000)


def test_deleted_tasks_vanish_from_the_sums(world: World) -> None:
    """As from the counts (T-66)."""
    world.pool()
    world.job()
    world.tasks("one", "other")
    for name, used in (("task-1-1", 100), ("task-2-1", 20)):
        run(world, name, 0, used, 0, 0, 0)
    world.do(commands.delete_task, ACCOUNT, "job", "one")
    assert statistics(world) == JobStatistics(
        succeeded=1, failed=0, retries=0, usage=Usage(20, 0, 1_000_000)
    )


def test_statistics_are_read_only_when_they_are_asked_for(world: World) -> None:
    world.job()
    assert world.store.reads.get_job(ACCOUNT, "job").statistics is None
    assert statistics(world) == JobStatistics(succeeded=0, failed=0, retries=0, usage=Usage())
