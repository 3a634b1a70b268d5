"""Tells the auditor what a ledger holds, and judges what only real processes can break.

The auditor of the simulated worlds judges; it shares no code with what it judges. Here are only the
observers' difficulties with real processes. A process writes its first line a moment after its
start and its last one a moment before its end, so what the auditor sees at once was at once. One
that is killed writes no last line: it is over when its node's life is, or when a client asked for
its end.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from batchyard.sim.audit.history import PREPARATION, START, TASK
from batchyard.sim.auditor import Auditor
from batchyard.sim.rules import Rule, Violation

Fact = Callable[["Replay"], None]

LIVES: Final = Rule("lives", "A node begins its next life only after its supervisor was killed.")
NO_STRAYS: Final = Rule(
    "no-strays", "What a lost node left running is ended before any of it runs again."
)


@dataclass(slots=True, eq=False)
class Run:
    """One process that the ledger tells of. `code` is None while it has not ended by itself."""

    name: str
    key: tuple[str, str]
    node: "_Node"
    epoch: int
    #: Whether it will end by itself, which a ledger that is whole knows beforehand.
    has_end: bool
    code: int | None = None

    @property
    def is_lost(self) -> bool:
        """Whether its node's life was lost, so that its end may have been told or not."""
        return self.epoch in self.node.lost


@dataclass(slots=True, eq=False)
class _Node:
    """A node in its present life, and the epochs of those that were lost."""

    epoch: int
    lost: set[int] = field(default_factory=set)


class Replay:
    """Goes through a ledger once.

    Raises (all methods): `Violation`, named after the promise that is broken.
    """

    def __init__(self, pool: str, slots: int) -> None:
        self.auditor: Final = Auditor()
        #: Runs by job and task, in their order.
        self.runs: Final[dict[tuple[str, str], list[Run]]] = {}
        #: Tasks that a client asked the end of.
        self._ends_asked: set[tuple[str, str]] = set()
        #: Preparations end with their job as its tasks do; by job, like the runs.
        self._preparations: dict[str, list[Run]] = {}
        self._jobs_ending: set[str] = set()
        self._pool = pool
        self._slots = slots
        self._nodes: dict[str, _Node] = {}
        self._latest: dict[str, Run] = {}
        self._ended: set[str] = set()

    def tell(self, lines: list[str], facts: list[Fact]) -> None:
        """Tell the auditor everything, in its order."""
        self._ended = {line.split(" ")[1] for line in lines if line.startswith("end ")}
        for line in lines:
            word, rest = line.split(" ", 1)
            match word:
                case "note":
                    facts[int(rest)](self)
                case "begin":
                    kind, execution, job, task, settings = rest.split(" ", 4)
                    self._begin(kind, execution, (job, task), json.loads(settings))
                case "end":
                    execution, code = rest.split(" ")
                    self._end(self._latest[execution], int(code))

    # Facts.

    def life_lost(self, node: str, epoch: int) -> None:
        """The supervisor of this life is about to be killed."""
        self._in_life(node, epoch).lost.add(epoch)
        self.auditor.life_over(node)

    def asked_task(self, job: str, task: str, retries: int) -> None:
        """A client asks for a task."""
        self.auditor.asked_task(job, task, retries=retries)
        self.runs.setdefault((job, task), [])

    def asked_end(self, job: str, task: str | None = None) -> None:
        """A client asks for the end of a task, or of a job with all its tasks."""
        self.auditor.asked_end(job, task)
        if task is None:
            self._jobs_ending.add(job)
            for run in self._preparations.get(job, []):
                self._kill_if_silent(run)
        self._note_end_asked(job, task)

    def asked_deletion(self, job: str, task: str) -> None:
        """A client asks for the deletion of a task."""
        self.auditor.asked_deletion(job, task)
        self._note_end_asked(job, task)

    def _note_end_asked(self, job: str, task: str | None) -> None:
        for key, runs in self.runs.items():
            if key == (job, task) or (task is None and key[0] == job):
                self._ends_asked.add(key)
                for run in runs:
                    self._kill_if_silent(run)

    # Lines.

    def _begin(
        self, kind: str, execution: str, key: tuple[str, str], settings: dict[str, Any]
    ) -> None:
        node, epoch = settings["node_id"], settings["epoch"]
        known = self._in_life(node, epoch)
        if epoch < known.epoch:
            raise Violation(NO_STRAYS, f"{execution} began on {node} in its past epoch {epoch}")
        run = Run(f"{execution} in {epoch}", key, known, epoch, execution in self._ended)
        self._latest[execution] = run
        job, task = key if kind != START else ("", "")
        self.auditor.started(run.name, kind, node, job, task if kind == TASK else "")
        if kind == TASK:
            self.runs[key].append(run)
        if kind == PREPARATION:
            self._preparations.setdefault(job, []).append(run)
        is_ending = kind == PREPARATION and job in self._jobs_ending
        if run.is_lost or is_ending or key in self._ends_asked:
            self._kill_if_silent(run)

    def _in_life(self, node: str, epoch: int) -> _Node:
        """Return a node, which begins its next life if the epoch is a later one."""
        known = self._nodes.setdefault(node, _Node(0, {0}))
        if epoch > known.epoch:
            if known.epoch not in known.lost:
                raise Violation(LIVES, f"{node} was in epoch {known.epoch} and is in {epoch}")
            known.epoch = epoch
            self.auditor.life_began(
                node, pool=self._pool, slots=self._slots, waits_for_start_task=True
            )
        return known

    def _end(self, run: Run, code: int) -> None:
        if run.is_lost and any(run is not last for last in self.runs.get(run.key, [])[-1:]):
            raise Violation(NO_STRAYS, f"{run.name} went on after {run.key} began again")
        run.code = code
        self.auditor.exited(run.name, code)
        if run.key in self._ends_asked:
            self.auditor.killed(run.name)  # Perhaps, between its last line and its exit.

    def _kill_if_silent(self, run: Run) -> None:
        if not run.has_end:
            self.auditor.killed(run.name)
