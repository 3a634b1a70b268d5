"""Asks in calm for tasks that are short on average and wildly different in length."""

from functools import partial

from batchyard.core.specs import JobSpec, TaskSpec
from batchyard.sim.clients.client import Client
from batchyard.sim.surroundings import POOL, command_line

#: What the others asked for is over by then.
_LATER_SECONDS = 200.0


class MixturesClient(Client):
    """Has a job whose tasks are known to be short when long ones come among them."""

    def come_again(self) -> None:
        """Ask for it once nobody else wants anything."""
        self.world.timeline.after(_LATER_SECONDS, self._create_job)

    def _create_job(self) -> None:
        spec = JobSpec(id="mixed", pool_id=POOL)
        self.requests.create_job(spec, self._add_short_ones)

    def _add_short_ones(self, job: str) -> None:
        self.requests.add_tasks(job, "known", [_task(f"k-{number}", 0.01) for number in range(4)])
        self.world.timeline.after(20.0, lambda: self._add_mixture(job))

    def _add_mixture(self, job: str) -> None:
        tasks = [_task("long", self.random.uniform(60.0, 300.0))]
        tasks += [_task(f"m-{number}", 0.01) for number in range(self.random.randint(2, 9))]
        self.requests.add_tasks(job, "mixture", tasks)
        for number in range(self.random.randint(2, 9)):
            one = [_task(f"l-{number}", 0.01)]
            seconds = self.random.uniform(1.0, 50.0)
            self.world.timeline.after(
                seconds, partial(self.requests.add_tasks, job, f"later-{number}", one)
            )


def _task(name: str, seconds: float) -> TaskSpec:
    return TaskSpec(id=name, command_line=command_line(seconds, 0), max_task_retry_count=0)
