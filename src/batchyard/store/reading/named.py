"""Rows by the names that clients gave them, in any case."""

from typing import Any

from sqlalchemy import Connection, Table, select

from batchyard.core.errors import ErrorCode, Refused
from batchyard.store import schema
from batchyard.store.reading.base import AnyRow, columns
from batchyard.store.statements.rows import JOB_SCHEDULES, JOBS, POOLS
from batchyard.store.values import Codec


def pool_row(connection: Connection, account: str, pool_id: str) -> AnyRow:
    """Return the row of a pool with its specification.

    Raises:
        Refused: POOL_NOT_FOUND.
    """
    return _row(connection, schema.pool, POOLS, account, pool_id, ErrorCode.POOL_NOT_FOUND)


def job_row(connection: Connection, account: str, job_id: str) -> AnyRow:
    """Return the row of a job with its specification.

    Raises:
        Refused: JOB_NOT_FOUND.
    """
    return _row(connection, schema.job, JOBS, account, job_id, ErrorCode.JOB_NOT_FOUND)


def job_schedule_row(connection: Connection, account: str, schedule_id: str) -> AnyRow:
    """Return the row of a job schedule with its specification.

    Raises:
        Refused: JOB_SCHEDULE_NOT_FOUND.
    """
    missing = ErrorCode.JOB_SCHEDULE_NOT_FOUND
    return _row(connection, schema.job_schedule, JOB_SCHEDULES, account, schedule_id, missing)


def _row(
    connection: Connection,
    table: Table,
    codec: Codec[Any],
    account: str,
    name: str,
    missing: ErrorCode,
) -> AnyRow:
    query = select(*columns(table, codec), table.c.spec).where(
        table.c.account == account, table.c.id_folded == name.lower()
    )
    row = connection.execute(query).first()
    if row is None:
        raise Refused(missing)
    return row
