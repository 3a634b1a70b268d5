"""What happens to a job, to it on one node, and to a job schedule, as frozen values."""

from datetime import datetime

from msgspec import Struct

from batchyard.core import limits
from batchyard.core.keys import JobKey, JobScheduleKey, NodeKey, PoolKey
from batchyard.core.model import Ending, Failure
from batchyard.core.specs import Timing
from batchyard.core.states import DisableTasks, JobAction

JobNodeKey = tuple[JobKey, NodeKey]


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
