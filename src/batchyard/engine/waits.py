"""What the answer to "why does it wait" asks of the store, beside what placement asks."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from batchyard.core.model import Job, JobKey, NodeKey, PoolKey, Task, TaskKey, TaskState
from batchyard.core.waiting import Dependencies, Kind

#: The nodes of each pool that the last round of placement held.
Held = Mapping[PoolKey, frozenset[NodeKey]]


class Past(NamedTuple):
    """From when on a class of waiting tasks had to wait for this reason."""

    number: int
    code: str
    message: str
    since: datetime


class Begun(NamedTuple):
    """A task that has a node and has not started there."""

    key: TaskKey
    node: NodeKey
    state: TaskState


class Dependents(NamedTuple):
    """Tasks of a job that wait for others, as far as was looked; `is_whole` if at all of them."""

    failed: Sequence[TaskKey]
    missing: Sequence[TaskKey]
    pending: Sequence[TaskKey]
    is_whole: bool


class Waits(Protocol):
    """Questions, all of them bounded however many tasks a job has, and the history of reasons."""

    def failed_preparations(
        self, jobs: Sequence[JobKey]
    ) -> dict[JobKey, dict[NodeKey, int | None]]:
        """Return where the preparation of jobs failed, with its exit codes."""
        ...

    def active_tasks(self, job: JobKey) -> int:
        """Return how many tasks of a job are active."""
        ...

    def older_tasks(self, task: Task, limit: int) -> int:
        """Return how many older tasks of its class wait for a place in its job, up to `limit`."""
        ...

    def tasks_of_higher_priority(self, job: Job, pool: PoolKey) -> int:
        """Return how many active tasks the jobs of a pool have that come before a job."""
        ...

    def count_waiting(self, sample: Task, limit: int) -> int:
        """Return how many tasks of the class of one wait for a place, up to `limit`."""
        ...

    def ending_tasks(self, job: JobKey, limit: int) -> list[Begun]:
        """Return tasks of a job that wait while their former run is being ended on a node."""
        ...

    def is_ending(self, task: TaskKey) -> bool:
        """Return whether the former run of a task is being ended on its node."""
        ...

    def begun_tasks(self, job: JobKey, limit: int) -> list[Begun]:
        """Return tasks of a job that have a node and have not started."""
        ...

    def first_active(self, job: JobKey, limit: int) -> list[TaskKey]:
        """Return the first active tasks of a job that have no node."""
        ...

    def dependents(self, job: JobKey, limit: int) -> Dependents:
        """Return tasks that wait for others; at most `limit` of what they wait for is looked at."""
        ...

    def dependencies(self, task: Task, shown: int) -> Dependencies:
        """Return what a task waits for, with at most `shown` ids of each kind."""
        ...

    def dependencies_time(self, task: TaskKey) -> datetime | None:
        """Return when the last of what a task depended on was completed, None for never."""
        ...

    def task_ids(self, tasks: Sequence[TaskKey]) -> list[str]:
        """Return the ids of tasks, in this order."""
        ...

    def node_id(self, node: NodeKey) -> str:
        """Return the id of a node, gone or not."""
        ...

    def history(self, job: JobKey, kind: Kind) -> list[Past]:
        """Return why a class of tasks has had to wait, the oldest first."""
        ...

    def last_reasons(self, jobs: Sequence[JobKey]) -> Mapping[tuple[JobKey, Kind], Past]:
        """Return the newest reason of each class of waiting tasks of jobs."""
        ...

    def add_reasons(self, reasons: Iterable[tuple[JobKey, Kind, Past]]) -> None:
        """Add to the history of classes; what is too old to be kept goes."""
        ...
