"""A simulated machine: its supervisor with the numbered log, and the real logic of its agent.

Processes are entries in the heap. The supervisor outlives agents; a machine outlives neither its
supervisor nor the service's wish to have it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from batchyard.agent.journal import (
    Attached,
    CoordinatedEntry,
    EndedEntry,
    Entry,
    Forget,
    Log,
    Note,
    Operation,
    StartedEntry,
    StopProcesses,
    note_of,
)
from batchyard.agent.logic import AgentLogic
from batchyard.agent.prepared import PreparedJobs
from batchyard.core.states import EndCause, ExecutionKind
from batchyard.link.messages import Acknowledge, Assign, Assignment, Order, Recall
from batchyard.sim.surroundings import Surroundings
from batchyard.sim.timeline import Stream


class _Spawn(Operation, frozen=True):
    """Start a simulated process."""

    assignment: Assignment


#: A task that starts so long after it was assigned has waited in the queue of its agent.
_QUEUED_SECONDS: Final = 0.01


@dataclass(slots=True)
class _Process:
    """One execution that runs; it is `asked` to end once."""

    assignment: Assignment
    note: Note
    start_time: float
    cause: EndCause | None = None


class Machine:
    """One node's machine, in one life after the other."""

    def __init__(self, world: Surroundings, name: str, pool: str, slots: int) -> None:
        self.name: Final = name
        self._pool = pool
        self.epoch = 0
        self.is_lost = False
        self.is_gone = False
        self.silent_until = 0.0
        self.agent: AgentLogic | None = None
        self._world = world
        self._slots = slots
        #: What the agent saved; it stays from life to life.
        self._prepared: dict[str, str] = {}
        self._running: dict[str, _Process] = {}
        #: When the tasks came that could start at once if there are slots.
        self._assigned: dict[str, float] = {}
        self._recalled: set[str] = set()
        self._entries: list[Entry] = []
        self._acknowledged = 0
        self._boot_time = 0.0
        self._operations: Stream[Operation] | None = None
        self._tellings: Stream[tuple[int, list[Entry]]] | None = None
        #: Called when an agent is gone, or out of reach, with its conversation.
        self.on_agent_lost: Callable[[], None] = lambda: None

    # Lives.

    def boot(self, epoch: int) -> None:
        """Begin a life; the former one is over with all that ran in it."""
        if self.epoch:
            self.die(is_ordered=True)
        self.epoch = epoch
        self.is_lost = False
        self._entries.clear()
        self._assigned.clear()
        self._recalled.clear()
        self._acknowledged = 0
        self._boot_time = self._world.timeline.stamp()
        self._world.life_began(self.name, self._pool, self._slots)
        self.start_agent()

    def die(self, *, is_ordered: bool = False) -> None:
        """The supervisor is gone, and everything that it ran; perhaps because it was ordered."""
        self.lose_agent(restarts=False)
        if not self.is_lost:
            self.is_lost = True
            if self._running:
                self._world.tally["life over with processes"] += 1
            self._running.clear()
            self._world.timeline.note(f"{self.name} life {self.epoch} is over")
            self._world.auditor.life_over(self.name, is_ordered=is_ordered)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs on it."""
        return not (self.is_lost or self._running)

    def fall_silent(self, seconds: float) -> None:
        """Be out of reach for so long; what runs here runs on."""
        self._world.timeline.note(f"{self.name} falls silent for {seconds:.0f} s")
        self.silent_until = self._world.timeline.seconds + seconds
        self.on_agent_lost()

    @property
    def is_silent(self) -> bool:
        """Whether nobody can reach it now."""
        return self._world.timeline.seconds < self.silent_until

    def start_agent(self) -> None:
        """Start an agent, which takes over what the supervisor has."""
        if self.is_lost or self.is_gone or self.agent is not None:
            return
        world = self._world
        self._operations = Stream(world.timeline, world.local_delay, self._obey)
        hands = _SimulatedHands(world, self._operations)
        attached = Attached(
            self.epoch,
            self._boot_time,
            [(name, process.note) for name, process in self._running.items()],
            [],
            self._acknowledged + 1,
            list(self._entries),
        )
        prepared = PreparedJobs(dict(self._prepared), self._save)
        self.agent = agent = AgentLogic(self.epoch, self._slots, prepared, attached, hands)
        self._tellings = Stream(
            world.timeline, world.local_delay, lambda told: agent.take_entries(*told)
        )

    def lose_agent(self, *, restarts: bool = True) -> None:
        """The agent dies; operations under way may still arrive, before the next one attaches."""
        if self.agent is None:
            return
        self._world.timeline.note(f"{self.name} loses its agent")
        self.agent = None
        if self._operations is not None and (not restarts or self._world.random.random() < 0.5):
            self._operations.cut()
        if self._tellings is not None:
            self._tellings.cut()
        self.on_agent_lost()
        if restarts:
            self._world.timeline.after(self._world.random.uniform(0.5, 3.0), self.start_agent)

    def _save(self, directories: "dict[str, str] | object") -> None:
        assert isinstance(directories, dict)
        self._prepared = dict(directories)

    def note_order(self, order: Order | Acknowledge) -> None:
        """Remember what the agent is asked for, to count what becomes of it."""
        if isinstance(order, Assign):
            for one in order.executions:
                if one.kind is ExecutionKind.TASK and one.wait_for is None:
                    self._assigned.setdefault(one.execution_id, self._world.timeline.seconds)
        elif isinstance(order, Recall):
            self._world.tally["recall"] += 1
            self._recalled.update(order.execution_ids)

    # The supervisor.

    def _obey(self, operation: Operation) -> None:
        match operation:
            case _Spawn():
                self._spawn(operation.assignment)
            case StopProcesses():
                for name in operation.execution_ids:
                    self._end(name, EndCause.STOPPED, operation.grace)
            case Log():
                self._append(operation.entries)
            case Forget():
                self._forget(operation.number)
            case _:
                raise AssertionError(f"nobody asks a simulated supervisor for {operation}")

    def _forget(self, number: int) -> None:
        del self._entries[: max(0, number - self._acknowledged)]
        self._acknowledged = max(self._acknowledged, number)

    def _append(self, entries: list[Entry]) -> None:
        for entry in entries:
            if isinstance(entry, EndedEntry) and entry.execution_id in self._recalled:
                never_started = entry.start_time is None
                what = "recalled in time" if never_started else "recalled too late"
                self._world.tally[what] += 1
        first = self._acknowledged + len(self._entries) + 1
        self._entries += entries
        if self.agent is not None and self._tellings is not None:
            self._tellings.send((first, entries))

    def _spawn(self, assignment: Assignment) -> None:
        name = assignment.execution_id
        if name in self._running:
            return
        world = self._world
        now = world.timeline.stamp()
        process = _Process(assignment, note_of(assignment, self._slots), now)
        world.timeline.note(f"{self.name} starts {name} ({assignment.job_id}/{assignment.task_id})")
        world.auditor.started(
            name,
            str(assignment.kind),
            self.name,
            assignment.job_id,
            assignment.task_id,
            attempt=_attempt_of(assignment),
        )
        self._running[name] = process
        world.tally[f"{assignment.kind} started"] += 1
        if assignment.authentication_token is not None:
            is_first = name.endswith("-1")
            world.tally["manager started" if is_first else "manager restarted"] += 1
        if world.timeline.seconds - self._assigned.get(name, math.inf) > _QUEUED_SECONDS:
            world.tally["task queued on its node"] += 1
        self._append([StartedEntry(name, now)])
        seconds, code = world.outcome(assignment)
        world.timeline.after(seconds, lambda: self._exit(name, process, code))
        limit = assignment.wall_clock_seconds_max
        if limit is not None and limit < seconds:
            world.timeline.after(limit, lambda: self._time_out(name, process))

    def _stay(self, name: str) -> None:
        """A coordination command has done what it had to; the subtask stays until it is ended."""
        world = self._world
        world.tally["subtask coordinated"] += 1
        world.timeline.note(f"{self.name} has coordinated {name}")
        world.auditor.coordinated(name)
        self._append([CoordinatedEntry(name, world.timeline.stamp())])

    def _time_out(self, name: str, process: _Process) -> None:
        if self._running.get(name) is process:
            self._end(name, EndCause.TIMED_OUT, 2.0)

    def _end(self, name: str, cause: EndCause, grace: float) -> None:
        process = self._running.get(name)
        if process is not None and process.cause is None:
            process.cause = cause
            seconds = self._world.random.uniform(0.0, grace)
            self._world.timeline.after(seconds, lambda: self._exit(name, process, -15))

    def _exit(self, name: str, process: _Process, code: int) -> None:
        if self._running.get(name) is not process:
            return
        if process.assignment.kind is ExecutionKind.SUBTASK and not code and not process.cause:
            self._stay(name)
            return
        del self._running[name]
        world = self._world
        cause = process.cause or EndCause.EXITED
        how = "failed" if code and cause is EndCause.EXITED else cause
        world.tally[f"{process.assignment.kind} {how}"] += 1
        world.timeline.note(f"{self.name} ends {name}: {cause} {code}")
        now = world.timeline.stamp()
        used = round((now - process.start_time) * 1_000_000)  # It never waits for anything.
        if cause is EndCause.EXITED:
            world.auditor.exited(name, code, used_microseconds=used)
        else:
            world.auditor.killed(name, used_microseconds=used)
        counted = (used - used // 3, used // 3, 0, 0)
        entry = EndedEntry(name, cause, code, "", process.start_time, now, process.note, counted)
        self._append([entry])


def _attempt_of(assignment: Assignment) -> str:
    """Return what the executions of one attempt of a multi-instance task have in common."""
    if assignment.kind not in (ExecutionKind.SUBTASK, ExecutionKind.PRIMARY):
        return ""
    _, task, attempt, *_ = assignment.execution_id.split("-")
    return f"{task}-{attempt}"


class _SimulatedHands:
    """See `batchyard.agent.logic.Hands`: everything goes through the supervisor."""

    def __init__(self, world: Surroundings, operations: Stream[Operation]) -> None:
        self._world = world
        self._operations = operations

    def now(self) -> float:
        return self._world.timeline.stamp()

    def call_later(self, seconds: float, action: Callable[[], None]) -> None:
        self._world.timeline.after(seconds, action)

    def do(self, operation: Operation) -> None:
        self._operations.send(operation)

    def start(self, assignment: Assignment) -> None:
        self._operations.send(_Spawn(assignment))

    def stop(self, execution_id: str) -> bool:
        del execution_id
        return False

    def remove(self, path: str) -> None:
        self._world.timeline.note(f"removes {path}")
