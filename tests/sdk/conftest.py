"""One server for all tests through the official client, and pools that many of them share."""

import itertools
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.batch import BatchClient
from azure.core.exceptions import HttpResponseError

from tests import batch, processes, service
from tests.clocked import Clocked
from tests.clocked import start as start_clocked
from tests.service import FIRST, OTHER, Service
from tests.waiting import wait_until
from tests.web import Web
from tests.yard import Gate

CreateJob = Callable[..., str]
MakePool = Callable[..., str]


@pytest.fixture(scope="session")
def server() -> Iterator[Service]:
    """A server with two accounts; at its end nothing of it may be left."""
    # A folder that other accounts may search: then everything of the server lies in it.
    with tempfile.TemporaryDirectory(prefix="batchyard-sdk-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        data = folder / "data"
        accounts = f"{FIRST.name}:{FIRST.key};{OTHER.name}:{OTHER.key}"
        log = folder / "server.log"
        running = service.start("--data", str(data), "--port", "0", "--accounts", accounts, log=log)
        try:
            yield running
        finally:
            running.look()
            result = service.down(data)
            running.end(signal.SIGTERM)
            running.seen.update(processes.about(folder))
            left = wait_until_none_is_left(running)
        assert result.returncode == 0, result.stderr
        assert left == []


@pytest.fixture
def clocked() -> Iterator[Clocked]:
    """A server of the test's own whose clock it can move; at its end nothing of it may be left."""
    with tempfile.TemporaryDirectory(prefix="batchyard-clocked-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        data = folder / "data"
        running = start_clocked(data, folder / "server.log", FIRST)
        try:
            with running.client:
                yield running
        finally:
            running.service.look()
            result = service.down(data)
            running.service.end(signal.SIGTERM)
            running.service.seen.update(processes.about(folder))
            left = wait_until_none_is_left(running.service)
        assert result.returncode == 0, result.stderr
        assert left == []


def wait_until_none_is_left(running: Service) -> list[str]:
    """Return what still runs of a server that was ended, after a fair time."""
    try:
        wait_until(lambda: not processes.alive(running.seen), 5, "all processes ended")
    except TimeoutError:
        return processes.alive(running.seen)
    return []


@pytest.fixture(scope="session")
def client(server: Service) -> Iterator[BatchClient]:
    """The official client, of the first account."""
    with server.client(FIRST) as found:
        yield found


@pytest.fixture(scope="session")
def other_client(server: Service) -> Iterator[BatchClient]:
    """The official client, of the other account."""
    with server.client(OTHER) as found:
        yield found


@pytest.fixture(scope="session")
def trio(client: BatchClient) -> str:
    """A pool of three nodes with one slot each."""
    return _pool(client, "trio", nodes=3, slots=1)


@pytest.fixture(scope="session")
def wide(client: BatchClient) -> str:
    """A pool of one node with four slots."""
    return _pool(client, "wide", nodes=1, slots=4)


@pytest.fixture(scope="session")
def narrow(client: BatchClient) -> str:
    """A pool of one node with one slot."""
    return _pool(client, "narrow", nodes=1, slots=1)


def _pool(client: BatchClient, pool_id: str, *, nodes: int, slots: int) -> str:
    batch.create_pool(client, pool_id, nodes, slots)
    batch.wait_for_nodes(client, pool_id, nodes)
    return pool_id


@pytest.fixture(scope="session")
def web() -> Iterator[Web]:
    """A web server for resource files and for what tasks upload."""
    with Web() as found:
        yield found


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate for tasks to wait at; it is open at the end."""
    with tempfile.TemporaryDirectory(prefix="batchyard-sdk-gate-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        found = Gate(folder / "gate")
        yield found
        found.open()


_numbers = itertools.count(1)


@pytest.fixture
def make_pool(client: BatchClient) -> Iterator[MakePool]:
    """Make pools that go when the test is over; their nodes take tasks unless it says otherwise."""
    made: list[str] = []

    def make(nodes: int = 1, slots: int = 1, *, is_ready: bool = True, **options: Any) -> str:
        pool_id = batch.create_pool(client, f"pool-{next(_numbers)}", nodes, slots, **options)
        made.append(pool_id)
        if is_ready:
            batch.wait_for_nodes(client, pool_id, nodes)
            batch.wait_until_steady(client, pool_id, nodes)
        return pool_id

    yield make
    for pool_id in made:
        delete(client.begin_delete_pool, pool_id, "PoolNotFound", "PoolBeingDeleted")


@pytest.fixture
def create_job(client: BatchClient, make_pool: MakePool) -> Iterator[CreateJob]:
    """Make jobs that are gone again after the test, so that the next one finds idle nodes."""
    made: list[str] = []

    def create(pool_id: str, **options: Any) -> str:
        job_id = batch.create_job(client, f"job-{next(_numbers)}", pool_id, **options)
        made.append(job_id)
        return job_id

    yield create
    for job_id in made:
        delete(client.begin_delete_job, job_id, "JobNotFound", "JobBeingDeleted")

    def are_gone() -> bool:
        return all(batch.is_gone(client, job_id) for job_id in made)

    wait_until(are_gone, 20, f"jobs {made} gone")


def delete(begin: Callable[..., object], name: str, *codes: str) -> None:
    """Have something deleted; `codes` say that the test has done so."""
    try:
        begin(name, polling_interval=1)
    except HttpResponseError as error:
        if batch.code_of(error) not in codes:
            raise
