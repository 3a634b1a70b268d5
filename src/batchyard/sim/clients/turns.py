"""Asks for work in calm, the less important first, so that the judge sees who goes first."""

from functools import partial

from batchyard.core.specs import JobChange, JobSpec, TaskSpec
from batchyard.engine import commands
from batchyard.sim.clients.client import Client
from batchyard.sim.surroundings import POOL, command_line


class TurnsClient(Client):
    """Has two jobs whose priorities are strict."""

    def come_again(self) -> None:
        """Ask for more once there are no faults: first what is less important."""
        for job, priority, seconds in (("low", -9, 0.0), ("high", 9, 3.0)):
            spec = JobSpec(id=job, pool_id=POOL, priority=priority)
            ask = partial(self.requests.create_job, spec, self._add_seconds, is_strict=True)
            self.world.timeline.after(seconds, ask)
        if self.random.random() < 0.5:
            self.world.timeline.after(5.0, self._turn_about)

    def _turn_about(self) -> None:
        """What was less important comes first."""
        self.requests.ask(
            "change a strict priority",
            "low",
            commands.update_job,
            "low",
            JobChange(priority=99),
            accepted=lambda _view: self.world.auditor.accepted_priority("low", 99),
        )

    def _add_seconds(self, job: str) -> None:
        """Add tasks of a second: too long to queue on nodes."""
        specs = [
            TaskSpec(id=f"s-{number}", command_line=command_line(1.0, 0), max_task_retry_count=0)
            for number in range(12)
        ]
        self.requests.add_tasks(job, "seconds", specs)
