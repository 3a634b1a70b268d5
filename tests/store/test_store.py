"""The store on SQLite: its schema, its durability, its sets."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine

from batchyard.core.keys import JobKey, TaskKey
from batchyard.core.model import Failure, Job, Node, Pool, Task
from batchyard.core.specs import JobSpec, TaskSpec
from batchyard.engine.ports import Changes
from batchyard.store import schema, sets
from batchyard.store import store as store_module
from batchyard.store.migrate import configuration, upgrade
from batchyard.store.store import SCHEMA_REVISION, MemoryStore, SchemaTooNew, SqliteStore
from batchyard.store.values import Codec, from_microseconds, to_microseconds
from tests.core import test_job, test_node, test_pool, test_task
from tests.core.exploring import NOW


@pytest.fixture
def store(tmp_path: Path) -> Any:
    store = SqliteStore(tmp_path / "store.db")
    yield store
    store.close()


def raw(path: Path) -> Engine:
    return create_engine(f"sqlite:///{path}")


def made_of(path: Path) -> set[str]:
    """Return the statements that would make the tables and indexes of a database."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {" ".join(row[0].split()) for row in rows}


def test_the_migrations_make_exactly_the_schema_that_new_data_begins_with(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "new.db").close()
    engine = raw(tmp_path / "migrated.db")
    with engine.begin() as connection:
        assert upgrade(connection)
    engine.dispose()
    assert made_of(tmp_path / "new.db") == made_of(tmp_path / "migrated.db")


def test_data_without_a_revision_are_migrated(tmp_path: Path) -> None:
    """A start that a crash cut short may have left a table or two of Alembic's."""
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    SqliteStore(tmp_path / "store.db").close()
    assert len(made_of(tmp_path / "store.db")) > 10


def test_the_revision_that_needs_no_migration_is_the_newest() -> None:
    """A wrong constant would import Alembic at every start, or never migrate."""
    script = ScriptDirectory.from_config(configuration())
    assert script.get_current_head() == SCHEMA_REVISION


def test_a_second_start_finds_everything(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "store.db")
    with first.transaction() as transaction:
        transaction.add_job(test_job.new(), JobSpec(id="job", pool_id="pool"))
    first.close()
    second = SqliteStore(tmp_path / "store.db")
    assert second.reads.get_job("account", "JOB").job == test_job.new()
    second.close()


def test_data_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    SqliteStore(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match="newer version"):
        SqliteStore(path)


def test_a_durable_store_waits_for_the_disk(store: SqliteStore) -> None:
    """FULL is 2: what was acknowledged must survive a power loss."""
    with store.transaction() as transaction:
        connection = transaction._connection
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_reads_cannot_write(store: SqliteStore) -> None:
    with store._reading.begin() as connection, pytest.raises(Exception, match="readonly"):
        connection.exec_driver_sql("INSERT INTO counter VALUES ('x', 1)")


def test_the_log_that_grew_beside_a_long_read_is_cut_once_the_read_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_LOG_BYTES_MAX", 500_000)
    store = SqliteStore(tmp_path / "store.db", is_durable=False)
    log = tmp_path / "store.db-wal"

    def write_a_megabyte() -> None:
        with store.transaction() as transaction:
            job = test_job.new(key=JobKey(transaction.reserve("job", 1)))
            spec = JobSpec(id=f"job-{job.key}", pool_id="p" * 1_000_000)
            transaction.add_job(msgspec.structs.replace(job, id=spec.id), spec)

    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM job").fetchone()
        for _ in range(8):
            write_a_megabyte()
        assert log.stat().st_size > 8_000_000
    write_a_megabyte()  # Everything is in the database now, and the log begins anew.
    write_a_megabyte()
    assert log.stat().st_size < 8_000_000
    store.close()


def test_a_transaction_that_raises_leaves_nothing(store: SqliteStore) -> None:
    def fail() -> None:
        with store.transaction() as transaction:
            transaction.reserve("task", 5)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.transaction() as transaction:
        assert transaction.reserve("task", 1) == 1


def test_a_savepoint_that_raises_leaves_what_was_before(store: SqliteStore) -> None:
    with store.transaction() as transaction:
        transaction.reserve("task", 5)

        def fail() -> None:
            with transaction.savepoint():
                transaction.reserve("task", 5)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert transaction.reserve("task", 1) == 6


def test_keys_are_never_given_twice(store: SqliteStore) -> None:
    with store.transaction() as transaction:
        first = transaction.reserve("task", 100)
        assert transaction.reserve("task", 1) == first + 100
        assert transaction.reserve("job", 1) == 1


@pytest.mark.parametrize(
    "entity",
    [
        test_pool.new(),
        test_node.new(last_boot_time=NOW),
        test_job.new(previous_state=None, end_time=NOW),
        test_task.ended(test_task.started(), test_task.ending(7)),
    ],
    ids=lambda entity: type(entity).__name__,
)
def test_an_entity_comes_back_as_it_went(entity: Pool | Node | Job | Task) -> None:
    codec: Codec[Any] = Codec(type(entity))
    assert codec.decode(codec.encode(entity)) == entity


@given(st.datetimes(timezones=st.just(NOW.tzinfo)))
def test_an_instant_keeps_every_microsecond(time: Any) -> None:
    assert from_microseconds(to_microseconds(time)) == time


def test_a_nested_failure_keeps_its_details() -> None:
    task = test_task.ended(test_task.started(), test_task.ending(7))
    codec = Codec(Task)
    back = codec.decode(codec.encode(task))
    assert isinstance(back.failure, Failure)
    assert back.failure == task.failure


@given(
    st.dictionaries(st.integers(1, 20), st.integers(-5, 5), min_size=1),
    st.dictionaries(st.integers(1, 25), st.integers(-5, 5)),
)
def test_adding_to_a_set_of_rows_equals_adding_to_each(
    before: dict[int, int], change: dict[int, int]
) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE job_counts (job INTEGER PRIMARY KEY, active INTEGER)")
        sets.insert(connection, schema.job_counts, ("job", "active"), list(before.items()))
        sets.add(connection, schema.job_counts, ("job",), ("active",), list(change.items()))
        rows = sets.select(connection, schema.job_counts, ("job", "active"), "job", before)
    assert dict(rows) == {job: active + change.get(job, 0) for job, active in before.items()}


def test_a_batch_of_changes_changes_only_what_differs(store: SqliteStore) -> None:
    first, second = (test_task.new(key=TaskKey(key), job=JobKey(2)) for key in (1, 2))
    with store.transaction() as transaction:
        transaction.add_job(test_job.new(), JobSpec(id="job", pool_id="pool"))
        transaction.add_tasks(
            JobKey(2),
            [
                (first, TaskSpec(id="a", command_line="x")),
                (second, TaskSpec(id="b", command_line="x")),
            ],
        )
    running = test_task.started(test_task.placed(test_task.new(key=TaskKey(1))))
    with store.transaction() as transaction:
        before = transaction.tasks([TaskKey(1)])[TaskKey(1)]
        transaction.save(Changes(tasks=[(before, running)]))
    with store.transaction() as transaction:
        found = transaction.tasks([TaskKey(1), TaskKey(2), TaskKey(3)])
    assert found == {TaskKey(1): running, TaskKey(2): second}
    assert store.reads.task_counts("account", "job").running == 1


def test_a_store_in_memory_closes_without_complaint(caplog: pytest.LogCaptureFixture) -> None:
    """All its connections are one: the writer gives it back before the readers close it."""
    store = MemoryStore()
    with store.transaction() as transaction:
        transaction.reserve("pool", 1)
    store.close()
    assert not caplog.records
