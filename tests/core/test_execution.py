"""The life of an execution, cell by cell and rule by rule."""

from itertools import product
from typing import Any, get_args

import pytest

from batchyard.core.effects import (
    OpenExecution,
)
from batchyard.core.execution import MOVES, opened, step
from batchyard.core.job_events import (
    JobTaskClosed,
    JobTaskOpened,
    PreparationEnded,
    PreparationStarted,
    ReleaseEnded,
    ReleaseStarted,
)
from batchyard.core.keys import ExecutionId, JobKey, NodeKey, TaskKey
from batchyard.core.model import Execution
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
from tests.core.exploring import NOW, assert_cell, explore, listed
from tests.core.test_task import ending

ID = ExecutionId("task-17-1")
PLACE = (JobKey(2), NodeKey(3))


def an_order(kind: ExecutionKind = ExecutionKind.TASK) -> OpenExecution:
    is_task = kind in OF_TASKS
    return OpenExecution(
        id=ID,
        kind=kind,
        job=PLACE[0],
        node=PLACE[1],
        attempt=1,
        task=TaskKey(17) if is_task else None,
        slots=2 if is_task and kind is not ExecutionKind.PRIMARY else 0,
        number=1 if kind is ExecutionKind.SUBTASK else 0,
    )


def an_execution(
    state: ExecutionState = ExecutionState.ASSIGNED, kind: ExecutionKind = ExecutionKind.TASK
) -> Execution:
    execution = opened(an_order(kind), epoch=4).entity
    steps: dict[ExecutionState, ExecutionEvent] = {
        ExecutionState.RUNNING: ExecutionStarted(key=ID, time=NOW),
        ExecutionState.STOPPING: StopExecution(key=ID),
        ExecutionState.RECALLED: RecallExecution(key=ID),
    }
    if state in steps:
        assert execution is not None
        execution = step(execution, steps[state], NOW).entity
    assert execution is not None
    return execution


def events(execution: Execution) -> list[ExecutionEvent]:
    coordinated: list[ExecutionEvent] = [ExecutionCoordinated(key=ID, time=NOW)]
    return (coordinated if execution.kind is ExecutionKind.SUBTASK else []) + [
        ExecutionStarted(key=ID, time=NOW),
        ExecutionEnded(key=ID, ending=ending()),
        ExecutionEnded(key=ID, ending=None),
        ExecutionLost(key=ID),
        StopExecution(key=ID),
        RecallExecution(key=ID),
    ]


@pytest.mark.parametrize(("state", "kind"), list(product(ExecutionState, get_args(ExecutionEvent))))
def test_every_cell_is_listed(state: ExecutionState, kind: type[Any]) -> None:
    execution = an_execution(state, ExecutionKind.SUBTASK)
    for event in (event for event in events(execution) if type(event) is kind):
        assert_cell(
            execution, event, step, lambda one: one.state, MOVES, {}, lambda _one, _event: False
        )


def test_the_table_lists_exactly_what_can_happen() -> None:
    beginnings = [an_execution(), an_execution(kind=ExecutionKind.SUBTASK)]
    moves = explore(beginnings, events, step, lambda one: one.state, lambda _one: None)
    assert moves == listed(MOVES)


def test_a_new_execution_belongs_to_the_present_life_of_its_node() -> None:
    assert an_execution().epoch == 4


def test_only_tasks_take_slots_and_are_counted_by_their_job() -> None:
    """Preparation and release run beside the slots (J-75, J-81)."""
    assert list(opened(an_order(), 1).effects) == [
        SlotsTaken(key=PLACE[1], slots=2),
        JobTaskOpened(key=PLACE),
    ]
    assert opened(an_order(ExecutionKind.SUBTASK), 1).effects == opened(an_order(), 1).effects
    assert list(opened(an_order(ExecutionKind.PREPARATION), 1).effects) == []


