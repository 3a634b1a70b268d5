"""The store on SQLite: one writing connection, reading ones beside it, and the schema's version.

Write-ahead logging lets reads go on while the writer commits. ``synchronous=FULL`` makes a commit
durable before it is answered; a store in a temporary folder, which dies with its server, does
without.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    PoolProxiedConnection,
    PrimaryKeyConstraint,
    StaticPool,
    String,
    Table,
    create_engine,
    event,
    inspect,
    select,
)
from sqlalchemy.schema import CreateIndex, CreateTable

from batchyard.store import schema
from batchyard.store.reads import SqlReads
from batchyard.store.transaction import SqlTransaction

#: Newest revision of the schema; a test holds it against the migrations.
SCHEMA_REVISION: Final = "0001"

#: Alembic's own table, which says of what revision the schema is.
_VERSION: Final = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

#: Milliseconds to wait for another process that has the database locked, for example a backup.
_BUSY_MILLISECONDS: Final = 5_000

#: Bytes that the write-ahead log keeps on disk. It grows beyond while somebody reads one state of
#: the database for long, such as a backup, and goes back to this once they are done.
_LOG_BYTES_MAX: Final = 16 * 1024 * 1024


#: What takes the right to write at once, rather than at the first write. Source: architecture.md 9.
_BEGIN: Final = "BEGIN IMMEDIATE"

_log: Final = logging.getLogger(__name__)


class SchemaTooNew(Exception):
    """The database was written by a newer version of the service."""


class _Store:
    """A database by its connections. See `batchyard.engine.ports.Store`."""

    def __init__(self, writing: Engine, reading: Engine, begin: str) -> None:
        self._writing: Final = writing
        self._reading: Final = reading
        self._begin: Final = begin
        #: Kept from one transaction to the next: taking it from the pool costs as much as a dozen
        #: statements.
        self._connection: PoolProxiedConnection | None = None
        self.reads: Final = SqlReads(reading)

    @contextmanager
    def transaction(self) -> Iterator[SqlTransaction]:
        """Return a context that commits at its end, or undoes everything if it raises."""
        if self._connection is None:
            self._connection = self._writing.raw_connection()
        driver = self._connection.driver_connection
        assert isinstance(driver, sqlite3.Connection), driver
        driver.execute(self._begin)
        try:
            yield SqlTransaction(driver)
            driver.commit()
        except BaseException:
            self._undo(driver)
            raise

    def _undo(self, driver: sqlite3.Connection) -> None:
        """Roll back what is not rolled back already, as after a disk that was full."""
        try:
            driver.rollback()
        except sqlite3.Error:
            _log.exception("cannot roll back; the connection is given up")
            self._let_go()
            self._writing.dispose()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Close every connection; the last one writes the log back into the database."""
        self._let_go()
        self._reading.dispose()
        self._writing.dispose()


class SqliteStore(_Store):
    """A database file."""

    def __init__(self, path: Path, *, is_durable: bool = True) -> None:
        """Open or create the database, and bring its schema up to date.

        Raises:
            SchemaTooNew: A newer version of the service has written it.
        """
        synchronous = "FULL" if is_durable else "OFF"
        super().__init__(
            _engine(path, f"PRAGMA synchronous={synchronous}", _BEGIN),
            _engine(path, "PRAGMA query_only=ON", "BEGIN"),
            _BEGIN,
        )
        self._migrate()

    def _migrate(self) -> None:
        with self._writing.begin() as connection:
            tables = inspect(connection).get_table_names()
            if not tables:
                _create(connection)
                return
            revision = None
            if _VERSION.name in tables:
                revision = connection.execute(select(_VERSION.c.version_num)).scalar()
            if revision == SCHEMA_REVISION:
                return
            # Alembic is imported only when there is something to migrate: it costs start-up time.
            from batchyard.store.migrate import upgrade  # noqa: PLC0415

            if not upgrade(connection):
                raise SchemaTooNew(
                    f"the data was written by a newer version (schema {revision}); "
                    "update batchyard, or use another data folder"
                )


class MemoryStore(_Store):
    """A new database in memory, for one thread that does not read while it writes.

    It costs a millisecond: its schema is copied from one that was migrated once.
    """

    def __init__(self) -> None:
        connection = sqlite3.connect(":memory:", isolation_level=None)
        _template().backup(connection)
        engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
        _begin_with(engine, "BEGIN")
        super().__init__(engine, engine, "BEGIN")


def _create(connection: Connection) -> None:
    """Make the newest schema in an empty database, as all migrations together would."""
    for table in schema.metadata.sorted_tables:
        connection.execute(CreateTable(table))
        # In order, or plans of statements would differ from one database to the next.
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(CreateIndex(index))
    _VERSION.create(connection)
    connection.execute(_VERSION.insert().values(version_num=SCHEMA_REVISION))


def _engine(path: Path, pragma: str, begin: str) -> Engine:
    engine = create_engine(f"sqlite:///{path}", pool_size=4, max_overflow=4)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:  # noqa: ANN401  # The driver's own.
        # Transactions are begun below: the driver's implicit ones come too late for IMMEDIATE.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        cursor.execute(f"PRAGMA journal_size_limit={_LOG_BYTES_MAX}")
        cursor.execute(pragma)
        cursor.close()

    _begin_with(engine, begin)
    return engine


def _begin_with(engine: Engine, begin: str) -> None:
    @event.listens_for(engine, "begin")
    def _begun(connection: Any) -> None:  # noqa: ANN401  # SQLAlchemy's, untyped in events.
        connection.exec_driver_sql(begin)


@cache
def _template() -> sqlite3.Connection:
    """Return an empty database with the newest schema."""
    template = sqlite3.connect(":memory:", isolation_level=None)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        SqliteStore(path, is_durable=False).close()
        with closing(sqlite3.connect(path)) as migrated:
            migrated.backup(template)
    return template
