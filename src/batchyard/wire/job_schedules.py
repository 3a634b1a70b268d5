"""Job schedules: requests to specifications, views to JSON. Source: SC-1 ... SC-23."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from batchyard.core import job_schedule as schedule_cycle
from batchyard.core import limits
from batchyard.core.errors import Refused
from batchyard.core.specs import JobScheduleChange, JobScheduleSpec, JobSpec, Timing
from batchyard.engine.views import JobScheduleView
from batchyard.wire import (
    bodies,
    checks,
    coverage,
    jobs,
    links,
    model,
    old_names,
    pools,
    statistics,
    values,
)
from batchyard.wire.versions import LATEST, ApiVersion

_DECODER: Final = msgspec.json.Decoder(model.BatchJobScheduleCreateOptions)
_PATCH_DECODER: Final = msgspec.json.Decoder(model.BatchJobScheduleUpdateOptions)
_PUT_DECODER: Final = msgspec.json.Decoder(model.BatchJobSchedule)


def read_job_schedule(body: bytes, version: ApiVersion = LATEST) -> JobScheduleSpec:
    """Return the specification in the body of JobSchedules_CreateJobSchedule.

    Raises:
        Refused: As `jobs.read_job`.
    """
    request = bodies.decode(old_names.modernised(body, version, old_names.SCHEDULE), _DECODER)
    coverage.check(request)
    return JobScheduleSpec(
        id=checks.identifier(request.id, "id"),
        timing=_timing(checks.required(request.schedule, "schedule")),
        job=_job(checks.required(request.job_specification, "jobSpecification"), has_secrets=True),
        display_name=checks.display_name(request.display_name),
        metadata=checks.metadata(request.metadata),
    )


def read_patch(body: bytes, version: ApiVersion = LATEST) -> JobScheduleChange:
    """Return the change in the body of JobSchedules_UpdateJobSchedule (SC-22).

    Raises:
        Refused: As `jobs.read_job`.
    """
    request = bodies.decode(old_names.modernised(body, version, old_names.SCHEDULE), _PATCH_DECODER)
    coverage.check(request)
    timing, job = request.schedule, request.job_specification
    return JobScheduleChange(
        timing=None if timing is None else _timing(timing),
        job=None if job is None else _job(job),
        metadata=None if request.metadata is None else checks.metadata(request.metadata) or (),
    )


def read_replacement(body: bytes, version: ApiVersion = LATEST) -> JobScheduleChange:
    """Return the change in the body of JobSchedules_ReplaceJobSchedule (SC-23).

    Raises:
        Refused: As `jobs.read_job`; ``UnsupportedProperty`` also for what was decided before.
    """
    request = bodies.decode(old_names.modernised(body, version, old_names.SCHEDULE), _PUT_DECODER)
    coverage.check(request)
    return JobScheduleChange(
        timing=Timing() if request.schedule is None else _timing(request.schedule),
        job=_job(checks.required(request.job_specification, "jobSpecification")),
        metadata=checks.metadata(request.metadata) or (),
    )


def _job(given: model.BatchJobSpecification, *, has_secrets: bool = False) -> JobSpec:
    with checks.below("jobSpecification."):
        return jobs.read_specification(given, is_scheduled=True, has_secrets=has_secrets)


def _timing(given: model.BatchJobScheduleConfiguration) -> Timing:
    timing = Timing(
        do_not_run_until=_read(given.do_not_run_until, "doNotRunUntil", values.read_instant),
        do_not_run_after=_read(given.do_not_run_after, "doNotRunAfter", values.read_instant),
        start_window=_span(given.start_window, "startWindow"),
        recurrence_interval=_span(given.recurrence_interval, "recurrenceInterval"),
    )
    first, end = timing.do_not_run_until, timing.do_not_run_after
    if first is not None and end is not None and end <= first:
        raise Refused.of_property(
            "schedule.doNotRunAfter",
            coverage.shorten(given.do_not_run_after),
            "give a time after doNotRunUntil, or leave it out",
        )
    return timing


def _read(given: str | None, name: str, read: Callable[[str], datetime]) -> datetime | None:
    if given is None:
        return None
    try:
        return read(given)
    except ValueError as error:
        raise Refused.of_property(f"schedule.{name}", coverage.shorten(given), str(error)) from None


def _span(given: str | None, name: str) -> timedelta | None:
    """Return a span of at least a minute (SC-7, SC-8); one without end is no limit."""
    if given is None:
        return None
    span = checks.duration(given, f"schedule.{name}")
    if span is not None and span < limits.SCHEDULE_SPAN_MIN:
        least = values.write_duration(limits.SCHEDULE_SPAN_MIN)
        raise Refused.of_property(
            f"schedule.{name}", coverage.shorten(given), f"give at least {least}"
        )
    return span


def etag(view: JobScheduleView) -> str:
    """Return the ETag of a job schedule."""
    schedule = view.schedule
    created = schedule.creation_time.timestamp()
    return links.etag("job schedule", schedule.key, created, schedule.revision)


def write_job_schedule(
    view: JobScheduleView, base_url: str, now: datetime
) -> model.BatchJobSchedule:
    """Return a job schedule with all documented defaults (SC-3)."""
    schedule, spec = view.schedule, view.spec
    return model.BatchJobSchedule(
        id=spec.id,
        display_name=spec.display_name,
        url=links.job_schedule(base_url, spec.id),
        etag=etag(view),
        last_modified=values.write_instant(schedule.last_modified),
        creation_time=values.write_instant(schedule.creation_time),
        state=model.BatchJobScheduleState(schedule.state),
        state_transition_time=values.write_instant(schedule.state_time),
        previous_state=None
        if schedule.previous_state is None
        else model.BatchJobScheduleState(schedule.previous_state),
        previous_state_transition_time=_instant(schedule.previous_state_time),
        schedule=_write_timing(spec.timing),
        job_specification=jobs.write_specification(spec.job),
        execution_info=_write_execution_info(view, base_url, now),
        metadata=pools.write_metadata(spec.metadata),
        stats=statistics.write_job_schedule_statistics(view, base_url, now),
    )


def _write_timing(timing: Timing) -> model.BatchJobScheduleConfiguration:
    return model.BatchJobScheduleConfiguration(
        do_not_run_until=_instant(timing.do_not_run_until),
        do_not_run_after=_instant(timing.do_not_run_after),
        start_window=_duration(timing.start_window),
        recurrence_interval=_duration(timing.recurrence_interval),
    )


def _write_execution_info(
    view: JobScheduleView, base_url: str, now: datetime
) -> model.BatchJobScheduleExecutionInfo:
    """Return what has become of a schedule and what comes next (SC-20)."""
    schedule = view.schedule
    recent = None
    if schedule.jobs_made > 0:
        job_id = schedule_cycle.job_id(schedule, schedule.jobs_made)
        recent = model.RecentBatchJob(id=job_id, url=links.job(base_url, job_id))
    return model.BatchJobScheduleExecutionInfo(
        next_run_time=_instant(schedule_cycle.next_run_time(schedule, now)),
        recent_job=recent,
        end_time=_instant(schedule.end_time),
    )


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else values.write_instant(instant)


def _duration(span: timedelta | None) -> str | None:
    return None if span is None else values.write_duration(span)
