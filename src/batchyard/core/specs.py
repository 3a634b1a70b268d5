"""What clients ask for, as frozen values.

A *spec* never changes after it was admitted, and its JSON leaves out what has its default value. A
*change* is what an update asks for.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field

from batchyard.core import limits
from batchyard.core.states import (
    DependencyAction,
    ElevationLevel,
    JobAction,
    JobDefaultOrder,
    NodeFillType,
    NodeOption,
    OnAllTasksComplete,
    OnTaskFailure,
    PoolLifetime,
)


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
