"""Every event and effect as a frozen value, and `Step`, what one event does to one entity.

An *event* happened to, or is asked of, the one entity that its `key` names. An *effect* is what
must follow: an event for another entity, delivered in the same transaction; an order to open an
execution, which becomes a row; or a hint, which may be lost. Imperatives are asked for
(`StopExecution`), pasts happened (`TaskStarted`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from batchyard.core.model import (
    Ending,
    ExecutionId,
    ExecutionKind,
    JobKey,
    NodeKey,
    PoolKey,
    ResizeError,
    TaskKey,
    TaskResult,
)

JobNodeKey = tuple[JobKey, NodeKey]

# Events of a task.


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlaced:
    """Placement gives the task to a node."""

    key: TaskKey
    node: NodeKey
    needs_preparation: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStarted:
    """The node began with this attempt."""

    key: TaskKey
    attempt: int
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnded:
    """This attempt is over, in whatever way."""

    key: TaskKey
    attempt: int
    ending: Ending


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskGivenBack:
    """This attempt never started and never will; nobody's fault, so no count rises."""

    key: TaskKey
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLost:
    """The node of this attempt is gone: the service's fault, never the task's (T-15, T-17)."""

    key: TaskKey
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequeueTask:
    """A user took the node of this attempt away (T-17)."""

    key: TaskKey
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateTask:
    """End the task, whether it runs or not."""

    key: TaskKey


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteTask:
    """End the task and forget it."""

    key: TaskKey


TaskEvent = (
    TaskPlaced
    | TaskStarted
    | TaskEnded
    | TaskGivenBack
    | TaskLost
    | RequeueTask
    | TerminateTask
    | DeleteTask
)

# Events of an execution.


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionStarted:
    """The node reports the start."""

    key: ExecutionId
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionEnded:
    """The node reports the end; no process is left. `ending` is None when it never started."""

    key: ExecutionId
    ending: Ending | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionLost:
    """The life of the node that had it is over."""

    key: ExecutionId


@dataclass(frozen=True, slots=True, kw_only=True)
class StopExecution:
    """Have the node end it. Repeating this is harmless."""

    key: ExecutionId


ExecutionEvent = ExecutionStarted | ExecutionEnded | ExecutionLost | StopExecution

# Events of a job on one node.


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareJobNode:
    """A task of the job is about to be placed on the node."""

    key: JobNodeKey


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTaskOpened:
    """An execution of a task of the job was opened on the node."""

    key: JobNodeKey


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTaskClosed:
    """An execution of a task of the job is known to be over on the node."""

    key: JobNodeKey


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationStarted:
    """The node began with this attempt of the job preparation task."""

    key: JobNodeKey
    attempt: int
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationEnded:
    """This attempt of the job preparation task is over; `ending` is None if it never started."""

    key: JobNodeKey
    attempt: int
    ending: Ending | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseStarted:
    """The node began with this attempt of the job release task."""

    key: JobNodeKey
    attempt: int
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseEnded:
    """This attempt of the job release task is over; `ending` is None if it never started."""

    key: JobNodeKey
    attempt: int
    ending: Ending | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnding:
    """The job is terminating or deleting."""

    key: JobNodeKey


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRestarted:
    """The former life of the node is over, and nothing of it runs any more."""

    key: JobNodeKey


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLeft:
    """The node is gone for good."""

    key: JobNodeKey


JobNodeEvent = (
    PrepareJobNode
    | JobTaskOpened
    | JobTaskClosed
    | PreparationStarted
    | PreparationEnded
    | ReleaseStarted
    | ReleaseEnded
    | JobEnding
    | NodeRestarted
    | NodeLeft
)

# Events of a node.


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAllocated:
    """The fleet has a machine for the node."""

    key: NodeKey
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeNotAllocated:
    """The fleet has none."""

    key: NodeKey
    epoch: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWelcomed:
    """The agent of this life of the node answers, for the first time or again."""

    key: NodeKey
    epoch: int
    boot_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDied:
    """This life of the node is over, and all that ran in it."""

    key: NodeKey
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotsTaken:
    """An execution of a task was given to the node."""

    key: NodeKey
    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotsFreed:
    """An execution of a task is over. `result` is None if it did not run to its end."""

    key: NodeKey
    slots: int
    result: TaskResult | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavePool:
    """The node has to go."""

    key: NodeKey


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGone:
    """The fleet has ended the node and removed its files."""

    key: NodeKey


