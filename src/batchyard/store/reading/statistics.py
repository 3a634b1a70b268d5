"""What the tasks of jobs add up to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, func, select

from batchyard.core.counts import USAGE
from batchyard.core.model import Usage
from batchyard.engine.views import JobStatistics
from batchyard.store import schema
from batchyard.store.reading.base import AnyRow

#: What statistics are made of, in the order of a select.
_STATISTICS: Final = ("succeeded", "failed", "retries", *USAGE)

_NO_STATISTICS: Final[Mapping[int, JobStatistics]] = {}


def of_jobs(
    connection: Connection, jobs: Sequence[AnyRow], *, is_wanted: bool
) -> Mapping[int, JobStatistics]:
    """Return what the tasks of jobs add up to, by the keys of the jobs."""
    if not is_wanted:
        return _NO_STATISTICS
    counts = schema.job_counts
    query = select(counts.c.job, *(counts.c[name] for name in _STATISTICS))
    rows = connection.execute(query.where(counts.c.job.in_([row.key for row in jobs])))
    return _statistics_of(rows)


def of_schedules(
    connection: Connection, schedules: Sequence[AnyRow], *, is_wanted: bool
) -> Mapping[int, JobStatistics]:
    """Return what the tasks of all jobs of schedules add up to, by the keys of the schedules."""
    if not is_wanted:
        return _NO_STATISTICS
    counts, job = schema.job_counts, schema.job
    query = (
        select(job.c.schedule, *(func.sum(counts.c[name]) for name in _STATISTICS))
        .join(job, job.c.key == counts.c.job)
        .where(job.c.schedule.in_([row.key for row in schedules]))
        .group_by(job.c.schedule)
    )
    nothing = JobStatistics(succeeded=0, failed=0, retries=0, usage=Usage())
    without_jobs = {row.key: nothing for row in schedules}
    return {**without_jobs, **_statistics_of(connection.execute(query))}


def _statistics_of(rows: Iterable[Any]) -> dict[int, JobStatistics]:
    return {
        key: JobStatistics(succeeded=succeeded, failed=failed, retries=retries, usage=Usage(*used))
        for key, succeeded, failed, retries, *used in rows
    }
