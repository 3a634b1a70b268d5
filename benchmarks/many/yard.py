"""A server to measure, and what all parts ask of it: pools, jobs, tasks, memory, CPU time."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import machine
from benchmarks.bench import COLLECTION, POOL, PROGRAM, end, kinds_of, poll
from benchmarks.client import Client, UnexpectedAnswerError
from benchmarks.many.figures import Figure
from tests import service
from tests.service import Service

POLL_SECONDS = 0.05
#: Tasks whose rates are compared: the first and the last so many.
STRETCH = 10_000
NOT_FOUND = 404


@dataclass
class Yard:
    """One server on one data folder, and a client of it."""

    folder: Path
    running: Service = field(init=False)
    client: Client = field(init=False)

    def start(self) -> float:
        """Start the server and return how many seconds pass until its ready line."""
        start = perf_counter()
        arguments = ("--data", str(self.folder / "data"), "--port", "0")
        self.running = service.start(*arguments, log=self.folder / "log")
        seconds = perf_counter() - start
        self.client = self.new_client()
        return seconds

    def stop(self) -> None:
        """End the server only, as a user would."""
        self.client.close()
        self.running.end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server as a loss of power would."""
        self.client.close()
        self.running.end(signal.SIGKILL)

    def end(self) -> None:
        """End the server with its nodes."""
        self.client.close()
        end(self.running, self.folder)

    def new_client(self) -> Client:
        """Return a client with a connection of its own."""
        return Client(*self.address)

    @property
    def address(self) -> tuple[str, str, str]:
        """What a client needs."""
        return self.running.endpoint, self.running.account, self.running.key

    @property
    def database_bytes(self) -> int:
        """What the database takes on disk, without its write-ahead log."""
        return sum(file.stat().st_size for file in (self.folder / "data").glob("*.db"))

    @property
    def log_bytes(self) -> int:
        """What the write-ahead log takes on disk."""
        return sum(file.stat().st_size for file in (self.folder / "data").glob("*.db-wal"))

    def memory(self, when: str, bar: str = "") -> list[Figure]:
        """Return the memory of the server process, now and at its highest."""
        pid = self.running.process.pid
        mebibyte = 1024**2
        return [
            Figure(
                f"server memory (PSS) {when}", machine.proportional_bytes([pid]) / mebibyte, "MiB"
            ),
            Figure(
                f"server memory (RSS) {when}", machine.resident_bytes(pid) / mebibyte, "MiB", bar
            ),
            Figure(
                "  at its highest since the start", machine.peak_bytes(pid) / mebibyte, "MiB", bar
            ),
        ]

    def create_pool(self, pool_id: str, nodes: int, slots: int) -> None:
        """Create a pool, with or without nodes."""
        self.client.post(
            "/pools",
            {**POOL, "id": pool_id, "targetDedicatedNodes": nodes, "taskSlotsPerNode": slots},
        )

    def resize(self, pool_id: str, nodes: int) -> float:
        """Give a pool nodes; return how many seconds pass until all are there and idle."""
        start = perf_counter()
        self.client.post(f"/pools/{pool_id}/resize", {"targetDedicatedNodes": nodes})

        def are_up() -> bool:
            states = [node["state"] for node in self.nodes(pool_id)]
            return len(states) == nodes and all(state in ("idle", "running") for state in states)

        poll(are_up, POLL_SECONDS, 120)
        return perf_counter() - start

    def delete_pool(self, pool_id: str) -> None:
        """Delete a pool and return once it is gone."""
        self.client.delete(f"/pools/{pool_id}")
        self._await_end(f"/pools/{pool_id}", 120)

    def delete_job(self, job_id: str, seconds_max: float) -> float:
        """Delete a job; return how many seconds pass until it is gone."""
        start = perf_counter()
        self.client.delete(f"/jobs/{job_id}")
        self._await_end(f"/jobs/{job_id}", seconds_max)
        return perf_counter() - start

    def _await_end(self, path: str, seconds_max: float) -> None:
        def is_gone() -> bool:
            try:
                self.client.get(path)
            except UnexpectedAnswerError as error:
                return error.status == NOT_FOUND
            return False

        poll(is_gone, POLL_SECONDS, seconds_max)

    def nodes(self, pool_id: str) -> list[dict[str, Any]]:
        """Return the nodes of a pool."""
        return list(self.client.get(f"/pools/{pool_id}/nodes")["value"])

    def has_job(self, job_id: str) -> bool:
        """Whether a job is there, for example from an earlier part."""
        try:
            self.client.get(f"/jobs/{job_id}")
        except UnexpectedAnswerError as error:
            if error.status != NOT_FOUND:
                raise
            return False
        return True

    def create_job(self, job_id: str, pool_id: str) -> None:
        """Create a job."""
        self.client.post("/jobs", {"id": job_id, "poolInfo": {"poolId": pool_id}})

    def add_tasks(self, job_id: str, count: int, first: int = 0) -> list[float]:
        """Add tasks by hundreds; return after how many seconds each hundred was answered."""
        start, answered = perf_counter(), []
        for begin in range(first, first + count, COLLECTION):
            numbers = range(begin, min(begin + COLLECTION, first + count))
            answer = self.client.post_bytes(f"/jobs/{job_id}/addtaskcollection", _tasks(numbers))
            assert all(result["status"] == "success" for result in answer["value"]), answer
            answered.append(perf_counter() - start)
        return answered

    def completed(self, job_id: str) -> int:
        """Return how many tasks of a job have run; none may have failed."""
        counts = self.client.get(f"/jobs/{job_id}/taskcounts")["taskCounts"]
        assert counts["failed"] == 0, counts
        return int(counts["completed"])

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds used so far by kind of process, and by the tasks themselves."""
        used: dict[str, float] = {"tasks": 0.0}
        for pid, kind in kinds_of(self.running).items():
            time = machine.cpu_time(pid)
            used[kind] = used.get(kind, 0.0) + time.own_seconds
            used["tasks"] += time.children_seconds
        return used


def _tasks(numbers: range) -> bytes:
    """Return a collection of tasks as JSON; making it must cost the client next to nothing."""
    tasks = ",".join(
        f'{{"id":"task-{number:07d}","commandLine":"{PROGRAM}"}}' for number in numbers
    )
    return f'{{"value":[{tasks}]}}'.encode()


@contextmanager
def started(folder: Path) -> Iterator[Yard]:
    """Start a server on a folder, and end it with everything it started."""
    yard = Yard(folder)
    yard.start()
    try:
        yield yard
    finally:
        yard.end()
        subprocess.run(["sync"], check=True)
