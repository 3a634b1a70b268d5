"""Jobs that are disabled, and enabled again."""

import pytest

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.model import DisableTasks, JobChange
from batchyard.core.reasons import WaitingCode
from batchyard.engine import commands
from batchyard.engine.why import why_job, why_task
from tests.engine.world import ACCOUNT, World


def disable(world: World, tasks: DisableTasks) -> None:
    world.do(commands.disable_job, ACCOUNT, "job", tasks)


def enable(world: World) -> None:
    world.do(commands.enable_job, ACCOUNT, "job")


def state(world: World) -> str:
    return str(world.job_now().state)


@pytest.fixture
def busy(world: World) -> World:
    """A job of which `runs` runs, `starts` is placed, and `waits` waits."""
    world.pool(slots=2)
    world.job()
    world.tasks("runs", "starts", "waits")
    world.report(world.started("task-1-1"))
    return world


def test_requeue_puts_running_tasks_back_until_the_job_is_enabled(busy: World) -> None:
    """J-35."""
    disable(busy, DisableTasks.REQUEUE)
    assert state(busy) == "disabling"
    assert [busy.state_of(name) for name in ("runs", "starts", "waits")] == ["active"] * 3
    assert sorted(busy.stopped()) == ["task-1-1", "task-2-1"]
    assert (busy.task("runs").requeue_count, busy.task("starts").requeue_count) == (1, 0)

    busy.report(busy.ended("task-1-1"), busy.never_started("task-2-1"))
    assert state(busy) == "disabled"
    assert len(busy.assigned()) == 2

    enable(busy)
    assert state(busy) == "active"
    assert busy.assigned()[2:4] == ["task-1-2", "task-2-2"]


def test_a_task_never_runs_beside_its_former_run(world: World) -> None:
    """A node that does not answer may be about to start what was taken from it."""
    world.pool(nodes=2)
    world.job()
    world.tasks("a")
    disable(world, DisableTasks.REQUEUE)
    enable(world)
    assert (world.assigned(1), world.assigned(2)) == (["task-1-1"], [])
    with world.store.transaction() as transaction:
        found = why_task(transaction, ACCOUNT, "job", "a", world.engine.held)
        told = why_job(transaction, ACCOUNT, "job", world.engine.held)
    assert found.reason is not None
    assert found.reason.code is WaitingCode.FORMER_RUN_ENDING
    assert [(group.reason.code, group.count) for group in told.groups] == [
        (WaitingCode.FORMER_RUN_ENDING, 1)
    ]

    world.report(world.never_started("task-1-1"))
    assert world.assigned(1) + world.assigned(2) == ["task-1-1", "task-1-2"]


def test_terminate_completes_running_tasks_for_good(busy: World) -> None:
    disable(busy, DisableTasks.TERMINATE)
    assert [busy.state_of(name) for name in ("runs", "starts")] == ["completed", "active"]
    busy.report(busy.ended("task-1-1"), busy.never_started("task-2-1"))
    assert state(busy) == "disabled"
    assert busy.task("runs").failure.code == "TaskEnded"


def test_wait_lets_running_tasks_end(busy: World) -> None:
    disable(busy, DisableTasks.WAIT)
    assert (busy.state_of("runs"), busy.stopped()) == ("running", [])
    assert busy.recalled() == ["task-2-1"]
    busy.report(busy.never_started("task-2-1"))
    assert state(busy) == "disabling"
    busy.report(busy.ended("task-1-1"))
    assert (state(busy), busy.state_of("runs")) == ("disabled", "completed")


def test_a_job_without_running_tasks_is_disabled_at_once(world: World) -> None:
    world.job()
    disable(world, DisableTasks.WAIT)
    assert state(world) == "disabled"


def test_nothing_that_is_added_to_a_disabled_job_runs_before_it_is_enabled(world: World) -> None:
    world.pool()
    world.job()
    disable(world, DisableTasks.REQUEUE)
    world.tasks("one")
    assert world.assigned() == []
    enable(world)
    assert world.assigned() == ["task-1-1"]


def test_a_job_that_is_enabled_before_it_is_quiet_goes_on(busy: World) -> None:
    disable(busy, DisableTasks.REQUEUE)
    enable(busy)
    assert state(busy) == "active"
    busy.report(busy.ended("task-1-1"), busy.never_started("task-2-1"))
    assert busy.assigned()[2:4] == ["task-1-2", "task-2-2"]


def test_a_restarted_server_goes_on_disabling(busy: World) -> None:
    disable(busy, DisableTasks.REQUEUE)
    busy.restart()
    busy.join(busy.nodes()[0].key, known=["task-1-1", "task-2-1"])
    busy.report(busy.ended("task-1-1"), busy.never_started("task-2-1"))
    assert state(busy) == "disabled"


def test_a_disabled_job_moves_to_another_pool_and_no_other_does(busy: World) -> None:
    """J-30 ... J-33."""
    busy.pool("other")
    with pytest.raises(Refused) as refused:
        busy.do(commands.update_job, ACCOUNT, "job", JobChange(pool_id="other"))
    assert refused.value.code is ErrorCode.OPERATION_INVALID_FOR_CURRENT_STATE
    disable(busy, DisableTasks.REQUEUE)
    busy.report(busy.ended("task-1-1"), busy.never_started("task-2-1"))
    busy.do(commands.update_job, ACCOUNT, "job", JobChange(pool_id="other"))
    assert busy.job_now().pool_id == "other"
    enable(busy)
    assert busy.assigned(node=2) == ["task-1-2"]


def test_a_disabled_job_can_be_terminated(busy: World) -> None:
    disable(busy, DisableTasks.WAIT)
    busy.do(commands.terminate_job, ACCOUNT, "job", None)
    busy.report(busy.ended("task-1-1"), busy.never_started("task-2-1"))
    assert state(busy) == "completed"
    with pytest.raises(Refused) as refused:
        enable(busy)
    assert refused.value.code is ErrorCode.JOB_COMPLETED


def test_a_job_that_moved_waits_for_a_pool_of_its_new_name_and_not_of_the_old(busy: World) -> None:
    """J-8, J-32."""
    disable(busy, DisableTasks.REQUEUE)
    busy.report(busy.ended("task-1-1"), busy.never_started("task-2-1"))
    busy.do(commands.update_job, ACCOUNT, "job", JobChange(pool_id="Later"))
    enable(busy)
    assert busy.job_now().pool is None
    busy.pool("later")
    assert busy.assigned(node=2) == ["task-1-2"]
