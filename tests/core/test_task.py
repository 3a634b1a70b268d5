"""The life of a task, cell by cell and rule by rule."""

from datetime import timedelta
from itertools import product
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from batchyard.core import failures, limits
from batchyard.core.effects import (
    OpenExecution,
    WakeRetention,
)
from batchyard.core.errors import ErrorCode, InvalidTransition, Refused
from batchyard.core.job_events import PerformJobAction
from batchyard.core.keys import JobKey, NodeKey, TaskKey, task_execution_id
from batchyard.core.model import Ending, Task, Usage
from batchyard.core.states import EndCause, ExecutionKind, JobAction, TaskResult, TaskState
from batchyard.core.task import MOVES, REFUSALS, check, is_stale, step
from batchyard.core.task_events import (
    ConstrainTask,
    DeleteTask,
    EndGang,
    ForgetGang,
    GangPlaced,
    ReactivateTask,
    RequeueTask,
    StopExecution,
    TaskEnded,
    TaskEvent,
    TaskFilesRemoved,
    TaskGivenBack,
    TaskLost,
    TaskOutlived,
    TaskPlaced,
    TaskStarted,
    TerminateAttempt,
    TerminateTask,
)
from tests.core.exploring import NOW, assert_cell, explore, listed

KEY = TaskKey(17)
NODE = NodeKey(3)
LATER = NOW + timedelta(seconds=5)
WEEK = timedelta(days=7)


def ending(
    exit_code: int | None = 0,
    cause: EndCause = EndCause.EXITED,
    message: str = "",
    usage: Usage | None = None,
) -> Ending:
    return Ending(
        cause=cause,
        exit_code=exit_code,
        message=message,
        start_time=NOW,
        end_time=LATER,
        usage=usage,
    )


def new(**changes: Any) -> Task:
    return replace(
        Task(key=KEY, job=JobKey(2), state=TaskState.ACTIVE, state_time=NOW, last_modified=NOW),
        **changes,
    )


def placed(task: Task | None = None, *, needs_preparation: bool = False) -> Task:
    event = TaskPlaced(key=KEY, node=NODE, slots=1, needs_preparation=needs_preparation)
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
        TerminateAttempt(key=KEY, attempt=attempt),
        TerminateTask(key=KEY),
        ReactivateTask(key=KEY),
        ConstrainTask(key=KEY, retry_count_max=1, retention_time=None),
        TaskOutlived(key=KEY),
        DeleteTask(key=KEY),
    ]
    if task.files_due_time is not None:
        told.append(TaskFilesRemoved(key=KEY))
    return told + [
        TaskPlaced(key=KEY, node=NODE, slots=1, needs_preparation=needs_preparation)
        for needs_preparation in (True, False)
    ]


@pytest.mark.parametrize(("state", "kind"), list(product(TaskState, get_args(TaskEvent))))
def test_every_cell_is_listed_refused_stale_or_a_defect(state: TaskState, kind: type[Any]) -> None:
    task = a_task(state)
    for event in (event for event in events(task) if type(event) is kind):
        assert_cell(task, event, step, lambda task: task.state, MOVES, REFUSALS, is_stale)


def test_the_table_lists_exactly_what_can_happen() -> None:
    """A row that nothing reaches, or a way that no row allows, would make the diagram a lie."""
    beginnings = [
        new(retry_count_max=1),
        new(retry_count_max=limits.RETRY_COUNT_UNLIMITED),
        new(recovery_count=limits.RECOVERY_COUNT_MAX),
        new(is_manager=True),
        new(instances=2),
    ]
    moves = explore(
        beginnings,
        events,
        step,
        lambda task: task.state,
        check,
        is_stale,
        lambda task: task.attempt < 4 and task.revision < 3,
    )
    assert moves == listed(MOVES)


def test_a_placed_task_is_not_placed_again() -> None:
    """Two nodes would run the same attempt."""
    with pytest.raises(InvalidTransition):
        placed(placed())


def test_placing_opens_an_execution_with_the_tasks_slots() -> None:
    result = step(
        new(required_slots=3), TaskPlaced(key=KEY, node=NODE, slots=3, needs_preparation=False), NOW
    )
    (order,) = result.effects
    assert isinstance(order, OpenExecution)
    assert (order.id, order.kind, order.slots, order.attempt) == (
        "task-17-1",
        ExecutionKind.TASK,
        3,
        1,
    )


