"""Judges multi-instance tasks: instances, and the application beside them (T-58 ... T-60)."""

from collections.abc import Iterator

from batchyard.sim import rules
from batchyard.sim.audit.history import SUBTASK, Job, Run, Task, names, require
from batchyard.sim.audit.judge import Judge


class Gangs(Judge):
    """A node for each instance, all of them before the application, one attempt after the other."""

    def subtask_started(self, run: Run, job: Job, task: Task) -> None:
        """It has a node for itself, where nothing of an earlier attempt is left."""
        del job
        parts = _parts(task, run.attempt)
        is_apart = all(one.life.node != run.life.node for one in parts)
        facts = f"{run} started beside {names(parts)}"
        require(is_apart and len(parts) < task.instances, rules.INSTANCES_APART, facts)
        left = [one for one in self._alive(run) if one.attempt != run.attempt]
        facts = f"{run} started beside {names(left)}"
        require(not left, rules.ATTEMPTS_APART, facts)
        if run.life.keeps and not parts:
            _require_due(run, task)

    def application_started(self, run: Run, job: Job, task: Task) -> None:
        """All have come so far."""
        del job
        parts = _parts(task, run.attempt)
        are_ready = len(parts) == task.instances and all(one.is_coordinated for one in parts)
        is_beside = any(one.attempt == run.attempt for one in self._alive(run))
        facts = f"{run} started, and there are {names(parts)}"
        require(are_ready and is_beside, rules.ALL_COORDINATED, facts)

    def run_over(self, run: Run) -> None:
        """The instance beside an application ends after it, unless its node does."""
        if run.kind == SUBTASK and not run.life.is_over:
            left = [one for one in self._alive(run) if one.attempt == run.attempt]
            require(not left, rules.INSTANCE_LASTS, f"{run} is over, and {names(left)} is not")

    def _alive(self, run: Run) -> Iterator[Run]:
        """Yield what else runs of a task in the life of a run."""
        for one in self.history.alive.values():
            if one.life is run.life and (one.job, one.task) == (run.job, run.task) and one.attempt:
                yield one


def _parts(task: Task, attempt: str) -> list[Run]:
    return [one for one in task.parts if one.attempt == attempt]


def _require_due(run: Run, task: Task) -> None:
    """Another attempt is due: none has succeeded, and not too many have failed.

    Only attempts count of which the service has learned everything: where an instance never
    started, or its node was lost, the task may have been given back for that.
    """
    failures = 0
    for attempt in {one.attempt for one in task.parts}:
        parts = _parts(task, attempt)
        ends = [one for one in task.runs if one.attempt == attempt]
        is_known = all(one.life.keeps and not one.is_let_go for one in (*parts, *ends))
        if not is_known or len(parts) < task.instances:
            continue
        done = [one for one in ends if one.exit_code == 0]
        require(not done, rules.SUCCESS_ENDS, f"{run} started after {names(done)}")
        failures += any(one.exit_code for one in ends)
    allowed = task.retries_max + task.reactivations * (task.retries_max + 1)
    is_allowed = task.retries_max == -1 or failures <= allowed
    require(is_allowed, rules.RETRIES_ALLOWED, f"{run} started after {failures} failures")
    is_resting = task.completed is not None and not task.is_end_asked
    require(not is_resting, rules.COMPLETED_RESTS, f"{run} started")
