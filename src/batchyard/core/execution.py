"""The life of an execution: ``assigned -> running``, perhaps ``stopping``, then gone.

The row of an execution is the order to its node: as long as it stands there, the node is to run it,
or, while ``stopping``, to end it. It is gone once the node has said that no process is left, and
only then are its slots free, whatever became of the task meanwhile. What the node says about an
execution without a row, or of another life of the node, is stale; the engine drops it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, assert_never

from msgspec.structs import replace

from batchyard.core import failures
from batchyard.core.effects import (
    Effect,
    OpenExecution,
    Step,
)
from batchyard.core.job_events import (
    JobNodeKey,
    JobTaskClosed,
    JobTaskOpened,
    PreparationEnded,
    PreparationStarted,
    ReleaseEnded,
    ReleaseStarted,
)
from batchyard.core.keys import TaskKey, subtask_execution_id
from batchyard.core.model import Ending, Execution
from batchyard.core.pool_events import SlotsFreed, SlotsTaken, StartTaskEnded, StartTaskStarted
from batchyard.core.states import OF_TASKS, ExecutionKind, ExecutionState, TaskResult
from batchyard.core.task_events import (
    ExecutionCoordinated,
    ExecutionEnded,
    ExecutionEvent,
    ExecutionLost,
    ExecutionStarted,
    RecallExecution,
    StopExecution,
    SubtaskCoordinated,
    SubtaskEnded,
    SubtaskLost,
    SubtaskStarted,
    TaskEnded,
    TaskGivenBack,
    TaskLost,
    TaskStarted,
)

ASSIGNED, RECALLED, RUNNING, STOPPING = ExecutionState

MOVES: Final[
    Mapping[tuple[ExecutionState, type[ExecutionEvent]], frozenset[ExecutionState | None]]
] = {
    (ASSIGNED, ExecutionStarted): frozenset({RUNNING}),
    (ASSIGNED, ExecutionCoordinated): frozenset({ASSIGNED}),
    (ASSIGNED, ExecutionEnded): frozenset({None}),
    (ASSIGNED, ExecutionLost): frozenset({None}),
    (ASSIGNED, StopExecution): frozenset({STOPPING}),
    (ASSIGNED, RecallExecution): frozenset({RECALLED}),
    (RECALLED, ExecutionStarted): frozenset({RUNNING}),  # The order to give it back came later.
    (RECALLED, ExecutionCoordinated): frozenset({RECALLED}),
    (RECALLED, ExecutionEnded): frozenset({None}),
    (RECALLED, ExecutionLost): frozenset({None}),
    (RECALLED, StopExecution): frozenset({STOPPING}),
    (RECALLED, RecallExecution): frozenset({RECALLED}),
    (RUNNING, ExecutionStarted): frozenset({RUNNING}),
    (RUNNING, ExecutionCoordinated): frozenset({RUNNING}),
    (RUNNING, ExecutionEnded): frozenset({None}),
    (RUNNING, ExecutionLost): frozenset({None}),
    (RUNNING, StopExecution): frozenset({STOPPING}),
    (RUNNING, RecallExecution): frozenset({RUNNING}),
    (STOPPING, ExecutionStarted): frozenset({STOPPING}),  # The order to stop came later.
    (STOPPING, ExecutionCoordinated): frozenset({STOPPING}),
    (STOPPING, ExecutionEnded): frozenset({None}),
    (STOPPING, ExecutionLost): frozenset({None}),
    (STOPPING, StopExecution): frozenset({STOPPING}),
    (STOPPING, RecallExecution): frozenset({STOPPING}),
}

#: States of an execution that its node has not started as far as is known.
WAITING: Final = frozenset({ASSIGNED, RECALLED})

#: What takes slots of its node, and is counted by its job there.
_COUNTED: Final = frozenset({ExecutionKind.TASK, ExecutionKind.SUBTASK})


def opened(order: OpenExecution, epoch: int) -> Step[Execution]:
    """Return a new execution for the life `epoch` of its node, and who has to count it.

    A preparation, release or start task takes no slot (J-75, J-81). The application of a
    multi-instance task has those of its subtask there, which outlives it.
    """
    execution = Execution(
        id=order.id,
        kind=order.kind,
        job=order.job,
        task=order.task,
        node=order.node,
        epoch=epoch,
        attempt=order.attempt,
        slots=order.slots,
        is_manager=order.is_manager,
        number=order.number,
    )
    if order.kind not in _COUNTED:
        return Step(execution)
    taken = SlotsTaken(key=order.node, slots=order.slots, is_manager=order.is_manager)
    return Step(execution, (taken, JobTaskOpened(key=_place(execution))))


def step(execution: Execution, event: ExecutionEvent, now: datetime) -> Step[Execution]:
    """Apply one event to one execution. Every state takes every event."""
    moves = MOVES[execution.state, type(event)]
    match event:
        case ExecutionStarted():
            result = _started(execution, event)
        case ExecutionCoordinated():
            result = Step(execution, (_coordinated(execution, event),))
        case ExecutionEnded():
            result = Step(None, _ended(execution, event.ending))
        case ExecutionLost():
            result = Step(None, _lost(execution))
        case StopExecution():
            result = Step(replace(execution, state=STOPPING))
        case RecallExecution():
            is_assigned = execution.state is ASSIGNED
            result = Step(replace(execution, state=RECALLED) if is_assigned else execution)
        case _:
            assert_never(event)
    state = None if result.entity is None else result.entity.state
    assert state in moves, (execution, event, result)
    return result


def _started(execution: Execution, event: ExecutionStarted) -> Step[Execution]:
    attempt = execution.attempt
    entity = replace(execution, state=RUNNING) if execution.state in WAITING else execution
    match execution.kind:
        case ExecutionKind.TASK | ExecutionKind.PRIMARY:
            told: Effect = TaskStarted(
                key=_task(execution), attempt=execution.attempt, time=event.time
            )
        case ExecutionKind.SUBTASK:
            told = SubtaskStarted(
                key=_task(execution),
                attempt=attempt,
                number=execution.number,
                time=event.time,
            )
        case ExecutionKind.PREPARATION:
            told = PreparationStarted(key=_place(execution), attempt=attempt, time=event.time)
        case ExecutionKind.RELEASE:
            told = ReleaseStarted(key=_place(execution), attempt=attempt, time=event.time)
        case ExecutionKind.START:
            told = StartTaskStarted(key=execution.node, attempt=attempt, time=event.time)
        case _:
            assert_never(execution.kind)
    return Step(entity, (told,))


def _ended(execution: Execution, ending: Ending | None) -> list[Effect]:
    """Tell first the owner, then the node and the job: they see the owner's new state."""
    match execution.kind:
        case ExecutionKind.TASK | ExecutionKind.PRIMARY:
            told: Effect = (
                TaskGivenBack(key=_task(execution), attempt=execution.attempt)
                if ending is None
                else TaskEnded(key=_task(execution), attempt=execution.attempt, ending=ending)
            )
        case ExecutionKind.SUBTASK:
            told = SubtaskEnded(
                key=_task(execution),
                attempt=execution.attempt,
                number=execution.number,
                ending=ending,
            )
        case ExecutionKind.PREPARATION:
            told = PreparationEnded(key=_place(execution), attempt=execution.attempt, ending=ending)
        case ExecutionKind.RELEASE:
            told = ReleaseEnded(key=_place(execution), attempt=execution.attempt, ending=ending)
        case ExecutionKind.START:
            told = StartTaskEnded(key=execution.node, attempt=execution.attempt, ending=ending)
        case _:
            assert_never(execution.kind)
    result = None if ending is None else failures.result(ending)
    return [told, *_closed(execution, result)]


