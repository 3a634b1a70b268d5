"""The life of a task, cell by cell and rule by rule."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any, get_args

import pytest

from batchyard.core import failures, limits
from batchyard.core.errors import InvalidTransition
from batchyard.core.messages import (
    DeleteTask,
    OpenExecution,
    RequeueTask,
    StopExecution,
    TaskEnded,
    TaskEvent,
    TaskGivenBack,
    TaskLost,
    TaskPlaced,
    TaskStarted,
    TerminateTask,
)
from batchyard.core.model import (
    EndCause,
    Ending,
    ExecutionKind,
    JobKey,
    NodeKey,
    Task,
    TaskKey,
    TaskResult,
    TaskState,
)
from batchyard.core.task import MOVES, check, is_stale, step
from tests.core.exploring import NOW, assert_cell, explore, listed

KEY = TaskKey(17)
NODE = NodeKey(3)
LATER = NOW + timedelta(seconds=5)


def ending(
    exit_code: int | None = 0, cause: EndCause = EndCause.EXITED, message: str = ""
) -> Ending:
    return Ending(cause=cause, exit_code=exit_code, message=message, start_time=NOW, end_time=LATER)


def new(**changes: Any) -> Task:
    return replace(Task(key=KEY, job=JobKey(2), state=TaskState.ACTIVE, state_time=NOW), **changes)


def placed(task: Task | None = None, *, needs_preparation: bool = False) -> Task:
    event = TaskPlaced(key=KEY, node=NODE, needs_preparation=needs_preparation)
    after = step(task or new(), event, NOW).entity
    assert after is not None
    return after


def started(task: Task | None = None) -> Task:
    before = task or placed()
    after = step(before, TaskStarted(key=KEY, attempt=before.attempt, time=NOW), NOW).entity
    assert after is not None
    return after


def ended(task: Task, how: Ending) -> Task:
    after = step(task, TaskEnded(key=KEY, attempt=task.attempt, ending=how), LATER).entity
    assert after is not None
    return after


def a_task(state: TaskState) -> Task:
    """A task that reached `state` by the shortest legal path."""
    match state:
        case TaskState.ACTIVE:
            return new()
        case TaskState.PREPARING:
            return placed(needs_preparation=True)
        case TaskState.RUNNING:
            return started()
        case TaskState.COMPLETED:
            return ended(started(), ending())


def events(task: Task) -> list[TaskEvent]:
    """Every event in every flavour that makes a difference, about the present attempt."""
    attempt = task.attempt
    told: list[TaskEvent] = [
        TaskStarted(key=KEY, attempt=attempt, time=NOW),
        TaskEnded(key=KEY, attempt=attempt, ending=ending(0)),
        TaskEnded(key=KEY, attempt=attempt, ending=ending(1)),
        TaskGivenBack(key=KEY, attempt=attempt),
        TaskLost(key=KEY, attempt=attempt),
        RequeueTask(key=KEY, attempt=attempt),
        TerminateTask(key=KEY),
        DeleteTask(key=KEY),
    ]
    return told + [
        TaskPlaced(key=KEY, node=NODE, needs_preparation=needs_preparation)
        for needs_preparation in (True, False)
    ]


@pytest.mark.parametrize(("state", "kind"), list(product(TaskState, get_args(TaskEvent))))
def test_every_cell_is_listed_stale_or_a_defect(state: TaskState, kind: type[Any]) -> None:
    task = a_task(state)
    for event in (event for event in events(task) if type(event) is kind):
        assert_cell(task, event, step, lambda task: task.state, MOVES, {}, is_stale)


def test_the_table_lists_exactly_what_can_happen() -> None:
    """A row that nothing reaches, or a way that no row allows, would make the diagram a lie."""
    beginnings = [
        new(retry_count_max=1),
        new(retry_count_max=limits.RETRY_COUNT_UNLIMITED),
        new(recovery_count=limits.RECOVERY_COUNT_MAX),
    ]
    moves = explore(
        beginnings,
        events,
        step,
        lambda task: task.state,
        check,
        is_stale,
        lambda task: task.attempt < 4,
    )
    assert moves == listed(MOVES)


def test_a_placed_task_is_not_placed_again() -> None:
    """Two nodes would run the same attempt."""
    with pytest.raises(InvalidTransition):
        placed(placed())


def test_placing_opens_an_execution_with_the_tasks_slots() -> None:
    result = step(
        new(required_slots=3), TaskPlaced(key=KEY, node=NODE, needs_preparation=False), NOW
    )
    (order,) = result.effects
    assert isinstance(order, OpenExecution)
    assert (order.id, order.kind, order.slots, order.attempt) == (
        "task-17-1",
        ExecutionKind.TASK,
        3,
        1,
    )


def test_a_task_that_waits_for_its_nodes_preparation_is_preparing() -> None:
    assert placed(needs_preparation=True).state is TaskState.PREPARING
    assert placed(needs_preparation=False).state is TaskState.ACTIVE


def test_a_started_task_runs_from_the_time_that_its_node_tells() -> None:
    task = started()
    assert (task.state, task.start_time, task.previous_state) == (
        TaskState.RUNNING,
        NOW,
        TaskState.ACTIVE,
    )


def test_exit_code_zero_is_success() -> None:
    task = ended(started(), ending(0))
    assert (task.state, task.result, task.exit_code, task.failure) == (
        TaskState.COMPLETED,
        TaskResult.SUCCESS,
        0,
        None,
    )
    assert (task.end_time, task.state_time) == (LATER, LATER)


def test_another_exit_code_is_a_failure_with_its_code() -> None:
    task = ended(started(), ending(7))
    assert task.result is TaskResult.FAILURE
    assert task.exit_code == 7
    assert task.failure is not None
    assert task.failure.code == "FailureExitCode"


def test_an_exit_code_that_is_not_zero_is_retried_until_the_limit() -> None:
    """maxTaskRetryCount counts retries, not runs: 1 means two runs in all."""
    first = ended(started(placed(new(retry_count_max=1))), ending(7))
    assert (first.state, first.retry_count, first.is_placed, first.start_time) == (
        TaskState.ACTIVE,
        1,
        False,
        None,
    )
    second = started(placed(first))
    assert second.last_retry_time == NOW
    assert ended(second, ending(7)).state is TaskState.COMPLETED


def test_a_retry_without_limit_never_gives_up() -> None:
    task = new(retry_count_max=limits.RETRY_COUNT_UNLIMITED, retry_count=10_000)
    assert ended(started(placed(task)), ending(1)).retry_count == 10_001


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (EndCause.PROGRAM_NOT_FOUND, "CommandProgramNotFound"),
        (EndCause.LAUNCH_FAILED, "CommandLaunchFailed"),
        (EndCause.DIRECTORY_FAILED, "ResourceDirectoryCreateFailed"),
        (EndCause.TIMED_OUT, "TaskEnded"),
        (EndCause.STOPPED, "TaskEnded"),
    ],
)
def test_what_is_no_exit_code_is_not_retried(cause: EndCause, code: str) -> None:
    """Trying again would find the same missing program (T-14)."""
    task = ended(started(placed(new(retry_count_max=5))), ending(None, cause, "why"))
    assert (task.state, task.retry_count, task.result) == (
        TaskState.COMPLETED,
        0,
        TaskResult.FAILURE,
    )
    assert task.failure is not None
    assert task.failure.code == code


def test_a_lost_node_costs_neither_a_retry_nor_a_requeue() -> None:
    """Losing a node is the service's fault (T-15, T-17)."""
    task = started()
    lost = step(task, TaskLost(key=KEY, attempt=1), LATER).entity
    assert lost is not None
    assert (lost.state, lost.retry_count, lost.requeue_count, lost.recovery_count) == (
        TaskState.ACTIVE,
        0,
        0,
        1,
    )


