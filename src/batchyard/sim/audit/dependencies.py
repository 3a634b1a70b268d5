"""Judges who waits for whom (D-1 ... D-14)."""

from collections.abc import Iterable

from batchyard.sim import rules
from batchyard.sim.audit.history import Job, Run, Task, require
from batchyard.sim.audit.judge import Judge
from batchyard.sim.audit.shown import Shown, ShownTask


class Dependencies(Judge):
    """No task starts before those that it depends on; and none waits for them after peace.

    What has once satisfied a task does so for ever, so it is noted while both are shown.
    """

    def task_started(self, run: Run, job: Job, task: Task) -> None:
        """Each task that it depends on has ended in a way that satisfies it."""
        for name in task.needs.ids:
            facts = f"{run} of {run.job}/{run.task} started before {name}"
            is_satisfied = name in job.tasks and _may_satisfy(job.tasks[name])
            require(is_satisfied, rules.DEPENDENCIES_FIRST, facts)
        if task.needs.ranges:
            numbers = {
                int(name)
                for name, one in job.tasks.items()
                if name.isdecimal() and _may_satisfy(one)
            }
            left = sorted(task.needs.numbers() - numbers)
            facts = f"{run} of {run.job}/{run.task} started before {left}"
            require(not left, rules.DEPENDENCIES_FIRST, facts)

    def look(self, shown: Shown) -> None:
        """Note who is satisfied by whom for certain."""
        done: dict[str, set[str]] = {}
        for task in shown.tasks:
            if task.state == "completed" and self._satisfies(task):
                done.setdefault(task.job, set()).add(task.task)
        for task in shown.tasks:
            known = self.history.jobs[task.job].tasks[task.task]
            if task.state == "active" and known.needs.are_any:
                known.satisfied_by |= done.get(task.job, set())

    def _satisfies(self, shown: ShownTask) -> bool:
        task = self.history.jobs[shown.job].tasks[shown.task]
        return all(task.reactions.satisfies(end) for end in ends_of(task, shown))


def is_satisfied(task: Task) -> bool:
    """Return whether nothing that a task depends on holds it up any more."""
    numbers = {int(name) for name in task.satisfied_by if name.isdecimal()}
    return task.needs.ids <= task.satisfied_by and task.needs.numbers() <= numbers


def ends_of(task: Task, shown: ShownTask) -> Iterable[int | None]:
    """Return in which ways a task that is shown as completed may have ended."""
    if shown.result == "success":
        return (0,)
    if shown.exit_code is None:
        return (None,)
    if any(run.is_killed for run in task.runs):
        return (shown.exit_code, None)
    return (shown.exit_code,)


def possible_ends(task: Task) -> Iterable[int | None]:
    """Return in which ways a task may have been completed by now, as far as its runs tell."""
    exits = list(task.exits())
    failures = sum(code != 0 for code in exits)
    is_given_up = task.retries_min != -1 and failures > task.retries_min
    if 0 in exits:
        yield 0
    if is_given_up:
        yield from (code for code in exits if code != 0)
    is_ended = any(run.is_over and (run.is_killed or run.exit_code is None) for run in task.runs)
    if task.is_end_asked or is_ended:
        yield None


def _may_satisfy(task: Task) -> bool:
    return any(task.reactions.satisfies(end) for end in possible_ends(task))
