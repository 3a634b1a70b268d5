"""Asks about single tasks of whatever job: their end, and their constraints."""

from batchyard.core.errors import Refused
from batchyard.core.specs import TaskConstraints
from batchyard.core.states import TaskResult, TaskState
from batchyard.engine import commands
from batchyard.sim.clients.client import Client
from batchyard.sim.clients.requests import ACCOUNT


class TaskClient(Client):
    """Ends, deletes and changes tasks of others."""

    def begin(self) -> None:
        """Plan a few of each."""
        self.some(3, self._terminate_task)
        self.some(2, self._delete_task)
        self.some(2, self._change_retries)
        self.some(3, self._reactivate)

    def come_again(self) -> None:
        """Run once more what has failed."""
        for _ in range(self.random.randint(0, 2)):
            self.world.timeline.after(self.random.uniform(0.0, 20.0), self._reactivate)

    def _a_task(self) -> tuple[str, str] | None:
        return self.random.choice(self.requests.tasks) if self.requests.tasks else None

    def _a_running_task(self) -> tuple[str, str] | None:
        found = [
            (job, view.spec.id)
            for job in self.requests.active_jobs()
            for view in self.requests.store.reads.list_tasks(ACCOUNT, job, 0, 100).items
            if view.task.state is TaskState.RUNNING
        ]
        known = [one for one in found if one in self.requests.tasks]
        return self.random.choice(known) if known else None

    def _terminate_task(self) -> None:
        found = self._a_task()
        if found is not None:
            self.world.auditor.asked_end(*found)
            self.requests.ask("terminate a task", "/".join(found), commands.terminate_task, *found)

    def _delete_task(self) -> None:
        found = self._a_running_task() or self._a_task()
        if found is not None:
            auditor = self.world.auditor
            auditor.asked_deletion(*found)
            self.requests.ask(
                "delete a task",
                "/".join(found),
                commands.delete_task,
                *found,
                accepted=lambda _none: auditor.deleted(*found),
            )

    def _change_retries(self) -> None:
        found = self._a_task()
        if found is not None:
            retries = self.random.randint(0, 3)
            self.world.auditor.asked_retries(*found, retries)
            constraints = TaskConstraints(max_task_retry_count=retries)
            name = "/".join(found)
            self.requests.ask("change retries", name, commands.update_task, *found, constraints)

    def _reactivate(self) -> None:
        """Run a task again that was seen to have failed."""
        job = self.random.choice(self.requests.jobs) if self.requests.jobs else None
        failed = [] if job is None else self._failed_of(job)
        if not failed:
            return
        found = self.random.choice(failed)
        auditor = self.world.auditor
        runs_before = auditor.count_runs(*found)
        times = 0

        def asked() -> None:
            nonlocal times
            times += 1
            auditor.asked_reactivation(*found)

        self.requests.ask(
            "reactivate",
            "/".join(found),
            commands.reactivate_task,
            *found,
            accepted=lambda _view: auditor.answered_reactivation(
                *found, times, runs_before=runs_before
            ),
            asked=asked,
            refused=lambda: auditor.answered_reactivation(*found, times),
        )

    def _failed_of(self, job: str) -> list[tuple[str, str]]:
        try:
            views = self.requests.store.reads.list_tasks(ACCOUNT, job, 0, 100).items
        except Refused:
            return []  # It has been deleted.
        return [(job, view.spec.id) for view in views if view.task.result is TaskResult.FAILURE]