NodeEvent = (
    NodeAllocated
    | NodeNotAllocated
    | NodeWelcomed
    | NodeDied
    | SlotsTaken
    | SlotsFreed
    | LeavePool
    | NodeGone
)

# Events of a pool.


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesCounted:
    """How many nodes the pool has; `changing` of them are not there yet, or on their way out.

    Told after every change of them, so that the pool sees by which way its target was met.
    """

    key: PoolKey
    dedicated: int
    low_priority: int
    changing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizeFailed:
    """The target cannot be reached; what there is stays."""

    key: PoolKey
    error: ResizeError


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePool:
    """Give up all nodes, then the pool."""

    key: PoolKey


PoolEvent = NodesCounted | ResizeFailed | DeletePool

# Events of a job.


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateJob:
    """End the job: its running tasks, then its release tasks, then itself."""

    key: JobKey
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteJob:
    """End the job if it has not ended, then forget it."""

    key: JobKey


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNodeOpened:
    """The job has work on one more node."""

    key: JobKey


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNodeSettled:
    """Nothing of the job is left to do on one of its nodes."""

    key: JobKey


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSwept:
    """No task of the job is left that could be running; `tasks_left` still have rows."""

    key: JobKey
    tasks_left: int


JobEvent = TerminateJob | DeleteJob | JobNodeOpened | JobNodeSettled | JobSwept

Event = TaskEvent | ExecutionEvent | JobNodeEvent | NodeEvent | PoolEvent | JobEvent

# Effects that are no events.


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenExecution:
    """Insert the row of a new execution. The row is what has the node run it.

    The engine adds the present life of the node.
    """

    id: ExecutionId
    kind: ExecutionKind
    job: JobKey
    node: NodeKey
    attempt: int
    task: TaskKey | None = None
    slots: int = 0


@dataclass(frozen=True, slots=True)
class GiveBackTasks:
    """Stop the job's tasks that wait on this node, and give them back (`TaskGivenBack`)."""

    job: JobKey
    node: NodeKey


@dataclass(frozen=True, slots=True)
class LoseExecutions:
    """Every execution of a node is lost (`ExecutionLost`), and its jobs hear of its restart."""

    node: NodeKey


@dataclass(frozen=True, slots=True)
class DismissNode:
    """Every execution of a leaving node is taken back, and its jobs hear that it left."""

    node: NodeKey


@dataclass(frozen=True, slots=True)
class CountNodes:
    """The nodes of a pool have changed: count them and tell it (`NodesCounted`)."""

    pool: PoolKey


@dataclass(frozen=True, slots=True)
class WakePlacement:
    """A hint that placement may have work. Lost with the process, which looks at its start."""

    pool: PoolKey


@dataclass(frozen=True, slots=True)
class WakeResize:
    """A hint that the pool's nodes may have to change. Lost with the process, as above."""

    pool: PoolKey


@dataclass(frozen=True, slots=True)
class WakeSweep:
    """A hint that the job has something to sweep. Lost with the process, as above."""

    job: JobKey


@dataclass(frozen=True, slots=True)
class WakeFleet:
    """A hint that the fleet has to bring up or end the node. Lost with the process, as above."""

    node: NodeKey


Effect = (
    Event
    | OpenExecution
    | GiveBackTasks
    | LoseExecutions
    | DismissNode
    | CountNodes
    | WakePlacement
    | WakeResize
    | WakeSweep
    | WakeFleet
)

Entity = TypeVar("Entity")


@dataclass(frozen=True, slots=True)
class Step(Generic[Entity]):
    """What one event did to one entity: its new value, None if it is gone, and what follows."""

    entity: Entity | None
    effects: Sequence[Effect] = ()
