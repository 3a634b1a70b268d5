"""Asks about single tasks of whatever job: their end, and their constraints."""

from batchyard.core.model import TaskConstraints
from batchyard.engine import commands
from batchyard.sim.clients.client import Client


class TaskClient(Client):
    """Ends, deletes and changes tasks of others."""

    def begin(self) -> None:
        """Plan a few of each."""
        self.some(3, self._terminate_task)
        self.some(2, self._delete_task)
        self.some(2, self._change_retries)

    def _a_task(self) -> tuple[str, str] | None:
        return self.random.choice(self.requests.tasks) if self.requests.tasks else None

    def _terminate_task(self) -> None:
        found = self._a_task()
        if found is not None:
            self.world.auditor.asked_end(*found)
            self.requests.ask("terminate a task", "/".join(found), commands.terminate_task, *found)

    def _delete_task(self) -> None:
        found = self._a_task()
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
