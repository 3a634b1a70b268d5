"""The life of a job, cell by cell and rule by rule."""

from itertools import product
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from batchyard.core.effects import (
    WakePlacement,
    WakeSweep,
)
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.job import MOVES, REFUSALS, check, step
from batchyard.core.messages import (
    DeleteJob,
    JobEvent,
    JobNodeOpened,
    JobNodeSettled,
    JobSwept,
    TerminateJob,
    UpdateJob,
)
from batchyard.core.model import Job, JobKey, JobState, PoolKey
from tests.core.exploring import NOW, assert_cell, explore, listed
from tests.core.test_task import LATER

KEY = JobKey(2)
TERMINATE = TerminateJob(key=KEY, reason="enough")
DELETE = DeleteJob(key=KEY)
OPENED = JobNodeOpened(key=KEY)
SETTLED = JobNodeSettled(key=KEY)


def new(**changes: Any) -> Job:
    job = Job(
        key=KEY,
        account="account",
        id="job",
        pool_id="pool",
        pool=None,
        priority=0,
        revision=1,
        creation_time=NOW,
        last_modified=NOW,
        state=JobState.ACTIVE,
        state_time=NOW,
        start_time=NOW,
    )
    return replace(job, **changes)


def after(job: Job, *events: JobEvent) -> Job:
    for event in events:
        stepped = step(job, event, LATER).entity
        assert stepped is not None
        job = stepped
    return job


def a_job(state: JobState) -> Job:
    """One that reached `state` by the shortest legal path; others are made up."""
    way: dict[JobState, list[JobEvent]] = {
        JobState.ACTIVE: [OPENED],
        JobState.TERMINATING: [OPENED, TERMINATE],
        JobState.COMPLETED: [TERMINATE],
        JobState.DELETING: [OPENED, DELETE],
    }
    if state not in way:
        return new(state=state)
    return after(new(), *way[state])


def events(job: Job) -> list[JobEvent]:
    told: list[JobEvent] = [
        TERMINATE,
        DELETE,
        UpdateJob(key=KEY, priority=5),
        JobSwept(key=KEY, tasks_left=0),
        JobSwept(key=KEY, tasks_left=5),
    ]
    if job.state is not JobState.COMPLETED:
        told.append(OPENED)
    if job.nodes_unsettled > 0:
        told.append(SETTLED)
    return told


@pytest.mark.parametrize(("state", "kind"), list(product(JobState, get_args(JobEvent))))
def test_every_cell_is_listed_refused_or_a_defect(state: JobState, kind: type[Any]) -> None:
    job = a_job(state)
    for event in (event for event in events(job) if type(event) is kind):
        assert_cell(
            job, event, step, lambda one: one.state, MOVES, REFUSALS, lambda _one, _event: False
        )


def test_the_table_lists_exactly_what_can_happen() -> None:
    moves = explore(
        [new()],
        events,
        step,
        lambda job: job.state,
        check,
        is_interesting=lambda job: job.nodes_unsettled < 3 and job.revision < 5,
    )
    assert moves == listed(MOVES)


def test_a_terminated_job_completes_when_its_last_node_is_settled() -> None:
    terminating = after(new(), OPENED, OPENED, TERMINATE, SETTLED)
    assert (terminating.state, terminating.end_time) == (JobState.TERMINATING, None)
    completed = after(terminating, SETTLED)
    assert (completed.state, completed.end_time, completed.terminate_reason) == (
        JobState.COMPLETED,
        LATER,
        "enough",
    )


def test_a_job_that_ran_nowhere_completes_at_once() -> None:
    assert after(new(), TERMINATE).state is JobState.COMPLETED


def test_a_change_of_state_moves_the_etag_and_progress_does_not() -> None:
    """S-4."""
    busy = after(new(), OPENED, SETTLED)
    assert busy.revision == 1
    terminating = after(busy, OPENED, TERMINATE)
    assert (terminating.revision, terminating.last_modified) == (2, LATER)
    assert terminating.previous_state is JobState.ACTIVE


def test_ending_a_job_is_a_note_that_a_sweep_finds() -> None:
    result = step(after(new(), OPENED), TERMINATE, LATER)
    assert list(result.effects) == [WakeSweep(KEY)]


def test_a_deleted_job_goes_when_its_nodes_are_settled_and_its_tasks_are_gone() -> None:
    deleting = after(new(), OPENED, DELETE)
    waiting = step(deleting, JobSwept(key=KEY, tasks_left=0), LATER)
    assert (waiting.entity, list(waiting.effects)) == (deleting, [])
    settled = after(deleting, SETTLED)
    more = step(settled, JobSwept(key=KEY, tasks_left=1), LATER)
    assert list(more.effects) == [WakeSweep(KEY)]
    assert step(settled, JobSwept(key=KEY, tasks_left=0), LATER).entity is None


def test_an_update_counts_for_the_next_placement() -> None:
    """J-14; and it moves the ETag (S-4)."""
    event = UpdateJob(key=KEY, priority=500)
    result = step(new(pool=PoolKey(1)), event, LATER)
    assert result.entity is not None
    assert (result.entity.priority, result.entity.revision) == (500, 2)
    assert list(result.effects) == [WakePlacement(PoolKey(1))]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (JobState.TERMINATING, ErrorCode.JOB_BEING_TERMINATED),
        (JobState.COMPLETED, ErrorCode.JOB_COMPLETED),
        (JobState.DELETING, ErrorCode.JOB_BEING_DELETED),
    ],
)
def test_a_job_that_ends_is_not_terminated_again(state: JobState, code: ErrorCode) -> None:
    with pytest.raises(Refused) as refused:
        step(a_job(state), TERMINATE, LATER)
    assert refused.value.code is code
