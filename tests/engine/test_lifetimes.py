"""Tasks that are not completed in time. Source: T-8, SA-59 ... SA-61."""

from datetime import timedelta

import pytest

from batchyard.core import limits
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.states import DisableTasks, OnAllTasksComplete, OnTaskFailure
from batchyard.engine import commands, loops
from batchyard.engine.cascade import Cascade
from batchyard.link import messages
from tests.engine.world import ACCOUNT, World

HOUR = timedelta(hours=1)
ALMOST = limits.TASK_LIFETIME_MAX - HOUR


def removed(world: World) -> list[str]:
    """Return the directories that the node was told to remove."""
    orders = [order for orders in world.fleet.orders.values() for order in orders]
    return [order.path for order in orders if isinstance(order, messages.RemoveDirectory)]


def test_open_tasks_are_ended_after_180_days(world: World) -> None:
    world.pool(slots=2)
    world.job()
    world.tasks("done", "runs", "waits", "too-large", required_slots=1)
    world.run("task-1-1")
    world.report(world.started("task-2-1"))
    world.clock.pass_time(ALMOST)
    world.tasks("younger")
    world.settle()
    assert world.state_of("runs") == "running"

    world.clock.pass_time(2 * HOUR)
    world.settle()

    assert "task-2-1" in world.stopped()
    for name in ("runs", "waits"):
        task = world.task(name)
        assert (task.state, task.result, task.are_files_removed) == ("completed", "failure", True)
        assert "lifetime" in task.failure.message
    assert world.task("done").result == "success"
    assert world.state_of("younger") == "active"
    assert "workitems/job/job-1/runs" in removed(world)


def test_an_ended_task_is_not_run_again(world: World) -> None:
    world.pool(nodes=0)
    world.job()
    world.tasks("waits")
    world.clock.pass_time(limits.TASK_LIFETIME_MAX)
    world.settle()
    with pytest.raises(Refused) as refused:
        world.do(commands.reactivate_task, ACCOUNT, "job", "waits")
    assert refused.value.code is ErrorCode.OPERATION_INVALID_FOR_CURRENT_STATE
    assert world.state_of("waits") == "completed"


def test_lifetimes_go_on_while_the_server_is_down(world: World) -> None:
    world.pool(nodes=0)
    world.job()
    world.tasks("first")
    world.clock.pass_time(HOUR)
    world.tasks("second")
    world.clock.pass_time(ALMOST)
    world.settle()
    assert [world.state_of(name) for name in ("first", "second")] == ["completed", "active"]

    world.clock.pass_time(HOUR)
    world.restart()

    assert world.state_of("second") == "completed"


def test_more_tasks_than_are_looked_at_together_are_ended_in_steps(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SWEEP_ENTITIES_MAX", 2)
    world.pool(nodes=0)
    world.job()
    names = [f"t{i}" for i in range(5)]
    world.tasks(*names)
    world.clock.pass_time(limits.TASK_LIFETIME_MAX)
    world.settle()
    assert {world.state_of(name) for name in names} == {"completed"}
    assert world.engine.next_due is None or world.engine.next_due > world.clock.now()


@pytest.mark.parametrize("end", ["terminate", "disable", "delete"])
def test_tasks_that_their_job_has_left_behind_are_ended_too(world: World, end: str) -> None:
    """Active tasks of a terminated job stay active (S-14), until their time is over."""
    world.pool(nodes=1)
    world.job(
        on_task_failure=OnTaskFailure.PERFORM_EXIT_OPTIONS_JOB_ACTION,
        on_all_tasks_complete=OnAllTasksComplete.TERMINATE_JOB,
        preparation=True,
        release=True,
    )
    world.tasks("runs", "waits")
    preparation, runs = world.assigned()
    world.run(preparation)
    world.report(world.started(runs))
    if end == "terminate":
        world.do(commands.terminate_job, ACCOUNT, "job", None)
    elif end == "disable":
        world.do(commands.disable_job, ACCOUNT, "job", DisableTasks.WAIT)
    else:
        world.do(commands.delete_job, ACCOUNT, "job")

    world.clock.pass_time(2 * limits.TASK_LIFETIME_MAX)
    world.settle()

    assert not world.engine.is_failing
    assert world.engine.next_due is None or world.engine.next_due > world.clock.now()
    if end != "delete":
        assert world.state_of("waits") == "completed"
        assert world.state_of("runs") == "completed"


def test_a_task_is_looked_at_once(world: World) -> None:
    world.pool(nodes=0)
    world.job()
    world.tasks("only")
    world.clock.pass_time(limits.TASK_LIFETIME_MAX)
    world.settle()

    def look(cascade: Cascade) -> object:
        return loops.outlive(cascade), cascade.transaction.next_lifetime_start()

    assert world.do(look) == (None, None)
