"""Task counts of a job: what one change of a task adds to them. Source: T-64 ... T-66."""

from dataclasses import dataclass

from batchyard.core.model import Task, TaskResult, TaskState


@dataclass(frozen=True, slots=True)
class CountsChange:
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


def of_task(task: Task | None, sign: int = 1) -> CountsChange:
    """Return what `task` contributes, negated if `sign` is -1. Preparing counts as running."""
    if task is None:
        return CountsChange()
    slots = sign * task.required_slots
    match task.state, task.result:
        case TaskState.ACTIVE, _:
            return CountsChange(active=sign, active_slots=slots)
        case TaskState.COMPLETED, TaskResult.SUCCESS:
            return CountsChange(succeeded=sign, succeeded_slots=slots)
        case TaskState.COMPLETED, _:
            return CountsChange(failed=sign, failed_slots=slots)
        case _:
            return CountsChange(running=sign, running_slots=slots)


def of_change(before: Task | None, after: Task | None) -> CountsChange:
    """Return what the counts gain when a task changes; None is a task that is not there."""
    return of_task(after) + of_task(before, sign=-1)
