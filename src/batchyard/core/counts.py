"""Task counts of a job: what one change of a task adds to them. Source: T-64 ... T-66."""

from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct

from batchyard.core.model import JobKey, Task, TaskResult, TaskState


class CountsChange(Struct, frozen=True):
    """What to add to the counts of a job, tasks and slots (`required_slots`) of each class."""

    active: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    active_slots: int = 0
    running_slots: int = 0
    succeeded_slots: int = 0
    failed_slots: int = 0

    def __add__(self, other: "CountsChange") -> "CountsChange":
        return CountsChange(
            self.active + other.active,
            self.running + other.running,
            self.succeeded + other.succeeded,
            self.failed + other.failed,
            self.active_slots + other.active_slots,
            self.running_slots + other.running_slots,
            self.succeeded_slots + other.succeeded_slots,
            self.failed_slots + other.failed_slots,
        )


def of_change(before: Task | None, after: Task | None) -> CountsChange:
    """Return what the counts gain when a task changes; None is a task that is not there."""
    task = after or before
    return CountsChange() if task is None else of_changes([(before, after)])[task.job]


def of_changes(
    changes: Iterable[tuple[Task | None, Task | None]],
) -> dict[JobKey, CountsChange]:
    """Return what the counts of each job gain from the changes of its tasks."""
    gains: defaultdict[JobKey, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for before, after in changes:
        for task, sign in ((before, -1), (after, 1)):
            if task is not None:
                counted_as = _class_of(task)
                gained = gains[task.job]
                gained[counted_as] += sign
                gained[f"{counted_as}_slots"] += sign * task.required_slots
    return {job: CountsChange(**gained) for job, gained in gains.items()}


def _class_of(task: Task) -> str:
    """Return how a task is counted. Preparing counts as running."""
    if task.state is TaskState.COMPLETED:
        return "succeeded" if task.result is TaskResult.SUCCESS else "failed"
    return "active" if task.state is TaskState.ACTIVE else "running"