def test_a_lost_task_that_had_not_started_costs_nothing() -> None:
    lost = step(placed(), TaskLost(key=KEY, attempt=1), LATER).entity
    assert lost is not None
    assert (lost.recovery_count, lost.is_placed) == (0, False)


def test_recoveries_are_capped() -> None:
    """A task that kills its nodes would go round for ever."""
    task = started(placed(new(recovery_count=limits.RECOVERY_COUNT_MAX)))
    given_up = step(task, TaskLost(key=KEY, attempt=1), LATER).entity
    assert given_up is not None
    assert given_up.failure is failures.TOO_MANY_RECOVERIES


def test_a_requeue_is_counted_and_ends_the_run() -> None:
    result = step(started(), RequeueTask(key=KEY, attempt=1), LATER)
    assert result.entity is not None
    assert (result.entity.requeue_count, result.entity.last_requeue_time) == (1, LATER)
    assert list(result.effects) == [StopExecution(key=task_id())]


def test_a_requeue_before_the_start_is_not_counted() -> None:
    requeued = step(placed(), RequeueTask(key=KEY, attempt=1), LATER).entity
    assert requeued is not None
    assert (requeued.requeue_count, requeued.last_requeue_time) == (0, None)


def test_terminating_a_running_task_stops_its_execution_at_once() -> None:
    result = step(started(), TerminateTask(key=KEY), LATER)
    assert result.entity is not None
    assert result.entity.failure is failures.TASK_ENDED
    assert list(result.effects) == [StopExecution(key=task_id())]


def test_terminating_a_waiting_task_has_nothing_to_stop() -> None:
    assert list(step(new(), TerminateTask(key=KEY), LATER).effects) == []


def test_a_late_report_of_a_given_up_node_changes_nothing() -> None:
    """Without this the old node's exit would complete the task that runs elsewhere by now."""
    lost = step(started(), TaskLost(key=KEY, attempt=1), LATER).entity
    moved = started(placed(lost))

    late = step(moved, TaskEnded(key=KEY, attempt=1, ending=ending(0)), LATER)

    assert late.entity is moved
    assert late.effects == ()


def task_id() -> Any:
    return "task-17-1"
