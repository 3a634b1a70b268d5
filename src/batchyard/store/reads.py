"""Reads for callers: pages and single resources, each in one consistent state of the database."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from batchyard.store.reading.job_schedules import JobScheduleReads
from batchyard.store.reading.jobs import JobReads
from batchyard.store.reading.nodes import NodeReads
from batchyard.store.reading.pools import PoolReads
from batchyard.store.reading.tasks import TaskReads
from batchyard.store.transaction import SqlTransaction


class SqlReads(PoolReads, NodeReads, JobReads, JobScheduleReads, TaskReads):
    """See `batchyard.engine.read_ports.Reads`."""

    @contextmanager
    def look(self) -> Iterator[SqlTransaction]:
        """Return a context in which all that deciding asks can be asked, and nothing be written."""
        with self._begin() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection), driver
            yield SqlTransaction(driver)
