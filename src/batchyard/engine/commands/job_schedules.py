"""Commands about job schedules."""

from msgspec.structs import replace

from batchyard.core import job_schedule as schedule_cycle
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.job_events import (
    DeleteSchedule,
    DisableSchedule,
    EnableSchedule,
    ForceScheduleEnd,
    TerminateSchedule,
    UpdateSchedule,
)
from batchyard.core.keys import JobScheduleKey
from batchyard.core.model import JobSchedule
from batchyard.core.specs import JobScheduleChange, JobScheduleSpec, Timing
from batchyard.core.states import JobScheduleState
from batchyard.engine.cascade import Cascade
from batchyard.engine.commands import auto_pools, found
from batchyard.engine.commands.found import JobScheduleGuard
from batchyard.engine.views import JobScheduleView


def create_job_schedule(cascade: Cascade, account: str, spec: JobScheduleSpec) -> JobScheduleView:
    """Create a job schedule; its first job is made in the same transaction, if it is due (SC-13).

    Raises:
        Refused: ``JobScheduleExists``, ``JobWithSameIdExists``, ``InvalidPropertyValue`` for an end
            that is past.
    """
    if cascade.transaction.job_schedule_key(account, spec.id) is not None:
        raise Refused(ErrorCode.JOB_SCHEDULE_EXISTS)
    if cascade.transaction.job_key(account, spec.id) is not None:
        raise Refused(ErrorCode.JOB_WITH_SAME_ID_EXISTS)
    _check_end(cascade, spec.timing)
    now = cascade.now
    schedule = JobSchedule(
        key=JobScheduleKey(cascade.transaction.reserve("job_schedule", 1)),
        account=account,
        id=spec.id,
        revision=1,
        creation_time=now,
        last_modified=now,
        state=JobScheduleState.ACTIVE,
        state_time=now,
        do_not_run_until=spec.timing.do_not_run_until,
        do_not_run_after=spec.timing.do_not_run_after,
        start_window=spec.timing.start_window,
        recurrence_interval=spec.timing.recurrence_interval,
    )
    begun = schedule_cycle.begun(schedule, now)
    assert begun.entity is not None
    cascade.transaction.add_job_schedule(begun.entity, spec)
    cascade.job_schedules.added(schedule.key, begun.entity)
    cascade.run(begun.effects)
    return JobScheduleView(schedule=begun.entity, spec=spec)


def update_job_schedule(
    cascade: Cascade,
    account: str,
    schedule_id: str,
    change: JobScheduleChange,
    guard: JobScheduleGuard = None,
) -> JobScheduleView:
    """Change what may change of a job schedule; jobs that are there keep what they have (SC-24).

    Raises:
        Refused: ``JobScheduleNotFound``, ``JobScheduleBeingTerminated``, ``JobScheduleCompleted``,
            ``JobScheduleBeingDeleted``, ``InvalidPropertyValue`` for an end that is past, and what
            the guard says.
    """
    schedule = found.job_schedule(cascade, account, schedule_id, guard)
    spec = cascade.transaction.job_schedule_spec(schedule.key)
    if change.timing is not None:
        spec = replace(spec, timing=change.timing)
    if change.job is not None:
        spec = replace(spec, job=auto_pools.shared_by(spec, change.job))
    if change.metadata is not None:
        spec = replace(spec, metadata=change.metadata or None)
    update = UpdateSchedule(
        key=schedule.key,
        timing=spec.timing,
        keeps_pool=auto_pools.keeps_shared_pool(schedule, spec),
    )
    cascade.run([update])
    if change.timing is not None:
        _check_end(cascade, change.timing)
    cascade.transaction.update_job_schedule_spec(schedule.key, spec)
    return found.job_schedule_view(cascade, schedule.key)


def disable_job_schedule(
    cascade: Cascade, account: str, schedule_id: str, guard: JobScheduleGuard = None
) -> JobScheduleView:
    """Disable a job schedule: it makes no more jobs; the one that is active goes on (SC-25).

    Raises:
        Refused: ``JobScheduleNotFound``, ``JobScheduleDisabled``, ``JobScheduleBeingTerminated``,
            ``JobScheduleCompleted``, ``JobScheduleBeingDeleted``, and what the guard says.
    """
    schedule = found.job_schedule(cascade, account, schedule_id, guard)
    cascade.run([DisableSchedule(key=schedule.key)])
    return found.job_schedule_view(cascade, schedule.key)


def enable_job_schedule(
    cascade: Cascade, account: str, schedule_id: str, guard: JobScheduleGuard = None
) -> JobScheduleView:
    """Enable a job schedule: it makes jobs again (SC-25). One that is active stays so.

    Raises:
        Refused: As `disable_job_schedule`, but ``JobScheduleDisabled``.
    """
    schedule = found.job_schedule(cascade, account, schedule_id, guard)
    cascade.run([EnableSchedule(key=schedule.key)])
    return found.job_schedule_view(cascade, schedule.key)


def terminate_job_schedule(
    cascade: Cascade,
    account: str,
    schedule_id: str,
    guard: JobScheduleGuard = None,
    *,
    is_forced: bool = False,
) -> JobScheduleView:
    """Terminate a job schedule, and first of all the job of it that is active (SC-26).

    One that is forced does not wait for the nodes of that job; a termination that waits may be
    forced (J-42).

    Raises:
        Refused: ``JobScheduleNotFound``, ``JobScheduleBeingTerminated``, ``JobScheduleCompleted``,
            ``JobScheduleBeingDeleted``, and what the guard says.
    """
    schedule = found.job_schedule(cascade, account, schedule_id, guard)
    if not (is_forced and schedule.state is JobScheduleState.TERMINATING):
        cascade.run([TerminateSchedule(key=schedule.key)])
    if is_forced:
        cascade.run([ForceScheduleEnd(key=schedule.key)])
    return found.job_schedule_view(cascade, schedule.key)


def delete_job_schedule(
    cascade: Cascade,
    account: str,
    schedule_id: str,
    guard: JobScheduleGuard = None,
    *,
    is_forced: bool = False,
) -> None:
    """Delete a job schedule with all of its jobs (SC-27); for `is_forced` see `delete_job`.

    Raises:
        Refused: ``JobScheduleNotFound``, ``JobScheduleBeingDeleted``, and what the guard says.
    """
    schedule = found.job_schedule(cascade, account, schedule_id, guard)
    if not (is_forced and schedule.state is JobScheduleState.DELETING):
        cascade.run([DeleteSchedule(key=schedule.key)])
    if is_forced:
        cascade.run([ForceScheduleEnd(key=schedule.key)])


def _check_end(cascade: Cascade, timing: Timing) -> None:
    """Refuse a schedule that could not make a single job (SC-6)."""
    end = timing.do_not_run_after
    if end is not None and end <= cascade.now:
        raise Refused.of_property(
            "schedule.doNotRunAfter",
            end.isoformat(),
            "that is past: give a time to come, or leave it out",
        )
