"""What happens to a task, its executions and its gang, as frozen values."""

from datetime import datetime, timedelta

from msgspec import Struct

from batchyard.core.keys import ExecutionId, NodeKey, TaskKey
from batchyard.core.model import Ending


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
