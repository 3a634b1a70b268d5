"""What the engine needs of a clock and of a store, as protocols.

The adapters are plugged in by ``main``: the store of ``batchyard.store``, the clock of the system.
The simulator plugs in its own clock.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Final, NamedTuple, Protocol

from batchyard.core.keys import ExecutionId, JobKey, JobScheduleKey, NodeKey, PoolKey, TaskKey
from batchyard.core.model import Execution, Gang, Job, JobNode, JobSchedule, Node, Pool, Task
from batchyard.core.specs import JobScheduleSpec, JobSpec, PoolSpec, TaskDependencies, TaskSpec
from batchyard.engine.waits import Waits


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Changes:
    """What a command did to entities: (before, after) each; None where there is no entity."""

    pools: Sequence[tuple[Pool | None, Pool | None]] = ()
    nodes: Sequence[tuple[Node | None, Node | None]] = ()
    jobs: Sequence[tuple[Job | None, Job | None]] = ()
    job_schedules: Sequence[tuple[JobSchedule | None, JobSchedule | None]] = ()
    tasks: Sequence[tuple[Task | None, Task | None]] = ()
    job_nodes: Sequence[tuple[JobNode | None, JobNode | None]] = ()
    executions: Sequence[tuple[Execution | None, Execution | None]] = ()
    gangs: Sequence[tuple[Gang | None, Gang | None]] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not any(_ALL_CHANGES(self))


_ALL_CHANGES: Final = attrgetter(*(field.name for field in fields(Changes)))


class UsableNode(NamedTuple):
    """A node that takes tasks; `slots_used` is more than `slots` if tasks queue."""

    key: NodeKey
    id: str
    slots: int
    slots_used: int
    is_dedicated: bool
    managers_running: int


class OpenTask(NamedTuple):
    """A task whose execution on a node is not known to be over; see `Execution`."""

    key: TaskKey
    job: JobKey
    node: NodeKey
    slots: int
    attempt: int
    is_stopping: bool
    is_manager: bool
    start_time: datetime | None


class OpenJob(NamedTuple):
    """Tasks of the job run or queue on the node."""

    node: NodeKey
    job: JobKey


class Transaction(Protocol):
    """Everything that the engine reads and writes while it decides. All or nothing.

    Rows are read and written as sets. What is asked for and is not there is missing in the answer.
    """

    def savepoint(self) -> AbstractContextManager[None]:
        """Return a context whose writes are undone alone if it raises."""
        ...

    def reserve(self, kind: str, count: int) -> int:
        """Return the first of `count` keys that were never given to anything of this kind."""
        ...

    # Entities by key.

    def pools(self, keys: Iterable[PoolKey]) -> dict[PoolKey, Pool]:
        """Return pools."""
        ...

    def nodes(self, keys: Iterable[NodeKey]) -> dict[NodeKey, Node]:
        """Return nodes that are not gone."""
        ...

    def jobs(self, keys: Iterable[JobKey]) -> dict[JobKey, Job]:
        """Return jobs."""
        ...

    def tasks(self, keys: Iterable[TaskKey]) -> dict[TaskKey, Task]:
        """Return tasks."""
        ...

    def job_nodes(
        self, keys: Iterable[tuple[JobKey, NodeKey]]
    ) -> dict[tuple[JobKey, NodeKey], JobNode]:
        """Return jobs on nodes."""
        ...

    def executions(self, keys: Iterable[ExecutionId]) -> dict[ExecutionId, Execution]:
        """Return executions that are not known to be over."""
        ...

    def job_schedules(self, keys: Iterable[JobScheduleKey]) -> dict[JobScheduleKey, JobSchedule]:
        """Return job schedules."""
        ...

    def gangs(self, keys: Iterable[TaskKey]) -> dict[TaskKey, Gang]:
        """Return the gangs of multi-instance tasks."""
        ...

    def save(self, changes: Changes) -> None:
        """Insert, update and delete entities, and change the task counts of their jobs.

        A pool, job or task is inserted by `add_pool`, `add_job` or `add_tasks`, never here.
        """
        ...

    # Entities by name, and new ones.

    def pool_key(self, account: str, pool_id: str) -> PoolKey | None:
        """Return the key of a pool by its id in any case (L-1)."""
        ...

    def job_key(self, account: str, job_id: str) -> JobKey | None:
        """Return the key of a job by its id in any case (L-1)."""
        ...

    def job_schedule_key(self, account: str, schedule_id: str) -> JobScheduleKey | None:
        """Return the key of a job schedule by its id in any case (L-1)."""
        ...

    def task_keys(self, job: JobKey, task_ids: Iterable[str]) -> dict[str, TaskKey]:
        """Return the keys of tasks by their ids, folded to lower case (L-1)."""
        ...

    def add_pool(self, pool: Pool, spec: PoolSpec) -> None:
        """Insert a pool; jobs that wait for one of its name get it (J-8)."""
        ...

    def add_job(self, job: Job, spec: JobSpec) -> None:
        """Insert a job with counts of zero."""
        ...

    def add_job_schedule(self, schedule: JobSchedule, spec: JobScheduleSpec) -> None:
        """Insert a job schedule."""
        ...

    def add_tasks(self, job: JobKey, tasks: Sequence[tuple[Task, TaskSpec]]) -> None:
        """Insert tasks of one job and add them to its counts."""
        ...

    # What belongs together.

    def nodes_of_pool(self, pool: PoolKey) -> list[Node]:
        """Return the nodes of a pool that are not gone, the oldest first."""
        ...

    def executions_of_node(self, node: NodeKey) -> list[Execution]:
        """Return what a node has to run or to stop, the oldest first."""
        ...

    def job_nodes_of_node(self, node: NodeKey) -> list[JobNode]:
        """Return the jobs of a node that are not settled there."""
        ...

    def job_nodes_to_end(self, job: JobKey, limit: int) -> list[JobNode]:
        """Return nodes of a job that have not heard that it ends."""
        ...

    def unsettled_job_nodes(self, job: JobKey, limit: int) -> list[JobNode]:
        """Return nodes on which something of a job is left to do."""
        ...

    def placed_tasks(self, job: JobKey, limit: int) -> list[Task]:
        """Return tasks of a job that have an open execution."""
        ...

    def queued_executions(self, job: JobKey, limit: int) -> list[Execution]:
        """Return executions of tasks of a job that no node has started, nor is to give back."""
        ...

    def has_task_executions(self, job: JobKey) -> bool:
        """Return whether executions of tasks of a job are not known to be over."""
        ...

    def add_dependencies(
        self, job: JobKey, dependents: Sequence[tuple[TaskKey, TaskDependencies]]
    ) -> dict[TaskKey, int]:
        """Write down what new tasks wait for; return how much of that is not satisfied yet."""
        ...

    def satisfy_dependents(self, job: JobKey, tasks: Iterable[TaskKey], now: datetime) -> set[int]:
        """Count completed tasks off from what waits for them; return slots of what may run."""
        ...

    def task_specs(self, tasks: Iterable[TaskKey]) -> dict[TaskKey, TaskSpec]:
        """Return what clients asked for."""
        ...

    def task_creation_time(self, task: TaskKey) -> datetime:
        """Return when a task was added."""
        ...

    def job_spec(self, job: JobKey) -> JobSpec:
        """Return what a client asked for."""
        ...

    def pool_spec(self, pool: PoolKey) -> PoolSpec:
        """Return what a client asked for."""
        ...

    def job_schedule_spec(self, schedule: JobScheduleKey) -> JobScheduleSpec:
        """Return what a client asked for."""
        ...

    def update_job_schedule_spec(self, schedule: JobScheduleKey, spec: JobScheduleSpec) -> None:
        """Replace what a client asked for."""
        ...

    def update_task_spec(self, task: TaskKey, spec: TaskSpec) -> None:
        """Replace what a client asked for."""
        ...

    def update_job_spec(self, job: JobKey, spec: JobSpec) -> None:
        """Replace what a client asked for."""
        ...

    def update_pool_spec(self, pool: PoolKey, spec: PoolSpec) -> None:
        """Replace what a client asked for."""
        ...

    # Why tasks wait.

    @property
    def waits(self) -> Waits:
        """The questions that only the answer to "why does it wait" asks."""
        ...

    # Placement.

    def ready_jobs(self, pool: PoolKey) -> list[tuple[JobKey, int]]:
        """Return the active jobs of a pool with active tasks and their priorities, oldest first."""
        ...

    def waiting_tasks(self, jobs: Sequence[JobKey], limit: int) -> dict[JobKey, list[Task]]:
        """Return the first waiting tasks of jobs, oldest first: of each size at most `limit`.

        If that is fewer than `limit` in all, they are all there are.
        """
        ...

    def open_task_counts(self, jobs: Sequence[JobKey]) -> dict[JobKey, int]:
        """Return how many tasks of jobs run or queue, several instances as one (J-13)."""
        ...

    def usable_nodes(self, pool: PoolKey) -> list[UsableNode]:
        """Return the nodes of a pool that take tasks, whether they have room or not."""
        ...

    def preemptible_jobs(self, pool: PoolKey) -> list[tuple[JobKey, int]]:
        """Return the active jobs of a pool that allow preemption, and their priorities."""
        ...

    def restarted_managers(self, jobs: Iterable[JobKey]) -> set[JobKey]:
        """Return those of the jobs whose manager ran before and waits to run again."""
        ...

    def open_managers(self, jobs: Iterable[JobKey]) -> set[JobKey]:
        """Return those of the jobs whose manager runs or is to run on a node."""
        ...

    def open_tasks(self, nodes: Iterable[NodeKey]) -> list[OpenTask]:
        """Return the tasks on nodes: those that run, queue, or are being stopped."""
        ...

    def open_jobs(self, nodes: Iterable[NodeKey]) -> list[OpenJob]:
        """Return which jobs have tasks on these nodes that run or queue."""
        ...

    def prepared_job_nodes(self, jobs: Sequence[JobKey]) -> list[tuple[JobKey, NodeKey]]:
        """Return on which nodes jobs are prepared, or have nothing to prepare."""
        ...

    def failed_job_nodes(self, jobs: Sequence[JobKey]) -> dict[JobKey, list[NodeKey]]:
        """Return the nodes on which the preparation of jobs failed."""
        ...

    def assigned_executions(
        self, nodes: Sequence[NodeKey], jobs: Sequence[JobKey]
    ) -> list[Execution]:
        """Return the tasks of jobs that nodes have not started and are not asked to give back."""
        ...

    # The end of things.

    def delete_tasks(self, job: JobKey, limit: int) -> int:
        """Delete at most `limit` tasks of a job and return how many are left."""
        ...

    def nodes_of_job(self, job: JobKey) -> list[NodeKey]:
        """Return the nodes, not gone, on which tasks of a job ran."""
        ...

    def detach_jobs(self, pool: PoolKey) -> None:
        """Let the jobs of a pool that goes wait for another one of its name (S-8)."""
        ...

    def remove_directories(
        self, directories: Sequence[tuple[NodeKey, str]], due_time: datetime | None
    ) -> list[tuple[NodeKey, int, str]]:
        """Insert orders to remove directories, now or at `due_time`; return them with keys."""
        ...

    def keep_directory(self, node: NodeKey, path: str) -> None:
        """Take back orders for a directory that are not due yet."""
        ...

    def directory_removals(self, node: NodeKey, now: datetime) -> list[tuple[int, str]]:
        """Return the orders of a node that are due: key and path."""
        ...

    def tasks_with_files_due(self, now: datetime, limit: int) -> list[Task]:
        """Return completed tasks whose files have to go."""
        ...

    def take_due_removals(self, now: datetime, limit: int) -> list[tuple[NodeKey, int, str]]:
        """Make orders that have become due orders for now, and return them."""
        ...

    def next_files_due(self) -> datetime | None:
        """Return when the next files have to go, None for never."""
        ...

    def take_outlived_tasks(self, added_before: datetime, limit: int) -> list[Task]:
        """Return what is open of the next tasks that were added by then, each of them once.

        At most `limit` are looked at, whether open or not; they are not looked at again.
        """
        ...

    def next_lifetime_start(self) -> datetime | None:
        """Return when the first task was added that is yet to be looked at, None without one."""
        ...

    def jobs_due(self, now: datetime, limit: int) -> list[Job]:
        """Return jobs of which something is due."""
        ...

    def next_job_due(self) -> datetime | None:
        """Return when something of a job is due next, None for never."""
        ...

    def job_schedules_due(self, now: datetime, limit: int) -> list[JobSchedule]:
        """Return job schedules of which something is due."""
        ...

    def next_job_schedule_due(self) -> datetime | None:
        """Return when something of a job schedule is due next, None for never."""
        ...

    def job_schedules_ahead(self, now: datetime) -> list[JobScheduleKey]:
        """Return the job schedules of which nothing is due for more than two intervals."""
        ...

    def jobs_to_delete(
        self, schedule: JobScheduleKey, limit: int, *, are_forced: bool
    ) -> list[Job]:
        """Return jobs of a schedule that have not heard that they are deleted, or forced to."""
        ...

    def has_jobs(self, schedule: JobScheduleKey) -> bool:
        """Return whether a schedule has any jobs, completed ones included."""
        ...

    def jobs_with_open_tasks(self, jobs: Iterable[JobKey]) -> set[JobKey]:
        """Return those of the jobs that have tasks which are not completed."""
        ...

    def directories_removed(self, keys: Iterable[int]) -> None:
        """Delete orders that were carried out."""
        ...

    # What a start has to look at.

    def pools_of_interest(self) -> list[PoolKey]:
        """Return every pool, for they all may have something to place or to resize."""
        ...

    def jobs_ending(self) -> list[JobKey]:
        """Return the jobs that are terminating, deleting or disabling."""
        ...

    def job_schedules_ending(self) -> list[JobScheduleKey]:
        """Return the job schedules that are being deleted."""
        ...


class Store(Protocol):
    """A database of the service."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Return a context that commits at its end, durably, or undoes everything if it raises."""
        ...
