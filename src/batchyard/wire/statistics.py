"""What tasks have used, as ``$expand=stats`` shows it. Source: J-53, J-54, T-67.

What is counted is counted by the kernels of the nodes when an execution is over; where they count
no operations but blocks, as on Linux, these stand for both.
"""

from datetime import datetime, timedelta
from typing import Final, TypeVar

from batchyard.core.model import Usage
from batchyard.engine.views import JobScheduleView, JobStatistics, JobView, TaskView
from batchyard.wire import links, model, values

_BLOCKS_PER_GIB: Final = 1024**3 // 512


Sums = TypeVar("Sums", model.BatchJobStatistics, model.BatchJobScheduleStatistics)


def write_job_statistics(view: JobView, base_url: str, now: datetime) -> model.BatchJobStatistics:
    """Return the sums over the tasks of a job."""
    assert view.statistics is not None, view
    url, created = links.job(base_url, view.spec.id), view.job.creation_time
    return _write_sums(model.BatchJobStatistics, view.statistics, url, created, now)


def write_job_schedule_statistics(
    view: JobScheduleView, base_url: str, now: datetime
) -> model.BatchJobScheduleStatistics | None:
    """Return the sums over the tasks of the jobs of a schedule, if they were read (SC-21)."""
    if view.statistics is None:
        return None
    url, created = links.job_schedule(base_url, view.spec.id), view.schedule.creation_time
    return _write_sums(model.BatchJobScheduleStatistics, view.statistics, url, created, now)


def _write_sums(
    kind: type[Sums], sums: JobStatistics, url: str, created: datetime, now: datetime
) -> Sums:
    """Return sums over tasks; the real service tells no wait time of jobs (J-54)."""
    used = sums.usage
    return kind(
        url=links.statistics(url),
        start_time=values.write_instant(created),
        last_update_time=values.write_instant(now),
        num_succeeded_tasks=str(sums.succeeded),
        num_failed_tasks=str(sums.failed),
        num_task_retries=str(sums.retries),
        wait_time=values.write_duration(timedelta()),
        user_cpu_time=_time(used.user_microseconds),
        kernel_cpu_time=_time(used.kernel_microseconds),
        wall_clock_time=_time(used.wall_microseconds),
        read_iops=str(used.read_blocks),
        write_iops=str(used.write_blocks),
        read_io_gib=used.read_blocks / _BLOCKS_PER_GIB,
        write_io_gib=used.write_blocks / _BLOCKS_PER_GIB,
    )


def write_task_statistics(
    view: TaskView, base_url: str, now: datetime
) -> model.BatchTaskStatistics:
    """Return what the executions of a task that are over have used, retries included."""
    used = view.task.usage or Usage()
    return model.BatchTaskStatistics(
        url=links.statistics(links.task(base_url, view.job_id, view.spec.id)),
        start_time=values.write_instant(view.creation_time),
        last_update_time=values.write_instant(now),
        wait_time=values.write_duration(_waited(view, now)),
        user_cpu_time=_time(used.user_microseconds),
        kernel_cpu_time=_time(used.kernel_microseconds),
        wall_clock_time=_time(used.wall_microseconds),
        read_iops=str(used.read_blocks),
        write_iops=str(used.write_blocks),
        read_io_gib=used.read_blocks / _BLOCKS_PER_GIB,
        write_io_gib=used.write_blocks / _BLOCKS_PER_GIB,
    )


def _waited(view: TaskView, now: datetime) -> timedelta:
    """Return how long a task waited for its latest start, or waits for its first one."""
    task = view.task
    until = task.start_time or task.end_time or now
    return max(timedelta(), until - view.creation_time)


def _time(microseconds: int) -> str:
    return values.write_duration(timedelta(microseconds=microseconds))
