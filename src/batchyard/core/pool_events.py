"""What happens to a pool and its nodes, as frozen values."""

from datetime import datetime, timedelta

from msgspec import Struct

from batchyard.core.keys import NodeKey, PoolKey, TaskKey
from batchyard.core.model import Ending, ResizeError
from batchyard.core.specs import Resize, StartTaskSpec
from batchyard.core.states import NodeOption, TaskResult


class NodeAllocated(Struct, frozen=True, kw_only=True):
    """The fleet has a machine for the node."""

    key: NodeKey
    epoch: int


class NodeNotAllocated(Struct, frozen=True, kw_only=True):
    """The fleet has none."""

    key: NodeKey
    epoch: int
    reason: str


class NodeWelcomed(Struct, frozen=True, kw_only=True):
    """The agent of this life of the node answers, for the first time or again.

    `start_task` is the present one of its pool: a node that starts takes it over (P-14).
    """

    key: NodeKey
    epoch: int
    boot_time: datetime
    start_task: StartTaskSpec | None


class StartTaskStarted(Struct, frozen=True, kw_only=True):
    """The node began with this attempt of its start task."""

    key: NodeKey
    attempt: int
    time: datetime


class StartTaskEnded(Struct, frozen=True, kw_only=True):
    """This attempt of the start task is over; `ending` is None if it never started."""

    key: NodeKey
    attempt: int
    ending: Ending | None


class NodeDied(Struct, frozen=True, kw_only=True):
    """This life of the node is over, and all that ran in it."""

    key: NodeKey
    epoch: int


class SlotsTaken(Struct, frozen=True, kw_only=True):
    """An execution of a task was given to the node."""

    key: NodeKey
    slots: int
    is_manager: bool = False


class SlotsFreed(Struct, frozen=True, kw_only=True):
    """An execution of a task is over. `result` is None if it did not run to its end."""

    key: NodeKey
    task: TaskKey
    slots: int
    result: TaskResult | None
    is_manager: bool = False


class RebootNode(Struct, frozen=True, kw_only=True):
    """A user wants the node to reboot; `option` says what becomes of its tasks (P-38)."""

    key: NodeKey
    option: NodeOption


class LeavePool(Struct, frozen=True, kw_only=True):
    """The node has to go; `option` says what becomes of its tasks (P-17)."""

    key: NodeKey
    option: NodeOption


class NodeGone(Struct, frozen=True, kw_only=True):
    """The fleet has ended the node and removed its files."""

    key: NodeKey


NodeEvent = (
    NodeAllocated
    | NodeNotAllocated
    | NodeWelcomed
    | StartTaskStarted
    | StartTaskEnded
    | NodeDied
    | SlotsTaken
    | SlotsFreed
    | RebootNode
    | LeavePool
    | NodeGone
)


class NodesCounted(Struct, frozen=True, kw_only=True):
    """How many nodes the pool has; `changing` of them are not there yet, or on their way out.

    Told after every change of them, so that the pool sees by which way its target was met.
    """

    key: PoolKey
    dedicated: int
    low_priority: int
    changing: int


class ResizeFailed(Struct, frozen=True, kw_only=True):
    """The target cannot be reached; what there is stays."""

    key: PoolKey
    error: ResizeError


class ResizePool(Struct, frozen=True, kw_only=True):
    """A user wants another number of nodes (P-16)."""

    key: PoolKey
    resize: Resize


class RemoveNodes(Struct, frozen=True, kw_only=True):
    """A user takes so many nodes away, which leave by themselves: the targets follow (P-21)."""

    key: PoolKey
    dedicated: int
    low_priority: int
    timeout: timedelta
    option: NodeOption


class UpdatePool(Struct, frozen=True, kw_only=True):
    """Properties of the pool that its nodes take over when they start were changed (P-12)."""

    key: PoolKey


class DeletePool(Struct, frozen=True, kw_only=True):
    """Give up all nodes, then the pool."""

    key: PoolKey


class AutoPoolOver(Struct, frozen=True, kw_only=True):
    """What the pool was made for is over: it goes, unless it goes already (J-46, J-48)."""

    key: PoolKey


PoolEvent = (
    NodesCounted | ResizeFailed | ResizePool | RemoveNodes | UpdatePool | DeletePool | AutoPoolOver
)
