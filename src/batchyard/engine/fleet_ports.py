"""What the engine needs of the machines, as protocols: where nodes come from, and their files.

The fleets of ``batchyard.fleet`` are plugged in by ``main``; the simulator plugs in its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from batchyard.core.keys import NodeKey
from batchyard.link import messages


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRequest:
    """A node that a fleet should bring up in the life `epoch`; asking again changes nothing."""

    key: NodeKey
    pool_id: str
    node_id: str
    is_dedicated: bool
    slots: int
    epoch: int
    account: str
    log_acknowledged: int


@dataclass(frozen=True, slots=True)
class NodeUp:
    """The fleet has a machine for the node; its agent starts."""

    node: NodeKey
    epoch: int


@dataclass(frozen=True, slots=True)
class NodeUnavailable:
    """The fleet cannot bring up the node."""

    node: NodeKey
    epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class NodeJoined:
    """The node's agent can be talked to, for the first time or again."""

    node: NodeKey
    welcome: messages.Welcome


@dataclass(frozen=True, slots=True)
class NodeReported:
    """The next entries of the node's log."""

    node: NodeKey
    epoch: int
    reports: messages.Reports


@dataclass(frozen=True, slots=True)
class NodeLost:
    """This life of the node is known to be over, and all that ran in it."""

    node: NodeKey
    epoch: int


@dataclass(frozen=True, slots=True)
class NodeReleased:
    """The node is gone for good, with its processes and files."""

    node: NodeKey


FleetEvent = NodeUp | NodeUnavailable | NodeJoined | NodeReported | NodeLost | NodeReleased


class FleetListener(Protocol):
    """Where a fleet tells its events; from any thread."""

    def __call__(self, event: FleetEvent, done: Callable[[int | None], None]) -> None:
        """Take `event` over.

        `done` is called from the writer's thread: once everything that `event` said is on disk,
        with the number up to which the node's log is acknowledged; or with None when it could not
        be taken over, and has to be told again. It is not called while the service ends.
        """
        ...


class Fleet(Protocol):
    """Where nodes come from, and the way to talk to them.

    Every call returns at once and may come from any thread; what comes of it is told to the
    listener. All of them may be repeated.
    """

    def allocate(self, requests: Sequence[NodeRequest]) -> None:
        """Bring these nodes up, or find them again; each ends in an event."""
        ...

    def release(self, nodes: Sequence[NodeKey]) -> None:
        """End these nodes with all that runs on them and remove their files."""
        ...

    def send(self, node: NodeKey, orders: Sequence[messages.Order]) -> None:
        """Send `orders` in this order, after all earlier ones; lost if there is no connection."""
        ...


class NodeFiles(Protocol):
    """Questions to a node about its files.

    Raises (all of them): `Refused` with ``NodeNotReady`` when the node does not answer, and with
    ``FileNotFound`` or ``OperationInvalidForCurrentState`` when the node refuses.
    """

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
        ...

    async def stat_file(self, node: NodeKey, path: str) -> messages.FileEntry:
        """Return the properties of one file or directory."""
        ...

    async def read_file(self, node: NodeKey, path: str, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset` on."""
        ...

    async def delete_file(self, node: NodeKey, path: str, *, is_recursive: bool) -> None:
        """Remove a file or a directory."""
        ...
