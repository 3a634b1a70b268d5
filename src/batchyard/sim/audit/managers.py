"""Judges job manager tasks, and who has to make room for them (J-12, J-57 ... J-61)."""

from batchyard.sim import rules
from batchyard.sim.audit.history import Job, Manager, Run, Task, require
from batchyard.sim.audit.judge import Judge
from batchyard.sim.audit.shown import Shown


class Managers(Judge):
    """They go first, may be alone on their node, and end their job."""

    def task_started(self, run: Run, job: Job, task: Task) -> None:
        """A manager comes before all others, and nothing comes beside one that is exclusive."""
        del task
        manager = self.history.managers.get(job.name)
        if manager is not None and run.task != manager.task:
            first = job.tasks[manager.task]
            is_due = bool(first.runs) or first.is_end_asked
            require(is_due, rules.MANAGER_FIRST, f"{run} started")
        for beside, _ in self.history.tasks_alive_on(run.life):
            for one in (run, beside):
                is_alone = self._is_exclusive(one)
                require(not is_alone, rules.MANAGER_ALONE, f"{run} started beside {beside}")
        run.is_let_go = self.history.is_displaceable(job)

    def subtask_started(self, run: Run, job: Job, task: Task) -> None:
        """An instance is as a task."""
        self.task_started(run, job, task)

    def application_started(self, run: Run, job: Job, task: Task) -> None:
        """It starts where its job is already."""
        del task
        run.is_let_go = self.history.is_displaceable(job)

    def run_over(self, run: Run) -> None:
        """A manager that is over may run again, and displace others; or it ends its job."""
        manager = self.history.managers.get(run.job)
        if manager is None or run.task != manager.task:
            return
        job = self.history.jobs[run.job]
        if manager.ends_job:
            job.is_end_asked = True
            for task in job.tasks.values():
                task.is_end_asked = True
        self.history.restarted.add(job.name)
        for other in self.history.jobs.values():
            if other is job or (manager.outranks and other.pools & job.pools):
                self.history.let_go(other)

    def rest(self, shown: Shown) -> None:
        """A job that ends with its manager has ended."""
        states = {job.job: job.state for job in shown.jobs}
        for task in shown.tasks:
            manager = self.history.managers.get(task.job)
            if manager is None or task.task != manager.task or task.state != "completed":
                continue
            has_ended = states[task.job] == "completed" or not manager.ends_job
            require(has_ended, rules.MANAGER_ENDS_JOB, f"{task}, and its job {states[task.job]}")

    def _is_exclusive(self, run: Run) -> bool:
        manager: Manager | None = self.history.managers.get(run.job)
        return manager is not None and manager.is_exclusive and run.task == manager.task
