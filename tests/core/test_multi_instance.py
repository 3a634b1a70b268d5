"""The life of a multi-instance task's gang, cell by cell and rule by rule."""

from datetime import timedelta
from itertools import product
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from batchyard.core.effects import Effect, OpenExecution, Step
from batchyard.core.keys import ExecutionId, JobKey, NodeKey, TaskKey
from batchyard.core.model import Ending, Gang
from batchyard.core.multi_instance import MOVES, check, is_stale, step
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
from tests.core.exploring import NOW, assert_cell, explore, listed
from tests.core.test_task import LATER, ending

KEY = TaskKey(17)
NODES = (NodeKey(3), NodeKey(5))
SOON = NOW + timedelta(seconds=1)
State = GangState


def new() -> Gang:
    return Gang(key=KEY, job=JobKey(2))


def placing(attempt: int = 1, nodes: tuple[NodeKey, ...] = NODES) -> GangPlaced:
    return GangPlaced(key=KEY, attempt=attempt, nodes=nodes, slots=1)


def started(number: int, attempt: int = 1) -> SubtaskStarted:
    return SubtaskStarted(key=KEY, attempt=attempt, number=number, time=NOW)


def coordinated(number: int, attempt: int = 1) -> SubtaskCoordinated:
    return SubtaskCoordinated(key=KEY, attempt=attempt, number=number, time=SOON)


def over(number: int, how: Ending | None = None, attempt: int = 1) -> SubtaskEnded:
    return SubtaskEnded(key=KEY, attempt=attempt, number=number, ending=how or ending(1))


def never_started(number: int, attempt: int = 1) -> SubtaskEnded:
    return SubtaskEnded(key=KEY, attempt=attempt, number=number, ending=None)


def lost(number: int, attempt: int = 1) -> SubtaskLost:
    return SubtaskLost(key=KEY, attempt=attempt, number=number)


def end(attempt: int = 1) -> EndGang:
    return EndGang(key=KEY, attempt=attempt)


def after(*events: GangEvent, gang: Gang | None = None) -> Gang:
    found = gang or new()
    for event in events:
        stepped = step(found, event, LATER).entity
        assert stepped is not None
        found = stepped
    return found


def a_gang(state: GangState) -> Gang:
    """One that reached `state` by the shortest legal path."""
    way: dict[GangState, list[GangEvent]] = {
        State.WAITING: [],
        State.COORDINATING: [placing()],
        State.RUNNING: [placing(), coordinated(0), coordinated(1)],
    }
    gang = after(*way[state])
    assert gang.state is state
    return gang


def told(gang: Gang, event: GangEvent) -> list[Effect]:
    return list(step(gang, event, LATER).effects)


def stop(name: str) -> StopExecution:
    return StopExecution(key=ExecutionId(name))


def events(gang: Gang) -> list[GangEvent]:
    """Every event in every flavour that makes a difference, about the present attempt."""
    attempt = gang.attempt
    found: list[GangEvent] = [end(attempt)]
    if gang.state is State.WAITING:  # A task is placed or deleted once its attempt is over.
        found += [placing(attempt + 1), ForgetGang(key=KEY)]
    for one in gang.subtasks:
        found += [
            started(one.number, attempt),
            coordinated(one.number, attempt),
            over(one.number, ending(1), attempt),
            over(one.number, ending(0), attempt),
            never_started(one.number, attempt),
            lost(one.number, attempt),
        ]
    return found


@pytest.mark.parametrize(("state", "kind"), list(product(State, get_args(GangEvent))))
def test_every_cell_is_listed_stale_or_a_defect(state: GangState, kind: type[Any]) -> None:
    gang = a_gang(state)
    some = [*events(gang), placing(gang.attempt + 1), ForgetGang(key=KEY)]
    for event in (event for event in some if type(event) is kind):
        assert_cell(gang, event, step, lambda one: one.state, MOVES, {}, is_stale)


def test_the_table_lists_exactly_what_can_happen() -> None:
    moves = explore(
        [new()],
        events,
        step,
        lambda one: one.state,
        check,
        is_stale,
        lambda one: one.attempt < 3,
    )
    assert moves == listed(MOVES)


def test_a_subtask_is_opened_on_every_node_that_of_the_primary_included() -> None:
    """T-58: number 0 is the primary's, and the coordination command runs there too (T-59)."""
    orders = told(new(), placing())
    assert orders == [
        OpenExecution(
            id=ExecutionId(f"subtask-17-1-{number}"),
            kind=ExecutionKind.SUBTASK,
            job=JobKey(2),
            task=KEY,
            node=node,
            attempt=1,
            slots=1,
            number=number,
        )
        for number, node in enumerate(NODES)
    ]


