"""Judges why jobs end, are disabled, and go on (J-16 ... J-25, J-35 ... J-41)."""

from datetime import datetime, timedelta
from typing import Final

from batchyard.sim import rules
from batchyard.sim.audit.dependencies import ends_of, possible_ends
from batchyard.sim.audit.history import (
    OF_TASKS,
    TASK,
    History,
    Job,
    Run,
    Task,
    names,
    require,
    schedule_of,
)
from batchyard.sim.audit.judge import Judge
from batchyard.sim.audit.shown import Shown, ShownJob, ShownTask
from batchyard.sim.audit.terms import DISABLE, TERMINATE

#: How long without faults a job has to be seen disabling before nothing of it starts any more.
_WAIT: Final = timedelta(seconds=3)

_OVER: Final = frozenset({"terminating", "completed", "deleting"})


class Ends(Judge):
    """A job ends by itself for a reason that it had, and then it does end."""

    def look(self, shown: Shown) -> None:
        """Judge the reason of every job that has ended."""
        for job in shown.jobs:
            if job.state in _OVER and job.reason is not None:
                tasks = [task for task in shown.tasks if task.job == job.job]
                has_reason = self._has_reason(job, tasks, shown.time)
                facts = f"{job.job} ended by {job.reason} at {shown.time}"
                require(has_reason, rules.REASONS, facts)

    def _has_reason(self, shown: ShownJob, tasks: list[ShownTask], now: datetime) -> bool:
        job = self.history.jobs[shown.job]
        match shown.reason:
            case "TerminateJobSchedule":
                schedule = self.history.schedules.get(schedule_of(shown.job) or "")
                return schedule is not None and schedule.is_end_asked
            case "JMComplete":
                manager = self.history.managers.get(shown.job)
                return manager is not None and manager.ends_job
            case "UserTerminate":
                return job.is_end_asked
            case "AllTasksComplete":
                are_over = all(task.state == "completed" for task in tasks)
                return job.terms.ends_with_tasks and are_over
            case "TaskFailed":
                return job.terms.acts_on_failure and any(map(_may_terminate, job.tasks.values()))
            case "MaxWallClockTimeExpiry":
                return _is_expired(job, shown, now)
        return False

    def rest(self, shown: Shown) -> None:
        """What had a reason to end has ended, and what was to be disabled is."""
        for one in shown.jobs:
            job = self.history.jobs[one.job]
            tasks = [task for task in shown.tasks if task.job == one.job]
            why = self._reason_to_end(job, one, tasks, shown.time)
            is_done = why is None or one.state in ("completed", "deleting")
            require(is_done, rules.PEACE_ACTS, f"{one.job} is {one.state} in spite of {why}")
            is_disabled = one.state == "disabled" or one.state in _OVER or job.enables > 0
            if self._are_any(job, tasks, DISABLE):
                facts = f"{one.job} is {one.state}, and a task was to disable it"
                require(is_disabled, rules.PEACE_ACTS, facts)
            is_moving = one.state in ("disabling", "enabling")
            require(not is_moving, rules.PEACE_ACTS, f"{one.job} is still {one.state}")

    def _reason_to_end(
        self, job: Job, shown: ShownJob, tasks: list[ShownTask], now: datetime
    ) -> str | None:
        if _is_expired(job, shown, now):
            return "its time limit"
        if job.terms.ends_with_tasks and all(task.state == "completed" for task in tasks):
            return "all of its tasks being completed"
        return "a failed task" if self._are_any(job, tasks, TERMINATE) else None

    def _are_any(self, job: Job, tasks: list[ShownTask], action: str) -> bool:
        """Whether the end of any task has to have acted so on its job, whichever end it was."""
        return job.terms.acts_on_failure and any(
            all(
                job.tasks[task.task].reactions.job_action(end) == action
                for end in ends_of(job.tasks[task.task], task)
            )
            for task in tasks
            if task.state == "completed"
        )


class Disabled(Judge):
    """A disabled job rests until a client enables it."""

    def __init__(self, history: History) -> None:
        super().__init__(history)
        #: Jobs that were shown as disabled with no enabling asked for, by how often one was before.
        self._disabled: dict[str, int] = {}
        #: Since when jobs have been shown as disabling, without faults, and as above.
        self._disabling: dict[str, tuple[datetime, int]] = {}

    def task_started(self, run: Run, job: Job, task: Task) -> None:
        """Nothing starts in a disabled job, and soon nothing in one that is being disabled."""
        del task
        if not run.life.keeps or job.enables_open:
            return
        is_disabled = self._disabled.get(job.name) == job.enables
        require(not is_disabled, rules.DISABLED_RESTS, f"{run} of {job.name} started")
        since, enables = self._disabling.get(job.name, (None, 0))
        now = self.history.look_time
        is_late = (
            since is not None
            and enables == job.enables
            and now is not None
            and now - since >= _WAIT
        )
        require(not is_late, rules.DISABLED_RESTS, f"{run} of {job.name} started")

    def subtask_started(self, run: Run, job: Job, task: Task) -> None:
        """An instance is as a task."""
        self.task_started(run, job, task)

    def look(self, shown: Shown) -> None:
        """Nothing of a disabled job runs."""
        for one in shown.jobs:
            job = self.history.jobs[one.job]
            self._disabled.pop(one.job, None)
            if one.state != "disabling" or job.enables_open or not self.history.is_calm:
                self._disabling.pop(one.job, None)
            else:
                self._disabling.setdefault(one.job, (shown.time, job.enables))
            if one.state == "disabled":
                job.is_taking_back = False
                if not job.enables_open:
                    self._disabled[one.job] = job.enables
                alive = self.history.alive.values()
                busy = [
                    run
                    for run in alive
                    if run.kind in OF_TASKS and run.job == one.job and run.life.keeps
                ]
                facts = f"{one.job} is disabled, and there is still {names(busy)}"
                require(not busy, rules.DISABLED_RESTS, facts)


class Parallel(Judge):
    """No more tasks of a job run at once than it allows (J-13)."""

    def task_started(self, run: Run, job: Job, task: Task) -> None:
        """Count what runs where the service can know of it."""
        del task
        most = job.terms.parallel_max
        if most is None or not run.life.keeps:
            return
        beside = [
            one
            for one in self.history.alive.values()
            if one.kind == TASK and one.job == run.job and one.life.keeps
        ]
        facts = f"{run} of {run.job} started beside {names(beside)}, and {most} may run"
        require(len(beside) < most, rules.PARALLEL, facts)


def _may_terminate(task: Task) -> bool:
    return any(task.reactions.job_action(end) == TERMINATE for end in possible_ends(task))


def _is_expired(job: Job, shown: ShownJob, now: datetime) -> bool:
    if job.terms.seconds_max is None or shown.creation_time is None:
        return False
    return now - shown.creation_time >= timedelta(seconds=job.terms.seconds_max)
