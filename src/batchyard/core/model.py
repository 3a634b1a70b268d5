"""The state of things, as frozen values. All instants are UTC.

``step`` of a life-cycle module returns a new one. The store makes these of rows by the order of
their fields: by the names it takes ten times as long. Everybody else uses the names.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from batchyard.core import limits
from batchyard.core.keys import ExecutionId, JobKey, JobScheduleKey, NodeKey, PoolKey, TaskKey
from batchyard.core.specs import ExitConditions, StartTaskSpec
from batchyard.core.states import (
    AllocationState,
    DisableTasks,
    EndCause,
    ErrorCategory,
    ExecutionKind,
    ExecutionState,
    GangState,
    JobDefaultOrder,
    JobNodeState,
    JobScheduleState,
    JobState,
    NodeFillType,
    NodeOption,
    NodePlan,
    NodeState,
    PoolState,
    TaskResult,
    TaskState,
)


class Failure(Struct, frozen=True, kw_only=True):
    """``failureInfo`` of a task. Source: 03, Failure codes."""

    category: ErrorCategory
    code: str
    message: str
    details: tuple[tuple[str, str], ...] = ()


class Usage(Struct, frozen=True, array_like=True):
    """What executions used, as the kernel of their node counts. A block has 512 bytes."""

    user_microseconds: int = 0
    kernel_microseconds: int = 0
    wall_microseconds: int = 0
    read_blocks: int = 0
    write_blocks: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.user_microseconds + other.user_microseconds,
            self.kernel_microseconds + other.kernel_microseconds,
            self.wall_microseconds + other.wall_microseconds,
            self.read_blocks + other.read_blocks,
            self.write_blocks + other.write_blocks,
        )


class Ending(Struct, frozen=True, kw_only=True):
    """How one execution ended, as its node tells it.

    `exit_code` is negative for a process that a signal killed (T-19); it is absent when no process
    ran. `start_time` is when the node began with the execution. `usage` is None where nobody
    counted.
    """

    cause: EndCause
    exit_code: int | None
    message: str
    start_time: datetime
    end_time: datetime
    usage: Usage | None = None


class ResizeError(Struct, frozen=True):
    """Why the last resize of a pool did not reach its target. Source: P-19."""

    code: str
    message: str
    values: tuple[tuple[str, str], ...] = ()


class Pool(Struct, frozen=True):
    """The state of a pool. `revision` is its ETag: targets move it, its nodes do not (S-4)."""

    key: PoolKey
    account: str
    id: str
    revision: int
    creation_time: datetime
    last_modified: datetime
    state: PoolState
    state_time: datetime
    allocation_state: AllocationState
    allocation_state_time: datetime
    target_dedicated_nodes: int
    target_low_priority_nodes: int
    task_slots_per_node: int
    node_fill_type: NodeFillType
    job_default_order: JobDefaultOrder
    has_inter_node_communication: bool
    is_windows: bool
    resize_timeout: timedelta
    resize_option: NodeOption = NodeOption.REQUEUE
    resize_errors: tuple[ResizeError, ...] = ()


class Run(Struct, frozen=True):
    """The latest run of a preparation, release or start task on one node. Source: J-73, P-28."""

    attempt: int = 0
    retry_count: int = 0
    start_time: datetime | None = None
    end_time: datetime | None = None
    last_retry_time: datetime | None = None
    exit_code: int | None = None
    result: TaskResult | None = None
    failure: Failure | None = None


class Node(Struct, frozen=True):
    """The state of a compute node.

    `epoch` numbers its lives between restarts: what an earlier life says is stale. `slots_used` and
    `tasks_running` count executions that are not known to be over: also those of tasks that were
    terminated meanwhile, and those that queue, so there may be more than the node has slots;
    `managers_running` counts those of job manager tasks.
    `log_acknowledged` is the number of the last report that is in the store.
    `recent_tasks` are the last that ran to an end there, each once, the latest of them last.
    """

    key: NodeKey
    pool: PoolKey
    pool_id: str
    id: str
    is_dedicated: bool
    state: NodeState
    state_time: datetime
    allocation_time: datetime
    last_boot_time: datetime | None = None
    epoch: int = 1
    slots: int = 1
    slots_used: int = 0
    tasks_running: int = 0
    tasks_run: int = 0
    tasks_succeeded: int = 0
    log_acknowledged: int = 0
    start_task: StartTaskSpec | None = None
    start_run: Run = Run()
    #: What the node does when its last task is over: nothing, reboot, or leave its pool.
    plan: NodePlan = NodePlan.STAY
    managers_running: int = 0
    recent_tasks: tuple[TaskKey, ...] = ()


class Job(Struct, frozen=True):
    """The state of a job. `nodes_unsettled` counts its nodes that still have something to do."""

    key: JobKey
    account: str
    id: str
    pool_id: str
    pool: PoolKey | None
    priority: int
    revision: int
    creation_time: datetime
    last_modified: datetime
    state: JobState
    state_time: datetime
    start_time: datetime
    previous_state: JobState | None = None
    previous_state_time: datetime | None = None
    end_time: datetime | None = None
    terminate_reason: str | None = None
    has_preparation: bool = False
    has_release: bool = False
    preparation_retry_count_max: int = 0
    waits_for_preparation: bool = True
    reruns_preparation: bool = True
    nodes_unsettled: int = 0
    max_parallel_tasks: int = limits.PARALLEL_TASKS_UNLIMITED
    performs_job_actions: bool = False
    uses_task_dependencies: bool = False
    #: What becomes of its running tasks; of a job that is being disabled.
    disable_tasks: DisableTasks | None = None
    ends_with_tasks: bool = False
    #: When its wall-clock time is over (J-16).
    expiry_time: datetime | None = None
    #: When to look whether all of its tasks are completed (J-19).
    tasks_check_time: datetime | None = None
    #: The earlier of the two while it is active: when something is due without anything happening.
    due_time: datetime | None = None
    #: The pool that was made for it alone, there or not.
    auto_pool: PoolKey | None = None
    #: Whether that pool stays when the job is over.
    keeps_pool: bool = False
    #: Why its auto pool could not be made (J-51).
    scheduling_error: Failure | None = None
    #: Whether it ends without waiting for its nodes (J-42).
    is_forced: bool = False
    #: Whether its tasks may make room for those of jobs of a higher priority (J-12).
    allows_preemption: bool = False
    has_manager: bool = False
    #: Whether nothing of it runs before its manager has begun (J-57).
    awaits_manager: bool = False
    ends_with_manager: bool = False
    manager_is_exclusive: bool = False
    manager_needs_dedicated: bool = False
    #: The job schedule that made it.
    schedule: JobScheduleKey | None = None


class JobSchedule(Struct, frozen=True):
    """The state of a job schedule.

    `jobs_made` is the number of its latest job, `last_time` the opportunity that this one took.
    """

    key: JobScheduleKey
    account: str
    id: str
    revision: int
    creation_time: datetime
    last_modified: datetime
    state: JobScheduleState
    state_time: datetime
    do_not_run_until: datetime | None
    do_not_run_after: datetime | None
    start_window: timedelta | None
    recurrence_interval: timedelta | None
    previous_state: JobScheduleState | None = None
    previous_state_time: datetime | None = None
    end_time: datetime | None = None
    jobs_made: int = 0
    last_time: datetime | None = None
    #: Its job that is not completed; there is at most one (SC-9).
    active_job: JobKey | None = None
    #: Whether its jobs are deleted without waiting for their nodes (J-42).
    is_forced: bool = False
    #: When it has to make a job, or may have nothing more to do; None while only its job counts.
    due_time: datetime | None = None
    #: The pool that was made for all of its jobs, there or not.
    auto_pool: PoolKey | None = None
    #: Whether that pool stays when the schedule is over.
    keeps_pool: bool = False


class Task(Struct, frozen=True):
    """The state of a task.

    `attempt` numbers its executions. `is_placed` says that the execution of that number is to run
    or runs on `node`; afterwards `node` stays what it was, for ``nodeInfo``.
    """

    key: TaskKey
    job: JobKey
    state: TaskState
    state_time: datetime
    last_modified: datetime
    previous_state: TaskState | None = None
    previous_state_time: datetime | None = None
    attempt: int = 0
    node: NodeKey | None = None
    is_placed: bool = False
    required_slots: int = 1
    retry_count_max: int = 0
    retry_count: int = 0
    requeue_count: int = 0
    recovery_count: int = 0
    is_retry_due: bool = False
    start_time: datetime | None = None
    end_time: datetime | None = None
    last_retry_time: datetime | None = None
    last_requeue_time: datetime | None = None
    affinity_id: str | None = None
    exit_code: int | None = None
    result: TaskResult | None = None
    failure: Failure | None = None
    #: Of all its executions that are over.
    usage: Usage | None = None
    revision: int = 1
    retention_time: timedelta | None = limits.RETENTION_TIME_DEFAULT
    #: When the files of the completed task are due to go; None once they are gone, or for never.
    files_due_time: datetime | None = None
    are_files_removed: bool = False
    exit_conditions: ExitConditions | None = None
    #: How many other tasks have to be completed before it may run (D-2); see `store.dependencies`.
    dependencies_left: int = 0
    #: Whether tasks that depend on this completed one may run (D-7).
    satisfies: bool = False
    is_manager: bool = False
    #: Of a multi-instance task, on how many nodes it runs; 0 of any other.
    instances: int = 0

    @property
    def is_restarted_manager(self) -> bool:
        """Whether it is a job manager task that ran before, and has to run again (J-58)."""
        return self.is_manager and self.retry_count + self.requeue_count + self.recovery_count > 0


class Subtask(Struct, frozen=True, kw_only=True):
    """One instance of a multi-instance task in its latest attempt; number 0 is the primary's.

    `exit_code` and what follows from it are those of the coordination command. `is_over` says that
    no process of it is left.
    """

    number: int
    node: NodeKey
    placed_time: datetime
    start_time: datetime | None = None
    coordination_time: datetime | None = None
    end_time: datetime | None = None
    exit_code: int | None = None
    result: TaskResult | None = None
    failure: Failure | None = None
    is_over: bool = False


class Gang(Struct, frozen=True):
    """The subtasks of a multi-instance task, whose key it has."""

    key: TaskKey
    job: JobKey
    state: GangState = GangState.WAITING
    attempt: int = 0
    subtasks: tuple[Subtask, ...] = ()


class JobNode(Struct, frozen=True):
    """Where one job stands on one node, from its first task placed there to its release.

    `tasks_open` counts the job's task executions there that are not known to be over.
    """

    job: JobKey
    node: NodeKey
    state: JobNodeState
    is_ending: bool = False
    tasks_open: int = 0
    has_preparation: bool = False
    has_release: bool = False
    preparation_retry_count_max: int = 0
    waits_for_preparation: bool = True
    reruns_preparation: bool = True
    preparation: Run = Run()
    release: Run = Run()


class Execution(Struct, frozen=True):
    """One attempt of one command on one node, while it is not known to be over.

    `epoch` is the life of the node that it was given to.
    """

    id: ExecutionId
    kind: ExecutionKind
    job: JobKey | None
    task: TaskKey | None
    node: NodeKey
    epoch: int
    attempt: int
    slots: int
    state: ExecutionState = ExecutionState.ASSIGNED
    is_manager: bool = False
    #: Of a subtask.
    number: int = 0
