"""Asks for tasks that wait for one another, and for what they wait for in any order."""

from functools import partial

from batchyard.core.specs import ExitConditions, ExitOptions, JobSpec, TaskDependencies, TaskSpec
from batchyard.core.states import DependencyAction
from batchyard.sim.clients.client import Client
from batchyard.sim.surroundings import POOL, command_line


class ChainsClient(Client):
    """Has jobs whose last tasks run only if everything before them went as it should."""

    def begin(self) -> None:
        """In some of the worlds there is one while there are faults."""
        if self.random.random() < 0.4:
            self.later(0.7, partial(self._create, "chain"))

    def come_again(self) -> None:
        """In some there is one in calm."""
        if self.random.random() < 0.5:
            self._create("calm-chain")

    def _create(self, job: str) -> None:
        spec = JobSpec(id=job, pool_id=POOL, uses_task_dependencies=True)
        self.requests.create_job(spec, self._add)

    def _add(self, job: str) -> None:
        """Add in any order: one, three that wait for it, one that waits for these; and failures."""
        self.requests.jobs.append(job)
        satisfies = ExitConditions(default=ExitOptions(None, DependencyAction.SATISFY))
        specs = [
            self._task("1", after=()),
            *(self._task(str(number), after=("1",)) for number in (2, 3, 4)),
            self._task("last", after=(), numbers=(2, 4)),
            self._task("blocks", after=(), codes=(3,)),
            self._task("blocked", after=("1", "blocks")),
            self._task("satisfies", after=(), codes=(3,), conditions=satisfies),
            self._task("satisfied", after=("4", "satisfies")),
        ]
        self.random.shuffle(specs)
        cut = self.random.randint(0, len(specs))
        for number, part in enumerate((specs[:cut], specs[cut:])):
            if part:
                ask = partial(self.requests.add_tasks, job, f"links {number}", part)
                self.world.timeline.after(self.random.uniform(0.0, 5.0), ask)

    def _task(
        self,
        name: str,
        *,
        after: tuple[str, ...],
        numbers: tuple[int, int] | None = None,
        codes: tuple[int, ...] = (0,),
        conditions: ExitConditions | None = None,
    ) -> TaskSpec:
        depends_on = TaskDependencies(
            task_ids=after, task_id_ranges=() if numbers is None else (numbers,)
        )
        return TaskSpec(
            id=name,
            command_line=command_line(self.random.choice((0.01, 1.0, 3.0)), *codes),
            max_task_retry_count=self.random.choice((0, 1)),
            exit_conditions=conditions,
            depends_on=depends_on if after or numbers else None,
        )
