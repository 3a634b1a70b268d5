"""Preparation, release, and the end of jobs."""

from datetime import timedelta

import pytest

from batchyard.core import limits
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import NodeKey
from batchyard.core.specs import JobChange
from batchyard.core.states import EndCause, OnAllTasksComplete
from batchyard.engine import commands
from batchyard.engine.views import JobView
from batchyard.link import messages
from tests.engine.world import ACCOUNT, World

PREPARATION = "preparation-1-1-1"
RELEASE = "release-1-1-1"


def end(world: World) -> None:
    world.do(commands.terminate_job, ACCOUNT, "job", None)


def complete_all(world: World) -> None:
    world.tasks("one", "two")
    world.run("task-1-1")
    world.run("task-2-1")


def test_a_job_ends_with_its_last_task_if_it_is_asked_to(world: World) -> None:
    """J-19."""
    world.pool(slots=2)
    world.job(on_all_tasks_complete=OnAllTasksComplete.TERMINATE_JOB)
    world.tasks("one", "two")
    world.run("task-1-1")
    world.clock.pass_time(timedelta(seconds=5))
    world.settle()
    assert world.job_now().state == "active"
    world.run("task-2-1")
    world.clock.pass_time(limits.OUT_OF_TASKS_GRACE)
    world.settle()
    assert (world.job_now().state, world.job_now().terminate_reason) == (
        "completed",
        "AllTasksComplete",
    )


def test_a_job_goes_on_when_another_task_comes_in_time(world: World) -> None:
    world.pool(slots=2)
    world.job(on_all_tasks_complete=OnAllTasksComplete.TERMINATE_JOB)
    complete_all(world)
    world.tasks("three")
    world.clock.pass_time(timedelta(minutes=5))
    world.settle()
    assert world.job_now().state == "active"
    world.do(commands.delete_task, ACCOUNT, "job", "three")
    world.clock.pass_time(limits.OUT_OF_TASKS_GRACE)
    world.settle()
    assert world.job_now().state == "terminating"


def test_an_empty_job_that_ends_with_its_tasks_ends(world: World) -> None:
    world.job(on_all_tasks_complete=OnAllTasksComplete.TERMINATE_JOB)
    world.clock.pass_time(limits.EMPTY_JOB_GRACE - timedelta(seconds=1))
    world.settle()
    assert world.job_now().state == "active"
    world.clock.pass_time(timedelta(seconds=1))
    world.settle()
    assert world.job_now().state == "completed"


def test_a_job_whose_tasks_are_over_ends_when_it_is_asked_to(world: World) -> None:
    world.pool(slots=2)
    world.job()
    complete_all(world)
    change = JobChange(on_all_tasks_complete=OnAllTasksComplete.TERMINATE_JOB)
    world.do(commands.update_job, ACCOUNT, "job", change)
    world.clock.pass_time(limits.OUT_OF_TASKS_GRACE)
    world.settle()
    assert world.job_now().state == "completed"


def test_a_job_that_ends_with_its_tasks_cannot_be_told_to_go_on(world: World) -> None:
    """J-21."""
    world.job(on_all_tasks_complete=OnAllTasksComplete.TERMINATE_JOB)
    change = JobChange(on_all_tasks_complete=OnAllTasksComplete.NO_ACTION)
    with pytest.raises(Refused) as refused:
        world.do(commands.update_job, ACCOUNT, "job", change)
    assert refused.value.code is ErrorCode.INVALID_PROPERTY_VALUE


def test_a_job_whose_wall_clock_time_is_over_ends_with_its_tasks(world: World) -> None:
    """J-16; also when the service was away meanwhile."""
    world.pool()
    world.job(max_wall_clock_time=timedelta(minutes=10))
    world.tasks("runs", "waits")
    world.report(world.started("task-1-1"))
    world.clock.pass_time(timedelta(minutes=9))
    world.settle()
    assert world.job_now().state == "active"
    world.clock.pass_time(timedelta(minutes=1))
    world.restart()
    assert (world.job_now().state, world.state_of("runs")) == ("terminating", "completed")
    world.join(NodeKey(1), known=["task-1-1"])
    world.report(world.ended("task-1-1"))
    assert (world.job_now().state, world.job_now().terminate_reason) == (
        "completed",
        "MaxWallClockTimeExpiry",
    )
    assert world.state_of("waits") == "active"


