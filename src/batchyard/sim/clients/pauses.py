"""Asks to disable jobs, and to enable them again, perhaps in another pool."""

from functools import partial

from batchyard.core.specs import JobChange
from batchyard.core.states import DisableTasks
from batchyard.engine import commands
from batchyard.sim.clients.client import Client
from batchyard.sim.clients.requests import Requests
from batchyard.sim.surroundings import ANNEX, POOL


class PausesClient(Client):
    """Disables jobs of others; most of them for a while."""

    def __init__(self, requests: Requests, seconds: float) -> None:
        super().__init__(requests, seconds)
        self._moves = requests.world.has_annex

    def begin(self) -> None:
        """In half of the worlds, at any time."""
        self.some(self.random.choice((0, 5)), self._disable)

    def come_again(self) -> None:
        """One more in calm."""
        if self.random.random() < 0.5:
            self.world.timeline.after(self.random.uniform(0.0, 10.0), self._disable)

    def _disable(self) -> None:
        jobs = self.requests.active_jobs()
        if not jobs:
            return
        job = self.random.choice(jobs)
        tasks = self.random.choice(list(DisableTasks))
        auditor = self.world.auditor

        def accepted(_view: object) -> None:
            if tasks is not DisableTasks.WAIT:
                auditor.disabled(job)
            self._go_on(job)

        self.requests.ask(
            f"disable, {tasks}",
            job,
            commands.disable_job,
            job,
            tasks,
            accepted=accepted,
            asked=lambda: auditor.asked_disable(job, str(tasks)),
        )

    def _go_on(self, job: str) -> None:
        seconds = self.random.uniform(0.0, 15.0)
        if self._moves and self.random.random() < 0.7:
            self.world.timeline.after(seconds, partial(self._move, job))
            seconds += 1.0
        if self.random.random() < 0.8:
            self.world.timeline.after(seconds, partial(self._enable, job))

    def _move(self, job: str) -> None:
        pool = self.random.choice((POOL, ANNEX))
        auditor = self.world.auditor
        self.requests.ask(
            "change a pool",
            f"{job} to {pool}",
            commands.update_job,
            job,
            JobChange(pool_id=pool),
            accepted=lambda _view: auditor.accepted_pool(job, pool),
            asked=lambda: auditor.asked_pool(job, pool),
        )

    def _enable(self, job: str) -> None:
        auditor = self.world.auditor
        times = 0

        def asked() -> None:
            nonlocal times
            times += 1
            auditor.asked_enable(job)

        self.requests.ask(
            "enable",
            job,
            commands.enable_job,
            job,
            accepted=lambda _view: auditor.answered_enable(job, times),
            asked=asked,
            refused=lambda: auditor.answered_enable(job, times),
        )
