"""The nouns of the service as frozen values; enumerations are spelt as on the wire.

Two kinds of values stand here. A *spec* is what a client asked for; it never changes after it was
admitted, and its JSON leaves out what has its default value. An *entity* is the state of one thing;
``step`` of its life-cycle module returns a new one. All instants are UTC.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType

from msgspec import Struct, field

from batchyard.core import limits

#: Keys are numbers of the store: a resource that is deleted and made again has a new key.
PoolKey = NewType("PoolKey", int)
NodeKey = NewType("NodeKey", int)
JobKey = NewType("JobKey", int)
TaskKey = NewType("TaskKey", int)
JobScheduleKey = NewType("JobScheduleKey", int)

#: Names one attempt of one command on one node, for example ``task-17-1``.
ExecutionId = NewType("ExecutionId", str)


class PoolState(StrEnum):
    """Source: 01, Pool.state."""

    ACTIVE = "active"
    DELETING = "deleting"


class AllocationState(StrEnum):
    """Source: 01, Pool.allocationState."""

    STEADY = "steady"
    RESIZING = "resizing"
    STOPPING = "stopping"


class NodeState(StrEnum):
    """Source: 01, Compute node.state."""

    IDLE = "idle"
    REBOOTING = "rebooting"
    REIMAGING = "reimaging"
    RUNNING = "running"
    UNUSABLE = "unusable"
    CREATING = "creating"
    STARTING = "starting"
    WAITING_FOR_START_TASK = "waitingforstarttask"
    START_TASK_FAILED = "starttaskfailed"
    UNKNOWN = "unknown"
    LEAVING_POOL = "leavingpool"
    OFFLINE = "offline"
    PREEMPTED = "preempted"
    UPGRADING_OS = "upgradingos"
    DEALLOCATED = "deallocated"
    DEALLOCATING = "deallocating"


class NodeFillType(StrEnum):
    """How the tasks of a pool spread over its nodes. Source: T-34."""

    SPREAD = "spread"
    PACK = "pack"


class JobDefaultOrder(StrEnum):
    """Which of the jobs of equal priority goes first in a pool. Source: J-11."""

    NONE = "none"
    CREATION_TIME = "creationtime"


class JobState(StrEnum):
    """Source: 01, Job.state."""

    ACTIVE = "active"
    DISABLING = "disabling"
    DISABLED = "disabled"
    ENABLING = "enabling"
    TERMINATING = "terminating"
    COMPLETED = "completed"
    DELETING = "deleting"


class JobScheduleState(StrEnum):
    """Source: 01, Job schedule.state."""

    ACTIVE = "active"
    COMPLETED = "completed"
    DISABLED = "disabled"
    TERMINATING = "terminating"
    DELETING = "deleting"


class OnAllTasksComplete(StrEnum):
    """What becomes of a job once all of its tasks are completed. Source: J-19."""

    NO_ACTION = "noaction"
    TERMINATE_JOB = "terminatejob"


class PoolLifetime(StrEnum):
    """How long an auto pool lives: as its job, or as the schedule of its jobs. Source: J-48."""

    JOB = "job"
    JOB_SCHEDULE = "jobschedule"


class DisableTasks(StrEnum):
    """What becomes of the tasks that run when their job is disabled. Source: J-35."""

    REQUEUE = "requeue"
    TERMINATE = "terminate"
    WAIT = "wait"


class OnTaskFailure(StrEnum):
    """Whether what a task's exit conditions say of its job is done. Source: J-23."""

    NO_ACTION = "noaction"
    PERFORM_EXIT_OPTIONS_JOB_ACTION = "performexitoptionsjobaction"


class JobAction(StrEnum):
    """What becomes of a job when a task of it is completed. Source: J-24."""

    NONE = "none"
    DISABLE = "disable"
    TERMINATE = "terminate"


class DependencyAction(StrEnum):
    """What becomes of the tasks that depend on a completed one. Source: D-7."""

    SATISFY = "satisfy"
    BLOCK = "block"


class TaskState(StrEnum):
    """Source: 01, Task.state."""

    ACTIVE = "active"
    PREPARING = "preparing"
    RUNNING = "running"
    COMPLETED = "completed"


class TaskResult(StrEnum):
    """Not a state: how a completed task ended. Source: T-12."""

    SUCCESS = "success"
    FAILURE = "failure"


class ElevationLevel(StrEnum):
    """Source: T-39."""

    NON_ADMIN = "nonadmin"
    ADMIN = "admin"


class ErrorCategory(StrEnum):
    """Spelt as the recorded service does. Source: S-1."""

    USER_ERROR = "UserError"
    SERVER_ERROR = "ServerError"