def test_a_multi_instance_task_is_placed_as_a_gang() -> None:
    """T-58: the primary's node comes first."""
    others = (NodeKey(5), NodeKey(4))
    event = TaskPlaced(key=KEY, node=NODE, slots=1, needs_preparation=False, others=others)
    result = step(new(instances=3), event, NOW)
    assert list(result.effects) == [GangPlaced(key=KEY, attempt=1, nodes=(NODE, *others), slots=1)]
    assert result.entity is not None
    assert result.entity.node == NODE


@pytest.mark.parametrize(
    "event",
    [
        TaskEnded(key=KEY, attempt=1, ending=ending(0)),
        TaskGivenBack(key=KEY, attempt=1),
        TaskLost(key=KEY, attempt=1),
        RequeueTask(key=KEY, attempt=1),
        TerminateAttempt(key=KEY, attempt=1),
        TerminateTask(key=KEY),
        TaskOutlived(key=KEY),
    ],
)
def test_however_an_attempt_of_a_multi_instance_task_ends_all_instances_do(event: Any) -> None:
    """T-60: its gang knows what is left of it, so the task stops nothing itself."""
    effects = list(step(started(placed(new(instances=2))), event, LATER).effects)
    assert effects[0] == EndGang(key=KEY, attempt=1)
    assert not any(isinstance(effect, StopExecution) for effect in effects)


def test_a_deleted_multi_instance_task_ends_and_forgets_its_gang() -> None:
    running = started(placed(new(instances=2)))
    forget = ForgetGang(key=KEY)
    assert list(step(running, DeleteTask(key=KEY), LATER).effects) == [
        EndGang(key=KEY, attempt=1),
        forget,
    ]
    over = ended(running, ending(0))
    assert list(step(over, DeleteTask(key=KEY), LATER).effects) == [forget]


