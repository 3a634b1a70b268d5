"""The writer thread: group commit, and what happens when a commit fails."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Semaphore
from typing import Any

import pytest

from batchyard.core import limits
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.specs import JobScheduleSpec, JobSpec, Timing
from batchyard.engine import commands
from batchyard.engine.engine import Engine
from batchyard.engine.writer import Writer, WriterStopped
from batchyard.store.store import SqliteStore
from tests.engine.world import ACCOUNT, ListeningFleet, VirtualClock
from tests.waiting import wait_until

SPEC = JobSpec(id="job", pool_id="pool")


class FullDisk:
    """A store whose commits fail as long as the disk is full."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.is_full = False
        self.commits = 0

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with self._store.transaction() as transaction:
            yield transaction
            if self.is_full:
                raise OSError("No space left on device")
        self.commits += 1

    def has_job(self, job_id: str) -> bool:
        page = self._store.reads.list_jobs(ACCOUNT, 0, 100)
        return any(view.job.id == job_id for view in page.items)


class WatchedClock(VirtualClock):
    """A clock that a test can see being looked at."""

    def __init__(self) -> None:
        super().__init__()
        self._looks = Semaphore(0)

    def now(self) -> datetime:
        self._looks.release()
        return super().now()

    def look_often(self) -> None:
        """Wait until it was looked at so often that the writer has come to rest between looks."""
        while self._looks.acquire(blocking=False):
            pass
        for _ in range(20):
            assert self._looks.acquire(timeout=20)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[FullDisk]:
    store = SqliteStore(tmp_path / "store.db", is_durable=False)
    yield FullDisk(store)
    store.close()


@pytest.fixture
def writer(disk: FullDisk) -> Iterator[Writer]:
    clock = VirtualClock()
    writer = Writer(Engine(disk, clock, ListeningFleet()), clock)
    writer.start()
    yield writer
    writer.stop()


def result(future: "Future[object]") -> Any:
    return future.result(timeout=20)


def test_a_command_is_answered_with_what_it_returns(writer: Writer) -> None:
    view = result(writer.call(commands.create_job, ACCOUNT, SPEC))
    assert view.spec == SPEC


def test_what_is_due_in_centuries_is_waited_for(writer: Writer) -> None:
    """Longer than the system can wait at once."""
    last = Timing(do_not_run_until=datetime.max.replace(tzinfo=UTC))
    late = JobScheduleSpec(id="late", timing=last, job=SPEC)
    result(writer.call(commands.create_job_schedule, ACCOUNT, late))
    assert result(writer.call(commands.create_job, ACCOUNT, SPEC)).spec == SPEC


def test_a_clock_that_is_set_while_nothing_is_asked_is_seen(
    disk: FullDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forward, and far back; a look that finds nothing to do leaves the store alone."""
    monkeypatch.setattr(limits, "CLOCK_UNSEEN_TIME_MAX", timedelta(milliseconds=1))
    clock = WatchedClock()
    writer = Writer(Engine(disk, clock, ListeningFleet()), clock)
    writer.start()
    hourly = JobScheduleSpec(
        id="hourly", timing=Timing(recurrence_interval=timedelta(hours=1)), job=SPEC
    )
    result(writer.call(commands.create_job_schedule, ACCOUNT, hourly))

    def end(number: int) -> None:
        result(writer.call(commands.terminate_job, ACCOUNT, f"hourly:job-{number}", None))

    def wait_for(number: int) -> None:
        job_id = f"hourly:job-{number}"
        wait_until(lambda: disk.has_job(job_id), 20, job_id)

    end(1)
    clock.look_often()
    commits = disk.commits
    clock.look_often()
    assert disk.commits == commits
    clock.pass_time(timedelta(days=30))
    wait_for(2)
    end(2)
    clock.look_often()
    clock.pass_time(timedelta(days=-29))
    wait_for(3)
    writer.stop()


def test_commands_that_wait_share_one_commit(writer: Writer, disk: FullDisk) -> None:
    entered, go_on = Event(), Event()

    def hold(_cascade: object) -> None:
        entered.set()
        assert go_on.wait(20)

    first = writer.submit(hold)
    assert entered.wait(20)
    before = disk.commits
    specs = [JobSpec(id=f"job{i}", pool_id="pool") for i in range(20)]
    rest = [writer.call(commands.create_job, ACCOUNT, spec) for spec in specs]
    go_on.set()
    for future in (first, *rest):
        result(future)
    assert disk.commits == before + 2


def test_a_caller_that_left_before_its_turn_wanted_nothing(writer: Writer) -> None:
    entered, go_on = Event(), Event()

    def hold(_cascade: object) -> None:
        entered.set()
        assert go_on.wait(20)

    writer.submit(hold)
    assert entered.wait(20)
    given_up = writer.call(commands.create_job, ACCOUNT, SPEC)
    assert given_up.cancel()
    go_on.set()
    assert result(writer.call(commands.create_job, ACCOUNT, SPEC)).spec == SPEC


def test_a_commit_that_fails_is_told_and_the_next_one_goes_on(
    writer: Writer, disk: FullDisk
) -> None:
    disk.is_full = True
    with pytest.raises(OSError, match="No space"):
        result(writer.call(commands.create_job, ACCOUNT, SPEC))
    disk.is_full = False
    assert result(writer.call(commands.create_job, ACCOUNT, SPEC)).spec == SPEC
    with pytest.raises(Refused) as refused:
        result(writer.call(commands.create_job, ACCOUNT, SPEC))
    assert refused.value.code is ErrorCode.JOB_EXISTS


def test_a_writer_that_stopped_takes_nothing_more(writer: Writer) -> None:
    writer.stop()
    with pytest.raises(WriterStopped):
        result(writer.call(commands.create_job, ACCOUNT, SPEC))
