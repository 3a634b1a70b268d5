"""Rows by the names that clients gave them, in any case."""

from sqlalchemy import Connection, select

from batchyard.core.errors import ErrorCode, Refused
from batchyard.store import schema
from batchyard.store.reading.base import AnyRow, columns
from batchyard.store.statements.rows import JOB_SCHEDULES, JOBS, POOLS


def pool_row(connection: Connection, account: str, pool_id: str) -> AnyRow:
    """Return the row of a pool with its specification.

    Raises:
        Refused: POOL_NOT_FOUND.
    """
    pool = schema.pool
    query = select(*columns(pool, POOLS), pool.c.spec).where(
        pool.c.account == account, pool.c.id_folded == pool_id.lower()
    )
    row = connection.execute(query).first()
    if row is None:
        raise Refused(ErrorCode.POOL_NOT_FOUND)
    return row


def job_row(connection: Connection, account: str, job_id: str) -> AnyRow:
    """Return the row of a job with its specification.

    Raises:
        Refused: JOB_NOT_FOUND.
    """
    job = schema.job
    query = select(*columns(job, JOBS), job.c.spec).where(
        job.c.account == account, job.c.id_folded == job_id.lower()
    )
    row = connection.execute(query).first()
    if row is None:
        raise Refused(ErrorCode.JOB_NOT_FOUND)
    return row


def job_schedule_row(connection: Connection, account: str, schedule_id: str) -> AnyRow:
    """Return the row of a job schedule with its specification.

    Raises:
        Refused: JOB_SCHEDULE_NOT_FOUND.
    """
    schedule = schema.job_schedule
    query = select(*columns(schedule, JOB_SCHEDULES), schedule.c.spec).where(
        schedule.c.account == account, schedule.c.id_folded == schedule_id.lower()
    )
    row = connection.execute(query).first()
    if row is None:
        raise Refused(ErrorCode.JOB_SCHEDULE_NOT_FOUND)
    return row
