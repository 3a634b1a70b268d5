"""Nodes as processes of this machine: the fleet that needs nothing else."""

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from batchyard.agent import supervision
from batchyard.agent.accounts import ensure_task_account
from batchyard.agent.settings import Layout, Watch
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import NodeKey
from batchyard.engine.fleet_ports import FleetListener, NodeReleased, NodeRequest
from batchyard.fleet.connection import Connection
from batchyard.fleet.local_node import LocalNode, Surroundings
from batchyard.fleet.muster import Muster
from batchyard.fleet.places import NodeHomes
from batchyard.link import messages

_log: Final = logging.getLogger(__name__)

#: Agents that start at the same time: a start is all processor. Source: ours.
_STARTS_AT_ONCE: Final = 4

#: Pause before the end of a node is told again that could not be stored. Source: ours.
_TELL_AGAIN_SECONDS: Final = 1.0

#: How long an agent may take to end by itself before its processes are ended without it.
_END_SECONDS_MAX: Final = 10.0


class LocalFleet:
    """See `batchyard.engine.fleet_ports.Fleet` and `NodeFiles`.

    `allocate`, `release` and `send` may come from any thread between `open` and `close`: what they
    ask for is done on the event loop, in order.
    """

    def __init__(self, homes: NodeHomes, *, server_watch: Watch | None = None) -> None:
        self._homes = homes
        self._server_watch = server_watch
        self._loop: asyncio.AbstractEventLoop | None = None
        self._nodes: dict[NodeKey, LocalNode] = {}
        self._tasks: dict[NodeKey, asyncio.Task[None]] = {}
        self._releasing: dict[NodeKey, asyncio.Task[None]] = {}

    def open(self, listener: FleetListener, account_url: str) -> None:
        """Begin to work, on the running event loop."""
        self._homes.make()
        self._listener = listener
        self._surroundings = Surroundings(
            account_url=account_url,
            task_account=ensure_task_account(),
            server_watch=self._server_watch,
            starts=asyncio.Semaphore(_STARTS_AT_ONCE),
        )
        self._loop = asyncio.get_running_loop()

    async def close(self) -> None:
        """Leave the nodes to themselves: they go on, and are found again."""
        tasks = [*self._tasks.values(), *self._releasing.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._loop = None

    # Fleet

    def allocate(self, requests: Sequence[NodeRequest]) -> None:
        """Bring these nodes up, or find them again."""
        self._on_loop(lambda: self._allocate(requests))

    def release(self, nodes: Sequence[NodeKey]) -> None:
        """End these nodes with all that runs on them and remove their files."""
        self._on_loop(lambda: self._release(nodes))

    def send(self, node: NodeKey, orders: Sequence[messages.Order]) -> None:
        """Send orders to a node."""
        self._on_loop(lambda: self._send(node, list(orders)))

    # NodeFiles

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
        """Return one page of the entries below `path`."""
        return await self._connection(node).ask(
            messages.FileList,
            lambda request: messages.ListFiles(request, path, is_recursive, prefix, after, limit),
        )

    async def stat_file(self, node: NodeKey, path: str) -> messages.FileEntry:
        """Return the properties of one file or directory."""
        answer = await self._connection(node).ask(
            messages.FileProperties, lambda request: messages.StatFile(request, path)
        )
        return answer.entry

    async def read_file(self, node: NodeKey, path: str, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset` on."""
        answer = await self._connection(node).ask(
            messages.FileChunk,
            lambda request: messages.ReadFile(request, path, offset, length),
        )
        return answer.data

    async def delete_file(self, node: NodeKey, path: str, *, is_recursive: bool) -> None:
        """Remove a file or a directory."""
        await self._connection(node).ask(
            messages.FileDeleted,
            lambda request: messages.DeleteFile(request, path, is_recursive),
        )

    def _connection(self, key: NodeKey) -> Connection:
        node = self._nodes.get(key)
        if node is None or node.connection is None:
            raise Refused(
                ErrorCode.NODE_NOT_READY, Reason="The node is starting; try again in a moment"
            )
        return node.connection

    def _on_loop(self, action: Callable[[], None]) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(action)

    def _allocate(self, requests: Sequence[NodeRequest]) -> None:
        muster = Muster(len(requests))
        for request in requests:
            if request.key in self._releasing:
                muster.leave()
                continue
            former = self._nodes.get(request.key)
            task = self._tasks.get(request.key)
            if former is not None and task is not None:
                is_served = former.epoch == request.epoch and not task.done()
                if is_served or former.epoch > request.epoch:
                    muster.leave()
                    continue
            home = self._homes.home(request.key)
            node = LocalNode(request, home, self._surroundings, self._listener, muster)
            self._nodes[request.key] = node
            self._tasks[request.key] = asyncio.create_task(self._serve(node, former, task))

    async def _serve(
        self, node: LocalNode, former: LocalNode | None, task: "asyncio.Task[None] | None"
    ) -> None:
        """Serve a node, after the end of its former life if there is one here."""
        try:
            if former is not None and former.epoch < node.epoch:
                await self._end_processes(former, task)
            await node.serve()
        except Exception:  # noqa: BLE001  # One node's defect must not take the others along.
            _log.exception("node %s is served no longer", node.key)

    def _release(self, nodes: Sequence[NodeKey]) -> None:
        for key in nodes:
            if key not in self._releasing:
                self._releasing[key] = asyncio.create_task(self._end(key))

    async def _end(self, key: NodeKey) -> None:
        await self._end_processes(self._nodes.pop(key, None), self._tasks.pop(key, None), key)
        await asyncio.to_thread(shutil.rmtree, self._homes.home(key), ignore_errors=True)
        await self._tell_released(key)
        self._releasing.pop(key, None)

    async def _tell_released(self, key: NodeKey) -> None:
        """Say that a node is gone until it is on disk: nobody else knows it by then."""
        loop = asyncio.get_running_loop()
        answers: asyncio.Queue[int | None] = asyncio.Queue()

        def done(number: int | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(answers.put_nowait, number)

        self._listener(NodeReleased(key), done)
        while await answers.get() is None:
            await asyncio.sleep(_TELL_AGAIN_SECONDS)
            self._listener(NodeReleased(key), done)

    async def _end_processes(
        self,
        node: LocalNode | None,
        task: "asyncio.Task[None] | None",
        key: NodeKey | None = None,
    ) -> None:
        """End whatever runs of a node, by its agent if it answers; the files stay."""
        if node is not None:
            connection = node.connection
            node.shut_down()
            if connection is not None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_END_SECONDS_MAX):
                        await asyncio.shield(connection.lost)
            key = node.key
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if key is not None:
            await asyncio.to_thread(end_node, self._homes.home(key))

    def _send(self, key: NodeKey, orders: list[messages.Order]) -> None:
        node = self._nodes.get(key)
        if node is not None:
            node.send(orders)


def end_node(home: Path) -> None:
    """End all processes of the node at `home`, its agent included; its files stay.

    Blocks until none is left. Nothing happens if none runs.
    """
    layout = Layout(home)
    if layout.private.is_dir():
        supervision.end(layout)