def _lost(execution: Execution) -> list[Effect]:
    """Only a lost task tells its owner: the others hear that the node restarted."""
    if execution.kind not in OF_TASKS:
        return []
    told: Effect = TaskLost(key=_task(execution), attempt=execution.attempt)
    if execution.kind is ExecutionKind.SUBTASK:
        told = SubtaskLost(key=_task(execution), attempt=execution.attempt, number=execution.number)
    return [told, *_closed(execution, None)]


def _coordinated(execution: Execution, event: ExecutionCoordinated) -> SubtaskCoordinated:
    return SubtaskCoordinated(
        key=_task(execution),
        attempt=execution.attempt,
        number=execution.number,
        time=event.time,
    )


def _closed(execution: Execution, result: TaskResult | None) -> tuple[Effect, ...]:
    if execution.kind is ExecutionKind.PRIMARY:
        # Only now: the slots of both are not for others while anything of either is left.
        subtask = subtask_execution_id(_task(execution), execution.attempt, 0)
        return (StopExecution(key=subtask),)
    if execution.kind not in _COUNTED:
        return ()
    freed = SlotsFreed(
        key=execution.node,
        task=_task(execution),
        slots=execution.slots,
        result=result,
        is_manager=execution.is_manager,
    )
    return (freed, JobTaskClosed(key=_place(execution)))


def _task(execution: Execution) -> TaskKey:
    assert execution.task is not None, execution
    return execution.task


def _place(execution: Execution) -> JobNodeKey:
    assert execution.job is not None, execution
    return (execution.job, execution.node)
