"""The life of a job, cell by cell and rule by rule."""

from datetime import datetime, timedelta
from itertools import product
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from batchyard.core import limits
from batchyard.core.effects import (
    WakeJobs,
    WakePlacement,
    WakeSweep,
)
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.job import (
    ALL_TASKS_COMPLETE,
    EXPIRED,
    MOVES,
    REFUSALS,
    begun,
    check,
    is_stale,
    step,
)
from batchyard.core.job_events import (
    DeleteJob,
    DisableJob,
    EnableJob,
    EndScheduledJob,
    ForceJobEnd,
    JobDue,
    JobEnabled,
    JobEndTold,
    JobEvent,
    JobNodeOpened,
    JobNodeSettled,
    JobOutOfTasks,
    JobQuiet,
    JobSwept,
    ManagerBegan,
    ManagerEnded,
    PerformJobAction,
    ScheduledJobOver,
    SchedulingFailed,
    TerminateJob,
    UpdateJob,
)
from batchyard.core.keys import JobKey, JobScheduleKey, PoolKey
from batchyard.core.model import Failure, Job
from batchyard.core.pool_events import AutoPoolOver
from batchyard.core.states import DisableTasks, ErrorCategory, JobAction, JobState
from tests.core.exploring import NOW, assert_cell, explore, listed
from tests.core.test_task import LATER

KEY = JobKey(2)
SECOND = timedelta(seconds=1)
TERMINATE = TerminateJob(key=KEY, reason="enough")
DELETE = DeleteJob(key=KEY)
OPENED = JobNodeOpened(key=KEY)
DISABLE = DisableJob(key=KEY, tasks=DisableTasks.REQUEUE)
SETTLED = JobNodeSettled(key=KEY)
OUT_OF_TASKS = JobOutOfTasks(key=KEY)
DUE = JobDue(key=KEY, has_open_tasks=False)
FORCE = ForceJobEnd(key=KEY)
TOLD = JobEndTold(key=KEY)
AUTO_POOL = PoolKey(7)
ERROR = Failure(category=ErrorCategory.USER_ERROR, code="InvalidAutoPoolSettings", message="no")


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
        JobState.DISABLING: [OPENED, DISABLE],
        JobState.DISABLED: [OPENED, DISABLE, JobQuiet(key=KEY)],
        JobState.ENABLING: [OPENED, DISABLE, EnableJob(key=KEY)],
    }
    return after(new(), *way[state])


def events(job: Job) -> list[JobEvent]:
    told: list[JobEvent] = [
        TERMINATE,
        DELETE,
        UpdateJob(key=KEY, priority=5),
        JobSwept(key=KEY, tasks_left=0),
        JobSwept(key=KEY, tasks_left=5),
        UpdateJob(key=KEY, priority=5, ends_with_tasks=True, expiry_time=NOW),
        OUT_OF_TASKS,
        ManagerBegan(key=KEY),
        ManagerEnded(key=KEY),
        UpdateJob(key=KEY, priority=0, pool_id="other", pool=PoolKey(9)),
        *(DisableJob(key=KEY, tasks=option) for option in DisableTasks),
        JobQuiet(key=KEY),
        EnableJob(key=KEY),
        JobEnabled(key=KEY),
        *(PerformJobAction(key=KEY, action=action) for action in JobAction),
        JobDue(key=KEY, has_open_tasks=True),
        JobDue(key=KEY, has_open_tasks=False),
        FORCE,
        TOLD,
        EndScheduledJob(key=KEY),
    ]
    if job.nodes_unsettled == 0:  # It has been on no node when its pool cannot be made.
        told.append(SchedulingFailed(key=KEY, error=ERROR))
    if job.state in (JobState.ACTIVE, JobState.TERMINATING, JobState.DELETING):
        told.append(OPENED)
    if job.nodes_unsettled > 0:
        told.append(SETTLED)
    return told


@pytest.mark.parametrize(("state", "kind"), list(product(JobState, get_args(JobEvent))))
def test_every_cell_is_listed_refused_or_a_defect(state: JobState, kind: type[Any]) -> None:
    job = a_job(state)
    for event in (event for event in events(job) if type(event) is kind):
        assert_cell(job, event, step, lambda one: one.state, MOVES, REFUSALS, is_stale)


