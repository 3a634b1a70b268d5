"""How clients ask: until they are answered, and with the judge as their witness."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.specs import JobSpec, TaskSpec
from batchyard.core.states import JobState
from batchyard.engine import commands
from batchyard.sim.clients import words
from batchyard.sim.service import NO_ANSWER, SimulatedService, call
from batchyard.sim.surroundings import Surroundings
from batchyard.store.store import MemoryStore

ACCOUNT: Final = "account"

#: How much longer a client pauses each time that nobody answers, and how often it does.
_PAUSE_GROWTH: Final = 1.3
_GROWTHS_MAX: Final = 20

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
        #: Tasks that depend on others.
        self.dependent: Final[set[tuple[str, str]]] = set()

    def ask(
        self,
        what: str,
        which: str,
        function: Callable[..., Any],
        *arguments: object,
        accepted: Callable[[object], None] = lambda _answer: None,
        asked: Callable[[], None] = lambda: None,
        refused: Callable[[], None] = lambda: None,
        times: int = 1,
    ) -> None:
        """Ask, and ask again until there is an answer; each time `asked` is called first.

        While nobody answers the pauses grow, for that may take hours.
        """
        world = self.world
        name = f"{what}: {which}"
        world.timeline.note(f"a client asks to {name}")
        asked()
        again = partial(
            self.ask,
            what,
            which,
            function,
            *arguments,
            accepted=accepted,
            asked=asked,
            refused=refused,
            times=times + 1,
        )

        def answered(answer: object) -> None:
            if answer is NO_ANSWER or world.strikes("lost_answer"):
                world.timeline.note(f"no answer: {name}")
                growth = _PAUSE_GROWTH ** min(times - 1, _GROWTHS_MAX)
                world.timeline.after(world.random.uniform(0.1, 3.0) * growth, again)
            elif isinstance(answer, Refused) and answer.code not in _DONE_BEFORE:
                world.timeline.note(f"refused: {name}: {answer.code}")
                refused()
            else:
                world.tally[what] += 1
                accepted(answer)

        self.service.submit(call(function, ACCOUNT, *arguments), answered)

    def create_job(
        self, spec: JobSpec, then: Callable[[str], None], *, is_strict: bool = False
    ) -> None:
        """Ask for a job; `is_strict` as the judge wants it of its priority."""
        self.world.auditor.asked_job(
            spec.id,
            pool=spec.pool_id,
            preparation=words.preparation(spec),
            release=spec.release is not None,
            strict_priority=spec.priority if is_strict else None,
            terms=words.terms(spec),
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

    def active_jobs(self) -> list[str]:
        """Return the jobs that go on at this moment, as clients who look first see them."""
        views = self.store.reads.list_jobs(ACCOUNT, 0, 1000).items
        active = {view.job.id for view in views if view.job.state is JobState.ACTIVE}
        return [job for job in self.jobs if job in active]

    def add_tasks(self, job: str, prefix: str, specs: list[TaskSpec]) -> None:
        """Ask for tasks of a job; which of them is refused is of no concern."""
        for spec in specs:
            self.world.auditor.asked_task(
                job,
                spec.id,
                slots=spec.required_slots,
                retries=spec.max_task_retry_count or 0,
                needs=words.needs(spec),
                reactions=words.reactions(spec.exit_conditions),
                instances=0 if spec.multi_instance is None else spec.multi_instance.instances,
            )

        def accepted(results: object) -> None:
            assert isinstance(results, list)
            for result in results:
                code = None if result.refused is None else result.refused.code
                if code in (None, ErrorCode.TASK_EXISTS):
                    self.world.auditor.accepted_task(job, result.task_id)
                    self.tasks.append((job, result.task_id))
            self.dependent.update((job, spec.id) for spec in specs if spec.depends_on is not None)

        which = f"{len(specs)} {prefix} to {job}"
        self.ask("add tasks", which, commands.add_tasks, job, specs, accepted=accepted)
