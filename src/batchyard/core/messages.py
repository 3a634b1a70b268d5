"""Every event as a frozen value.

An *event* happened to, or is asked of, the one entity that its `key` names. Imperatives are asked
for (`StopExecution`), pasts happened (`TaskStarted`). What follows from one stands in `effects`.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from batchyard.core import limits
from batchyard.core.model import (
    DisableTasks,
    Ending,
    ExecutionId,
    Failure,
    JobAction,
    JobKey,
    JobScheduleKey,
    NodeKey,
    NodeOption,
    PoolKey,
    Resize,
    ResizeError,
    StartTaskSpec,
    TaskKey,
    TaskResult,
    Timing,
)

JobNodeKey = tuple[JobKey, NodeKey]

# Events of a task.


class TaskPlaced(Struct, frozen=True, kw_only=True):
    """Placement gives the task to a node, where it takes `slots`; and to `others` (T-58)."""

    key: TaskKey
    node: NodeKey
    slots: int
    needs_preparation: bool
    others: tuple[NodeKey, ...] = ()


class TaskStarted(Struct, frozen=True, kw_only=True):
    """The node began with this attempt."""

    key: TaskKey
    attempt: int
    time: datetime


class TaskEnded(Struct, frozen=True, kw_only=True):
    """This attempt is over, in whatever way."""

    key: TaskKey
    attempt: int
    ending: Ending


class TaskGivenBack(Struct, frozen=True, kw_only=True):
    """This attempt, or an instance of it, never started and never will: no count rises."""

    key: TaskKey
    attempt: int


class TaskLost(Struct, frozen=True, kw_only=True):
    """The node of this attempt is gone: the service's fault, never the task's (T-15, T-17)."""

    key: TaskKey
    attempt: int


class RequeueTask(Struct, frozen=True, kw_only=True):
    """A user took the node of this attempt away (T-17)."""

    key: TaskKey
    attempt: int


class TerminateAttempt(Struct, frozen=True, kw_only=True):
    """A user took the node of this attempt away, and wants its task ended (P-17)."""

    key: TaskKey
    attempt: int


class TerminateTask(Struct, frozen=True, kw_only=True):
    """End the task, whether it runs or not."""

    key: TaskKey


class ReactivateTask(Struct, frozen=True, kw_only=True):
    """Run a task again that has failed, as if it were new (T-22)."""

    key: TaskKey


class ConstrainTask(Struct, frozen=True, kw_only=True):
    """Give the task other constraints; they count from now on."""

    key: TaskKey
    retry_count_max: int
    retention_time: timedelta | None


class TaskFilesRemoved(Struct, frozen=True, kw_only=True):
    """The retention of the task's files is over, and its node is told to remove them."""

    key: TaskKey


class TaskOutlived(Struct, frozen=True, kw_only=True):
    """The task is open at the end of its lifetime (T-8); its node is told to remove its files."""

    key: TaskKey


class DeleteTask(Struct, frozen=True, kw_only=True):
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
    | ReactivateTask
    | ConstrainTask
    | TaskFilesRemoved
    | TaskOutlived
    | DeleteTask
)

# Events of an execution.


class ExecutionStarted(Struct, frozen=True, kw_only=True):
    """The node reports the start."""

    key: ExecutionId
    time: datetime


class ExecutionCoordinated(Struct, frozen=True, kw_only=True):
    """The coordination command has exited with 0; the subtask stays (T-59)."""

    key: ExecutionId
    time: datetime


class ExecutionEnded(Struct, frozen=True, kw_only=True):
    """The node reports the end; no process is left. `ending` is None when it never started."""

    key: ExecutionId
    ending: Ending | None


class ExecutionLost(Struct, frozen=True, kw_only=True):
    """The life of the node that had it is over."""

    key: ExecutionId


class StopExecution(Struct, frozen=True, kw_only=True):
    """Have the node end it. Repeating this is harmless."""

    key: ExecutionId


class RecallExecution(Struct, frozen=True, kw_only=True):
    """Have the node give it back, if it has not started. Repeating this is harmless."""

    key: ExecutionId


ExecutionEvent = (
    ExecutionStarted
    | ExecutionCoordinated
    | ExecutionEnded
    | ExecutionLost
    | StopExecution
    | RecallExecution
)

# Events of the gang of a multi-instance task.


class GangPlaced(Struct, frozen=True, kw_only=True):
    """An attempt of the task has these nodes, the primary's first, with `slots` on each."""

    key: TaskKey
    attempt: int
    nodes: tuple[NodeKey, ...]
    slots: int


class SubtaskStarted(Struct, frozen=True, kw_only=True):
    """A node began with its subtask."""

    key: TaskKey
    attempt: int
    number: int
    time: datetime