def test_the_preparation_comes_first_and_tasks_wait_for_it_on_the_node(world: World) -> None:
    world.pool(slots=3)
    world.job(preparation=True)
    world.tasks("a", "b")
    assert world.assigned() == [PREPARATION, "task-1-1", "task-2-1"]
    assert world.assignment("task-1-1").wait_for == PREPARATION
    assert world.state_of("a") == "preparing"

    world.run(PREPARATION)
    world.tasks("c")
    assert world.assignment("task-3-1").wait_for is None


def test_only_nodes_with_tasks_are_prepared(world: World) -> None:
    world.pool(nodes=3)
    world.job(preparation=True)
    world.tasks("one")
    page = world.store.reads.list_job_nodes(ACCOUNT, "job", 0, 100)
    assert len(page.items) == 1


def test_a_failed_preparation_sends_the_tasks_elsewhere(world: World) -> None:
    """J-69: nothing of the job runs on that node any more, and others may use it."""
    world.pool(nodes=2)
    world.job(preparation=True)
    world.tasks("one")
    world.run(PREPARATION, exit_code=3)
    assert world.stopped() == ["task-1-1"]
    world.report(world.never_started("task-1-1"))
    assert world.assigned(2) == ["preparation-1-2-1", "task-1-2"]
    assert world.task("one").retry_count == 0

    world.job("other")
    world.tasks("x", job_id="other")
    assert "task-2-1" in world.assigned(1)


def test_termination_ends_running_tasks_then_releases_then_completes(world: World) -> None:
    world.pool(slots=2)
    world.job(preparation=True, release=True)
    world.tasks("runs", "waits", "waits-too", required_slots=2)
    world.run(PREPARATION)
    world.report(world.started("task-1-1"))

    end(world)
    assert world.job_now().state == "terminating"
    assert world.stopped() == ["task-1-1"]
    task = world.task("runs")
    assert (task.state, task.failure.code) == ("completed", "TaskEnded")
    assert RELEASE not in world.assigned()

    world.report(world.ended("task-1-1", -15, EndCause.STOPPED))
    assert world.assigned()[-1] == RELEASE
    world.run(RELEASE)

    job = world.job_now()
    assert (job.state, job.terminate_reason) == ("completed", "UserTerminate")
    assert world.state_of("waits") == "active"
    assert "task-2-1" not in world.assigned()


def test_deleting_an_active_job_releases_it_and_deleting_a_completed_one_does_not(
    world: World,
) -> None:
    """SB-32, SB-33."""
    world.pool()
    world.job(preparation=True, release=True)
    world.tasks("one")
    world.run(PREPARATION)
    world.run("task-1-1")
    world.do(commands.delete_job, ACCOUNT, "job")
    assert world.assigned().count(RELEASE) == 1
    world.run(RELEASE)
    with pytest.raises(Refused):
        world.job_now()


def test_a_job_deleted_while_it_terminates_is_released_once(world: World) -> None:
    world.pool()
    world.job(preparation=True, release=True)
    world.tasks("one")
    world.run(PREPARATION)
    world.run("task-1-1")
    end(world)
    world.do(commands.delete_job, ACCOUNT, "job")
    assert world.job_now().state == "deleting"
    world.run(RELEASE)
    assert world.assigned().count(RELEASE) == 1
    with pytest.raises(Refused):
        world.job_now()


