"""The states and kinds of things; what stands on the wire is spelt as there."""

from enum import StrEnum
from typing import Final


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


class NodeOption(StrEnum):
    """What becomes of the tasks of a node that is taken away or rebooted. Source: P-17, P-38."""

    REQUEUE = "requeue"
    TERMINATE = "terminate"
    TASK_COMPLETION = "taskcompletion"
