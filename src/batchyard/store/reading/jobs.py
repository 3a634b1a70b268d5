"""Jobs, their counts, and what they are on their nodes."""

import dataclasses
from collections.abc import Mapping
from typing import Final

from sqlalchemy import bindparam, select

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import NodeKey
from batchyard.engine.filters import Filter
from batchyard.engine.views import JobNodeView, JobStatistics, JobView, NodeName, Page, TaskCounts
from batchyard.store import filters, schema
from batchyard.store.reading import statistics
from batchyard.store.reading.base import AnyRow, Reading, columns, conditions, page
from batchyard.store.reading.named import job_row, job_schedule_row
from batchyard.store.statements.rows import JOB_NODES, JOBS
from batchyard.store.statements.specs import JOB_SPEC

_COUNTED: Final = tuple(field.name for field in dataclasses.fields(TaskCounts))

#: What clients that wait for their tasks ask for over and over: put together once.
_TASK_COUNTS: Final = (
    select(*(schema.job_counts.c[name] for name in _COUNTED))
    .join(schema.job, schema.job.c.key == schema.job_counts.c.job)
    .where(schema.job.c.account == bindparam("account"), schema.job.c.id_folded == bindparam("id"))
)


class JobReads(Reading):
    """Reads of jobs."""

    def get_job(self, account: str, job_id: str, *, with_statistics: bool = False) -> JobView:
        """Return a job."""
        with self._begin() as connection:
            row = job_row(connection, account, job_id)
            return _job_view(row, statistics.of_jobs(connection, [row], is_wanted=with_statistics))

    def list_jobs(
        self,
        account: str,
        after: int,
        limit: int,
        filter_: Filter | None = None,
        *,
        schedule_id: str | None = None,
        with_statistics: bool = False,
    ) -> Page[JobView]:
        """Return the jobs of an account, or those that a job schedule made."""
        job = schema.job
        query = (
            select(*columns(job, JOBS), job.c.spec)
            .where(job.c.key > after, *conditions(filter_, filters.JOBS))
            .order_by(job.c.key)
            .limit(limit + 1)
        )
        with self._begin() as connection:
            if schedule_id is None:
                query = query.where(job.c.account == account)
            else:
                schedule = job_schedule_row(connection, account, schedule_id)
                query = query.where(job.c.schedule == schedule.key)
            rows = connection.execute(query).all()
            found = statistics.of_jobs(connection, rows, is_wanted=with_statistics)
            return page(rows, limit, lambda row: _job_view(row, found))

    def task_counts(self, account: str, job_id: str) -> TaskCounts:
        """Return the task counts of a job."""
        names = {"account": account, "id": job_id.lower()}
        with self._begin() as connection:
            row = connection.execute(_TASK_COUNTS, names).first()
        if row is None:
            raise Refused(ErrorCode.JOB_NOT_FOUND)
        return TaskCounts(**dict(zip(_COUNTED, row, strict=True)))

    def list_job_nodes(
        self, account: str, job_id: str, after: int, limit: int, filter_: Filter | None = None
    ) -> Page[JobNodeView]:
        """Return the preparation and release of a job, node by node, gone nodes included."""
        job_node, node = schema.job_node, schema.node
        with self._begin() as connection:
            job = _job_view(job_row(connection, account, job_id), {})
            if job.spec.preparation is None and job.spec.release is None:
                raise Refused(ErrorCode.JOB_PREPARATION_TASK_NOT_SPECIFIED)
            query = (
                select(*columns(job_node, JOB_NODES), node.c.pool_id, node.c.id, node.c.key)
                .join(node, node.c.key == job_node.c.node)
                .where(job_node.c.job == job.job.key, job_node.c.node > after)
                .where(*conditions(filter_, filters.JOB_NODES))
                .order_by(job_node.c.node)
                .limit(limit + 1)
            )
            rows = connection.execute(query).all()

        def view(row: AnyRow) -> JobNodeView:
            return JobNodeView(
                job_id=job.job.id,
                node=NodeName(key=NodeKey(row.key), pool_id=row.pool_id, node_id=row.id),
                job_node=JOB_NODES.decode(row),
                preparation_id=None if job.spec.preparation is None else job.spec.preparation.id,
                release_id=None if job.spec.release is None else job.spec.release.id,
            )

        return page(rows, limit, view)


def _job_view(row: AnyRow, found: Mapping[int, JobStatistics]) -> JobView:
    return JobView(
        job=JOBS.decode(row),
        spec=JOB_SPEC.decode(row.spec),
        statistics=found.get(row.key),
    )
