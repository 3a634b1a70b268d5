"""The life of a job schedule, and when it makes jobs.

``active`` and ``disabled`` change with its user; once nothing more can come and no job of it is
active it is ``completed``, by way of ``terminating``; ``deleting`` follows from any of them.

Its *opportunities* are a grid that never moves: ``doNotRunUntil``, or its creation, and every
multiple of ``recurrenceInterval`` after that (SC-12). The opportunity that counts is the latest one
that is not in the future: it is open until its ``startWindow`` is over, or the next one comes, and
until a job has taken it. Those before it are lost, however many they are: a service that was down
for a year makes one job, not thousands (SC-8, SC-9). At most one job is active (SC-9).
Source: 01 Job schedule.state, SC-5 ... SC-29.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, assert_never

from msgspec.structs import replace

from batchyard.core import times
from batchyard.core.effects import Effect, Step, WakeSchedules, WakeScheduleSweep
from batchyard.core.errors import ErrorCode, InvalidTransition, Refused
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
from batchyard.core.model import JobSchedule
from batchyard.core.pool_events import AutoPoolOver
from batchyard.core.states import JobScheduleState

ACTIVE = JobScheduleState.ACTIVE
DISABLED = JobScheduleState.DISABLED
TERMINATING = JobScheduleState.TERMINATING
COMPLETED = JobScheduleState.COMPLETED
DELETING = JobScheduleState.DELETING

MOVES: Final[
    Mapping[tuple[JobScheduleState, type[JobScheduleEvent]], frozenset[JobScheduleState | None]]
] = {
    (ACTIVE, ScheduleDue): frozenset({ACTIVE, COMPLETED}),
    (ACTIVE, ScheduledJobMade): frozenset({ACTIVE}),
    (ACTIVE, ScheduledJobOver): frozenset({ACTIVE, COMPLETED}),
    (ACTIVE, UpdateSchedule): frozenset({ACTIVE}),
    (ACTIVE, DisableSchedule): frozenset({DISABLED}),
    (ACTIVE, EnableSchedule): frozenset({ACTIVE}),
    (ACTIVE, TerminateSchedule): frozenset({TERMINATING, COMPLETED}),
    (ACTIVE, DeleteSchedule): frozenset({DELETING}),
    (DISABLED, ScheduleDue): frozenset({DISABLED, COMPLETED}),
    (DISABLED, ScheduledJobOver): frozenset({DISABLED, COMPLETED}),
    (DISABLED, UpdateSchedule): frozenset({DISABLED}),
    (DISABLED, EnableSchedule): frozenset({ACTIVE}),
    (DISABLED, TerminateSchedule): frozenset({TERMINATING, COMPLETED}),
    (DISABLED, DeleteSchedule): frozenset({DELETING}),
    (TERMINATING, ScheduledJobOver): frozenset({COMPLETED}),
    (TERMINATING, ForceScheduleEnd): frozenset({TERMINATING}),
    (TERMINATING, DeleteSchedule): frozenset({DELETING}),
    (COMPLETED, DeleteSchedule): frozenset({DELETING}),
    (DELETING, ForceScheduleEnd): frozenset({DELETING}),
    (DELETING, ScheduledJobOver): frozenset({DELETING}),
    (DELETING, ScheduleSwept): frozenset({DELETING, None}),
}

_CODES: Final = {
    TERMINATING: ErrorCode.JOB_SCHEDULE_BEING_TERMINATED,
    COMPLETED: ErrorCode.JOB_SCHEDULE_COMPLETED,
    DELETING: ErrorCode.JOB_SCHEDULE_BEING_DELETED,
}

REFUSALS: Final[Mapping[tuple[JobScheduleState, type[JobScheduleEvent]], ErrorCode]] = {
    (DISABLED, DisableSchedule): ErrorCode.JOB_SCHEDULE_DISABLED,
    (DELETING, DeleteSchedule): ErrorCode.JOB_SCHEDULE_BEING_DELETED,
    **{
        (state, event): code
        for state, code in _CODES.items()
        for event in (UpdateSchedule, DisableSchedule, EnableSchedule, TerminateSchedule)
    },
}

#: States in which nothing is made or awaited any more.
_OVER: Final = frozenset(_CODES)


def step(schedule: JobSchedule, event: JobScheduleEvent, now: datetime) -> Step[JobSchedule]:
    """Apply one event to one job schedule.

    Raises:
        Refused: ``JobScheduleBeingTerminated``, ``JobScheduleCompleted``, ``JobScheduleDisabled``,
            ``JobScheduleBeingDeleted``.
        InvalidTransition: The schedule's state cannot take this event.
    """
    if is_stale(schedule, event):
        return Step(schedule)
    if (schedule.state, type(event)) in REFUSALS:
        raise Refused(REFUSALS[schedule.state, type(event)])
    moves = MOVES.get((schedule.state, type(event)))
    if moves is None:
        raise InvalidTransition(f"{schedule.id} is {schedule.state} and cannot take {event}")
    match event:
        case ScheduleDue():
            result = _looked_at(schedule, now)
        case ScheduledJobMade():
            result = _made(schedule, event, now)
        case ScheduledJobOver():
            result = _job_over(replace(schedule, active_job=None), now)
        case UpdateSchedule():
            result = _looked_at(_updated(schedule, event, now), now, may_end=False)
        case DisableSchedule():
            result = _looked_at(_moved(schedule, DISABLED, now), now, may_end=False)
        case EnableSchedule():
            enabled = schedule if schedule.state is ACTIVE else _moved(schedule, ACTIVE, now)
            result = _looked_at(enabled, now, may_end=False)
        case TerminateSchedule():
            result = _terminated(schedule, now)
        case DeleteSchedule():
            deleting = _moved(schedule, DELETING, now)
            result = Step(deleting, (WakeScheduleSweep(schedule.key),))
        case ForceScheduleEnd():
            result = _forced(schedule)
        case ScheduleSwept():
            result = Step(schedule) if event.has_jobs else Step(None, _pool_over(schedule))
        case _:
            assert_never(event)
    state = None if result.entity is None else result.entity.state
    assert state in moves, (schedule, event, result)
    return result


def is_stale(schedule: JobSchedule, event: JobScheduleEvent) -> bool:
    """Return whether `event` is news that has come too late for the state of the schedule."""
    match event:
        case ScheduleDue():
            return schedule.state in _OVER
        case ForceScheduleEnd():
            return schedule.state is COMPLETED
        case ScheduledJobOver():  # A schedule that is being deleted waits for all of its jobs.
            return schedule.active_job != event.job and schedule.state is not DELETING
        case _:
            return False


def check(schedule: JobSchedule) -> None:
    """Assert what is true of every stored job schedule."""
    assert schedule.active_job is None or schedule.state is not COMPLETED, schedule
    assert schedule.state is not TERMINATING or schedule.active_job is not None, schedule
    assert schedule.due_time is None or schedule.state not in _OVER, schedule
    assert (schedule.jobs_made == 0) == (schedule.last_time is None), schedule
    assert schedule.state is not COMPLETED or schedule.end_time is not None, schedule


def begun(schedule: JobSchedule, now: datetime) -> Step[JobSchedule]:
    """Return a new job schedule with what is due of it: its first job, it may be (SC-13)."""
    return _looked_at(schedule, now, may_end=False)


def job_id(schedule: JobSchedule, number: int) -> str:
    """Return the id of a job of a schedule. Source: SC-15."""
    return f"{schedule.id}:job-{number}"


def open_opportunity(schedule: JobSchedule, now: datetime) -> datetime | None:
    """Return the opportunity that a job has to be made for now; None if there is none."""
    if schedule.state is not ACTIVE or schedule.active_job is not None:
        return None
    time = next_opportunity(schedule, now)
    return time if time is not None and time <= now else None


def next_opportunity(schedule: JobSchedule, now: datetime) -> datetime | None:
    """Return the opportunity that is open, or else the first to come; None if none will.

    It costs the same however long ago the last one was.
    """
    time = _on_grid(schedule, now)
    end = schedule.do_not_run_after
    if time is None or (end is not None and max(time, now) >= end):
        return None
    return time


def next_run_time(schedule: JobSchedule, now: datetime) -> datetime | None:
    """Return when the next job is due (SC-20); it may wait for the one that is active till then."""
    return None if schedule.state in _OVER else next_opportunity(schedule, now)


def _on_grid(schedule: JobSchedule, now: datetime) -> datetime | None:
    first, interval = _first(schedule), schedule.recurrence_interval
    taken = schedule.last_time
    if interval is None:
        is_taken = taken is not None and taken >= first
        return None if is_taken or _is_lost(schedule, now - first) else first
    if taken is not None and taken - now > 2 * interval:
        taken = None  # The clock was set back far: what it showed then does not count.
    number = (now - first) // interval
    if number < 0 and schedule.do_not_run_until is not None:
        number = 0
    if _is_lost(schedule, now - first - number * interval):
        number += 1
    if taken is not None:
        number = max(number, (taken - first) // interval + 1)
    return times.after(first, number * interval)


def _first(schedule: JobSchedule) -> datetime:
    """Return a point of the grid: the first, but for a clock that was set back behind creation."""
    return schedule.do_not_run_until or schedule.creation_time


def _is_lost(schedule: JobSchedule, age: timedelta) -> bool:
    return schedule.start_window is not None and age >= schedule.start_window


def _is_over(schedule: JobSchedule, now: datetime) -> bool:
    """Whether no job is active and none will come (SC-6, SC-14); it ends with its last time."""
    if schedule.active_job is not None or next_opportunity(schedule, now) is not None:
        return False
    end = schedule.do_not_run_after
    return schedule.recurrence_interval is None or (end is not None and now >= end)


def _due_time(schedule: JobSchedule, now: datetime) -> datetime | None:
    """Return when the schedule has to be looked at again, if it is not over."""
    if schedule.active_job is not None:
        return None
    time, end = next_opportunity(schedule, now), schedule.do_not_run_after
    if schedule.state is ACTIVE:
        return end if time is None else time
    if schedule.recurrence_interval is not None or schedule.start_window is None:
        return end
    lost = times.after(_first(schedule), schedule.start_window)
    return min((time for time in (lost, end) if time is not None), default=None)


def _looked_at(schedule: JobSchedule, now: datetime, *, may_end: bool = True) -> Step[JobSchedule]:
    """Note when there is something to do, or end a schedule that has nothing more to do.

    What a user asks for never ends it at once: its loop does that next.
    """
    is_over = _is_over(schedule, now)
    if is_over and may_end:
        return _completed(_moved(schedule, TERMINATING, now), now)
    due = now if is_over else _due_time(schedule, now)
    return Step(replace(schedule, due_time=due), () if due is None else (WakeSchedules(due),))


def _made(schedule: JobSchedule, event: ScheduledJobMade, now: datetime) -> Step[JobSchedule]:
    made = replace(
        schedule,
        jobs_made=schedule.jobs_made + 1,
        last_time=event.time,
        active_job=event.job,
        auto_pool=event.auto_pool,
        keeps_pool=event.keeps_pool,
    )
    looked_at = _looked_at(made, now)
    if event.auto_pool == schedule.auto_pool:
        return looked_at
    # An update wants another pool, or the former one has gone: no job is in it any more.
    return Step(looked_at.entity, (*_pool_over(schedule), *looked_at.effects))


def _job_over(schedule: JobSchedule, now: datetime) -> Step[JobSchedule]:
    if schedule.state is TERMINATING:
        return _completed(schedule, now)
    if schedule.state is DELETING:
        return Step(schedule, (WakeScheduleSweep(schedule.key),))
    return _looked_at(schedule, now)


def _updated(schedule: JobSchedule, event: UpdateSchedule, now: datetime) -> JobSchedule:
    return replace(
        schedule,
        do_not_run_until=event.timing.do_not_run_until,
        do_not_run_after=event.timing.do_not_run_after,
        start_window=event.timing.start_window,
        recurrence_interval=event.timing.recurrence_interval,
        keeps_pool=event.keeps_pool,
        revision=schedule.revision + 1,
        last_modified=now,
    )


def _terminated(schedule: JobSchedule, now: datetime) -> Step[JobSchedule]:
    terminating = _moved(schedule, TERMINATING, now)
    if schedule.active_job is None:
        return _completed(terminating, now)
    return Step(terminating, (EndScheduledJob(key=schedule.active_job),))


def _forced(schedule: JobSchedule) -> Step[JobSchedule]:
    if schedule.state is DELETING:
        return Step(replace(schedule, is_forced=True), (WakeScheduleSweep(schedule.key),))
    assert schedule.active_job is not None, schedule
    return Step(schedule, (ForceJobEnd(key=schedule.active_job),))


def _completed(schedule: JobSchedule, now: datetime) -> Step[JobSchedule]:
    completed = replace(_moved(schedule, COMPLETED, now), end_time=now)
    return Step(completed, _pool_over(schedule))


def _pool_over(schedule: JobSchedule) -> tuple[Effect, ...]:
    """The pool that was made for all jobs goes, unless it is to stay (J-48, J-49)."""
    if schedule.auto_pool is None or schedule.keeps_pool:
        return ()
    return (AutoPoolOver(key=schedule.auto_pool),)


def _moved(schedule: JobSchedule, state: JobScheduleState, now: datetime) -> JobSchedule:
    """A change of state is a change of the resource: it moves the ETag (S-4)."""
    return replace(
        schedule,
        state=state,
        state_time=now,
        previous_state=schedule.state,
        previous_state_time=schedule.state_time,
        due_time=None if state in _OVER else schedule.due_time,
        revision=schedule.revision + 1,
        last_modified=now,
    )
