"""What all parts of one simulated world share."""

from collections import Counter
from random import Random
from typing import Final

from batchyard.core.states import ExecutionKind
from batchyard.link.messages import Assignment
from batchyard.sim.auditor import Auditor
from batchyard.sim.faults import Faults
from batchyard.sim.timeline import Timeline

#: The pool of a world, and a small one beside it in some of them.
POOL: Final = "pool"
ANNEX: Final = "annex"

#: A command line that a simulated machine understands: seconds, then the exit code of each run of
#: the task in turn, the last one again and again.
Script = tuple[float, tuple[int, ...]]


def command_line(seconds: float, *codes: int) -> str:
    """Return the command line of a script."""
    return " ".join((f"{seconds:.3f}", *map(str, codes)))


class Surroundings:
    """Time, chance, faults and the judge."""

    def __init__(self, seed: int) -> None:
        self.seed: Final = seed
        self.random: Final = Random(seed)  # noqa: S311  # A seed is to be repeatable.
        self.timeline: Final = Timeline()
        self.auditor: Final = Auditor()
        self.faults = Faults.swarm(self.random)
        #: When the last of the long faults is over.
        self.busy_until = 0.0
        #: Pools whose start task has to succeed.
        self.waits_for_start_task: Final[set[str]] = set()
        #: Task slots of every node.
        self.slots: Final = self.random.choice((1, 2, 4))
        self.has_annex: Final = self.random.random() < 0.4
        #: How often what happened: a world in which nothing does proves nothing.
        self.tally: Final[Counter[str]] = Counter()
        self._runs: dict[tuple[str, ...], int] = {}

    def lasts(self, seconds: float) -> None:
        """Note that something goes on for so long, and that the world has no rest before."""
        self.busy_until = max(self.busy_until, self.timeline.seconds + seconds)

    def heal(self) -> None:
        """Have no faults from now on."""
        self.timeline.note("the world heals")
        self.faults = Faults()

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return probability > 0 and self.random.random() < probability

    def strikes(self, fault: str) -> bool:
        """Return whether a fault happens now, by its field of `Faults`, and count it."""
        is_struck = self.chance(getattr(self.faults, fault))
        if is_struck:
            self.tally[fault] += 1
        return is_struck

    def local_delay(self) -> float:
        """Return how long a message takes between processes of one machine."""
        return self.random.uniform(0.0001, 0.002)

    def network_delay(self) -> float:
        """Return how long a message takes between the service and a node."""
        most = self.faults.delay_seconds_max
        if most and self.random.random() < 0.2:
            self.tally["delay_seconds_max"] += 1
            return self.random.uniform(0.001, most)
        return self.random.uniform(0.001, 0.01)

    def outcome(self, assignment: Assignment) -> tuple[float, int]:
        """Return how long a run of this command takes, and its exit code."""
        seconds, *codes = assignment.command_line.split()
        place = assignment.job_id, assignment.task_id
        number = self._runs.get(place, 0)
        self._runs[place] = number + 1
        if assignment.kind not in (ExecutionKind.TASK, ExecutionKind.PRIMARY):
            return float(seconds), int(self.random.choice(codes))
        return float(seconds), int(codes[min(number, len(codes) - 1)])

    def life_began(self, node: str, pool: str, slots: int) -> None:
        """Tell the judge of a boot."""
        self.timeline.note(f"{node} boots")
        self.auditor.life_began(
            node,
            pool=pool,
            slots=slots,
            waits_for_start_task=pool in self.waits_for_start_task,
        )
