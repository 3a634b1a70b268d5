"""What the reads give to the outside: entities together with what a client asked for.

The values are complete: nothing above the engine looks anything up to show one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from batchyard.core.errors import Refused
from batchyard.core.keys import NodeKey, TaskKey
from batchyard.core.model import Job, JobNode, JobSchedule, Node, Pool, Subtask, Task, Usage
from batchyard.core.specs import JobScheduleSpec, JobSpec, PoolSpec, TaskSpec

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolView:
    """A pool; the current nodes are those that exist by now, in whatever state."""

    pool: Pool
    spec: PoolSpec
    current_dedicated_nodes: int
    current_low_priority_nodes: int


class RunningTasks(NamedTuple):
    """How many tasks have started on a node and are not over, and their slots."""

    tasks: int
    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentTask:
    """A task that ran on a node not long ago, or runs there; `subtask` is what of it was there."""

    job_id: str
    task_id: str
    task: Task
    subtask: Subtask | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A compute node with what its pool was given; `ordinal` tells it from the others there.

    The oldest node of a pool is number 0; a number is never used again. `running` leaves out what
    queues on the node. `recent_tasks` are empty unless they were asked for.
    """

    node: Node
    pool_spec: PoolSpec
    ordinal: int
    running: RunningTasks
    recent_tasks: Sequence[RecentTask] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCounts:
    """The nodes of one pool by (is dedicated, state as on the wire)."""

    pool_id: str
    counts: dict[tuple[bool, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatistics:
    """What the tasks of a job, or of the jobs of a schedule, add up to. Source: J-54, SC-21."""

    succeeded: int
    failed: int
    retries: int
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job, with its statistics if they were asked for."""

    job: Job
    spec: JobSpec
    statistics: JobStatistics | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobScheduleView:
    """A job schedule, with its statistics if they were asked for."""

    schedule: JobSchedule
    spec: JobScheduleSpec
    statistics: JobStatistics | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeName:
    """Where a node is or was: a node that left its pool keeps its name."""

    key: NodeKey
    pool_id: str
    node_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A task; `node` is the one of its latest execution."""

    task: Task
    spec: TaskSpec
    job_id: str
    creation_time: datetime
    node: NodeName | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtaskView:
    """A subtask of a multi-instance task."""

    job_id: str
    task_id: str
    subtask: Subtask
    node: NodeName


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNodeView:
    """The preparation and release of one job on one node; see `JobNode`."""

    job_id: str
    node: NodeName
    job_node: JobNode
    preparation_id: str | None
    release_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCounts:
    """Tasks and their slots of one job by state. Source: T-64, T-65."""

    active: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    active_slots: int = 0
    running_slots: int = 0
    succeeded_slots: int = 0
    failed_slots: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAdded:
    """One result of an add-collection request: the new task's key, or why it was refused."""

    task_id: str
    task: TaskKey | None = None
    added_time: datetime | None = None
    refused: Refused | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """Some items of a list in the order of their keys; `next_after` is None on the last page."""

    items: Sequence[Item]
    next_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLocation:
    """A directory of a node that a request about files starts from, relative to its root."""

    node: NodeKey
    directory: str
