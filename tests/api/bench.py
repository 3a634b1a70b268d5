"""The real engine and store under the API, with nodes and files that a test plays itself."""

import queue
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from batchyard.api.app import create_app
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import NodeKey
from batchyard.core.states import EndCause
from batchyard.engine.engine import Engine
from batchyard.engine.fleet_ports import FleetEvent, NodeJoined, NodeReported, NodeRequest, NodeUp
from batchyard.engine.service import Service
from batchyard.engine.tokens import JobTokens
from batchyard.engine.writer import Writer
from batchyard.link import messages
from batchyard.store.store import SqliteStore
from tests.api.asgi import ACCOUNT, KEY, NOW, Client

ANSWER_SECONDS_MAX = 10.0


@dataclass
class StandingClock:
    """A clock that a test moves."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time


@dataclass
class FakeFleet:
    """Notes what the engine asks for."""

    requests: "queue.Queue[NodeRequest]" = field(default_factory=queue.Queue)
    released: "deque[NodeKey]" = field(default_factory=deque)
    orders: "queue.Queue[tuple[NodeKey, messages.Order]]" = field(default_factory=queue.Queue)

    def allocate(self, requests: Sequence[NodeRequest]) -> None:
        for request in requests:
            self.requests.put(request)

    def release(self, nodes: Sequence[NodeKey]) -> None:
        self.released.extend(nodes)

    def send(self, node: NodeKey, orders: Sequence[messages.Order]) -> None:
        for order in orders:
            self.orders.put((node, order))


@dataclass
class FakeFiles:
    """Files by their path from the root of the one node there is; a None is a directory."""

    contents: dict[str, bytes | None] = field(default_factory=dict)
    reads: int = 0
    shrinks_to: int | None = None

    async def list_files(
        self,
        node: NodeKey,
        path: str,
        *,
        is_recursive: bool,
        prefix: str,
        after: str | None,
        limit: int,
    ) -> messages.FileList:
        base = f"{path}/" if path else ""
        names = sorted(name.removeprefix(base) for name in self.contents if name.startswith(base))
        names = [
            name
            for name in names
            if name.startswith(prefix)
            and (is_recursive or "/" not in name)
            and (after is None or name > after)
        ]
        entries = [replace_name(await self.stat_file(node, base + name), name) for name in names]
        return messages.FileList(0, entries[:limit], has_more=len(entries) > limit)

    async def stat_file(self, node: NodeKey, path: str) -> messages.FileEntry:
        if path not in self.contents:
            raise Refused(ErrorCode.FILE_NOT_FOUND)
        content = self.contents[path]
        is_directory = content is None
        size = 0 if content is None else len(content)
        mode = 0o040755 if is_directory else 0o100644
        return messages.FileEntry(path, is_directory, size, NOW - timedelta(hours=1), mode)

    async def read_file(self, node: NodeKey, path: str, offset: int, length: int) -> bytes:
        self.reads += 1
        content = (self.contents[path] or b"")[: self.shrinks_to]
        return content[offset : offset + length]

    async def delete_file(self, node: NodeKey, path: str, *, is_recursive: bool) -> None:
        entry = await self.stat_file(node, path)
        if entry.is_directory and not is_recursive:
            raise Refused(ErrorCode.OPERATION_INVALID_FOR_CURRENT_STATE)
        del self.contents[path]


def replace_name(entry: messages.FileEntry, name: str) -> messages.FileEntry:
    """Return the entry under another name."""
    return messages.FileEntry(
        name, entry.is_directory, entry.size_bytes, entry.modified_time, entry.mode
    )


@dataclass
class Bench:
    """A service with a client of its API."""

    client: Client
    service: Service
    writer: Writer
    clock: StandingClock
    fleet: FakeFleet
    files: FakeFiles
    reported: int = 0
    assigned: "deque[messages.Assignment]" = field(default_factory=deque)

    def create_pool(self, pool_id: str = "pool", nodes: int = 0, **properties: object) -> None:
        body = pool_body(id=pool_id, targetDedicatedNodes=nodes, **properties)
        assert self.client.post("/pools", body).status == 201

    def create_job(self, job_id: str = "job", **properties: object) -> None:
        body = {"id": job_id, "poolInfo": {"poolId": "pool"}} | properties
        assert self.client.post("/jobs", body).status == 201

    def add_task(self, task_id: str = "task", **properties: object) -> None:
        body = {"id": task_id, "commandLine": "true"} | properties
        assert self.client.post("/jobs/job/tasks", body).status == 201

    def bring_node_up(self) -> NodeRequest:
        """Play the start of the next node that the engine wants."""
        request = self.fleet.requests.get(timeout=ANSWER_SECONDS_MAX)
        welcome = messages.Welcome(messages.PROTOCOL, request.epoch, NOW, [], 1, [])
        self.tell(NodeUp(request.key, request.epoch))
        self.tell(NodeJoined(request.key, welcome))
        return request

    def take_execution(self) -> messages.Assignment:
        """Return the next execution that a node is given."""
        while not self.assigned:
            _, order = self.fleet.orders.get(timeout=ANSWER_SECONDS_MAX)
            if isinstance(order, messages.Assign):
                self.assigned.extend(order.executions)
        return self.assigned.popleft()

    def report(self, node: NodeRequest, *reports: messages.Report) -> None:
        """Tell what happened on a node."""
        first = self.reported + 1
        self.reported += len(reports)
        self.tell(NodeReported(node.key, node.epoch, messages.Reports(first, list(reports))))

    def run(self, node: NodeRequest, *, exit_code: int | None = None) -> messages.Assignment:
        """Start the next execution, and end it when there is an exit code."""
        assignment = self.take_execution()
        name = assignment.execution_id
        self.report(node, messages.Started(name, NOW))
        if exit_code is not None:
            ended = messages.Ended(
                name, EndCause.EXITED, exit_code, "", NOW, NOW + timedelta(seconds=2)
            )
            self.report(node, ended)
        return assignment

    def tell(self, event: FleetEvent) -> None:
        """Tell an event, and wait until it is stored."""
        is_stored = threading.Event()
        self.service.tell(event, lambda _: is_stored.set())
        assert is_stored.wait(ANSWER_SECONDS_MAX)

    def client_of(self, account: str, key: str) -> Client:
        """Return a client that signs with other words."""
        return replace(self.client, account=account, key=key)


@contextmanager
def running_bench(folder: Path) -> Iterator[Bench]:
    """Return a context with a service whose store is in `folder`."""
    store = SqliteStore(folder / "batchyard.db", is_durable=False)
    clock, fleet, files = StandingClock(), FakeFleet(), FakeFiles()
    accounts = {ACCOUNT: KEY, "other": KEY}
    writer = Writer(Engine(store, clock, fleet, JobTokens(accounts)), clock)
    writer.start()
    service = Service(writer, store.reads, files)
    app = create_app(service, accounts, clock=clock, clients_clock=clock)
    try:
        yield Bench(Client(app), service, writer, clock, fleet, files)
    finally:
        writer.stop()
        service.close()
        store.close()


def pool_body(**properties: object) -> dict[str, object]:
    """Return the request of a pool on Linux."""
    body: dict[str, object] = {
        "id": "pool",
        "vmSize": "Standard_D2_v3",
        "virtualMachineConfiguration": {
            "imageReference": {"publisher": "canonical", "offer": "ubuntu", "sku": "22_04"},
            "nodeAgentSKUId": "batch.node.ubuntu 22.04",
        },
    }
    return body | properties
