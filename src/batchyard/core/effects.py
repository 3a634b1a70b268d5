"""Every effect as a frozen value, and `Step`, what one event does to one entity.

An *effect* is what must follow an event: another event, delivered in the same transaction; a row
that a node or a loop acts on; or a hint, which may be lost.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Generic, TypeVar

from msgspec import Struct

from batchyard.core.keys import ExecutionId, JobKey, JobScheduleKey, NodeKey, PoolKey, TaskKey
from batchyard.core.messages import Event
from batchyard.core.states import ExecutionKind, NodeOption


class OpenExecution(Struct, frozen=True, kw_only=True):
    """Insert the row of a new execution. The row is what has the node run it.

    The engine adds the present life of the node.
    """

    id: ExecutionId
    kind: ExecutionKind
    node: NodeKey
    attempt: int
    job: JobKey | None = None
    task: TaskKey | None = None
    slots: int = 0
    is_manager: bool = False
    number: int = 0


class GiveBackTasks(Struct, frozen=True):
    """Stop the job's tasks that wait on this node, and give them back (`TaskGivenBack`)."""

    job: JobKey
    node: NodeKey


class LoseExecutions(Struct, frozen=True):
    """Every execution of a node is lost (`ExecutionLost`), and its jobs hear of its restart.

    `option` is what a user wanted to become of the tasks; None if nobody wanted it.
    """

    node: NodeKey
    option: NodeOption | None


class RecallQueue(Struct, frozen=True):
    """Take back what the node has not started: it runs down to its end (P-17, P-38)."""

    node: NodeKey


class DismissNode(Struct, frozen=True):
    """Every execution of a leaving node is taken back, and its jobs hear that it left.

    `option` is what a user wanted to become of the tasks; None if the node was lost first.
    """

    node: NodeKey
    option: NodeOption | None


class KeepDirectory(Struct, frozen=True):
    """The directory of a preparation or release task is kept for its retention time (F-9)."""

    job: JobKey
    node: NodeKey
    kind: ExecutionKind
    end_time: datetime


class CountNodes(Struct, frozen=True):
    """The nodes of a pool have changed: count them and tell it (`NodesCounted`)."""

    pool: PoolKey


class WakePlacement(Struct, frozen=True):
    """A hint that placement may have work. Lost with the process, which looks at its start."""

    pool: PoolKey


class WakeResize(Struct, frozen=True):
    """A hint that the pool's nodes may have to change. Lost with the process, as above."""

    pool: PoolKey


class WakeSweep(Struct, frozen=True):
    """A hint that the job has something to sweep. Lost with the process, as above."""

    job: JobKey


class WakeRetention(Struct, frozen=True):
    """A hint that files of a completed task are due to go at `time`. Lost as above."""

    time: datetime


class WakeJobs(Struct, frozen=True):
    """A hint that something of a job is due at `time`. Lost as above."""

    time: datetime


class WakeSchedules(Struct, frozen=True):
    """A hint that something of a job schedule is due at `time`. Lost as above."""

    time: datetime


class WakeScheduleSweep(Struct, frozen=True):
    """A hint that jobs of the schedule have to be deleted. Lost as above."""

    schedule: JobScheduleKey


class WakeFleet(Struct, frozen=True):
    """A hint that the fleet has to bring up or end the node. Lost with the process, as above."""

    node: NodeKey


Effect = (
    Event
    | OpenExecution
    | GiveBackTasks
    | LoseExecutions
    | RecallQueue
    | DismissNode
    | KeepDirectory
    | CountNodes
    | WakePlacement
    | WakeResize
    | WakeSweep
    | WakeRetention
    | WakeJobs
    | WakeSchedules
    | WakeScheduleSweep
    | WakeFleet
)

Entity = TypeVar("Entity")


class Step(Struct, Generic[Entity], frozen=True):
    """What one event did to one entity: its new value, None if it is gone, and what follows."""

    entity: Entity | None
    effects: Sequence[Effect] = ()
