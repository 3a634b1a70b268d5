"""Job manager tasks: what they, their jobs and their nodes do about one another (J-57 ... J-62)."""

import pytest

from batchyard.core import node as node_cycle
from batchyard.core import pool as pool_cycle
from batchyard.core.effects import OpenExecution, WakePlacement
from batchyard.core.execution import opened
from batchyard.core.execution import step as execution_step
from batchyard.core.job import step as job_step
from batchyard.core.job_events import JobEvent, ManagerBegan, ManagerEnded
from batchyard.core.keys import ExecutionId, PoolKey, TaskKey
from batchyard.core.pool_events import SlotsFreed, SlotsTaken
from batchyard.core.states import ExecutionKind, JobState, NodeState, TaskResult
from batchyard.core.task import step as task_step
from batchyard.core.task_events import (
    DeleteTask,
    ExecutionEnded,
    TaskEnded,
    TaskPlaced,
    TaskStarted,
    TerminateTask,
)
from tests.core import test_job, test_node, test_pool, test_task
from tests.core.exploring import NOW

TASK, NODE = test_task.KEY, test_node.KEY
JOB = test_task.new().job
BEGAN, ENDED = ManagerBegan(key=JOB), ManagerEnded(key=JOB)


def test_a_manager_takes_the_slots_that_placement_gives_it_and_says_so_on_its_node() -> None:
    """J-61: an exclusive one takes more than it asked for."""
    event = TaskPlaced(key=TASK, node=NODE, slots=4, needs_preparation=False)
    (order,) = task_step(test_task.new(is_manager=True), event, NOW).effects
    assert isinstance(order, OpenExecution)
    assert (order.slots, order.is_manager) == (4, True)
    assert SlotsTaken(key=NODE, slots=4, is_manager=True) in opened(order, 1).effects


def test_a_manager_that_begins_lets_the_others_of_its_job_run() -> None:
    """J-57."""
    manager = test_task.placed(test_task.new(is_manager=True))
    started = task_step(manager, TaskStarted(key=TASK, attempt=1, time=NOW), NOW)
    assert list(started.effects) == [BEGAN]


def test_a_manager_that_is_deleted_is_not_waited_for() -> None:
    deleted = task_step(test_task.new(is_manager=True), DeleteTask(key=TASK), NOW)
    assert list(deleted.effects) == [BEGAN]


@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_manager_tells_its_job_when_it_is_completed(exit_code: int) -> None:
    """J-60: in whatever way."""
    manager = test_task.started(test_task.placed(test_task.new(is_manager=True)))
    ending = TaskEnded(key=TASK, attempt=1, ending=test_task.ending(exit_code))
    assert ENDED in task_step(manager, ending, NOW).effects
    assert ENDED in task_step(manager, TerminateTask(key=TASK), NOW).effects


def test_a_manager_that_is_tried_again_is_not_completed_but_restarted() -> None:
    """J-58."""
    manager = test_task.started(test_task.placed(test_task.new(is_manager=True, retry_count_max=1)))
    assert not manager.is_restarted_manager
    ending = TaskEnded(key=TASK, attempt=1, ending=test_task.ending(1))
    again = task_step(manager, ending, NOW)
    assert ENDED not in again.effects
    assert again.entity is not None
    assert again.entity.is_restarted_manager


def test_other_tasks_tell_their_job_nothing() -> None:
    task = test_task.started()
    assert ENDED not in task_step(task, TerminateTask(key=TASK), NOW).effects


@pytest.mark.parametrize("event", [BEGAN, ENDED])
def test_a_job_runs_its_other_tasks_once_its_manager_began_or_is_over(event: JobEvent) -> None:
    job = test_job.new(has_manager=True, awaits_manager=True, pool=PoolKey(7))
    stepped = job_step(job, event, NOW)
    assert stepped.entity is not None
    assert (stepped.entity.awaits_manager, stepped.entity.state) == (False, JobState.ACTIVE)
    assert list(stepped.effects) == [WakePlacement(PoolKey(7))]
    assert job_step(stepped.entity, event, NOW).entity is stepped.entity


def test_a_job_ends_with_its_manager_unless_it_was_told_not_to() -> None:
    """J-60: the manager's end does not move the resource itself otherwise (S-4)."""
    ended = job_step(test_job.new(has_manager=True, ends_with_manager=True), ENDED, NOW).entity
    assert ended is not None
    assert (ended.state, ended.terminate_reason) == (JobState.COMPLETED, "JMComplete")
    job = test_job.new(has_manager=True)
    assert job_step(job, ENDED, NOW).entity is job


def test_the_end_of_a_manager_comes_too_late_for_a_job_that_ends() -> None:
    job = test_job.a_job(JobState.TERMINATING)
    assert job_step(job, ENDED, NOW).entity is job


def test_an_execution_says_on_its_node_that_a_manager_is_over() -> None:
    order = OpenExecution(
        id=ExecutionId("task-17-1"),
        kind=ExecutionKind.TASK,
        job=JOB,
        task=TaskKey(17),
        node=NODE,
        attempt=1,
        slots=4,
        is_manager=True,
    )
    execution = opened(order, 1).entity
    assert execution is not None
    over = execution_step(execution, ExecutionEnded(key=order.id, ending=None), NOW)
    assert (
        SlotsFreed(key=NODE, task=TaskKey(17), slots=4, result=None, is_manager=True)
        in over.effects
    )


def test_a_node_counts_the_managers_on_it() -> None:
    node = test_node.a_node(NodeState.IDLE)
    taken = node_cycle.step(node, SlotsTaken(key=NODE, slots=4, is_manager=True), NOW).entity
    assert taken is not None
    assert taken.managers_running == 1
    freed = SlotsFreed(
        key=NODE, task=TaskKey(17), slots=4, result=TaskResult.SUCCESS, is_manager=True
    )
    idle = node_cycle.step(taken, freed, NOW).entity
    assert idle is not None
    assert idle.managers_running == 0


def test_nodes_with_managers_leave_last() -> None:
    """J-59."""
    present = [
        test_node.new(key=1, state=NodeState.RUNNING, slots_used=1, tasks_running=1),
        test_node.new(
            key=2, state=NodeState.RUNNING, slots_used=1, tasks_running=1, managers_running=1
        ),
        test_node.new(key=3, state=NodeState.RUNNING, slots_used=3, tasks_running=3),
    ]
    plan = pool_cycle.plan_nodes(test_pool.new(dedicated=1, low_priority=0), present)
    assert plan.leave == (1, 3)