def test_the_application_runs_once_all_are_coordinated_and_on_the_node_of_the_primary() -> None:
    """T-59."""
    gang = after(placing(), coordinated(1))
    assert gang.state is State.COORDINATING
    (order,) = told(gang, coordinated(0))
    assert order == OpenExecution(
        id=ExecutionId("primary-17-1"),
        kind=ExecutionKind.PRIMARY,
        job=JobKey(2),
        task=KEY,
        node=NODES[0],
        attempt=1,
    )


def test_a_task_of_one_instance_coordinates_too() -> None:
    gang = after(placing(nodes=NODES[:1]))
    (order,) = told(gang, coordinated(0))
    assert isinstance(order, OpenExecution)
    assert order.kind is ExecutionKind.PRIMARY


def test_the_application_is_opened_once_though_a_node_tells_it_again() -> None:
    assert told(a_gang(State.RUNNING), coordinated(1)) == []


def test_the_task_runs_when_the_subtask_of_the_primary_starts() -> None:
    gang = after(placing())
    assert told(gang, started(1)) == []
    assert told(gang, started(0)) == [TaskStarted(key=KEY, attempt=1, time=NOW)]


def test_a_subtask_that_fails_is_how_the_attempt_ends() -> None:
    """T-60. The task may not have begun by then as far as its node told."""
    gang = after(placing(), coordinated(0))
    assert told(gang, over(1, ending(7))) == [
        TaskStarted(key=KEY, attempt=1, time=NOW),
        TaskEnded(key=KEY, attempt=1, ending=ending(7)),
    ]
    failed = after(over(1, ending(7)), gang=gang).subtasks[1]
    assert (failed.exit_code, failed.result, failed.is_over) == (7, TaskResult.FAILURE, True)
    assert failed.failure is not None
    assert (failed.start_time, failed.end_time) == (NOW, LATER)


def test_a_task_never_ends_before_it_starts() -> None:
    """The node of the instance that failed may tell it later than that of the primary its start."""
    begun = SubtaskStarted(key=KEY, attempt=1, number=0, time=LATER + timedelta(seconds=1))
    told_last = told(after(placing(), begun), over(1, ending(7)))[-1]
    assert isinstance(told_last, TaskEnded)
    assert told_last.ending.end_time == begun.time


def test_a_subtask_that_never_starts_gives_the_task_back() -> None:
    gang = after(placing(), coordinated(0))
    assert told(gang, never_started(1)) == [TaskGivenBack(key=KEY, attempt=1)]


@pytest.mark.parametrize("state", [State.COORDINATING, State.RUNNING])
def test_a_lost_subtask_is_a_lost_task(state: GangState) -> None:
    assert told(a_gang(state), lost(1)) == [TaskLost(key=KEY, attempt=1)]


def test_however_an_attempt_ends_what_is_left_of_it_is_stopped() -> None:
    gang = after(placing(), over(0))
    assert told(gang, end()) == [stop("subtask-17-1-1")]


def test_the_subtask_beside_the_application_is_stopped_after_it() -> None:
    """It holds the slots of both (`core.execution`); on other nodes nobody waits for anything."""
    assert told(a_gang(State.RUNNING), end()) == [stop("primary-17-1"), stop("subtask-17-1-1")]


def test_what_a_node_tells_after_the_end_only_changes_what_is_shown() -> None:
    gang = after(placing(), started(0), end())
    late: list[GangEvent] = [started(1), coordinated(1), over(0), never_started(1), lost(1)]
    assert [told(gang, event) for event in late] == [[]] * len(late)
    ended = after(coordinated(1), over(1, ending(None)), gang=gang).subtasks[1]
    assert (ended.exit_code, ended.result, ended.end_time) == (0, TaskResult.SUCCESS, LATER)


def test_the_exit_code_of_a_subtask_is_that_of_its_coordination_command() -> None:
    """T-62, though what it left behind is killed at the end."""
    gang = after(over(1, ending(-9)), gang=a_gang(State.RUNNING))
    assert (gang.subtasks[1].exit_code, gang.subtasks[1].is_over) == (0, True)


def test_news_of_an_attempt_that_another_one_followed_change_nothing() -> None:
    gang = after(placing(), end(), placing(attempt=2))
    for event in (started(0), coordinated(0), over(1), lost(1), end()):
        assert step(gang, event, LATER) == Step(gang)


def test_each_attempt_begins_with_fresh_subtasks() -> None:
    gang = after(placing(), coordinated(0), over(1), end(), placing(attempt=2))
    assert all(one.coordination_time is None and not one.is_over for one in gang.subtasks)
    assert all(one.placed_time == LATER for one in gang.subtasks)


def test_two_instances_never_share_a_node() -> None:
    twice = after(placing())
    with pytest.raises(AssertionError):
        check(replace(twice, subtasks=tuple(replace(one, node=NODES[0]) for one in twice.subtasks)))
