"""Judges what a job does on a node before its first task and after its last one."""

from batchyard.sim import rules
from batchyard.sim.audit.history import PREPARATION, RELEASE, Job, Life, Run, Task, names, require
from batchyard.sim.audit.judge import Judge
from batchyard.sim.audit.shown import Shown


class Preparations(Judge):
    """Job preparation and job release tasks (J-67 ... J-86)."""

    def task_started(self, run: Run, job: Job, task: Task) -> None:
        """The preparation comes first and the release last."""
        del task
        _require_prepared(run, job)
        released = job.runs_on(run.life.node, RELEASE)
        require(not released, rules.RELEASE_LAST, f"{run} started after {names(released)}")

    def subtask_started(self, run: Run, job: Job, task: Task) -> None:
        """An instance is as a task."""
        self.task_started(run, job, task)

    def preparation_started(self, run: Run, job: Job) -> None:
        """It runs until it has succeeded once in the life of a node."""
        require(job.preparation is not None, rules.ASKED, f"{run} started")
        for one in job.runs_on(run.life.node, PREPARATION):
            is_again = one.life is run.life and (one.exit_code == 0 or not one.is_over)
            require(not is_again, rules.PREPARATION_ONCE, f"{run} started after {one}")

    def release_started(self, run: Run, job: Job) -> None:
        """It runs once, where the preparation ended well, and beside nothing of its job."""
        where = run.life.node
        may_end = job.is_end_asked or job.terms.may_end
        is_due = job.has_release and may_end and _was_prepared(job, where)
        require(is_due, rules.RELEASE_WHERE_PREPARED, f"{run} started")
        for one in job.runs_on(where, RELEASE):
            require(not one.life.keeps, rules.RELEASE_ONCE, f"{run} started after {one}")
        alive = self.history.alive.values()
        busy = [one for one in alive if one.job == run.job and one.life is run.life]
        require(not busy, rules.RELEASE_LAST, f"{run} started beside {names(busy)}")

    def rest(self, shown: Shown) -> None:
        """A job that has ended is released wherever it is still prepared."""
        del shown
        for job in self.history.jobs.values():
            # A job whose deletion is forced has none run.
            is_dropped = job.is_deletion_asked and job.is_force_asked
            if job.is_ended and job.has_release and not is_dropped:
                for life in self.history.lives.values():
                    _require_released(job, life)


def has_failed(job: Job, life: Life) -> bool:
    """Whether the node is none for the job: the preparation has run there and not succeeded."""
    if job.preparation is None or not job.preparation.waits:
        return False
    runs = job.runs_on(life.node, PREPARATION)
    return bool(runs) and runs[-1].exit_code != 0


def _require_prepared(run: Run, job: Job) -> None:
    if job.preparation is None or not job.preparation.waits:
        return
    succeeded = any(
        one.exit_code == 0 and (one.life is run.life or not job.preparation.reruns)
        for one in job.runs_on(run.life.node, PREPARATION)
    )
    require(succeeded, rules.PREPARATION_FIRST, f"{run} started")


def _was_prepared(job: Job, node: str) -> bool:
    if job.preparation is None:
        return False
    return any(
        run.exit_code == 0 or (run.is_over and not job.preparation.waits)
        for run in job.runs_on(node, PREPARATION)
    )


def _require_released(job: Job, life: Life) -> None:
    runs = job.runs_on(life.node, PREPARATION)
    if not life.keeps or not runs or runs[-1].life is not life or runs[-1].exit_code != 0:
        return
    is_released = any(run.is_over for run in job.runs_on(life.node, RELEASE))
    facts = f"{job.name} ended, was prepared on {life}, and not released there"
    require(is_released, rules.PEACE_RELEASES, facts)