def test_the_directories_of_a_deleted_job_go(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("one")
    world.run("task-1-1")
    world.do(commands.delete_job, ACCOUNT, "job")
    removal = messages.RemoveDirectory(1, "workitems/job/job-1")
    assert world.fleet.orders[NodeKey(1)][-1] == removal


def test_a_job_of_the_same_name_is_a_new_one(world: World) -> None:
    """Late news of the old one's tasks must not touch the new one's."""
    world.pool()
    world.job()
    world.tasks("one")
    world.report(world.started("task-1-1"))
    world.do(commands.delete_job, ACCOUNT, "job")
    world.report(world.ended("task-1-1", -15, EndCause.STOPPED))
    world.job()
    world.tasks("one")
    assert world.assigned()[-1] == "task-2-1"


def test_many_tasks_are_deleted_in_bounded_steps(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SWEEP_ENTITIES_MAX", 3)
    world.job()
    world.tasks(*(f"task{i}" for i in range(10)))
    world.do(commands.delete_job, ACCOUNT, "job")
    with pytest.raises(Refused):
        world.job_now()


def test_many_running_tasks_are_ended_in_bounded_steps(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pool(slots=10)
    world.job()
    world.tasks(*(f"task{i}" for i in range(10)))
    monkeypatch.setattr(limits, "SWEEP_ENTITIES_MAX", 3)
    end(world)
    assert len(world.stopped()) == 10


def test_a_preparation_that_runs_when_the_job_ends_is_stopped_without_a_release(
    world: World,
) -> None:
    world.pool()
    world.job(preparation=True, release=True)
    world.tasks("one")
    world.report(world.started(PREPARATION))
    end(world)
    assert sorted(world.stopped()) == [PREPARATION, "task-1-1"]
    world.report(world.ended(PREPARATION, -15, EndCause.STOPPED), world.never_started("task-1-1"))
    assert world.job_now().state == "completed"
    assert RELEASE not in world.assigned()


def test_a_terminated_job_takes_no_more_tasks(world: World) -> None:
    world.job()
    end(world)
    (added,) = world.tasks("one")
    assert added.refused.code is ErrorCode.JOB_COMPLETED


def test_no_two_jobs_have_the_same_id_in_any_case(world: World) -> None:
    world.job("Job")
    with pytest.raises(Refused) as refused:
        world.job("jOB")
    assert refused.value.code is ErrorCode.JOB_EXISTS


def test_tasks_do_not_wait_for_a_preparation_that_need_not_succeed(world: World) -> None:
    """SB-18."""
    world.pool()
    world.job(preparation=True, waits=False)
    world.tasks("one")
    assert world.assignment("task-1-1").wait_for is None
    assert world.state_of("one") == "active"
    world.run(PREPARATION, exit_code=9)
    world.run("task-1-1")
    assert world.state_of("one") == "completed"


def test_an_update_changes_what_it_names_and_nothing_else(world: World) -> None:
    """J-28."""
    world.job(max_task_retry_count=5)
    world.do(commands.update_job, ACCOUNT, "job", JobChange(priority=7))
    view = world.store.reads.get_job(ACCOUNT, "job")
    assert (view.spec.priority, view.spec.max_task_retry_count) == (7, 5)
    assert view.job.revision == 2


def test_a_job_that_is_not_disabled_keeps_its_pool(world: World) -> None:
    """J-30: the same one again is fine."""
    world.job()
    world.do(commands.update_job, ACCOUNT, "job", JobChange(pool_id="POOL"))
    with pytest.raises(Refused) as refused:
        world.do(commands.update_job, ACCOUNT, "job", JobChange(pool_id="other"))
    assert refused.value.code is ErrorCode.OPERATION_INVALID_FOR_CURRENT_STATE


def test_a_guard_sees_the_job_before_it_changes_and_can_stop_it(world: World) -> None:
    """S-21: in the writer's transaction, so nothing comes between."""
    world.job()

    def guard(view: JobView) -> None:
        assert view.job.revision == 1
        raise Refused(ErrorCode.CONDITION_NOT_MET)

    with pytest.raises(Refused):
        world.do(commands.delete_job, ACCOUNT, "job", guard)
    assert world.job_now().state == "active"


def test_directories_of_preparation_and_release_go_after_their_retention(world: World) -> None:
    """SB-14."""
    world.pool()
    world.job(preparation=True, retention=timedelta(seconds=5))
    world.tasks("one")
    world.run(PREPARATION)
    removal = messages.RemoveDirectory(1, "workitems/job/job-1/jobpreparation")
    assert removal not in world.fleet.orders[NodeKey(1)]
    world.clock.pass_time(timedelta(seconds=5))
    world.settle()
    assert removal in world.fleet.orders[NodeKey(1)]
