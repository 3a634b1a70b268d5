"""The life of a job schedule, and when it makes jobs."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from batchyard.core.effects import WakeSchedules, WakeScheduleSweep
from batchyard.core.job_events import (
    DeleteSchedule,
    DisableSchedule,
    EnableSchedule,
    EndScheduledJob,
    ForceJobEnd,
    ForceScheduleEnd,
    JobScheduleEvent,
    ScheduledJobMade,
    ScheduledJobOver,
    ScheduleDue,
    ScheduleSwept,
    TerminateSchedule,
    UpdateSchedule,
)
from batchyard.core.job_schedule import (
    MOVES,
    REFUSALS,
    begun,
    check,
    is_stale,
    job_id,
    next_opportunity,
    next_run_time,
    open_opportunity,
    step,
)
from batchyard.core.keys import JobKey, JobScheduleKey, PoolKey
from batchyard.core.model import JobSchedule
from batchyard.core.pool_events import AutoPoolOver
from batchyard.core.specs import Timing
from batchyard.core.states import JobScheduleState
from tests.core.exploring import NOW, assert_cell, explore, listed

KEY = JobScheduleKey(3)
JOB = JobKey(8)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

DUE = ScheduleDue(key=KEY)
MADE = ScheduledJobMade(key=KEY, job=JOB, time=NOW)
OVER = ScheduledJobOver(key=KEY, job=JOB)
POOL = PoolKey(6)
SHARING = ScheduledJobMade(key=KEY, job=JOB, time=NOW, auto_pool=POOL)
POOL_OVER = AutoPoolOver(key=POOL)
DISABLE = DisableSchedule(key=KEY)
ENABLE = EnableSchedule(key=KEY)
TERMINATE = TerminateSchedule(key=KEY)
DELETE = DeleteSchedule(key=KEY)
FORCE = ForceScheduleEnd(key=KEY)


def new(**changes: Any) -> JobSchedule:
    schedule = JobSchedule(
        key=KEY,
        account="account",
        id="nightly",
        revision=1,
        creation_time=NOW,
        last_modified=NOW,
        state=JobScheduleState.ACTIVE,
        state_time=NOW,
        do_not_run_until=None,
        do_not_run_after=None,
        start_window=None,
        recurrence_interval=None,
    )
    return replace(schedule, **changes)


def hourly(**changes: Any) -> JobSchedule:
    return new(recurrence_interval=HOUR, **changes)


def after(schedule: JobSchedule, *told: JobScheduleEvent, now: datetime = NOW) -> JobSchedule:
    for event in told:
        stepped = step(schedule, event, now).entity
        assert stepped is not None
        schedule = stepped
    return schedule


def a_schedule(state: JobScheduleState) -> JobSchedule:
    way: dict[JobScheduleState, list[JobScheduleEvent]] = {
        JobScheduleState.ACTIVE: [],
        JobScheduleState.DISABLED: [DISABLE],
        JobScheduleState.TERMINATING: [MADE, TERMINATE],
        JobScheduleState.COMPLETED: [TERMINATE],
        JobScheduleState.DELETING: [DELETE],
    }
    return after(new(), *way[state])


def events(schedule: JobSchedule) -> list[JobScheduleEvent]:
    told: list[JobScheduleEvent] = [
        DUE,
        OVER,
        ScheduledJobOver(key=KEY, job=JobKey(99)),
        UpdateSchedule(key=KEY, timing=Timing()),
        UpdateSchedule(key=KEY, timing=Timing(recurrence_interval=HOUR)),
        DISABLE,
        ENABLE,
        TERMINATE,
        DELETE,
        FORCE,
        ScheduleSwept(key=KEY, has_jobs=True),
        ScheduleSwept(key=KEY, has_jobs=False),
    ]
    if schedule.active_job is None:
        told.append(MADE)
    return told


@pytest.mark.parametrize(
    ("state", "kind"), list(product(JobScheduleState, get_args(JobScheduleEvent)))
)
def test_every_cell_is_listed_refused_or_a_defect(state: JobScheduleState, kind: type[Any]) -> None:
    schedule = a_schedule(state)
    for event in (event for event in events(schedule) if type(event) is kind):
        assert_cell(schedule, event, step, lambda one: one.state, MOVES, REFUSALS, is_stale)


def test_the_table_lists_exactly_what_can_happen() -> None:
    moves = explore(
        [new(), hourly(), new(do_not_run_after=NOW)],
        events,
        step,
        lambda schedule: schedule.state,
        check,
        is_stale,
        lambda schedule: schedule.jobs_made < 3 and schedule.revision < 5,
    )
    assert moves == listed(MOVES)


def test_the_first_job_is_made_at_once() -> None:
    """SC-13: unless it has to wait."""
    assert list(begun(hourly(), NOW).effects) == [WakeSchedules(NOW)]
    assert open_opportunity(hourly(), NOW) == NOW
    waits = hourly(do_not_run_until=NOW + MINUTE)
    assert list(begun(waits, NOW).effects) == [WakeSchedules(NOW + MINUTE)]
    assert open_opportunity(waits, NOW) is None
    assert open_opportunity(waits, NOW + MINUTE) == NOW + MINUTE


def test_jobs_are_numbered_from_one() -> None:
    """SC-15."""
    assert job_id(new(), 1) == "nightly:job-1"


def test_opportunities_are_a_grid_that_a_late_job_does_not_move() -> None:
    """SC-12."""
    late = after(hourly(), MADE, OVER, now=NOW + 90 * MINUTE)
    assert open_opportunity(late, NOW + 90 * MINUTE) == NOW + HOUR
    second = after(late, ScheduledJobMade(key=KEY, job=JOB, time=NOW + HOUR))
    assert next_run_time(second, NOW + 90 * MINUTE) == NOW + 2 * HOUR


def test_no_job_is_made_while_one_is_active() -> None:
    """SC-9: the next one follows it, and is no more than one."""
    busy = after(hourly(), MADE)
    assert busy.due_time is None
    assert open_opportunity(busy, NOW + 5 * HOUR) is None
    free = step(busy, OVER, NOW + 5 * HOUR + MINUTE)
    assert list(free.effects) == [WakeSchedules(NOW + 5 * HOUR)]


def test_an_opportunity_is_lost_with_its_start_window() -> None:
    """SC-8."""
    busy = after(hourly(start_window=10 * MINUTE), MADE)
    free = after(busy, OVER, now=NOW + HOUR + 10 * MINUTE)
    assert free.due_time == NOW + 2 * HOUR
    in_time = after(busy, OVER, now=NOW + HOUR + 9 * MINUTE)
    assert in_time.due_time == NOW + HOUR


def test_a_start_window_that_is_longer_than_the_interval_carries_nothing_over() -> None:
    """SC-8."""
    busy = after(hourly(start_window=9 * HOUR), MADE)
    assert after(busy, OVER, now=NOW + 7 * HOUR + MINUTE).due_time == NOW + 7 * HOUR


def test_after_a_year_of_absence_one_job_is_due() -> None:
    absent = hourly(last_time=NOW, jobs_made=1)
    now = NOW + timedelta(days=365, minutes=5)
    time = open_opportunity(absent, now)
    assert time == NOW + timedelta(days=365)
    made = after(absent, ScheduledJobMade(key=KEY, job=JOB, time=time), now=now)
    assert after(made, OVER, now=now).due_time == time + HOUR


def test_a_clock_that_is_set_back_a_little_makes_no_job_twice() -> None:
    made = hourly(last_time=NOW + HOUR, jobs_made=2)
    assert next_opportunity(made, NOW + HOUR - MINUTE) == NOW + 2 * HOUR


def test_a_clock_that_was_years_ahead_does_not_stop_the_schedule_for_years() -> None:
    made = hourly(last_time=NOW + timedelta(days=3650), jobs_made=2)
    assert next_opportunity(made, NOW + HOUR + MINUTE) == NOW + HOUR


def test_a_due_time_from_before_the_clock_was_set_back_far_is_noted_anew() -> None:
    ahead = NOW + timedelta(days=30)
    done = after(hourly(), ScheduledJobMade(key=KEY, job=JOB, time=ahead), OVER, now=ahead)
    assert done.due_time == ahead + HOUR
    later = NOW + timedelta(days=1, minutes=1)
    assert list(step(done, DUE, later).effects) == [WakeSchedules(NOW + timedelta(days=1))]


def test_a_schedule_from_the_future_is_not_waited_for() -> None:
    """The clock was ahead when it was created, and is set back: its grid goes on backwards."""
    ahead = hourly(creation_time=NOW + timedelta(days=30), last_time=NOW + timedelta(days=30))
    assert next_opportunity(replace(ahead, jobs_made=1), NOW + MINUTE) == NOW
    told = hourly(do_not_run_until=NOW + timedelta(days=30))
    assert next_opportunity(told, NOW + MINUTE) == NOW + timedelta(days=30)


END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("recurrence", [None, HOUR, timedelta(days=364_999)])
def test_the_end_of_the_calendar_is_no_defect(recurrence: timedelta | None) -> None:
    timing = Timing(do_not_run_until=END_OF_TIME, start_window=HOUR, recurrence_interval=recurrence)
    last = after(new(), UpdateSchedule(key=KEY, timing=timing))
    assert last.due_time == END_OF_TIME
    disabled = after(last, DISABLE)
    assert disabled.due_time is None
    made = after(last, ScheduledJobMade(key=KEY, job=JOB, time=END_OF_TIME), now=END_OF_TIME)
    assert next_run_time(made, END_OF_TIME) is None
    missed = hourly(do_not_run_until=END_OF_TIME - 2 * MINUTE, start_window=MINUTE)
    assert next_opportunity(missed, END_OF_TIME) is None


def test_an_interval_of_centuries_is_no_defect() -> None:
    rare = after(new(recurrence_interval=timedelta(days=9000 * 365)), MADE, OVER)
    assert (rare.state, rare.due_time) == (JobScheduleState.ACTIVE, None)


def test_a_schedule_without_recurrence_makes_one_job_and_is_completed_with_it() -> None:
    """SC-14."""
    made = after(new(), MADE)
    assert made.state is JobScheduleState.ACTIVE
    done = after(made, OVER, now=NOW + MINUTE)
    assert (done.state, done.previous_state, done.end_time) == (
        JobScheduleState.COMPLETED,
        JobScheduleState.TERMINATING,
        NOW + MINUTE,
    )
    assert next_run_time(done, NOW) is None


def test_a_single_job_that_misses_its_window_is_lost_for_ever() -> None:
    """SC-8."""
    missed = new(start_window=MINUTE)
    assert after(missed, DUE, now=NOW + MINUTE).state is JobScheduleState.COMPLETED


def test_no_job_is_made_from_its_end_on_and_then_the_schedule_is_over() -> None:
    """SC-6."""
    ends = hourly(do_not_run_after=NOW + 90 * MINUTE)
    second = ScheduledJobMade(key=KEY, job=JOB, time=NOW + HOUR)
    last = after(ends, MADE, OVER, second, OVER, now=NOW + 70 * MINUTE)
    assert (last.state, last.due_time) == (JobScheduleState.ACTIVE, NOW + 90 * MINUTE)
    assert after(last, DUE, now=NOW + 90 * MINUTE).state is JobScheduleState.COMPLETED


def test_an_opportunity_that_waits_for_a_job_is_lost_at_the_end() -> None:
    ends = hourly(do_not_run_after=NOW + 90 * MINUTE)
    assert after(ends, MADE, OVER, now=NOW + 95 * MINUTE).state is JobScheduleState.COMPLETED


def test_a_disabled_schedule_makes_nothing_and_still_ends() -> None:
    """SC-25."""
    disabled = after(hourly(), DISABLE)
    assert (open_opportunity(disabled, NOW), disabled.due_time) == (None, None)
    assert next_run_time(disabled, NOW) == NOW
    ends = after(hourly(do_not_run_after=NOW + HOUR), DISABLE)
    assert ends.due_time == NOW + HOUR
    assert after(ends, DUE, now=NOW + HOUR).state is JobScheduleState.COMPLETED
    once = after(new(start_window=MINUTE), DISABLE)
    assert once.due_time == NOW + MINUTE
    both = after(new(start_window=HOUR, do_not_run_after=NOW + MINUTE), DISABLE)
    assert both.due_time == NOW + MINUTE


def test_an_enabled_schedule_makes_the_job_that_is_due() -> None:
    """SC-25."""
    disabled = after(hourly(start_window=10 * MINUTE), DISABLE)
    assert after(disabled, ENABLE, now=NOW + 5 * MINUTE).due_time == NOW
    assert after(disabled, ENABLE, now=NOW + 15 * MINUTE).due_time == NOW + HOUR


def test_an_update_moves_the_grid_of_what_comes() -> None:
    """SC-24: the job that is active keeps what it has."""
    made = after(hourly(), MADE)
    daily = UpdateSchedule(key=KEY, timing=Timing(recurrence_interval=timedelta(days=1)))
    updated = after(made, daily, now=NOW + MINUTE)
    assert (updated.revision, updated.active_job) == (made.revision + 1, JOB)
    assert after(updated, OVER, now=NOW + HOUR).due_time == NOW + timedelta(days=1)


def test_an_update_that_leaves_nothing_to_do_ends_the_schedule_by_its_loop() -> None:
    done = after(hourly(), MADE, OVER)
    updated = after(done, UpdateSchedule(key=KEY, timing=Timing()))
    assert (updated.state, updated.due_time) == (JobScheduleState.ACTIVE, NOW)
    assert after(updated, DUE).state is JobScheduleState.COMPLETED


def test_a_terminated_schedule_ends_its_job_first() -> None:
    """SC-26."""
    terminating = step(after(hourly(), MADE), TERMINATE, NOW)
    assert list(terminating.effects) == [EndScheduledJob(key=JOB)]
    assert terminating.entity is not None
    assert list(step(terminating.entity, FORCE, NOW).effects) == [ForceJobEnd(key=JOB)]
    assert after(terminating.entity, OVER).state is JobScheduleState.COMPLETED


def test_a_deleted_schedule_is_gone_with_its_last_job() -> None:
    """SC-27."""
    deleting = after(hourly(), MADE, DELETE)
    for event in (OVER, FORCE):
        assert list(step(deleting, event, NOW).effects) == [WakeScheduleSweep(KEY)]
    assert after(deleting, FORCE).is_forced
    assert after(deleting, ScheduleSwept(key=KEY, has_jobs=True)) is deleting
    assert step(deleting, ScheduleSwept(key=KEY, has_jobs=False), NOW).entity is None


spans = st.integers(1, 300).map(lambda minutes: minutes * MINUTE)


@given(
    recurrence=spans,
    window=st.none() | spans,
    until=st.none() | st.integers(-500, 500).map(lambda minutes: NOW + minutes * MINUTE),
    moves=st.lists(st.tuples(st.integers(0, 900), st.booleans()), max_size=30),
)
def test_however_time_passes_each_interval_has_one_job_at_most_and_none_is_early_or_late(
    recurrence: timedelta,
    window: timedelta | None,
    until: datetime | None,
    moves: list[tuple[int, bool]],
) -> None:
    schedule = hourly(do_not_run_until=until, start_window=window)
    schedule = replace(schedule, recurrence_interval=recurrence)
    first, now, taken = until or NOW, NOW, []
    for minutes, is_over in moves:
        now += minutes * MINUTE
        if is_over and schedule.active_job is not None:
            schedule = after(schedule, OVER, now=now)
        time = open_opportunity(schedule, now)
        if time is None:
            schedule = after(schedule, DUE, now=now)
        else:
            taken.append(time)
            made = ScheduledJobMade(key=KEY, job=JOB, time=time)
            schedule = after(schedule, made, now=now)
            assert (time - first) % recurrence == timedelta(0)
            assert time <= now < time + recurrence
            assert window is None or now < time + window
        check(schedule)
        assert schedule.due_time is None or schedule.due_time > now
    assert taken == sorted(set(taken))


def test_the_pool_that_all_jobs_share_goes_when_the_schedule_is_completed() -> None:
    """J-48: by whichever way."""
    sharing = after(hourly(), SHARING)
    assert sharing.auto_pool == POOL
    idle = step(sharing, OVER, NOW)
    assert POOL_OVER not in idle.effects
    assert idle.entity is not None
    assert list(step(idle.entity, TERMINATE, NOW).effects) == [POOL_OVER]
    terminating = after(sharing, TERMINATE)
    assert list(step(terminating, OVER, NOW).effects) == [POOL_OVER]
    single = after(new(), SHARING)
    assert list(step(single, OVER, NOW).effects) == [POOL_OVER]


def test_the_pool_that_all_jobs_share_goes_with_a_schedule_that_is_deleted() -> None:
    deleting = after(hourly(), SHARING, OVER, DELETE)
    gone = step(deleting, ScheduleSwept(key=KEY, has_jobs=False), NOW)
    assert (gone.entity, list(gone.effects)) == (None, [POOL_OVER])


def test_a_shared_pool_that_is_kept_alive_stays() -> None:
    """J-49; an update may say so."""
    kept = after(hourly(), UpdateSchedule(key=KEY, timing=Timing(), keeps_pool=True))
    sharing = after(hourly(), replace(SHARING, keeps_pool=True), OVER)
    for schedule in (replace(kept, auto_pool=POOL), sharing):
        assert list(step(schedule, TERMINATE, NOW).effects) == []


def test_a_shared_pool_goes_when_the_next_job_is_in_another_one() -> None:
    """SC-24: what an update changes counts for the next job."""
    idle = after(hourly(), SHARING, OVER)
    other = replace(SHARING, auto_pool=PoolKey(7))
    assert POOL_OVER in step(idle, other, NOW).effects
    assert POOL_OVER in step(idle, MADE, NOW).effects
    assert POOL_OVER not in step(idle, SHARING, NOW).effects
