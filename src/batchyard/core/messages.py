"""Every event as a frozen value.

An *event* happened to, or is asked of, the one entity that its `key` names. Imperatives are asked
for (`StopExecution`), pasts happened (`TaskStarted`). What follows from one stands in `effects`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from batchyard.core.model import (
    Ending,
    ExecutionId,
    JobKey,
    NodeKey,
    NodeOption,
    PoolKey,
    Resize,
    ResizeError,
    StartTaskSpec,
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
class TerminateAttempt:
    """A user took the node of this attempt away, and wants its task ended (P-17)."""

    key: TaskKey
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateTask:
    """End the task, whether it runs or not."""

    key: TaskKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstrainTask:
    """Give the task other constraints; they count from now on."""

    key: TaskKey
    retry_count_max: int
    retention_time: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilesRemoved:
    """The retention of the task's files is over, and its node is told to remove them."""

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
    | TerminateAttempt
    | TerminateTask
    | ConstrainTask
    | TaskFilesRemoved
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
    """The agent of this life of the node answers, for the first time or again.

    `start_task` is the present one of its pool: a node that starts takes it over (P-14).
    """

    key: NodeKey
    epoch: int
    boot_time: datetime
    start_task: StartTaskSpec | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTaskStarted:
    """The node began with this attempt of its start task."""

    key: NodeKey
    attempt: int
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTaskEnded:
    """This attempt of the start task is over; `ending` is None if it never started."""

    key: NodeKey
    attempt: int
    ending: Ending | None


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
class RebootNode:
    """A user wants the node to reboot; `option` says what becomes of its tasks (P-38)."""

    key: NodeKey
    option: NodeOption


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavePool:
    """The node has to go; `option` says what becomes of its tasks (P-17)."""

    key: NodeKey
    option: NodeOption


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGone:
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
class ResizePool:
    """A user wants another number of nodes (P-16)."""

    key: PoolKey
    resize: Resize


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveNodes:
    """A user takes so many nodes away, which leave by themselves: the targets follow (P-21)."""

    key: PoolKey
    dedicated: int
    low_priority: int
    timeout: timedelta
    option: NodeOption


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePool:
    """Properties of the pool that its nodes take over when they start were changed (P-12)."""

    key: PoolKey


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePool:
    """Give up all nodes, then the pool."""

    key: PoolKey


PoolEvent = NodesCounted | ResizeFailed | ResizePool | RemoveNodes | UpdatePool | DeletePool

# Events of a job.


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateJob:
    """End the job: its running tasks, then its release tasks, then itself."""

    key: JobKey
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateJob:
    """Properties of the job were changed; `priority` counts for the next placement (J-14)."""

    key: JobKey
    priority: int


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


JobEvent = TerminateJob | UpdateJob | DeleteJob | JobNodeOpened | JobNodeSettled | JobSwept

Event = TaskEvent | ExecutionEvent | JobNodeEvent | NodeEvent | PoolEvent | JobEvent
