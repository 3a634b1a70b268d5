"""Asks for the end of jobs without waiting for their nodes."""

from functools import partial

from batchyard.engine import commands
from batchyard.sim.clients.client import Client


class ForcedEndsClient(Client):
    """Forces the end of jobs of others, whether they are being ended or not (J-42)."""

    def begin(self) -> None:
        """Plan a few of each."""
        self.some(self.random.choice((0, 2)), self._terminate)
        self.some(self.random.choice((0, 1)), self._delete)

    def _terminate(self) -> None:
        if not self.requests.jobs:
            return
        job = self.random.choice(self.requests.jobs)
        auditor = self.world.auditor
        auditor.asked_end(job, is_forced=True)
        command = partial(commands.terminate_job, is_forced=True)
        self.requests.ask(
            "terminate a job by force",
            job,
            command,
            job,
            None,
            accepted=lambda _view: auditor.ended(job, is_forced=True),
        )

    def _delete(self) -> None:
        if not self.requests.jobs:
            return
        job = self.random.choice(self.requests.jobs)
        auditor = self.world.auditor
        auditor.asked_deletion(job, is_forced=True)
        command = partial(commands.delete_job, is_forced=True)
        self.requests.ask(
            "delete a job by force",
            job,
            command,
            job,
            accepted=lambda _none: auditor.deleted(job, is_forced=True),
        )
