"""Counts of a job: what one change of a task adds to them. Source: T-64 ... T-66, J-54."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import astuple, fields

from batchyard.core.keys import JobKey
from batchyard.core.model import Task, Usage
from batchyard.core.states import TaskResult, TaskState


class CountsChange(Struct, frozen=True):
    """What to add to the counts of a job.

    First tasks and slots (`required_slots`) of each class, then what the job's statistics are sums
    of: the retries of its tasks, and the fields of their `Usage`.
    """

    active: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    active_slots: int = 0
    running_slots: int = 0
    succeeded_slots: int = 0
    failed_slots: int = 0
    retries: int = 0
    user_microseconds: int = 0
    kernel_microseconds: int = 0
    wall_microseconds: int = 0
    read_blocks: int = 0
    write_blocks: int = 0

    def __add__(self, other: "CountsChange") -> "CountsChange":
        sums = [mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)]
        return CountsChange(*sums)


#: Fields of a `Usage`.
USAGE: Final = tuple(field.name for field in fields(Usage))

assert {field.name for field in fields(CountsChange)} >= {*USAGE}


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
                if task.retry_count:
                    gained["retries"] += sign * task.retry_count
                if task.usage is not None:
                    for name, used in zip(USAGE, astuple(task.usage), strict=True):
                        gained[name] += sign * used
    return {job: CountsChange(**gained) for job, gained in gains.items()}


def _class_of(task: Task) -> str:
    """Return how a task is counted. Preparing counts as running."""
    if task.state is TaskState.COMPLETED:
        return "succeeded" if task.result is TaskResult.SUCCESS else "failed"
    return "active" if task.state is TaskState.ACTIVE else "running"