def test_the_table_lists_exactly_what_can_happen() -> None:
    moves = explore(
        [
            new(),
            new(performs_job_actions=True),
            new(has_manager=True, awaits_manager=True),
            new(has_manager=True, ends_with_manager=True),
        ],
        events,
        step,
        lambda job: job.state,
        check,
        is_stale,
        lambda job: job.nodes_unsettled < 3 and job.revision < 5,
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


def test_the_schedule_that_made_a_job_hears_of_its_end() -> None:
    """SC-9: completed, or deleted before it was."""
    scheduled = new(schedule=JobScheduleKey(5))
    told = ScheduledJobOver(key=JobScheduleKey(5), job=KEY)
    assert list(step(scheduled, EndScheduledJob(key=KEY), LATER).effects) == [told]
    swept = JobSwept(key=KEY, tasks_left=0)
    assert list(step(after(scheduled, DELETE), swept, LATER).effects) == [told]


def test_a_job_that_its_schedule_ends_says_so() -> None:
    """SC-26."""
    ended = after(new(), EndScheduledJob(key=KEY))
    assert (ended.state, ended.terminate_reason) == (JobState.COMPLETED, "TerminateJobSchedule")
    assert after(ended, EndScheduledJob(key=KEY)) is ended


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


def at(time: datetime, job: Job, event: JobEvent) -> Job:
    stepped = step(job, event, time).entity
    assert stepped is not None
    return stepped


def test_a_job_ends_when_its_wall_clock_time_is_over() -> None:
    """J-16."""
    expiry = NOW + timedelta(hours=1)
    first = begun(new(expiry_time=expiry))
    assert list(first.effects) == [WakeJobs(expiry)]
    assert first.entity is not None
    waiting = after(first.entity, OPENED)
    busy = JobDue(key=KEY, has_open_tasks=True)
    assert at(expiry - SECOND, waiting, busy).state is JobState.ACTIVE
    over = at(expiry, waiting, busy)
    assert (over.state, over.terminate_reason) == (JobState.TERMINATING, EXPIRED)


def test_a_job_without_limits_is_never_due() -> None:
    first = begun(new())
    assert first.entity is not None
    assert (first.entity.due_time, list(first.effects)) == (None, [])


def test_a_limit_that_is_changed_counts_from_now_on() -> None:
    first = begun(new(expiry_time=NOW + timedelta(hours=1))).entity
    assert first is not None
    later = NOW + timedelta(hours=2)
    longer = step(first, UpdateJob(key=KEY, priority=0, expiry_time=later), LATER)
    assert longer.entity is not None
    assert longer.entity.due_time == later
    assert WakeJobs(later) in longer.effects
    assert after(longer.entity, UpdateJob(key=KEY, priority=0)).due_time is None


def test_a_job_that_ends_with_its_tasks_gives_its_first_one_time() -> None:
    """J-19: without a task all of them are complete."""
    first = begun(new(ends_with_tasks=True)).entity
    assert first is not None
    assert first.due_time == NOW + limits.EMPTY_JOB_GRACE
    over = at(first.due_time, first, DUE)
    assert (over.state, over.terminate_reason) == (JobState.COMPLETED, ALL_TASKS_COMPLETE)


def test_a_job_ends_a_moment_after_its_last_task_unless_another_one_came() -> None:
    """J-19."""
    idle = after(new(ends_with_tasks=True), OUT_OF_TASKS)
    assert idle.due_time == LATER + limits.OUT_OF_TASKS_GRACE
    assert at(idle.due_time, idle, DUE).state is JobState.COMPLETED
    busy = at(idle.due_time, idle, JobDue(key=KEY, has_open_tasks=True))
    assert (busy.state, busy.due_time) == (JobState.ACTIVE, None)


def test_a_job_that_is_told_later_to_end_with_its_tasks_looks_at_once() -> None:
    """J-22b: its tasks may all be completed."""
    told = after(new(), OUT_OF_TASKS, UpdateJob(key=KEY, priority=0, ends_with_tasks=True))
    assert told.due_time == LATER + limits.OUT_OF_TASKS_GRACE
    again = after(told, UpdateJob(key=KEY, priority=3, ends_with_tasks=True))
    assert again.due_time == told.due_time


def test_a_job_that_does_not_end_with_its_tasks_goes_on_without_them() -> None:
    assert after(new(), OUT_OF_TASKS).due_time is None


def test_nothing_is_due_of_a_job_that_is_being_ended() -> None:
    job = begun(new(ends_with_tasks=True, expiry_time=NOW)).entity
    assert job is not None
    ending = after(job, OPENED, TERMINATE)
    assert ending.due_time is None
    assert after(ending, DUE, OUT_OF_TASKS) == ending


def test_a_job_is_disabled_once_none_of_its_tasks_is_on_a_node() -> None:
    """J-36."""
    disabling = step(new(), DISABLE, LATER)
    assert disabling.entity is not None
    assert (disabling.entity.state, list(disabling.effects)) == (
        JobState.DISABLING,
        [WakeSweep(KEY)],
    )
    disabled = after(disabling.entity, JobQuiet(key=KEY))
    assert (disabled.state, disabled.disable_tasks) == (JobState.DISABLED, None)
    assert after(disabled, DISABLE) == disabled


def test_what_becomes_of_running_tasks_may_be_changed_while_they_run() -> None:
    wait = DisableJob(key=KEY, tasks=DisableTasks.WAIT)
    assert after(new(), wait, DISABLE).disable_tasks is DisableTasks.REQUEUE


@pytest.mark.parametrize("state", [JobState.DISABLING, JobState.DISABLED])
def test_a_job_that_is_enabled_runs_tasks_again(state: JobState) -> None:
    """J-37."""
    job = replace(a_job(state), pool=PoolKey(3))
    enabling = step(job, EnableJob(key=KEY), LATER)
    assert list(enabling.effects) == [JobEnabled(key=KEY)]
    assert enabling.entity is not None
    active = step(enabling.entity, JobEnabled(key=KEY), LATER)
    assert active.entity is not None
    assert (active.entity.state, active.entity.previous_state) == (
        JobState.ACTIVE,
        JobState.ENABLING,
    )
    assert list(active.effects) == [WakePlacement(PoolKey(3))]


def test_a_job_that_is_active_stays_so_when_it_is_enabled() -> None:
    assert after(new(), EnableJob(key=KEY)) == new()


def test_news_of_quiet_come_too_late_for_a_job_that_is_enabled_again() -> None:
    assert after(new(), JobQuiet(key=KEY)) == new()


def test_a_disabled_job_may_be_given_another_pool() -> None:
    """J-32."""
    update = UpdateJob(key=KEY, priority=0, pool_id="other", pool=PoolKey(9))
    moved = after(a_job(JobState.DISABLED), update)
    assert (moved.pool_id, moved.pool) == ("other", PoolKey(9))


def test_a_task_acts_on_its_job_only_if_the_job_performs_that() -> None:
    """J-23, J-24."""
    terminate = PerformJobAction(key=KEY, action=JobAction.TERMINATE)
    assert after(new(), terminate) == new()
    ended = after(new(performs_job_actions=True), terminate)
    assert (ended.state, ended.terminate_reason) == (JobState.COMPLETED, "TaskFailed")
    disable = PerformJobAction(key=KEY, action=JobAction.DISABLE)
    disabled = after(new(performs_job_actions=True), disable)
    assert (disabled.state, disabled.disable_tasks) == (JobState.DISABLING, DisableTasks.REQUEUE)
    nothing = PerformJobAction(key=KEY, action=JobAction.NONE)
    job = new(performs_job_actions=True)
    assert after(job, nothing) == job


def test_the_auto_pool_of_a_job_goes_when_the_job_is_completed() -> None:
    """J-48: after its release tasks."""
    job = new(auto_pool=AUTO_POOL)
    terminating = step(after(job, OPENED), TERMINATE, LATER)
    assert list(terminating.effects) == [WakeSweep(KEY)]
    assert terminating.entity is not None
    completed = step(terminating.entity, SETTLED, LATER)
    assert list(completed.effects) == [AutoPoolOver(key=AUTO_POOL)]


def test_the_auto_pool_of_a_job_goes_when_the_job_is_deleted() -> None:
    """J-46."""
    deleting = after(new(auto_pool=AUTO_POOL), DELETE)
    gone = step(deleting, JobSwept(key=KEY, tasks_left=0), LATER)
    assert (gone.entity, list(gone.effects)) == (None, [AutoPoolOver(key=AUTO_POOL)])


def test_an_auto_pool_that_is_to_stay_stays() -> None:
    """J-49; an update may say so, and take it back."""
    job = after(new(auto_pool=AUTO_POOL), UpdateJob(key=KEY, priority=0, keeps_pool=True))
    assert list(step(job, TERMINATE, LATER).effects) == []
    deleting = after(job, DELETE)
    assert list(step(deleting, JobSwept(key=KEY, tasks_left=0), LATER).effects) == []
    again = after(job, UpdateJob(key=KEY, priority=0))
    assert list(step(again, TERMINATE, LATER).effects) == [AutoPoolOver(key=AUTO_POOL)]


def test_a_job_whose_auto_pool_cannot_be_made_is_completed() -> None:
    """J-51."""
    failed = after(new(ends_with_tasks=True), SchedulingFailed(key=KEY, error=ERROR))
    assert (failed.state, failed.end_time, failed.scheduling_error) == (
        JobState.COMPLETED,
        LATER,
        ERROR,
    )


def test_a_job_whose_end_is_forced_is_completed_once_its_nodes_were_told() -> None:
    """J-42: what they have left to do they do later."""
    forced = step(after(new(), OPENED, TERMINATE), FORCE, LATER)
    assert list(forced.effects) == [WakeSweep(KEY)]
    assert forced.entity is not None
    completed = after(forced.entity, TOLD)
    assert (completed.state, completed.nodes_unsettled) == (JobState.COMPLETED, 1)
    settled = after(completed, SETTLED)
    assert (settled.state, settled.nodes_unsettled) == (JobState.COMPLETED, 0)


def test_a_job_whose_end_is_not_forced_waits_for_nodes_that_were_told() -> None:
    terminating = after(new(), OPENED, TERMINATE)
    assert after(terminating, TOLD) == terminating


def test_a_job_that_is_completed_is_not_forced() -> None:
    completed = after(new(), TERMINATE)
    assert after(completed, FORCE) == completed


def test_the_deletion_of_a_job_whose_end_was_forced_waits_for_its_nodes() -> None:
    completed = after(new(), OPENED, TERMINATE, FORCE, TOLD)
    deleting = after(completed, DELETE)
    assert not deleting.is_forced
    swept = after(deleting, JobSwept(key=KEY, tasks_left=0))
    assert swept.state is JobState.DELETING
    assert after(swept, FORCE).is_forced