@pytest.mark.parametrize(
    ("kind", "started", "ended", "given_back"),
    [
        (ExecutionKind.TASK, TaskStarted, TaskEnded, TaskGivenBack),
        (ExecutionKind.PRIMARY, TaskStarted, TaskEnded, TaskGivenBack),
        (ExecutionKind.SUBTASK, SubtaskStarted, SubtaskEnded, SubtaskEnded),
        (ExecutionKind.PREPARATION, PreparationStarted, PreparationEnded, PreparationEnded),
        (ExecutionKind.RELEASE, ReleaseStarted, ReleaseEnded, ReleaseEnded),
        (ExecutionKind.START, StartTaskStarted, StartTaskEnded, StartTaskEnded),
    ],
)
def test_its_owner_hears_of_start_and_end(
    kind: ExecutionKind, started: type[Any], ended: type[Any], given_back: type[Any]
) -> None:
    execution = an_execution(kind=kind)
    told = step(execution, ExecutionStarted(key=ID, time=NOW), NOW).effects[0]
    assert type(told) is started
    told = step(execution, ExecutionEnded(key=ID, ending=ending()), NOW).effects[0]
    assert type(told) is ended
    told = step(execution, ExecutionEnded(key=ID, ending=None), NOW).effects[0]
    assert type(told) is given_back


def test_the_slots_are_free_only_when_it_is_over() -> None:
    """A task that was terminated may still be dying: its slot is not for others yet."""
    stopping = step(an_execution(ExecutionState.RUNNING), StopExecution(key=ID), NOW)
    assert list(stopping.effects) == []
    assert stopping.entity is not None
    over = step(stopping.entity, ExecutionEnded(key=ID, ending=ending(7)), NOW)
    assert list(over.effects[1:]) == [
        SlotsFreed(key=PLACE[1], task=TaskKey(17), slots=2, result=TaskResult.FAILURE),
        JobTaskClosed(key=PLACE),
    ]


def test_a_lost_task_frees_its_slots_without_a_result() -> None:
    over = step(an_execution(), ExecutionLost(key=ID), NOW)
    assert list(over.effects) == [
        TaskLost(key=TaskKey(17), attempt=1),
        SlotsFreed(key=PLACE[1], task=TaskKey(17), slots=2, result=None),
        JobTaskClosed(key=PLACE),
    ]


def test_a_lost_preparation_tells_nobody() -> None:
    """Its job hears that the node restarted, and decides what to run again."""
    execution = an_execution(kind=ExecutionKind.PREPARATION)
    assert list(step(execution, ExecutionLost(key=ID), NOW).effects) == []


def test_a_subtask_that_is_coordinated_goes_on() -> None:
    """T-59: what the command has left behind is there until the subtask is stopped."""
    running = an_execution(ExecutionState.RUNNING, ExecutionKind.SUBTASK)
    after = step(running, ExecutionCoordinated(key=ID, time=NOW), NOW)
    assert after.entity is running
    assert list(after.effects) == [
        SubtaskCoordinated(key=TaskKey(17), attempt=1, number=1, time=NOW)
    ]


def test_a_lost_subtask_tells_its_gang() -> None:
    subtask = an_execution(kind=ExecutionKind.SUBTASK)
    told = step(subtask, ExecutionLost(key=ID), NOW).effects[0]
    assert told == SubtaskLost(key=TaskKey(17), attempt=1, number=1)


def test_the_application_takes_no_slots_but_its_subtask_keeps_them_until_it_is_over() -> None:
    """Else others would run on the node beside an application that is still dying."""
    assert list(opened(an_order(ExecutionKind.PRIMARY), 1).effects) == []
    application = an_execution(kind=ExecutionKind.PRIMARY)
    last = StopExecution(key=ExecutionId("subtask-17-1-0"))
    for over in (ExecutionEnded(key=ID, ending=ending()), ExecutionLost(key=ID)):
        told = step(application, over, NOW).effects
        assert list(told[1:]) == [last]


def test_a_start_that_comes_after_the_order_to_give_back_counts() -> None:
    """The node had started it when the order came: it runs to its end."""
    after = step(an_execution(ExecutionState.RECALLED), ExecutionStarted(key=ID, time=NOW), NOW)
    assert after.entity is not None
    assert after.entity.state is ExecutionState.RUNNING
    assert type(after.effects[0]) is TaskStarted


def test_a_start_that_comes_after_the_order_to_stop_does_not_undo_it() -> None:
    stopping = an_execution(ExecutionState.STOPPING)
    after = step(stopping, ExecutionStarted(key=ID, time=NOW), NOW).entity
    assert after is not None
    assert after.state is ExecutionState.STOPPING
