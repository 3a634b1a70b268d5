"""The life of a job on one node, cell by cell and rule by rule."""

from itertools import product
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from batchyard.core import limits
from batchyard.core.effects import (
    GiveBackTasks,
    KeepDirectory,
    OpenExecution,
)
from batchyard.core.job_events import (
    DismissJobNode,
    JobEnding,
    JobNodeEvent,
    JobNodeSettled,
    JobTaskClosed,
    JobTaskOpened,
    NodeLeft,
    NodeRestarted,
    PreparationEnded,
    PreparationStarted,
    PrepareJobNode,
    ReleaseEnded,
    ReleaseStarted,
)
from batchyard.core.job_node import MOVES, check, is_stale, step
from batchyard.core.keys import JobKey, NodeKey
from batchyard.core.model import Ending, JobNode, Run
from batchyard.core.states import ExecutionKind, JobNodeState, TaskResult
from batchyard.core.task_events import StopExecution
from tests.core.exploring import NOW, assert_cell, explore, listed
from tests.core.test_task import LATER, ending

KEY = (JobKey(2), NodeKey(3))
State = JobNodeState


def new(
    *,
    preparation: bool = True,
    release: bool = True,
    retries: int = 0,
    waits: bool = True,
    reruns: bool = True,
) -> JobNode:
    return JobNode(
        job=KEY[0],
        node=KEY[1],
        state=State.UNPREPARED,
        has_preparation=preparation,
        has_release=release,
        preparation_retry_count_max=retries,
        waits_for_preparation=waits,
        reruns_preparation=reruns,
    )


def after(job_node: JobNode, *events: JobNodeEvent) -> JobNode:
    for event in events:
        stepped = step(job_node, event, NOW).entity
        assert stepped is not None
        job_node = stepped
    return job_node


def prepared(how: Ending | None = None, attempt: int = 1) -> PreparationEnded:
    return PreparationEnded(key=KEY, attempt=attempt, ending=how or ending(0))


PREPARE = PrepareJobNode(key=KEY)
OPENED = JobTaskOpened(key=KEY)
CLOSED = JobTaskClosed(key=KEY)
ENDING = JobEnding(key=KEY)
RESTARTED = NodeRestarted(key=KEY)
LEFT = NodeLeft(key=KEY)
DISMISS = DismissJobNode(key=KEY)


def kept(kind: ExecutionKind) -> KeepDirectory:
    return KeepDirectory(*KEY, kind, LATER)


def a_job_node(state: JobNodeState) -> JobNode:
    """One that reached `state` by the shortest legal path."""
    way: dict[JobNodeState, list[JobNodeEvent]] = {
        State.UNPREPARED: [],
        State.PREPARING: [PREPARE],
        State.PREPARED: [PREPARE, prepared()],
        State.FAILED: [PREPARE, prepared(ending(1))],
        State.RELEASING: [PREPARE, prepared(), ENDING],
        State.RELEASED: [
            PREPARE,
            prepared(),
            ENDING,
            ReleaseEnded(key=KEY, attempt=1, ending=ending(0)),
        ],
        State.DISMISSED: [PREPARE, LEFT],
    }
    job_node = after(new(), *way[state])
    assert job_node.state is state
    return job_node


def events(job_node: JobNode) -> list[JobNodeEvent]:
    preparation, release = job_node.preparation.attempt, job_node.release.attempt
    told: list[JobNodeEvent] = [PREPARE, OPENED, CLOSED, ENDING, DISMISS, RESTARTED, LEFT]
    told += [
        PreparationStarted(key=KEY, attempt=preparation, time=NOW),
        prepared(ending(0), preparation),
        prepared(ending(1), preparation),
        PreparationEnded(key=KEY, attempt=preparation, ending=None),
        ReleaseStarted(key=KEY, attempt=release, time=NOW),
        ReleaseEnded(key=KEY, attempt=release, ending=ending(0)),
        ReleaseEnded(key=KEY, attempt=release, ending=None),
    ]
    return told


@pytest.mark.parametrize(("state", "kind"), list(product(State, get_args(JobNodeEvent))))
def test_every_cell_is_listed_stale_or_a_defect(state: JobNodeState, kind: type[Any]) -> None:
    job_node = a_job_node(state)
    for event in (event for event in events(job_node) if type(event) is kind):
        assert_cell(job_node, event, step, lambda one: one.state, MOVES, {}, is_stale)