class ExecutionKind(StrEnum):
    """What an execution runs. Ours; the last two are those of a multi-instance task."""

    TASK = "task"
    PREPARATION = "preparation"
    RELEASE = "release"
    START = "start"
    #: The application command, on the node of the primary.
    PRIMARY = "primary"
    #: The coordination command, on each node, and all that it leaves running.
    SUBTASK = "subtask"


#: What runs a task, or a part of it.
OF_TASKS: Final = frozenset({ExecutionKind.TASK, ExecutionKind.PRIMARY, ExecutionKind.SUBTASK})


class GangState(StrEnum):
    """Where the attempt of a multi-instance task stands. Ours; see `core.multi_instance`."""

    WAITING = "waiting"
    COORDINATING = "coordinating"
    RUNNING = "running"


class ExecutionState(StrEnum):
    """Ours: ``assigned`` until the node says that the process started.

    ``recalled`` is assigned, and the node is asked to give it back if it has not started.
    """

    ASSIGNED = "assigned"
    RECALLED = "recalled"
    RUNNING = "running"
    STOPPING = "stopping"


class JobNodeState(StrEnum):
    """Where one job stands on one node. Ours; J-67 ... J-86 say what leads from one to the next."""

    UNPREPARED = "unprepared"
    PREPARING = "preparing"
    PREPARED = "prepared"
    FAILED = "failed"
    RELEASING = "releasing"
    RELEASED = "released"
    DISMISSED = "dismissed"


class NodePlan(StrEnum):
    """What a node does once its last task is over. Ours, for ``taskcompletion`` (P-17, P-38)."""

    STAY = "stay"
    REBOOT = "reboot"
    LEAVE = "leave"


class EndCause(StrEnum):
    """Why a node says that an execution is over. Ours."""

    #: The process ended by itself or by a signal of somebody else; there is an exit code.
    EXITED = "exited"
    #: The program of the command line does not exist.
    PROGRAM_NOT_FOUND = "programnotfound"
    #: The program exists and could not be started.
    LAUNCH_FAILED = "launchfailed"
    #: Directories or files of the task could not be made.
    DIRECTORY_FAILED = "directoryfailed"
    #: A resource file does not exist where it should come from.
    FILE_NOT_FOUND = "filenotfound"
    #: Whoever has a resource file does not give it to us.
    FILE_ACCESS_DENIED = "fileaccessdenied"
    #: A resource file did not come in time.
    FILE_TIMED_OUT = "filetimedout"
    #: A resource file could not be had for another reason.
    FILE_DOWNLOAD_FAILED = "filedownloadfailed"
    #: A resource file could not be written on the node.
    FILE_WRITE_FAILED = "filewritefailed"
    #: It ran longer than its ``maxWallClockTime`` and was killed.
    TIMED_OUT = "timedout"
    #: The service asked the node to end it.
    STOPPED = "stopped"


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


# What clients ask for.


class EnvironmentSetting(Struct, omit_defaults=True, frozen=True):
    """One environment variable; an absent value is the empty string (F-17)."""

    name: str
    value: str = ""


class MetadataItem(Struct, omit_defaults=True, frozen=True):
    """A name and a value that mean something to the client only."""

    name: str
    value: str


class ResourceFile(Struct, omit_defaults=True, frozen=True):
    """A file to fetch by HTTP before the command runs. Source: T-41 ... T-45.

    `path` is relative to the working directory and stays below it.
    """

    url: str
    path: str
    mode: int = 0o770


