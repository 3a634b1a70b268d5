"""Asks for jobs with pools of their own."""

from functools import partial

from batchyard.core.specs import AutoPoolSpec, JobSpec, PoolSpec, TaskSpec
from batchyard.sim.clients.client import Client
from batchyard.sim.surroundings import command_line


class AutoPoolClient(Client):
    """Has up to two such jobs; others end them as they end any job."""

    def begin(self) -> None:
        """Create the jobs early, so that there is time for them to end."""
        for number in range(self.random.choice((0, 1, 2))):
            self.later(0.4, partial(self._create_job, f"own-{number}"))

    def _create_job(self, job: str) -> None:
        pool = PoolSpec(
            id="",
            vm_size="standard_d2_v3",
            target_dedicated_nodes=self.random.randint(0, 2),
            task_slots_per_node=self.world.slots,
        )
        keeps_pool = self.random.random() < 0.3
        auto_pool = AutoPoolSpec(pool=pool, id_prefix=job, keep_alive=keeps_pool)
        spec = JobSpec(id=job, pool_id="", auto_pool=auto_pool)
        self.requests.create_job(spec, self._has_job)

    def _has_job(self, job: str) -> None:
        self.requests.jobs.append(job)
        specs = [
            TaskSpec(
                id=f"o-{number}",
                command_line=command_line(self.random.uniform(0.1, 8.0), 0),
                max_task_retry_count=0,
            )
            for number in range(self.random.randint(0, 3))
        ]
        self.requests.add_tasks(job, "own", specs)