def test_a_running_task_of_which_an_instance_never_started_goes_back_uncounted() -> None:
    """The node of another instance could not be prepared, for example (J-69)."""
    running = started(placed(new(instances=2)))
    back = step(running, TaskGivenBack(key=KEY, attempt=1), LATER).entity
    assert back is not None
    assert (back.state, back.requeue_count, back.recovery_count, back.retry_count) == (
        TaskState.ACTIVE,
        0,
        0,
        0,
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
        (EndCause.FILE_NOT_FOUND, "BlobNotFound"),
        (EndCause.FILE_ACCESS_DENIED, "BlobAccessDenied"),
        (EndCause.FILE_TIMED_OUT, "BlobDownloadTimedOut"),
        (EndCause.FILE_DOWNLOAD_FAILED, "BlobDownloadMiscError"),
        (EndCause.FILE_WRITE_FAILED, "ResourceFileWriteFailed"),
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


def test_a_requeue_of_a_task_that_waits_for_its_preparation_is_not_counted() -> None:
    event = RequeueTask(key=KEY, attempt=1)
    requeued = step(placed(needs_preparation=True), event, LATER).entity
    assert requeued is not None
    assert (requeued.requeue_count, requeued.last_requeue_time) == (0, None)


@pytest.mark.parametrize("kind", [RequeueTask, TerminateAttempt])
def test_a_task_that_nobody_was_told_to_run_goes_back_uncounted(kind: type[Any]) -> None:
    """It may only have queued on the node that is taken away: to its user it was ``active``."""
    result = step(placed(), kind(key=KEY, attempt=1), LATER)
    assert result.entity is not None
    assert (result.entity.state, result.entity.requeue_count) == (TaskState.ACTIVE, 0)
    assert list(result.effects) == [StopExecution(key=task_id())]


def test_terminating_a_running_task_stops_its_execution_at_once() -> None:
    result = step(started(), TerminateTask(key=KEY), LATER)
    assert result.entity is not None
    assert result.entity.failure is failures.TASK_ENDED
    assert list(result.effects) == [
        StopExecution(key=task_id()),
        WakeRetention(LATER + WEEK),
        PerformJobAction(key=JobKey(2), action=JobAction.TERMINATE),
    ]


def test_a_failed_task_starts_anew_when_it_is_reactivated() -> None:
    """T-22, T-72."""
    tried = replace(started(), retry_count_max=2, retry_count=2)
    failed = ended(tried, ending(7))
    assert (failed.state, failed.retry_count) == (TaskState.COMPLETED, 2)
    again = step(failed, ReactivateTask(key=KEY), LATER).entity
    assert again is not None
    assert (again.state, again.retry_count, again.exit_code) == (TaskState.ACTIVE, 0, None)
    assert (again.result, again.failure, again.end_time) == (None, None, None)
    assert (again.files_due_time, again.attempt) == (None, failed.attempt)


def test_terminating_a_waiting_task_has_nothing_to_stop() -> None:
    effects = step(new(), TerminateTask(key=KEY), LATER).effects
    assert list(effects) == [PerformJobAction(key=JobKey(2), action=JobAction.TERMINATE)]


def test_files_of_a_completed_task_are_kept_for_its_retention_time() -> None:
    """F-9: measured from its end."""
    task = ended(started(placed(new(retention_time=timedelta(hours=1)))), ending())
    assert task.files_due_time == LATER + timedelta(hours=1)
    gone = step(task, TaskFilesRemoved(key=KEY), LATER).entity
    assert gone is not None
    assert (gone.files_due_time, gone.are_files_removed) == (None, True)


@pytest.mark.parametrize("task", [new(), placed(needs_preparation=True), started()])
def test_a_task_is_ended_at_the_end_of_its_lifetime_and_its_files_are_out_of_reach(
    task: Task,
) -> None:
    """T-8, SA-61."""
    result = step(task, TaskOutlived(key=KEY), LATER)
    after, effects = result.entity, result.effects
    assert after is not None
    assert (after.state, after.failure) == (TaskState.COMPLETED, failures.LIFETIME_OVER)
    assert (after.files_due_time, after.are_files_removed) == (None, True)
    assert (StopExecution(key=task_execution_id(KEY, 1)) in effects) == task.is_placed


def test_what_a_task_has_used_adds_up_over_its_executions() -> None:
    """T-67."""
    task = ended(started(placed(new(retry_count_max=1))), ending(1, usage=Usage(1, 2, 3, 4, 5)))
    assert task.usage == Usage(1, 2, 3, 4, 5)
    task = ended(started(placed(task)), ending(0, usage=Usage(10, 20, 30, 40, 50)))
    assert task.usage == Usage(11, 22, 33, 44, 55)


def test_what_an_execution_used_that_was_given_up_counts_when_it_is_over() -> None:
    running = started()
    task = step(running, TerminateTask(key=KEY), LATER).entity
    assert task is not None
    after = step(task, TaskEnded(key=KEY, attempt=1, ending=ending(usage=Usage(5))), LATER)
    assert after.entity == replace(task, usage=Usage(5))
    assert not after.effects


def test_files_may_be_kept_for_ever() -> None:
    assert ended(started(placed(new(retention_time=None))), ending()).files_due_time is None


def test_files_that_are_due_after_the_end_of_time_are_kept_for_ever() -> None:
    """A report that could not be taken in would be told again for ever."""
    task = started(placed(new(retention_time=timedelta(days=9_999_999))))
    assert ended(task, ending()).files_due_time is None


def test_a_task_that_never_ran_left_no_files() -> None:
    terminated = step(new(), TerminateTask(key=KEY), LATER).entity
    assert terminated is not None
    assert terminated.files_due_time is None


def test_other_constraints_move_the_etag_and_count_from_now_on() -> None:
    """T-24, T-25, S-4."""
    event = ConstrainTask(key=KEY, retry_count_max=3, retention_time=None)
    changed = step(started(), event, LATER).entity
    assert changed is not None
    assert (changed.revision, changed.last_modified) == (2, LATER)
    assert ended(changed, ending(1)).state is TaskState.ACTIVE


@pytest.mark.parametrize(
    "event",
    [TerminateTask(key=KEY), ConstrainTask(key=KEY, retry_count_max=1, retention_time=None)],
    ids=lambda event: type(event).__name__,
)
def test_a_completed_task_is_neither_terminated_nor_changed(event: TaskEvent) -> None:
    with pytest.raises(Refused) as refused:
        step(a_task(TaskState.COMPLETED), event, LATER)
    assert refused.value.code is ErrorCode.TASK_COMPLETED


def test_a_task_whose_node_is_taken_away_may_be_ended_with_it() -> None:
    """P-17: the option ``terminate``."""
    result = step(started(), TerminateAttempt(key=KEY, attempt=1), LATER)
    assert result.entity is not None
    assert result.entity.failure is failures.TASK_ENDED


def test_a_late_report_of_a_given_up_node_changes_nothing() -> None:
    """Without this the old node's exit would complete the task that runs elsewhere by now."""
    lost = step(started(), TaskLost(key=KEY, attempt=1), LATER).entity
    moved = started(placed(lost))

    late = step(moved, TaskEnded(key=KEY, attempt=1, ending=ending(0)), LATER)

    assert late.entity is moved
    assert late.effects == ()


def task_id() -> Any:
    return "task-17-1"
