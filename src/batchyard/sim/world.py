"""One simulated world, from its seed to its peace."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from batchyard.sim.audit.shown import Shown
from batchyard.sim.clients.everybody import Clients
from batchyard.sim.clients.requests import ACCOUNT, Requests
from batchyard.sim.observer import shown
from batchyard.sim.service import SimulatedService
from batchyard.sim.surroundings import Surroundings
from batchyard.store.store import MemoryStore

#: How long clients ask and faults happen.
_BUSY_SECONDS: Final = 40.0

#: How long faults have effects once there are no new ones.
_ECHO_SECONDS: Final = 15.0

#: Time enough for everything to end once there are no faults.
_PEACE_SECONDS: Final = 3600.0

#: Commits from one look of the judge to the next.
_COMMITS_A_LOOK: Final = 20

#: Lines of a history that a report of a failure shows.
_LAST_LINES: Final = 60


class SimulationFailed(AssertionError):
    """A promise was broken, or a defect met; the message says how to see it again."""

    def __init__(self, seed: int, faults: str, history: list[str], error: BaseException) -> None:
        last = "\n".join(history[-_LAST_LINES:])
        super().__init__(
            f"seed {seed}: {type(error).__name__}: {error}\n"
            f"faults: {faults}\nreplay: python -m batchyard.sim --seed {seed} --verbose\n"
            f"the last of {len(history)} lines:\n{last}"
        )
        self.error: Final = error
        self.lines: Final = history


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a seed came to."""

    seed: int
    events: int
    history: list[str]
    tally: Counter[str]


class World:
    """The service, its clients, its nodes and their faults; everything follows from the seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._surroundings = Surroundings(seed)
        self._store = MemoryStore()
        self._service = SimulatedService(self._surroundings, self._store, self._look)
        self._commits = 0

    def run(self) -> Outcome:
        """Live through everything.

        Raises:
            SimulationFailed: A promise was broken, or a command met a defect.
        """
        world = self._surroundings
        faults = str(world.faults)
        try:
            self._live()
        except (Exception, AssertionError) as error:
            raise SimulationFailed(self._seed, faults, world.timeline.history, error) from error
        finally:
            self._store.close()
        return Outcome(self._seed, world.timeline.count, world.timeline.history, world.tally)

    def _live(self) -> None:
        world = self._surroundings
        requests = Requests(world, self._service, self._store)
        clients = Clients(requests, _BUSY_SECONDS)
        self._service.start()
        clients.begin()
        world.timeline.after(1.0, self._perhaps_break)
        world.timeline.run(_BUSY_SECONDS)
        world.heal()
        calm = max(_BUSY_SECONDS, world.busy_until) + _ECHO_SECONDS
        world.timeline.run(calm)
        world.auditor.calm()
        clients.come_again()
        world.timeline.run(calm + _PEACE_SECONDS)
        last = shown(self._store, ACCOUNT, world.timeline)
        world.auditor.rest(last)
        world.tally.update(_outcomes(last, requests))

    def _look(self) -> None:
        self._commits += 1
        if self._commits % _COMMITS_A_LOOK == 0:
            world = self._surroundings
            world.auditor.look(shown(self._store, ACCOUNT, world.timeline))

    def _perhaps_break(self) -> None:
        """Once a second every agent and every supervisor may die, and more may go wrong."""
        world = self._surroundings
        for machine in list(self._service.cloud.machines.values()):
            if world.strikes("supervisor_crash_rate"):
                machine.die()
            elif world.strikes("agent_crash_rate"):
                machine.lose_agent()
            elif world.strikes("silence_rate"):
                seconds = world.random.uniform(60.0, 2000.0)
                machine.fall_silent(seconds)
                world.lasts(seconds)
        if world.strikes("outage_rate"):
            self._service.vanish(world.random.uniform(600.0, 20_000.0))
        if world.timeline.seconds < _BUSY_SECONDS:
            world.timeline.after(1.0, self._perhaps_break)


def _outcomes(last: Shown, requests: Requests) -> Iterator[str]:
    """Yield what became of jobs and tasks, as far as it is worth counting."""
    for job in last.jobs:
        yield f"job {job.state}, {job.reason}"
    for task in last.tasks:
        if (task.job, task.task) in requests.dependent:
            yield f"dependent task {task.state}"
