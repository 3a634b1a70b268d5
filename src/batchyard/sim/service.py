"""The service under test: the real engine on a real store, with crashes around its commits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from batchyard.core import limits
from batchyard.core.errors import Refused
from batchyard.engine import news
from batchyard.engine.engine import Command, Engine
from batchyard.engine.fleet_ports import FleetEvent
from batchyard.engine.ports import Transaction
from batchyard.sim.fleet import Cloud, SimulatedFleet
from batchyard.sim.surroundings import Surroundings
from batchyard.store.store import MemoryStore

#: Takes what a command returned, the `Refused` that it met, or `NO_ANSWER`.
Answered = Callable[[object], None]

#: Pause of the writer after a commit that failed.
_FAILURE_SECONDS: Final = 1.0

#: How long a node with no service and no task stays up.
_ALONE_SECONDS: Final = 60.0

#: The service ended before it answered, whatever became of the command; or it could not commit.
NO_ANSWER: Final = object()


class _Crash(Exception):
    """The process of the service ends here."""


class _CommitFailed(Exception):
    """What a transaction did is undone, and the service goes on."""


class _CrashingStore:
    """A store whose commits may fail, and around them the service may end."""

    def __init__(self, store: MemoryStore, world: Surroundings) -> None:
        self._store = store
        self._world = world

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._store.transaction() as transaction:
            yield transaction
            if self._world.strikes("crash_before_commit"):
                raise _Crash("before a commit")
            if self._world.strikes("commit_failure"):
                raise _CommitFailed
        if self._world.strikes("crash_after_commit"):
            raise _Crash("after a commit")


class SimulatedService:
    """One database and the processes that serve it, one after the other.

    Commands wait in a queue and share commits, as they do for the writer's thread.
    """

    def __init__(self, world: Surroundings, store: MemoryStore, look: Callable[[], None]) -> None:
        self.cloud: Final = Cloud(world)
        self._world = world
        self._store = store
        self._look = look
        self._life = 0
        self._queue: list[tuple[Command, Answered]] = []
        self._is_scheduled = False
        self._engine: Engine | None = None
        self._fleet: SimulatedFleet | None = None

    def start(self) -> None:
        """Begin to serve what the database says."""
        self._life += 1
        self._world.timeline.note(f"service {self._life} starts")
        self._fleet = SimulatedFleet(self.cloud, self._tell)
        store = _CrashingStore(self._store, self._world)
        self._engine = Engine(store, self._world.timeline, self._fleet)
        try:
            self._engine.start()
        except (_Crash, _CommitFailed) as crash:
            self._die(crash)
            return
        self._schedule()

    def vanish(self, seconds: float) -> None:
        """End now and be away for long; meanwhile idle machines may end too."""
        if self._engine is not None:
            self._world.lasts(seconds)
            self._die(_Crash("for hours"), seconds)
            self._world.timeline.after(_ALONE_SECONDS, self._leave_idle)

    def _leave_idle(self) -> None:
        """Nodes with no service and no task end after a while (architecture, section 8)."""
        if self._engine is None:
            for machine in self.cloud.machines.values():
                if machine.is_idle and self._world.chance(0.5):
                    machine.die()
            self._world.timeline.after(_ALONE_SECONDS * 10, self._leave_idle)

    def submit(self, command: Command, answered: Answered) -> None:
        """Take over a command, or give no answer while nobody serves."""
        if self._engine is None:
            answered(NO_ANSWER)
            return
        self._queue.append((command, answered))
        self._schedule()

    def _tell(self, event: FleetEvent, done: Callable[[int | None], None]) -> None:
        life = self._life

        def answered(answer: object) -> None:
            if life == self._life and self._engine is not None:
                done(answer if isinstance(answer, int) else None)

        self.submit(lambda cascade: news.take(cascade, event), answered)

    def _schedule(self) -> None:
        """Commit in a moment: what comes until then shares the commit."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._world.timeline.after(self._world.random.uniform(0.001, 0.02), self._work)

    def _work(self) -> None:
        self._is_scheduled = False
        engine = self._engine
        if engine is None or not (self._queue or engine.has_work):
            return
        batch = self._queue[: limits.GROUP_COMMIT_COMMANDS_MAX]
        del self._queue[: len(batch)]
        try:
            answers = engine.apply([command for command, _ in batch])
        except _Crash as crash:
            self._queue = batch + self._queue
            self._die(crash)
            return
        except _CommitFailed:
            self._world.timeline.note("a commit fails")
            for _, answered in batch:
                answered(NO_ANSWER)
            self._world.timeline.after(_FAILURE_SECONDS, self._schedule)
            return
        assert not engine.is_failing, "a loop failed: its defect is in the log"
        self._look()
        for (_, answered), answer in zip(batch, answers, strict=True):
            if answer.error is not None and not isinstance(answer.error, Refused):
                raise answer.error
            answered(answer.error or answer.value)
        if self._queue or engine.has_work:
            self._schedule()
        elif engine.next_due is not None:
            wait = (engine.next_due - self._world.timeline.now()).total_seconds()
            self._world.timeline.after(max(0.0, wait), self._wake)

    def _wake(self) -> None:
        if self._engine is not None and self._engine.has_work:
            self._schedule()

    def _die(self, crash: Exception, seconds: float | None = None) -> None:
        self._world.timeline.note(f"the service crashes {crash}".rstrip())
        waiting, self._queue = self._queue, []
        self._engine = None
        if self._fleet is not None:
            self._fleet.close()
        for _, answered in waiting:
            answered(NO_ANSWER)
        pause = self._world.random.uniform(0.1, 5.0) if seconds is None else seconds
        self._world.timeline.after(pause, self.start)


def call(function: Callable[..., Any], *arguments: object) -> Command:
    """Return a command that needs arguments."""
    return lambda cascade: function(cascade, *arguments)
