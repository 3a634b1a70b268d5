"""Tasks that wait for others, and what the end of a task does to its job."""

import pytest

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.specs import ExitConditions, ExitOptions, TaskDependencies
from batchyard.core.states import DependencyAction, JobAction, OnTaskFailure
from batchyard.engine import commands
from tests.engine.world import ACCOUNT, World

SATISFY = ExitOptions(dependency_action=DependencyAction.SATISFY)
BLOCK = ExitOptions(dependency_action=DependencyAction.BLOCK)
PERFORM = OnTaskFailure.PERFORM_EXIT_OPTIONS_JOB_ACTION


def after(*ids: str, **ranges: tuple[int, int]) -> TaskDependencies:
    return TaskDependencies(task_ids=ids, task_id_ranges=tuple(ranges.values()))


@pytest.fixture
def chain(world: World) -> World:
    """A job in which `second` waits for `first`, on a node with room for both."""
    world.pool(slots=2)
    world.job(uses_task_dependencies=True)
    world.tasks("first")
    world.tasks("second", depends_on=after("FIRST"))
    return world


def test_a_task_runs_when_what_it_depends_on_is_completed(chain: World) -> None:
    assert chain.assigned() == ["task-1-1"]
    chain.report(chain.started("task-1-1"))
    assert chain.assigned() == ["task-1-1"]
    chain.report(chain.ended("task-1-1"))
    assert chain.assigned() == ["task-1-1", "task-2-1"]


def test_a_blocked_task_is_active(chain: World) -> None:
    """D-14, S-17."""
    assert chain.state_of("second") == "active"
    assert chain.store.reads.task_counts(ACCOUNT, "job").active == 2


def test_a_failed_task_blocks_what_depends_on_it(chain: World) -> None:
    """D-7, D-10."""
    chain.run("task-1-1", exit_code=1)
    assert chain.assigned() == ["task-1-1"]
    assert chain.state_of("second") == "active"


def test_exit_conditions_let_dependents_run_after_a_failure(world: World) -> None:
    """D-7, D-19."""
    world.pool()
    world.job(uses_task_dependencies=True)
    world.tasks("first", exit_conditions=ExitConditions(exit_codes=((3, SATISFY),)))
    world.tasks("second", depends_on=after("first"))
    world.run("task-1-1", exit_code=3)
    assert world.task("first").result == "failure"
    assert world.assigned()[1:] == ["task-2-1"]


def test_exit_conditions_may_block_after_success(world: World) -> None:
    world.pool()
    world.job(uses_task_dependencies=True)
    world.tasks("first", exit_conditions=ExitConditions(exit_codes=((0, BLOCK),)))
    world.tasks("second", depends_on=after("first"))
    world.run("task-1-1")
    assert world.assigned() == ["task-1-1"]


def test_only_the_last_of_several_tries_counts(world: World) -> None:
    """D-9."""
    world.pool()
    world.job(uses_task_dependencies=True, max_task_retry_count=1)
    world.tasks("first")
    world.tasks("second", depends_on=after("first"))
    world.run("task-1-1", exit_code=1)
    assert world.assigned() == ["task-1-1", "task-1-2"]
    world.run("task-1-2")
    assert world.assigned()[-1] == "task-2-1"


def test_a_task_may_name_what_is_added_later(world: World) -> None:
    """D-6."""
    world.pool()
    world.job(uses_task_dependencies=True)
    world.tasks("second", depends_on=after("first"))
    world.tasks("first")
    assert world.assigned() == ["task-2-1"]
    world.run("task-2-1")
    assert world.assigned() == ["task-2-1", "task-1-1"]


def test_what_is_completed_already_keeps_nobody_waiting(world: World) -> None:
    world.pool()
    world.job(uses_task_dependencies=True)
    world.tasks("1")
    world.run("task-1-1")
    world.tasks("second", depends_on=after("1", numbers=(1, 1)))
    assert world.assigned() == ["task-1-1", "task-2-1"]


def test_a_task_waits_for_every_number_of_its_ranges(world: World) -> None:
    """D-4, D-5."""
    world.pool()
    world.job(uses_task_dependencies=True)
    world.tasks("9", "010", "x11", "11")
    world.tasks("last", depends_on=after(numbers=(9, 11)))
    for name in ("task-1-1", "task-2-1", "task-3-1"):
        world.run(name)
    assert "task-5-1" not in world.assigned()
    world.run("task-4-1")
    assert world.assigned()[-1] == "task-5-1"


