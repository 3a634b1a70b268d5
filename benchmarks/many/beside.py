"""Clients that go on beside what is measured, each in a process of its own.

A thread would share the interpreter's lock with the measuring client, and slow it down.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import perf_counter, sleep

from benchmarks.client import Client

Address = tuple[str, str, str]
Samples = list[float]

_SPAWN = get_context("spawn")


class Beside:
    """A client that runs; `samples` holds the milliseconds of its requests once it has ended."""

    def __init__(self) -> None:
        self.samples: Samples = []


@contextmanager
def running(
    address: Address,
    work: Callable[..., Iterator[None]],
    *what: str,
    pause_seconds: float = 0.0,
) -> Iterator[Beside]:
    """Have a process of its own call ``work(client, *what)`` again and again, until the end."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_run, args=(theirs, address, work, what, pause_seconds))
    process.start()
    beside = Beside()
    assert ours.recv() == "ready"
    try:
        yield beside
    finally:
        ours.send("end")
        beside.samples = ours.recv()
        process.join()


def _run(
    pipe: Connection,
    address: Address,
    work: Callable[..., Iterator[None]],
    what: tuple[str, ...],
    pause_seconds: float,
) -> None:
    samples: Samples = []
    with Client(*address) as client:
        pipe.send("ready")
        while not pipe.poll():
            requests = work(client, *what)
            while not pipe.poll() and (elapsed := _timed(requests)) is not None:
                samples.append(elapsed)
                sleep(pause_seconds)
    pipe.send(samples)


def _timed(requests: Iterator[None]) -> float | None:
    """Send the next request and return its milliseconds, None when there is none any more."""
    start = perf_counter()
    sentinel = object()
    if next(requests, sentinel) is sentinel:
        return None
    return (perf_counter() - start) * 1000


def list_tasks(client: Client, job: str, condition: str = "") -> Iterator[None]:
    """List all tasks of a job once, page by page."""
    query = {"$filter": condition} if condition else {}
    page = client.get(f"/jobs/{job}/tasks", **query)
    yield
    while "odata.nextLink" in page:
        page = client.follow(page["odata.nextLink"])
        yield


def change_job(client: Client, job: str) -> Iterator[None]:
    """Change a job's priority: a small request that is answered after its commit."""
    for number in count():
        client.patch(f"/jobs/{job}", {"priority": number % 100})
        yield


def get_job(client: Client, job: str) -> Iterator[None]:
    """Read a job: a small request that reads only."""
    for _ in count():
        client.get(f"/jobs/{job}")
        yield