class SubtaskCoordinated(Struct, frozen=True, kw_only=True):
    """The coordination command of a subtask has exited with 0."""

    key: TaskKey
    attempt: int
    number: int
    time: datetime


class SubtaskEnded(Struct, frozen=True, kw_only=True):
    """Nothing of a subtask is left on its node. `ending` is None when it never started."""

    key: TaskKey
    attempt: int
    number: int
    ending: Ending | None


class SubtaskLost(Struct, frozen=True, kw_only=True):
    """The life of the node that had the subtask is over."""

    key: TaskKey
    attempt: int
    number: int


class EndGang(Struct, frozen=True, kw_only=True):
    """The attempt of the task is over, in whatever way: end what is left of it."""

    key: TaskKey
    attempt: int


class ForgetGang(Struct, frozen=True, kw_only=True):
    """The task is deleted."""

    key: TaskKey


GangEvent = (
    GangPlaced
    | SubtaskStarted
    | SubtaskCoordinated
    | SubtaskEnded
    | SubtaskLost
    | EndGang
    | ForgetGang
)

# Events of a job on one node.


class PrepareJobNode(Struct, frozen=True, kw_only=True):
    """A task of the job is about to be placed on the node."""

    key: JobNodeKey


class JobTaskOpened(Struct, frozen=True, kw_only=True):
    """An execution of a task of the job was opened on the node."""

    key: JobNodeKey


class JobTaskClosed(Struct, frozen=True, kw_only=True):
    """An execution of a task of the job is known to be over on the node."""

    key: JobNodeKey


class PreparationStarted(Struct, frozen=True, kw_only=True):
    """The node began with this attempt of the job preparation task."""

    key: JobNodeKey
    attempt: int
    time: datetime


class PreparationEnded(Struct, frozen=True, kw_only=True):
    """This attempt of the job preparation task is over; `ending` is None if it never started."""

    key: JobNodeKey
    attempt: int
    ending: Ending | None


class ReleaseStarted(Struct, frozen=True, kw_only=True):
    """The node began with this attempt of the job release task."""

    key: JobNodeKey
    attempt: int
    time: datetime


class ReleaseEnded(Struct, frozen=True, kw_only=True):
    """This attempt of the job release task is over; `ending` is None if it never started."""

    key: JobNodeKey
    attempt: int
    ending: Ending | None


class JobEnding(Struct, frozen=True, kw_only=True):
    """The job is terminating or deleting."""

    key: JobNodeKey


class DismissJobNode(Struct, frozen=True, kw_only=True):
    """The job goes without waiting for the node: what runs there is ended, and nothing begun."""

    key: JobNodeKey


class NodeRestarted(Struct, frozen=True, kw_only=True):
    """The former life of the node is over, and nothing of it runs any more."""

    key: JobNodeKey


class NodeLeft(Struct, frozen=True, kw_only=True):
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
    | DismissJobNode
    | NodeRestarted
    | NodeLeft
)

# Events of a node.


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

# Events of a pool.


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

# Events of a job.


class TerminateJob(Struct, frozen=True, kw_only=True):
    """End the job: its running tasks, then its release tasks, then itself."""

    key: JobKey
    reason: str


class UpdateJob(Struct, frozen=True, kw_only=True):
    """Properties of the job were changed; `priority` counts for the next placement (J-14).

    `pool_id` and `pool` are None where the pool stays.
    """

    key: JobKey
    priority: int
    pool_id: str | None = None
    pool: PoolKey | None = None
    allows_preemption: bool = False
    max_parallel_tasks: int = limits.PARALLEL_TASKS_UNLIMITED
    ends_with_tasks: bool = False
    expiry_time: datetime | None = None
    keeps_pool: bool = False


class SchedulingFailed(Struct, frozen=True, kw_only=True):
    """The auto pool of the new job could not be made: the job never runs (J-51)."""

    key: JobKey
    error: Failure


class DisableJob(Struct, frozen=True, kw_only=True):
    """Run nothing more of the job; `tasks` says what becomes of what runs."""

    key: JobKey
    tasks: DisableTasks


class JobQuiet(Struct, frozen=True, kw_only=True):
    """No task of the job that is being disabled is on any node any more."""

    key: JobKey


class EnableJob(Struct, frozen=True, kw_only=True):
    """Run tasks of the job again."""

    key: JobKey


class JobEnabled(Struct, frozen=True, kw_only=True):
    """Whatever had to be done to run tasks again is done."""

    key: JobKey


class PerformJobAction(Struct, frozen=True, kw_only=True):
    """Do to the job what the exit conditions of a completed task say, if it performs that."""

    key: JobKey
    action: JobAction