def test_blocked_tasks_are_not_in_the_way_of_others(world: World) -> None:
    world.pool()
    world.job(uses_task_dependencies=True)
    world.tasks(*(f"blocked-{number}" for number in range(50)), depends_on=after("never"))
    world.tasks("free")
    assert world.assigned() == ["task-51-1"]


def test_dependencies_need_a_job_that_uses_them(world: World) -> None:
    """D-1."""
    world.job()
    (added,) = world.tasks("one", depends_on=after("two"))
    assert added.refused.code is ErrorCode.TASK_DEPENDENCIES_NOT_SPECIFIED_ON_JOB


def test_a_restarted_server_knows_who_waits(chain: World) -> None:
    chain.report(chain.started("task-1-1"))
    chain.restart()
    chain.join(chain.nodes()[0].key, known=["task-1-1"])
    assert chain.assigned() == []
    chain.report(chain.ended("task-1-1"))
    assert chain.assigned() == ["task-2-1"]


def test_a_failed_task_terminates_a_job_that_performs_its_action(world: World) -> None:
    """J-24: that is the action unless the task says something else."""
    world.pool()
    world.job(on_task_failure=PERFORM)
    world.tasks("one")
    world.run("task-1-1", exit_code=1)
    assert (world.job_now().state, world.job_now().terminate_reason) == ("completed", "TaskFailed")


def test_a_task_may_disable_its_job(world: World) -> None:
    world.pool(slots=2)
    world.job(on_task_failure=PERFORM)
    conditions = ExitConditions(exit_codes=((4, ExitOptions(job_action=JobAction.DISABLE)),))
    world.tasks("one", exit_conditions=conditions)
    world.tasks("two")
    world.report(world.started("task-2-1"))
    world.run("task-1-1", exit_code=4)
    assert (world.job_now().state, world.state_of("two")) == ("disabling", "active")
    world.report(world.ended("task-2-1"))
    assert world.job_now().state == "disabled"


def test_a_job_goes_on_after_failures_unless_it_performs_actions(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("one")
    world.run("task-1-1", exit_code=1)
    assert world.job_now().state == "active"


def test_a_job_action_needs_a_job_that_performs_it(world: World) -> None:
    """J-25."""
    world.job()
    conditions = ExitConditions(default=ExitOptions(job_action=JobAction.NONE))
    (added,) = world.tasks("one", exit_conditions=conditions)
    assert isinstance(added.refused, Refused)
    assert added.refused.code is ErrorCode.INVALID_PROPERTY_VALUE
    (other,) = world.tasks("two", exit_conditions=ExitConditions(default=SATISFY))
    assert other.refused is None


def test_the_end_of_a_task_costs_no_question_about_dependents_where_there_are_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pool()
    world.job()
    world.tasks("one")

    def fail(*_: object) -> None:
        raise AssertionError("nobody depends on anything here")

    monkeypatch.setattr("batchyard.store.dependencies.satisfy", fail)
    world.run("task-1-1")
    assert world.state_of("one") == "completed"
    world.do(commands.delete_task, ACCOUNT, "job", "one")


def test_a_reactivated_task_runs_again_and_lets_its_dependents_run(chain: World) -> None:
    """D-11, T-22."""
    chain.run("task-1-1", exit_code=1)
    chain.do(commands.reactivate_task, ACCOUNT, "job", "first")
    assert chain.state_of("first") == "active"
    counts = chain.store.reads.task_counts(ACCOUNT, "job")
    assert (counts.active, counts.failed) == (2, 0)
    chain.run("task-1-2")
    assert chain.assigned() == ["task-1-1", "task-1-2", "task-2-1"]


def test_a_task_of_a_job_that_has_ended_is_not_reactivated(chain: World) -> None:
    chain.run("task-1-1", exit_code=1)
    chain.do(commands.terminate_job, ACCOUNT, "job", None)
    with pytest.raises(Refused) as refused:
        chain.do(commands.reactivate_task, ACCOUNT, "job", "first")
    assert refused.value.code is ErrorCode.JOB_COMPLETED


def test_a_task_that_succeeded_is_not_reactivated(chain: World) -> None:
    chain.run("task-1-1")
    with pytest.raises(Refused) as refused:
        chain.do(commands.reactivate_task, ACCOUNT, "job", "first")
    assert refused.value.code is ErrorCode.TASK_SUCCEEDED
