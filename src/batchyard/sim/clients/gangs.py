"""Asks for jobs with multi-instance tasks."""

from functools import partial

from batchyard.core.specs import (
    JobPreparationSpec,
    JobReleaseSpec,
    JobSpec,
    MultiInstanceSpec,
    TaskSpec,
)
from batchyard.sim.clients.client import Client
from batchyard.sim.surroundings import POOL, command_line


class GangsClient(Client):
    """Has up to two jobs with multi-instance tasks, where nodes have one slot (T-57)."""

    def begin(self) -> None:
        """Create them soon."""
        if self.world.slots == 1:
            for number in range(self.random.randint(0, 2)):
                self.later(0.4, partial(self._create_job, f"gang-{number}"))

    def come_again(self) -> None:
        """Have one more in calm."""
        if self.world.slots == 1 and self.random.random() < 0.5:
            self.world.timeline.after(20.0, partial(self._create_job, "gang-calm"))

    def _create_job(self, job: str) -> None:
        random = self.random
        preparation, release = None, None
        if random.random() < 0.4:
            codes = random.choice(((0,), (0,), (0, 1)))
            line = command_line(random.uniform(0.1, 3.0), *codes)
            preparation = JobPreparationSpec(id="prep", command_line=line)
            release = JobReleaseSpec(id="rel", command_line=command_line(0.5, 0))
        spec = JobSpec(
            id=job,
            pool_id=POOL,
            priority=random.choice((0, 0, 5)),
            preparation=preparation,
            release=release,
        )
        self.requests.create_job(spec, self._has_job)

    def _has_job(self, job: str) -> None:
        self.requests.jobs.append(job)
        self._add_tasks(job)
        if not job.endswith("calm"):
            self.later(0.3, partial(self._add_tasks, job, "h"))

    def _add_tasks(self, job: str, prefix: str = "g") -> None:
        random = self.random
        gangs = [self._a_gang(f"{prefix}-{number}") for number in range(random.randint(1, 2))]
        line = command_line(random.uniform(0.5, 5.0), 0)
        single = TaskSpec(id=f"{prefix}-single", command_line=line, max_task_retry_count=1)
        self.requests.add_tasks(job, prefix, [*gangs, single])

    def _a_gang(self, name: str) -> TaskSpec:
        random = self.random
        failures = random.choice((0, 0, 0, 1, 2))
        coordination = random.choice(((0,), (0,), (0, 0, 0, 7)))
        return TaskSpec(
            id=name,
            command_line=command_line(
                random.uniform(0.5, 8.0), *[7] * failures, random.choice((0, 0, 0, 3))
            ),
            max_task_retry_count=random.randint(0, 3),
            multi_instance=MultiInstanceSpec(
                coordination_command_line=command_line(random.uniform(0.1, 2.0), *coordination),
                instances=random.randint(1, 3),
            ),
        )
