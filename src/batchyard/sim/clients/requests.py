"""How clients ask: until they are answered, and with the judge as their witness."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.model import JobSpec, TaskSpec
from batchyard.engine import commands
from batchyard.sim.audit.history import Preparation
from batchyard.sim.service import NO_ANSWER, SimulatedService, call
from batchyard.sim.surroundings import Surroundings
from batchyard.store.store import MemoryStore

ACCOUNT: Final = "account"

#: Refusals that tell a client which asks again that its first request was carried out.
_DONE_BEFORE: Final = frozenset({ErrorCode.POOL_EXISTS, ErrorCode.JOB_EXISTS})


class Requests:
    """What all clients of a world share: the way to the service, and what there is by now."""

    def __init__(self, world: Surroundings, service: SimulatedService, store: MemoryStore) -> None:
        self.world: Final = world
        self.service: Final = service
        self.store: Final = store
        #: What the service has said that it has.
        self.jobs: Final[list[str]] = []
        self.tasks: Final[list[tuple[str, str]]] = []

    def ask(
        self,
        what: str,
        which: str,
        function: Callable[..., Any],
        *arguments: object,
        accepted: Callable[[object], None] = lambda _answer: None,
    ) -> None:
        """Ask, and ask again until there is an answer."""
        world = self.world
        name = f"{what}: {which}"
        world.timeline.note(f"a client asks to {name}")
        again = partial(self.ask, what, which, function, *arguments, accepted=accepted)

        def answered(answer: object) -> None:
            if answer is NO_ANSWER or world.strikes("lost_answer"):
                world.timeline.note(f"no answer: {name}")
                world.timeline.after(world.random.uniform(0.1, 3.0), again)
            elif isinstance(answer, Refused) and answer.code not in _DONE_BEFORE:
                world.timeline.note(f"refused: {name}: {answer.code}")
            else:
                world.tally[what] += 1
                accepted(answer)

        self.service.submit(call(function, ACCOUNT, *arguments), answered)

    def create_job(
        self, spec: JobSpec, then: Callable[[str], None], *, is_strict: bool = False
    ) -> None:
        """Ask for a job; `is_strict` as the judge wants it of its priority."""
        preparation = spec.preparation
        self.world.auditor.asked_job(
            spec.id,
            pool=spec.pool_id,
            preparation=None
            if preparation is None
            else Preparation(
                waits=preparation.wait_for_success,
                reruns=preparation.rerun_on_node_reboot_after_success,
            ),
            release=spec.release is not None,
            strict_priority=spec.priority if is_strict else None,
            keeps_pool=None if spec.auto_pool is None else spec.auto_pool.keep_alive,
        )

        def accepted(_answer: object) -> None:
            self.world.auditor.accepted_job(spec.id, pool=self._pool_of(spec))
            then(spec.id)

        self.ask("create a job", spec.id, commands.create_job, spec, accepted=accepted)

    def _pool_of(self, spec: JobSpec) -> str:
        """Return the pool of a job: only the service knows the name of an auto pool."""
        if spec.auto_pool is None:
            return spec.pool_id
        return self.store.reads.get_job(ACCOUNT, spec.id).job.pool_id

    def add_tasks(self, job: str, prefix: str, specs: list[TaskSpec]) -> None:
        """Ask for tasks of a job; which of them is refused is of no concern."""
        for spec in specs:
            self.world.auditor.asked_task(
                job, spec.id, slots=spec.required_slots, retries=spec.max_task_retry_count or 0
            )

        def accepted(results: object) -> None:
            assert isinstance(results, list)
            for result in results:
                code = None if result.refused is None else result.refused.code
                if code in (None, ErrorCode.TASK_EXISTS):
                    self.world.auditor.accepted_task(job, result.task_id)
                    self.tasks.append((job, result.task_id))

        which = f"{len(specs)} {prefix} to {job}"
        self.ask("add tasks", which, commands.add_tasks, job, specs, accepted=accepted)
