"""The life of a multi-instance task's gang: ``waiting -> coordinating -> running -> waiting``.

The task itself lives as any other (`core.task`); what is different is how an attempt of it runs.
Placement gives it several nodes at once. On each of them a *subtask* runs the coordination command,
that of the primary, number 0, included. A node keeps a subtask open after that command has exited
with 0, with every process that it has left. Once all have come so far, the application command runs
on the node of the primary, as an execution of its own. How that ends is how the attempt ends; so
does the first subtask that fails, or is lost. However the attempt ends, all subtasks are stopped.

News of an attempt that is over change only what is shown of it. Source: T-57 ... T-62, S-18.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, assert_never

from msgspec.structs import replace

from batchyard.core import failures
from batchyard.core.effects import Effect, OpenExecution, Step
from batchyard.core.errors import InvalidTransition
from batchyard.core.keys import primary_execution_id, subtask_execution_id
from batchyard.core.model import Gang, Subtask
from batchyard.core.states import ExecutionKind, GangState, TaskResult
from batchyard.core.task_events import (
    EndGang,
    ForgetGang,
    GangEvent,
    GangPlaced,
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

WAITING, COORDINATING, RUNNING = GangState

MOVES: Final[Mapping[tuple[GangState, type[GangEvent]], frozenset[GangState | None]]] = {
    (WAITING, GangPlaced): frozenset({COORDINATING}),
    (WAITING, SubtaskStarted): frozenset({WAITING}),  # The order to stop came later.
    (WAITING, SubtaskCoordinated): frozenset({WAITING}),
    (WAITING, SubtaskEnded): frozenset({WAITING}),
    (WAITING, SubtaskLost): frozenset({WAITING}),
    (WAITING, ForgetGang): frozenset({None}),
    (COORDINATING, SubtaskStarted): frozenset({COORDINATING}),
    (COORDINATING, SubtaskCoordinated): frozenset({COORDINATING, RUNNING}),
    (COORDINATING, SubtaskEnded): frozenset({COORDINATING}),
    (COORDINATING, SubtaskLost): frozenset({COORDINATING}),
    (COORDINATING, EndGang): frozenset({WAITING}),
    (RUNNING, SubtaskStarted): frozenset({RUNNING}),  # A node tells it again after a reconnect.
    (RUNNING, SubtaskCoordinated): frozenset({RUNNING}),
    (RUNNING, SubtaskEnded): frozenset({RUNNING}),
    (RUNNING, SubtaskLost): frozenset({RUNNING}),
    (RUNNING, EndGang): frozenset({WAITING}),
}


def step(gang: Gang, event: GangEvent, now: datetime) -> Step[Gang]:
    """Apply one event to one gang.

    Raises:
        InvalidTransition: Its state cannot take this event.
    """
    if is_stale(gang, event):
        return Step(gang)
    moves = MOVES.get((gang.state, type(event)))
    if moves is None:
        raise InvalidTransition(f"the gang of task {gang.key} cannot take {event}")
    match event:
        case GangPlaced():
            result = _placed(gang, event, now)
        case SubtaskStarted():
            result = _started(gang, event)
        case SubtaskCoordinated():
            result = _coordinated(gang, event)
        case SubtaskEnded():
            result = _ended(gang, event, now)
        case SubtaskLost():
            result = _lost(gang, event, now)
        case EndGang():
            result = Step(replace(gang, state=WAITING), _stops(gang))
        case ForgetGang():
            result = Step(None)
        case _:
            assert_never(event)
    state = None if result.entity is None else result.entity.state
    assert state in moves, (gang, event, result)
    return result


def is_stale(gang: Gang, event: GangEvent) -> bool:
    """Return whether `event` is news of an attempt that another one followed, or that is over."""
    match event:
        case GangPlaced() | ForgetGang():
            return False
        case EndGang():
            return event.attempt != gang.attempt or gang.state is WAITING
        case _:
            return event.attempt != gang.attempt


def check(gang: Gang) -> None:
    """Assert what is true of every stored gang."""
    assert [one.number for one in gang.subtasks] == list(range(len(gang.subtasks))), gang
    assert len({one.node for one in gang.subtasks}) == len(gang.subtasks), gang
    assert gang.state is WAITING or gang.subtasks, gang
    if gang.state is RUNNING:
        assert all(one.coordination_time is not None for one in gang.subtasks), gang


def _placed(gang: Gang, event: GangPlaced, now: datetime) -> Step[Gang]:
    subtasks = tuple(
        Subtask(number=number, node=node, placed_time=now)
        for number, node in enumerate(event.nodes)
    )
    placed = replace(gang, state=COORDINATING, attempt=event.attempt, subtasks=subtasks)
    orders = tuple(
        OpenExecution(
            id=subtask_execution_id(gang.key, event.attempt, one.number),
            kind=ExecutionKind.SUBTASK,
            job=gang.job,
            task=gang.key,
            node=one.node,
            attempt=event.attempt,
            slots=event.slots,
            number=one.number,
        )
        for one in subtasks
    )
    return Step(placed, orders)


def _started(gang: Gang, event: SubtaskStarted) -> Step[Gang]:
    started = _changed(gang, event.number, start_time=event.time)
    if event.number > 0 or gang.state is WAITING:
        return Step(started)
    return Step(started, (TaskStarted(key=gang.key, attempt=gang.attempt, time=event.time),))


def _coordinated(gang: Gang, event: SubtaskCoordinated) -> Step[Gang]:
    told = _changed(
        gang,
        event.number,
        coordination_time=event.time,
        exit_code=0,
        result=TaskResult.SUCCESS,
    )
    if gang.state is not COORDINATING or any(
        one.coordination_time is None for one in told.subtasks
    ):
        return Step(told)
    application = OpenExecution(
        id=primary_execution_id(gang.key, gang.attempt),
        kind=ExecutionKind.PRIMARY,
        job=gang.job,
        task=gang.key,
        node=told.subtasks[0].node,
        attempt=gang.attempt,
    )
    return Step(replace(told, state=RUNNING), (application,))


def _ended(gang: Gang, event: SubtaskEnded, now: datetime) -> Step[Gang]:
    """Show how a subtask ended; if nobody asked it to, that is how the attempt ends (T-60)."""
    subtask, ending = gang.subtasks[event.number], event.ending
    changes: dict[str, Any] = {"is_over": True, "end_time": now}
    if ending is not None:
        changes["end_time"] = ending.end_time
        changes["start_time"] = subtask.start_time or ending.start_time
        if subtask.coordination_time is None:
            changes["exit_code"] = ending.exit_code
            changes["result"] = failures.result(ending)
            changes["failure"] = failures.failure(ending)
    over = _changed(gang, event.number, **changes)
    if gang.state is WAITING:
        return Step(over)
    if ending is None:
        return Step(over, (TaskGivenBack(key=gang.key, attempt=gang.attempt),))
    # The primary's may have started after the end of this one, of which its node told later.
    began = gang.subtasks[0].start_time or ending.start_time
    last = replace(ending, end_time=max(began, ending.end_time))
    told: tuple[Effect, ...] = (
        TaskStarted(key=gang.key, attempt=gang.attempt, time=ending.start_time),
        TaskEnded(key=gang.key, attempt=gang.attempt, ending=last),
    )
    return Step(over, told)


def _lost(gang: Gang, event: SubtaskLost, now: datetime) -> Step[Gang]:
    over = _changed(gang, event.number, is_over=True, end_time=now)
    if gang.state is WAITING:
        return Step(over)
    return Step(over, (TaskLost(key=gang.key, attempt=gang.attempt),))


def _stops(gang: Gang) -> list[Effect]:
    """Stop what is left; beside the application, the subtask ends after it (`core.execution`)."""
    stops: list[Effect] = [
        StopExecution(key=subtask_execution_id(gang.key, gang.attempt, one.number))
        for one in gang.subtasks
        if not one.is_over and (one.number > 0 or gang.state is COORDINATING)
    ]
    if gang.state is RUNNING:
        stops.insert(0, StopExecution(key=primary_execution_id(gang.key, gang.attempt)))
    return stops


def _changed(gang: Gang, number: int, **changes: Any) -> Gang:  # noqa: ANN401  # Fields.
    changed = tuple(
        replace(one, **changes) if one.number == number else one for one in gang.subtasks
    )
    return replace(gang, subtasks=changed)
