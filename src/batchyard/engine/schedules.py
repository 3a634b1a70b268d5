"""The loops of job schedules: make the jobs that are due, and delete those of one that goes.

See `engine.loops` for what holds of every loop.
"""

from collections.abc import Collection
from datetime import datetime

from msgspec.structs import replace

from batchyard.core import job_schedule as schedule_cycle
from batchyard.core import limits
from batchyard.core.effects import WakeScheduleSweep
from batchyard.core.job_events import (
    DeleteJob,
    ForceJobEnd,
    ScheduledJobMade,
    ScheduleDue,
    ScheduleSwept,
)
from batchyard.core.keys import JobKey, JobScheduleKey
from batchyard.core.model import JobSchedule
from batchyard.core.states import JobScheduleState, JobState
from batchyard.engine.cascade import Cascade
from batchyard.engine.commands import auto_pools
from batchyard.engine.commands.jobs import make_job


def make_jobs(cascade: Cascade) -> datetime | None:
    """Make the jobs that are due, and end schedules that are over; return when to look again."""
    due = cascade.transaction.job_schedules_due(cascade.now, limits.SWEEP_ENTITIES_MAX)
    cascade.job_schedules.known((schedule.key, schedule) for schedule in due)
    for schedule in due:
        time = schedule_cycle.open_opportunity(schedule, cascade.now)
        if time is None:
            cascade.run([ScheduleDue(key=schedule.key)])
            continue
        _make_job(cascade, schedule, time)
    cascade.flush()
    return cascade.transaction.next_job_schedule_due()


def look_again(cascade: Cascade, keys: Collection[JobScheduleKey]) -> None:
    """Note anew when something is due of schedules that went by a clock that was ahead."""
    cascade.job_schedules.read(keys)
    cascade.run(ScheduleDue(key=key) for key in keys)


def _make_job(cascade: Cascade, schedule: JobSchedule, time: datetime) -> None:
    """The schedule hears of its job first: that one may be over as soon as it is made."""
    job = JobKey(cascade.transaction.reserve("job", 1))
    template = cascade.transaction.job_schedule_spec(schedule.key)
    spec, pool = auto_pools.share(cascade, schedule, job, template)
    made = ScheduledJobMade(
        key=schedule.key,
        job=job,
        time=time,
        auto_pool=pool,
        keeps_pool=pool is not None and spec.auto_pool is not None and spec.auto_pool.keep_alive,
    )
    cascade.run([made])
    spec = replace(spec, id=schedule_cycle.job_id(schedule, schedule.jobs_made + 1))
    make_job(cascade, schedule.account, job, spec, schedule.key)


def sweep(cascade: Cascade, schedule_key: JobScheduleKey) -> None:
    """Carry on with the deletion of a job schedule: its jobs first, at last its own row."""
    schedule = cascade.job_schedules.get(schedule_key)
    if schedule is None or schedule.state is not JobScheduleState.DELETING:
        return
    limit = limits.SWEEP_ENTITIES_MAX
    jobs = cascade.transaction.jobs_to_delete(schedule_key, limit, are_forced=schedule.is_forced)
    cascade.jobs.known((job.key, job) for job in jobs)
    cascade.run(DeleteJob(key=job.key) for job in jobs if job.state is not JobState.DELETING)
    if schedule.is_forced:
        cascade.run(ForceJobEnd(key=job.key) for job in jobs)
    if len(jobs) == limit:
        cascade.run([WakeScheduleSweep(schedule_key)])
        return
    cascade.flush()
    has_jobs = cascade.transaction.has_jobs(schedule_key)
    cascade.run([ScheduleSwept(key=schedule_key, has_jobs=has_jobs)])
