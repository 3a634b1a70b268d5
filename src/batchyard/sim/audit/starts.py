"""Judges the starts of tasks: where, when, and whether it is their turn."""

from batchyard.sim import rules
from batchyard.sim.audit.history import OF_TASKS, PREPARATION, Job, Run, Task, require
from batchyard.sim.audit.judge import Judge


class Starts(Judge):
    """Slots, start tasks, and one run of a task after the other."""

    def run_started(self, run: Run) -> None:
        """A start task that has to succeed comes first."""
        if run.kind in OF_TASKS or run.kind == PREPARATION:
            is_ready = run.life.is_started or not run.life.waits_for_start_task
            require(is_ready, rules.START_TASK_FIRST, f"{run} started")

    def task_started(self, run: Run, job: Job, task: Task) -> None:
        """There have to be slots, and no earlier run that can still count."""
        self._require_place(run, job, task)
        if run.life.keeps:
            _require_turn(run, task)

    def subtask_started(self, run: Run, job: Job, task: Task) -> None:
        """There have to be slots; the rest is judged with all of its instances."""
        self._require_place(run, job, task)

    def _require_place(self, run: Run, job: Job, task: Task) -> None:
        where = run.life.pool
        is_right = not job.pools or where in job.pools  # An auto pool has no name at first.
        require(is_right, rules.RIGHT_POOL, f"{run} of {job.name} started in {where}")
        used = task.slots + sum(one.slots for _, one in self.history.tasks_alive_on(run.life))
        require(used <= run.life.slots, rules.SLOTS, f"with {run} it is {used} of {run.life.slots}")


def _require_turn(run: Run, task: Task) -> None:
    for one in task.runs:
        is_elsewhere = not one.is_over and one.life.keeps and not one.is_let_go
        require(not is_elsewhere, rules.ONE_PLACE, f"{run} started beside {one}")
        is_done = one.exit_code == 0 and one.life.keeps and not one.is_let_go
        require(not is_done, rules.SUCCESS_ENDS, f"{run} started after {one}")
    failures = sum(bool(one.exit_code) for one in task.counted)
    allowed = task.retries_max + task.reactivations * (task.retries_max + 1)
    is_allowed = task.retries_max == -1 or failures <= allowed
    require(is_allowed, rules.RETRIES_ALLOWED, f"{run} started after {failures} failures")
    is_resting = task.completed is not None and not task.is_end_asked
    require(not is_resting, rules.COMPLETED_RESTS, f"{run} started")
