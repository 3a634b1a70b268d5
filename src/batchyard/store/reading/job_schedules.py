"""Job schedules."""

from collections.abc import Mapping

from sqlalchemy import select

from batchyard.engine.filters import Filter
from batchyard.engine.views import JobScheduleView, JobStatistics, Page
from batchyard.store import filters, schema
from batchyard.store.reading import statistics
from batchyard.store.reading.base import AnyRow, Reading, columns, conditions, page
from batchyard.store.reading.named import job_schedule_row
from batchyard.store.statements.rows import JOB_SCHEDULES
from batchyard.store.statements.specs import JOB_SCHEDULE_SPEC


class JobScheduleReads(Reading):
    """Reads of job schedules."""

    def get_job_schedule(
        self, account: str, schedule_id: str, *, with_statistics: bool = False
    ) -> JobScheduleView:
        """Return a job schedule."""
        with self._begin() as connection:
            row = job_schedule_row(connection, account, schedule_id)
            found = statistics.of_schedules(connection, [row], is_wanted=with_statistics)
            return _job_schedule_view(row, found)

    def list_job_schedules(
        self,
        account: str,
        after: int,
        limit: int,
        filter_: Filter | None = None,
        *,
        with_statistics: bool = False,
    ) -> Page[JobScheduleView]:
        """Return the job schedules of an account."""
        schedule = schema.job_schedule
        query = (
            select(*columns(schedule, JOB_SCHEDULES), schedule.c.spec)
            .where(schedule.c.account == account, schedule.c.key > after)
            .where(*conditions(filter_, filters.JOB_SCHEDULES))
            .order_by(schedule.c.key)
            .limit(limit + 1)
        )
        with self._begin() as connection:
            rows = connection.execute(query).all()
            found = statistics.of_schedules(connection, rows, is_wanted=with_statistics)
            return page(rows, limit, lambda row: _job_schedule_view(row, found))


def _job_schedule_view(row: AnyRow, statistics: Mapping[int, JobStatistics]) -> JobScheduleView:
    return JobScheduleView(
        schedule=JOB_SCHEDULES.decode(row),
        spec=JOB_SCHEDULE_SPEC.decode(row.spec),
        statistics=statistics.get(row.key),
    )
