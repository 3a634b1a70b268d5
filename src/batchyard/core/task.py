"""The life of a task: ``active -> preparing -> running -> completed``.

A task runs by attempts. Placement opens one on a node; until the node reports its start the task
stays ``active``, or ``preparing`` if the node must run the job preparation task first. How an
attempt ends decides whether the task completes or becomes ``active`` again, and by which count:

* an exit code that is not zero: a *retry*, at most ``maxTaskRetryCount`` (T-14);
* a user took the node away: a *requeue* (T-17), if the node had told that it runs;
* the node was lost: a *recovery*, counted internally and capped (T-15);
* it never started, or one of its instances did not: given back, and nothing is counted.

A job manager task tells its job when it begins and when it is completed (J-57, J-60).

News of an attempt that is not the present one are ignored: it was given up, and the task may run
elsewhere already. Source: 01 Task.state, 03.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, assert_never

from msgspec.structs import replace

from batchyard.core import exits, failures, limits, times
from batchyard.core.effects import (
    Effect,
    OpenExecution,
    Step,
    WakeRetention,
)
from batchyard.core.errors import ErrorCode, InvalidTransition, Refused
from batchyard.core.job_events import ManagerBegan, ManagerEnded, PerformJobAction
from batchyard.core.keys import task_execution_id
from batchyard.core.model import Ending, Failure, Task, Usage
from batchyard.core.states import DependencyAction, ExecutionKind, JobAction, TaskResult, TaskState
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

ACTIVE, PREPARING, RUNNING, COMPLETED = TaskState

MOVES: Final[Mapping[tuple[TaskState, type[TaskEvent]], frozenset[TaskState | None]]] = {
    (ACTIVE, TaskPlaced): frozenset({ACTIVE, PREPARING}),
    (ACTIVE, TaskStarted): frozenset({RUNNING}),
    (ACTIVE, TaskGivenBack): frozenset({ACTIVE}),
    (ACTIVE, TaskLost): frozenset({ACTIVE}),
    (ACTIVE, RequeueTask): frozenset({ACTIVE}),
    (ACTIVE, TerminateAttempt): frozenset({ACTIVE}),
    (ACTIVE, TerminateTask): frozenset({COMPLETED}),
    (ACTIVE, ConstrainTask): frozenset({ACTIVE}),
    (ACTIVE, TaskOutlived): frozenset({COMPLETED}),
    (ACTIVE, DeleteTask): frozenset({None}),
    (PREPARING, TaskStarted): frozenset({RUNNING}),
    (PREPARING, TaskGivenBack): frozenset({ACTIVE}),
    (PREPARING, TaskLost): frozenset({ACTIVE}),
    (PREPARING, RequeueTask): frozenset({ACTIVE}),
    (PREPARING, TerminateAttempt): frozenset({COMPLETED}),
    (PREPARING, TerminateTask): frozenset({COMPLETED}),
    (PREPARING, ConstrainTask): frozenset({PREPARING}),
    (PREPARING, TaskOutlived): frozenset({COMPLETED}),
    (PREPARING, DeleteTask): frozenset({None}),
    (RUNNING, TaskStarted): frozenset({RUNNING}),  # A node tells it again after a reconnect.
    (RUNNING, TaskEnded): frozenset({ACTIVE, COMPLETED}),
    (RUNNING, TaskGivenBack): frozenset({ACTIVE}),  # One of its instances never started.
    (RUNNING, TaskLost): frozenset({ACTIVE, COMPLETED}),
    (RUNNING, RequeueTask): frozenset({ACTIVE}),
    (RUNNING, TerminateAttempt): frozenset({COMPLETED}),
    (RUNNING, TerminateTask): frozenset({COMPLETED}),
    (RUNNING, ConstrainTask): frozenset({RUNNING}),
    (RUNNING, TaskOutlived): frozenset({COMPLETED}),
    (RUNNING, DeleteTask): frozenset({None}),
    (COMPLETED, ReactivateTask): frozenset({ACTIVE}),
    (COMPLETED, TaskFilesRemoved): frozenset({COMPLETED}),
    (COMPLETED, DeleteTask): frozenset({None}),
}

REFUSALS: Final[Mapping[tuple[TaskState, type[TaskEvent]], ErrorCode]] = {
    (COMPLETED, TerminateTask): ErrorCode.TASK_COMPLETED,
    (COMPLETED, ConstrainTask): ErrorCode.TASK_COMPLETED,
    (ACTIVE, ReactivateTask): ErrorCode.TASK_NOT_COMPLETED,
    (PREPARING, ReactivateTask): ErrorCode.TASK_NOT_COMPLETED,
    (RUNNING, ReactivateTask): ErrorCode.TASK_NOT_COMPLETED,
}


def step(task: Task, event: TaskEvent, now: datetime) -> Step[Task]:
    """Apply one event to one task.

    Raises:
        Refused: ``TaskCompleted``, ``TaskNotCompleted``.
        InvalidTransition: The task's state cannot take this event.
    """
    if is_stale(task, event):
        return Step(_with_stale_usage(task, event))
    if (task.state, type(event)) in REFUSALS:
        raise Refused(REFUSALS[task.state, type(event)])
    moves = MOVES.get((task.state, type(event)))
    if moves is None:
        raise InvalidTransition(f"task {task.key} is {task.state} and cannot take {event}")
    match event:
        case TaskPlaced():
            result = _placed(task, event, now)
        case TaskStarted():
            result = _started(task, event)
        case TaskEnded():
            result = _ended(task, event)
        case TaskGivenBack():
            result = Step(_waiting(task, now))
        case TaskLost():
            result = _lost(task, now)
        case RequeueTask():
            result = _requeued(task, now)
        case TerminateAttempt() if task.state is ACTIVE:
            result = _requeued(task, now)  # Nobody was told that it runs.
        case TerminateAttempt() | TerminateTask():
            result = _terminated(task, now)
        case TaskOutlived():
            result = _outlived(task, now)
        case ReactivateTask():
            result = _reactivated(task, now)
        case ConstrainTask():
            result = Step(_constrained(task, event, now))
        case TaskFilesRemoved():
            result = Step(replace(task, files_due_time=None, are_files_removed=True))
        case DeleteTask():
            result = Step(None, (*_stop(task), *_begin_job(task)))
        case _:
            assert_never(event)
    state = None if result.entity is None else result.entity.state
    assert state in moves, (task, event, result)
    return _with_gang(task, result) if task.instances else result


def _with_gang(task: Task, result: Step[Task]) -> Step[Task]:
    """Have what is left of an attempt that is over ended on all of its nodes (T-60)."""
    after = result.entity
    effects = list(result.effects)
    if task.is_placed and (after is None or not after.is_placed):
        effects.insert(0, EndGang(key=task.key, attempt=task.attempt))
    if after is None:
        effects.append(ForgetGang(key=task.key))
    return Step(after, effects)


def is_stale(task: Task, event: TaskEvent) -> bool:
    """Return whether `event` is news of an attempt that is over for the task."""
    match event:
        case (
            TaskStarted()
            | TaskEnded()
            | TaskGivenBack()
            | TaskLost()
            | RequeueTask()
            | TerminateAttempt()
        ):
            return not task.is_placed or event.attempt != task.attempt
        case _:
            return False


def check(task: Task) -> None:
    """Assert what is true of every stored task."""
    assert task.is_placed or task.state in (ACTIVE, COMPLETED), task
    assert not (task.is_placed and task.state is COMPLETED), task
    assert not task.is_placed or (task.node is not None and task.attempt > 0), task
    assert (task.result is None) == (task.state is not COMPLETED), task
    assert (task.end_time is None) == (task.state is not COMPLETED), task
    assert (task.failure is None) == (task.result is not TaskResult.FAILURE), task
    assert task.files_due_time is None or task.state is COMPLETED, task
    assert not task.are_files_removed or task.files_due_time is None, task
    assert not task.satisfies or task.state is COMPLETED, task
    assert task.dependencies_left == 0 or task.state in (ACTIVE, COMPLETED), task
    assert task.previous_state is None or task.previous_state_time is not None, task


def _placed(task: Task, event: TaskPlaced, now: datetime) -> Step[Task]:
    if task.is_placed:
        raise InvalidTransition(f"task {task.key} is placed already and cannot take {event}")
    attempt = task.attempt + 1
    state = PREPARING if event.needs_preparation else ACTIVE
    placed = _moved(task, state, now, attempt=attempt, node=event.node, is_placed=True)
    if task.instances:
        nodes = (event.node, *event.others)
        gang = GangPlaced(key=task.key, attempt=attempt, nodes=nodes, slots=event.slots)
        return Step(placed, (gang,))
    order = OpenExecution(
        id=task_execution_id(task.key, attempt),
        kind=ExecutionKind.TASK,
        job=task.job,
        task=task.key,
        node=event.node,
        attempt=attempt,
        slots=event.slots,
        is_manager=task.is_manager,
    )
    return Step(placed, (order,))


def _started(task: Task, event: TaskStarted) -> Step[Task]:
    if task.state is RUNNING:
        return Step(task)
    last_retry_time = event.time if task.is_retry_due else task.last_retry_time
    started = _moved(
        task,
        RUNNING,
        event.time,
        start_time=event.time,
        last_retry_time=last_retry_time,
        is_retry_due=False,
    )
    return Step(started, _begin_job(task))


def _begin_job(task: Task) -> tuple[ManagerBegan, ...]:
    """Let the other tasks of a job run: its manager does, or never will again."""
    return (ManagerBegan(key=task.job),) if task.is_manager else ()


def _ended(task: Task, event: TaskEnded) -> Step[Task]:
    ending = event.ending
    if failures.is_retryable(ending) and _may_retry(task):
        retry_count = task.retry_count + 1
        waiting = _waiting(
            task,
            ending.end_time,
            retry_count=retry_count,
            is_retry_due=True,
            usage=_usage(task, ending),
        )
        return Step(waiting)
    return _completed(task, ending.end_time, failures.failure(ending), ending)


def _usage(task: Task, ending: Ending) -> Usage | None:
    """Return what the task has used, with this execution."""
    if task.usage is None or ending.usage is None:
        return task.usage or ending.usage
    return task.usage + ending.usage


def _with_stale_usage(task: Task, event: TaskEvent) -> Task:
    """An execution that was given up is told of once, and what it used was used."""
    if not isinstance(event, TaskEnded) or event.ending.usage is None:
        return task
    return replace(task, usage=_usage(task, event.ending))


def _may_retry(task: Task) -> bool:
    if task.retry_count_max == limits.RETRY_COUNT_UNLIMITED:
        return True
    return task.retry_count < task.retry_count_max


def _lost(task: Task, now: datetime) -> Step[Task]:
    if task.state is not RUNNING:
        return Step(_waiting(task, now))  # What never started costs no recovery.
    if task.recovery_count >= limits.RECOVERY_COUNT_MAX:
        return _completed(task, now, failures.TOO_MANY_RECOVERIES)
    return Step(_waiting(task, now, recovery_count=task.recovery_count + 1))


def _requeued(task: Task, now: datetime) -> Step[Task]:
    if task.state is not RUNNING:  # What nobody was told to run costs no requeue.
        return Step(_waiting(task, now), _stop(task))
    requeue_count = task.requeue_count + 1
    waiting = _waiting(task, now, requeue_count=requeue_count, last_requeue_time=now)
    return Step(waiting, _stop(task))


def _terminated(task: Task, now: datetime) -> Step[Task]:
    ended = _completed(task, now, failures.TASK_ENDED)
    return Step(ended.entity, (*_stop(task), *ended.effects))


def _outlived(task: Task, now: datetime) -> Step[Task]:
    """End the task; what it left behind is out of reach at once. Source: T-8, SA-61."""
    ended = _completed(task, now, failures.LIFETIME_OVER, keeps_files=False)
    return Step(ended.entity, (*_stop(task), *ended.effects))


def _reactivated(task: Task, now: datetime) -> Step[Task]:
    """A new start with all retries (T-72); what waited for it and was satisfied stays so (D-12)."""
    reactivated = _waiting(
        task,
        now,
        retry_count=0,
        end_time=None,
        exit_code=None,
        result=None,
        failure=None,
        files_due_time=None,
        are_files_removed=False,
        satisfies=False,
    )
    return Step(reactivated)


def _constrained(task: Task, event: ConstrainTask, now: datetime) -> Task:
    """A change of the resource itself: it moves the ETag (S-4)."""
    return replace(
        task,
        retry_count_max=event.retry_count_max,
        retention_time=event.retention_time,
        revision=task.revision + 1,
        last_modified=now,
    )


def _stop(task: Task) -> tuple[StopExecution, ...]:
    if not task.is_placed or task.instances:
        return ()
    return (StopExecution(key=task_execution_id(task.key, task.attempt)),)


def _waiting(task: Task, now: datetime, **changes: Any) -> Task:  # noqa: ANN401  # Fields.
    """Back to ``active``: the node stays on show, the start of the former run does not (T-68)."""
    return _moved(task, ACTIVE, now, is_placed=False, start_time=None, **changes)


def _completed(
    task: Task,
    end_time: datetime,
    failure: Failure | None,
    ending: Ending | None = None,
    *,
    keeps_files: bool = True,
) -> Step[Task]:
    """Complete; what it left on a node is kept for its retention time (F-9).

    What its exit conditions say counts now, after all retries (T-29).
    """
    options = exits.options(task.exit_conditions, ending)
    has_files = keeps_files and task.node is not None
    due = times.after(end_time, task.retention_time) if has_files else None
    completed = _moved(
        task,
        COMPLETED,
        end_time,
        is_placed=False,
        is_retry_due=False,
        end_time=end_time,
        exit_code=None if ending is None else ending.exit_code,
        result=TaskResult.SUCCESS if failure is None else TaskResult.FAILURE,
        failure=failure,
        usage=task.usage if ending is None else _usage(task, ending),
        files_due_time=due,
        are_files_removed=not keeps_files,
        satisfies=options.dependency_action is DependencyAction.SATISFY,
    )
    effects: list[Effect] = [] if due is None else [WakeRetention(due)]
    if options.job_action is not None and options.job_action is not JobAction.NONE:
        effects.append(PerformJobAction(key=task.job, action=options.job_action))
    if task.is_manager:
        effects.append(ManagerEnded(key=task.job))
    return Step(completed, effects)


def _moved(  # A change of fields by their names.
    task: Task,
    state: TaskState,
    time: datetime,
    **changes: Any,  # noqa: ANN401
) -> Task:
    """Change the state, if it is another one, and `changes` with it: one new value for both."""
    if state is task.state:
        return replace(task, **changes)
    return replace(
        task,
        state=state,
        state_time=time,
        previous_state=task.state,
        previous_state_time=task.state_time,
        **changes,
    )