class JobOutOfTasks(Struct, frozen=True, kw_only=True):
    """The last task of the job that was not completed is completed, or deleted."""

    key: JobKey


class ManagerBegan(Struct, frozen=True, kw_only=True):
    """The job manager task runs, or is gone: the other tasks of the job need not wait for it."""

    key: JobKey


class ManagerEnded(Struct, frozen=True, kw_only=True):
    """The job manager task is completed, in whatever way."""

    key: JobKey


class JobDue(Struct, frozen=True, kw_only=True):
    """The `due_time` of the job has come; `has_open_tasks` if one of its tasks is not completed."""

    key: JobKey
    has_open_tasks: bool


class DeleteJob(Struct, frozen=True, kw_only=True):
    """End the job if it has not ended, then forget it."""

    key: JobKey


class ForceJobEnd(Struct, frozen=True, kw_only=True):
    """Do not wait for the nodes of the job that is being ended (J-42)."""

    key: JobKey


class JobNodeOpened(Struct, frozen=True, kw_only=True):
    """The job has work on one more node."""

    key: JobKey


class JobNodeSettled(Struct, frozen=True, kw_only=True):
    """Nothing of the job is left to do on one of its nodes."""

    key: JobKey


class JobEndTold(Struct, frozen=True, kw_only=True):
    """All tasks of the job are ended, and all of its nodes know that it ends."""

    key: JobKey


class JobSwept(Struct, frozen=True, kw_only=True):
    """No task of the job is left that could be running; `tasks_left` still have rows."""

    key: JobKey
    tasks_left: int


class EndScheduledJob(Struct, frozen=True, kw_only=True):
    """The job schedule of the job is being terminated: end the job, unless it is over (SC-26)."""

    key: JobKey


JobEvent = (
    TerminateJob
    | EndScheduledJob
    | UpdateJob
    | SchedulingFailed
    | DeleteJob
    | ForceJobEnd
    | DisableJob
    | JobQuiet
    | EnableJob
    | JobEnabled
    | PerformJobAction
    | JobOutOfTasks
    | ManagerBegan
    | ManagerEnded
    | JobDue
    | JobNodeOpened
    | JobNodeSettled
    | JobEndTold
    | JobSwept
)

# Events of a job schedule.


class ScheduleDue(Struct, frozen=True, kw_only=True):
    """The `due_time` of the schedule has come, and there is no job to make."""

    key: JobScheduleKey


class ScheduledJobMade(Struct, frozen=True, kw_only=True):
    """The schedule has its next job, which took the opportunity of `time`.

    `auto_pool` is the pool that it shares with those before and after it, if it shares one.
    `keeps_pool` says that this pool outlives the schedule.
    """

    key: JobScheduleKey
    job: JobKey
    time: datetime
    auto_pool: PoolKey | None = None
    keeps_pool: bool = False


class ScheduledJobOver(Struct, frozen=True, kw_only=True):
    """A job that the schedule made is completed, or gone."""

    key: JobScheduleKey
    job: JobKey


class UpdateSchedule(Struct, frozen=True, kw_only=True):
    """Properties of the schedule were changed; jobs that are there keep what they have (SC-24)."""

    key: JobScheduleKey
    timing: Timing
    keeps_pool: bool = False


class DisableSchedule(Struct, frozen=True, kw_only=True):
    """Make no more jobs for now (SC-25)."""

    key: JobScheduleKey


class EnableSchedule(Struct, frozen=True, kw_only=True):
    """Make jobs again."""

    key: JobScheduleKey


class TerminateSchedule(Struct, frozen=True, kw_only=True):
    """Make no more jobs, and end the one that is active (SC-26)."""

    key: JobScheduleKey


class DeleteSchedule(Struct, frozen=True, kw_only=True):
    """Delete the jobs of the schedule, then forget it (SC-27)."""

    key: JobScheduleKey


class ForceScheduleEnd(Struct, frozen=True, kw_only=True):
    """Let the jobs of a schedule that is being ended not wait for their nodes (J-42)."""

    key: JobScheduleKey


class ScheduleSwept(Struct, frozen=True, kw_only=True):
    """The jobs of the schedule were told that they are deleted; `has_jobs` if any is there."""

    key: JobScheduleKey
    has_jobs: bool


JobScheduleEvent = (
    ScheduleDue
    | ScheduledJobMade
    | ScheduledJobOver
    | UpdateSchedule
    | DisableSchedule
    | EnableSchedule
    | TerminateSchedule
    | DeleteSchedule
    | ForceScheduleEnd
    | ScheduleSwept
)

Event = (
    TaskEvent
    | ExecutionEvent
    | GangEvent
    | JobNodeEvent
    | NodeEvent
    | PoolEvent
    | JobEvent
    | JobScheduleEvent
)