def test_the_table_lists_exactly_what_can_happen() -> None:
    beginnings = [
        new(),
        new(retries=1),
        new(retries=limits.RETRY_COUNT_UNLIMITED),
        new(release=False),
        new(waits=False),
        new(reruns=False),
        new(preparation=False, release=False),
    ]
    moves = explore(
        beginnings,
        events,
        step,
        lambda one: one.state,
        check,
        is_stale,
        lambda one: one.preparation.attempt < 4 and one.release.attempt < 3 and one.tasks_open < 3,
    )
    assert moves == listed(MOVES)


def test_the_first_task_runs_the_preparation_and_the_second_does_not() -> None:
    """Three concurrent tasks need one preparation, not three (SB-25)."""
    first = step(new(), PREPARE, NOW)
    (order,) = first.effects
    assert isinstance(order, OpenExecution)
    assert (order.id, order.kind, order.slots) == (
        "preparation-2-3-1",
        ExecutionKind.PREPARATION,
        0,
    )
    assert first.entity is not None
    assert list(step(first.entity, PREPARE, NOW).effects) == []


def test_a_job_without_preparation_has_nothing_to_run_at_either_end() -> None:
    job_node = new(preparation=False, release=False)
    first = step(job_node, PREPARE, NOW)
    assert first.entity is not None
    assert (first.entity.state, list(first.effects)) == (State.PREPARED, [])
    last = step(first.entity, ENDING, NOW)
    assert last.entity is not None
    assert last.entity.state is State.RELEASED
    assert list(last.effects) == [JobNodeSettled(key=KEY[0])]


def test_a_failed_preparation_gives_the_tasks_back() -> None:
    """They are eligible for another node, and this one is nothing for the job any more (J-69)."""
    result = step(after(new(), PREPARE, OPENED), prepared(ending(1)), NOW)
    assert result.entity is not None
    assert result.entity.state is State.FAILED
    assert result.entity.preparation.result is TaskResult.FAILURE
    assert list(result.effects) == [kept(ExecutionKind.PREPARATION), GiveBackTasks(*KEY)]


def test_a_preparation_is_retried_as_often_as_its_constraint_says() -> None:
    first = step(after(new(retries=1), PREPARE), prepared(ending(1)), NOW)
    assert first.entity is not None
    assert (first.entity.state, first.entity.preparation.retry_count) == (State.PREPARING, 1)
    started = PreparationStarted(key=KEY, attempt=2, time=LATER)
    again = after(first.entity, started)
    assert again.preparation.last_retry_time == LATER
    assert after(again, prepared(ending(1), attempt=2)).state is State.FAILED


def test_the_release_waits_for_the_tasks_on_the_node() -> None:
    """It may delete what they still use (J-40)."""
    ending_soon = after(new(), PREPARE, OPENED, prepared(), ENDING)
    assert ending_soon.state is State.PREPARED
    result = step(ending_soon, CLOSED, NOW)
    assert result.entity is not None
    assert result.entity.state is State.RELEASING
    (order,) = result.effects
    assert isinstance(order, OpenExecution)
    assert order.kind is ExecutionKind.RELEASE


def test_a_release_that_fails_settles_the_node_all_the_same() -> None:
    """Its failure does not stop the job completing (J-82)."""
    job_node = a_job_node(State.RELEASING)
    result = step(job_node, ReleaseEnded(key=KEY, attempt=1, ending=ending(9)), NOW)
    assert result.entity is not None
    assert (result.entity.state, result.entity.release.exit_code) == (State.RELEASED, 9)
    assert list(result.effects) == [kept(ExecutionKind.RELEASE), JobNodeSettled(key=KEY[0])]


def test_a_preparation_that_nobody_waits_for_may_fail() -> None:
    """J-69: its failure is ignored, and the release still runs (J-78)."""
    prepared_node = after(new(waits=False), PREPARE, OPENED, prepared(ending(1)))
    assert prepared_node.state is State.PREPARED
    assert after(prepared_node, ENDING, CLOSED).state is State.RELEASING