class TaskConstraints(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """``constraints`` of a task; None is no limit, or for the retry count: the job's.

    `retention_time` is how long its files are kept after its end (F-9).
    """

    max_wall_clock_time: timedelta | None = None
    max_task_retry_count: int | None = None
    retention_time: timedelta | None = limits.RETENTION_TIME_DEFAULT


class StartTaskSpec(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """The start task of a pool. Source: P-26 ... P-30."""

    command_line: str
    resource_files: tuple[ResourceFile, ...] = ()
    environment_settings: tuple[EnvironmentSetting, ...] = ()
    elevation_level: ElevationLevel = ElevationLevel.NON_ADMIN
    max_task_retry_count: int = 0
    wait_for_success: bool = True


class ExitOptions(Struct, omit_defaults=True, frozen=True):
    """What follows one way in which a task is completed; None where nothing was said."""

    job_action: JobAction | None = None
    dependency_action: DependencyAction | None = None


class ExitConditions(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """What follows the ways in which a task is completed. Source: T-26; ranges are inclusive."""

    exit_codes: tuple[tuple[int, ExitOptions], ...] = ()
    exit_code_ranges: tuple[tuple[int, int, ExitOptions], ...] = ()
    pre_processing_error: ExitOptions | None = None
    file_upload_error: ExitOptions | None = None
    default: ExitOptions | None = None


class TaskDependencies(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """Which tasks come first: by id, and by inclusive ranges of numbers (D-2, D-4)."""

    task_ids: tuple[str, ...] = ()
    task_id_ranges: tuple[tuple[int, int], ...] = ()


class MultiInstanceSpec(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """``multiInstanceSettings`` of a task. Source: T-57 ... T-59.

    The common resource files go to the task's directory on every node.
    """

    coordination_command_line: str
    instances: int = 1
    common_resource_files: tuple[ResourceFile, ...] = ()


class TaskSpec(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """A task as it was added. `max_wall_clock_time` is None for no limit."""

    id: str
    command_line: str
    display_name: str | None = None
    environment_settings: tuple[EnvironmentSetting, ...] = ()
    elevation_level: ElevationLevel = ElevationLevel.NON_ADMIN
    max_wall_clock_time: timedelta | None = None
    max_task_retry_count: int | None = None
    retention_time: timedelta | None = limits.RETENTION_TIME_DEFAULT
    resource_files: tuple[ResourceFile, ...] = ()
    required_slots: int = 1
    affinity_id: str | None = None
    exit_conditions: ExitConditions | None = None
    depends_on: TaskDependencies | None = None
    multi_instance: MultiInstanceSpec | None = None
    #: Whether it gets a token that is good for its job (J-64).
    accesses_job: bool = False


class JobManagerSpec(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """The job manager task of a job: a task, and what makes it a manager. Source: J-57 ... J-65."""

    task: TaskSpec
    kill_job_on_completion: bool = True
    run_exclusive: bool = True
    allow_low_priority_node: bool = True


class JobPreparationSpec(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """The job preparation task of a job. Source: J-67 ... J-75."""

    id: str
    command_line: str
    environment_settings: tuple[EnvironmentSetting, ...] = ()
    elevation_level: ElevationLevel = ElevationLevel.NON_ADMIN
    max_wall_clock_time: timedelta | None = None
    max_task_retry_count: int = 0
    retention_time: timedelta | None = limits.RETENTION_TIME_DEFAULT
    resource_files: tuple[ResourceFile, ...] = ()
    wait_for_success: bool = True
    rerun_on_node_reboot_after_success: bool = True


class JobReleaseSpec(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """The job release task of a job. Source: J-76 ... J-85."""

    id: str
    command_line: str
    environment_settings: tuple[EnvironmentSetting, ...] = ()
    elevation_level: ElevationLevel = ElevationLevel.NON_ADMIN
    max_wall_clock_time: timedelta = limits.RELEASE_WALL_CLOCK_TIME_MAX
    retention_time: timedelta | None = limits.RETENTION_TIME_DEFAULT
    resource_files: tuple[ResourceFile, ...] = ()


class PoolSpec(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """A pool as it was created; the id of one that an auto pool is to be made of is empty.

    `echoed` holds properties that mean nothing on one's own machines (image, disks, ...): they are
    given back as they came, and only ``wire`` knows their names.
    """

    id: str
    vm_size: str
    display_name: str | None = None
    is_windows: bool = False
    task_slots_per_node: int = 1
    node_fill_type: NodeFillType = NodeFillType.SPREAD
    job_default_order: JobDefaultOrder = JobDefaultOrder.NONE
    has_inter_node_communication: bool = False
    target_dedicated_nodes: int = 0
    target_low_priority_nodes: int = 0
    resize_timeout: timedelta = limits.RESIZE_TIMEOUT_DEFAULT
    start_task: StartTaskSpec | None = None
    metadata: tuple[MetadataItem, ...] | None = None
    echoed: Mapping[str, object] = field(default_factory=dict)


class AutoPoolSpec(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """A pool that the service makes for a job, and deletes with it. Source: J-46 ... J-52."""

    pool: PoolSpec
    id_prefix: str | None = None
    lifetime: PoolLifetime = PoolLifetime.JOB
    keep_alive: bool = False


class JobSpec(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """A job as it was created; one with an auto pool has no `pool_id` until that is made."""

    id: str
    pool_id: str
    auto_pool: AutoPoolSpec | None = None
    display_name: str | None = None
    priority: int = 0
    max_wall_clock_time: timedelta | None = None
    max_task_retry_count: int = 0
    on_all_tasks_complete: OnAllTasksComplete = OnAllTasksComplete.NO_ACTION
    on_task_failure: OnTaskFailure = OnTaskFailure.NO_ACTION
    max_parallel_tasks: int = limits.PARALLEL_TASKS_UNLIMITED
    uses_task_dependencies: bool = False
    allow_task_preemption: bool = False
    common_environment_settings: tuple[EnvironmentSetting, ...] = ()
    manager: JobManagerSpec | None = None
    preparation: JobPreparationSpec | None = None
    release: JobReleaseSpec | None = None
    metadata: tuple[MetadataItem, ...] | None = None


class Timing(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """When a job schedule makes jobs: ``schedule`` on the wire. Source: SC-5 ... SC-8.

    Without a `recurrence_interval` it makes one. A `start_window` of None is no limit.
    """

    do_not_run_until: datetime | None = None
    do_not_run_after: datetime | None = None
    start_window: timedelta | None = None
    recurrence_interval: timedelta | None = None


class JobScheduleSpec(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """A job schedule as it was created. The `job` that it makes jobs from has no id of its own."""

    id: str
    timing: Timing
    job: JobSpec
    display_name: str | None = None
    metadata: tuple[MetadataItem, ...] | None = None


class JobScheduleChange(Struct, frozen=True, kw_only=True):
    """What an update changes of a job schedule; None leaves a property as it is.

    Empty `metadata` removes it. What changes counts for the jobs that are made later (SC-24).
    """

    timing: Timing | None = None
    job: JobSpec | None = None
    metadata: tuple[MetadataItem, ...] | None = None


class NodeOption(StrEnum):
    """What becomes of the tasks of a node that is taken away or rebooted. Source: P-17, P-38."""

    REQUEUE = "requeue"
    TERMINATE = "terminate"
    TASK_COMPLETION = "taskcompletion"


class JobConstraints(Struct, frozen=True):
    """The constraints of a job, which an update replaces whole (J-28); no time is no limit."""

    max_wall_clock_time: timedelta | None = None
    max_task_retry_count: int = 0


class AutoPoolChange(Struct, frozen=True, kw_only=True):
    """An auto pool as an update names it: only `keep_alive` may differ from what it is (J-31).

    A prefix or pool of None is not named.
    """

    lifetime: PoolLifetime
    keep_alive: bool = False
    id_prefix: str | None = None
    pool: PoolSpec | None = None


class JobChange(Struct, frozen=True, kw_only=True):
    """What an update changes of a job; None leaves a property as it is.

    Empty `metadata` removes it. A `pool_id` that is the job's own changes nothing.
    """

    priority: int | None = None
    allow_task_preemption: bool | None = None
    max_parallel_tasks: int | None = None
    constraints: JobConstraints | None = None
    on_all_tasks_complete: OnAllTasksComplete | None = None
    pool_id: str | None = None
    auto_pool: AutoPoolChange | None = None
    metadata: tuple[MetadataItem, ...] | None = None


class PoolChange(Struct, frozen=True, kw_only=True):
    """What an update changes of a pool; None leaves a property as it is.

    `removes_start_task` takes the start task away. An empty `metadata` removes it.
    """

    start_task: StartTaskSpec | None = None
    removes_start_task: bool = False
    metadata: tuple[MetadataItem, ...] | None = None


class Resize(Struct, frozen=True, kw_only=True):
    """A new size of a pool; a target of None stays as it is. Source: P-16."""

    target_dedicated_nodes: int | None = None
    target_low_priority_nodes: int | None = None
    timeout: timedelta = limits.RESIZE_TIMEOUT_DEFAULT
    option: NodeOption = NodeOption.REQUEUE


# The state of things. The store makes these of rows by the order of their fields: by the names it
# takes ten times as long. Everybody else uses the names.


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


def task_execution_id(task: TaskKey, attempt: int) -> ExecutionId:
    """Return the name of one attempt of a task."""
    return ExecutionId(f"task-{task}-{attempt}")


def primary_execution_id(task: TaskKey, attempt: int) -> ExecutionId:
    """Return the name of the application command in one attempt of a multi-instance task."""
    return ExecutionId(f"primary-{task}-{attempt}")


def subtask_execution_id(task: TaskKey, attempt: int, number: int) -> ExecutionId:
    """Return the name of one subtask in one attempt of a multi-instance task."""
    return ExecutionId(f"subtask-{task}-{attempt}-{number}")


def start_execution_id(node: NodeKey, attempt: int) -> ExecutionId:
    """Return the name of one attempt of a node's start task."""
    return ExecutionId(f"start-{node}-{attempt}")


def job_node_execution_id(
    kind: ExecutionKind, job: JobKey, node: NodeKey, attempt: int
) -> ExecutionId:
    """Return the name of one attempt of a job's preparation or release task on a node."""
    return ExecutionId(f"{kind}-{job}-{node}-{attempt}")