def test_a_preparation_that_nobody_waits_for_is_stopped_with_its_job() -> None:
    """J-78: it still ran when the job ended, so there is no release."""
    running = after(new(waits=False), PREPARE, ENDING)
    assert after(running, prepared(ending(1))).state is State.DISMISSED


def test_a_restart_need_not_prepare_again() -> None:
    """J-70."""
    assert after(new(reruns=False), PREPARE, prepared(), RESTARTED).state is State.PREPARED
    unfinished = after(new(reruns=False), PREPARE, RESTARTED)
    assert unfinished.state is State.UNPREPARED


def test_no_release_where_the_preparation_did_not_succeed() -> None:
    """J-78."""
    assert after(a_job_node(State.FAILED), ENDING).state is State.DISMISSED


def test_a_preparation_that_runs_when_the_job_ends_is_stopped() -> None:
    result = step(a_job_node(State.PREPARING), ENDING, NOW)
    assert list(result.effects) == [StopExecution(key=KEY_OF_PREPARATION)]
    assert result.entity is not None
    stopped = PreparationEnded(key=KEY, attempt=1, ending=None)
    assert after(result.entity, stopped).state is State.DISMISSED


def test_a_preparation_that_succeeds_before_it_could_be_stopped_is_released() -> None:
    assert after(a_job_node(State.PREPARING), ENDING, prepared()).state is State.RELEASING


def test_a_restarted_node_is_prepared_again_before_the_next_task() -> None:
    """J-70: at the next task, not at boot."""
    restarted = step(a_job_node(State.PREPARED), RESTARTED, NOW)
    assert restarted.entity is not None
    assert (restarted.entity.state, list(restarted.effects)) == (State.UNPREPARED, [])
    assert after(restarted.entity, PREPARE).preparation.attempt == 2


def test_a_job_that_ends_after_a_restart_is_released_where_it_had_been_prepared() -> None:
    """J-77: the node ran the preparation and completed it."""
    assert after(a_job_node(State.PREPARED), RESTARTED, ENDING).state is State.RELEASING


def test_tasks_that_were_lost_with_the_node_release_it_once() -> None:
    """Told before the restart they would have opened a release twice."""
    ending_soon = after(new(), PREPARE, OPENED, prepared(), ENDING)
    assert after(ending_soon, RESTARTED, CLOSED).release.attempt == 1


def test_a_restart_during_the_release_runs_it_again() -> None:
    """J-83."""
    assert after(a_job_node(State.RELEASING), RESTARTED).release == Run(attempt=2)


def test_news_of_an_earlier_attempt_are_ignored() -> None:
    retried = after(new(retries=1), PREPARE, prepared(ending(1)))
    assert step(retried, prepared(ending(0), attempt=1), NOW).entity is retried


def test_a_settled_node_stays_as_it_is() -> None:
    released = a_job_node(State.RELEASED)
    for event in (ENDING, DISMISS, RESTARTED, LEFT):
        assert step(released, event, NOW).entity is released


@pytest.mark.parametrize(
    ("state", "running"),
    [(State.PREPARING, "preparation-2-3-1"), (State.RELEASING, "release-2-3-1")],
)
def test_a_job_that_goes_at_once_ends_what_runs_on_a_node(
    state: JobNodeState, running: Any
) -> None:
    """J-42."""
    dismissed = step(a_job_node(state), DISMISS, NOW)
    assert dismissed.entity is not None
    assert dismissed.entity.state is State.DISMISSED
    assert list(dismissed.effects) == [StopExecution(key=running), JobNodeSettled(key=KEY[0])]


def test_a_job_that_goes_at_once_has_no_release_task_run() -> None:
    dismissed = step(after(a_job_node(State.PREPARED), OPENED), DISMISS, NOW)
    assert list(dismissed.effects) == [JobNodeSettled(key=KEY[0])]
    assert dismissed.entity is not None
    assert after(dismissed.entity, CLOSED) == dismissed.entity


def test_check_finds_a_release_without_preparation() -> None:
    with pytest.raises(AssertionError):
        check(replace(new(), has_preparation=False))


KEY_OF_PREPARATION: Any = "preparation-2-3-1"
