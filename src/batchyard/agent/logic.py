"""What a node's agent decides: what starts next, what stops, what it tells and what it forgets.

It knows no sockets, no processes and no event loop: those are its `Hands`, which the agent's shell
(`batchyard.agent.agent`) and the simulator each bring along.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol, assert_never

from batchyard.agent.journal import (
    NO_NOTE,
    Attached,
    End,
    EndedEntry,
    Entry,
    Forget,
    Log,
    Operation,
    Outbox,
    RemovedEntry,
    StopProcesses,
    instant,
)
from batchyard.agent.prepared import PreparedJobs
from batchyard.agent.schedule import Schedule
from batchyard.core.states import EndCause, ExecutionKind
from batchyard.link.messages import (
    PROTOCOL,
    Acknowledge,
    Assign,
    Assignment,
    DirectoryRemoved,
    Ended,
    FromAgent,
    Order,
    Recall,
    RemoveDirectory,
    Reports,
    Shutdown,
    Stop,
    Welcome,
)

#: How long reports gather while the node has more to start, and how many. Less than what the
#: service lets queue (`limits.PREFETCH_TIME`), so that no slot waits for news. Source: ours.
_GATHER_SECONDS: Final = 0.02
_GATHER_REPORTS_MAX: Final = 64

#: How long nothing may start while tasks wait for slots: then another node may have some for them.
#: Twenty times what the service lets queue (`limits.PREFETCH_TIME`). Source: ours.
_STALL_SECONDS: Final = 1.0

#: What the logic obeys; questions about files are none of its business.
Obeyed = Order | Acknowledge | Shutdown


class Hands(Protocol):
    """What is done for the logic. Every call returns at once."""

    def now(self) -> float:
        """Return the seconds since 1970."""

    def call_later(self, seconds: float, action: Callable[[], None]) -> None:
        """Call `action` in so many seconds, unless this agent is over by then."""

    def do(self, operation: Operation) -> None:
        """Ask the supervisor for something; it obeys in the order of the calls."""

    def start(self, assignment: Assignment) -> None:
        """Start an execution, or have the supervisor log why it cannot run."""

    def stop(self, execution_id: str) -> bool:
        """End an execution that is started and has no process yet; False if it is none of those."""

    def remove(self, path: str) -> None:
        """Take a directory away; one that cannot go is passed over."""


class Line(Protocol):
    """A conversation with the service, open until it is closed or lost."""

    def send(self, message: FromAgent) -> None:
        """Send a message, or drop it when the connection is gone: a new one begins anew."""

    def close(self) -> None:
        """Hang up."""


class AgentLogic:
    """One node, in one life of its agent.

    What it holds may be lost at any time. What runs and what has to be told is with the supervisor;
    what waits is with the service, which sends it again.

    An execution is *known* while it waits, runs, or has an `Ended` that is not acknowledged. That
    suffices to make `Assign` idempotent: the service acknowledges an `Ended` in the transaction's
    wake that takes the execution off its list, so it never sends again what it has a report for.
    """

    def __init__(
        self, epoch: int, slots: int, prepared: PreparedJobs, attached: Attached, hands: Hands
    ) -> None:
        """Take over what the supervisor has from earlier agents."""
        self._epoch: Final = epoch
        self._boot_time: Final = attached.boot_time
        self._hands: Final = hands
        self._prepared: Final = prepared
        self._schedule: Final = Schedule(slots, prepared)
        self._outbox: Final = Outbox(attached.first)
        self._line: Line | None = None
        #: Given to the hands or the supervisor, and not over.
        self._running: Final[set[str]] = set()
        #: Over, with a report that is not acknowledged.
        self._ended: Final[set[str]] = set()
        self._removed: Final[set[int]] = set()
        self._is_gathering = False
        #: How many executions have started, and whether the queue is looked at later.
        self._starts = 0
        self._is_watching = False
        self._take_over(attached)

    def _take_over(self, attached: Attached) -> None:
        for execution_id, note in attached.running:
            self._running.add(execution_id)
            self._schedule.occupy(note.slots)
        for begun in attached.begun:
            self._running.add(begun.assignment.execution_id)
            self._schedule.occupy(self._schedule.slots_of(begun.assignment))
        # Slots of what has ended already are free, so entries of the past give none back.
        self._keep(attached.entries)
        for _, note in attached.running:
            if note.prepares is not None:
                self._prepared.discard(note.prepares[0])

    @property
    def is_busy(self) -> bool:
        """Whether something runs or could run."""
        return bool(self._running) or not self._schedule.is_idle

    @property
    def line(self) -> Line | None:
        """The one and only conversation, if there is one."""
        return self._line

    # The service.

    def greet(self, line: Line, acknowledged: int) -> Welcome:
        """Make `line` the one and only, and return what it begins with."""
        if self._line is not None:
            self._line.close()
        self._line = line
        self._acknowledge(acknowledged)
        first, reports = self._outbox.restart()
        known = sorted(self._schedule.waiting | self._running)
        return Welcome(PROTOCOL, self._epoch, instant(self._boot_time), known, first, reports)

    def part(self, line: Line) -> None:
        """Note that `line` is over; it may be an older one than the one and only."""
        if self._line is line:
            self._line = None

    def obey(self, message: Obeyed) -> None:
        """Do what the service asks for."""
        match message:
            case Assign():
                self._assign(message.executions)
            case Stop():
                self._stop(message.execution_ids, message.grace_seconds)
            case Recall():
                self._recall(message.execution_ids)
            case RemoveDirectory():
                self._remove_directory(message)
            case Acknowledge():
                self._acknowledge(message.number)
                self._tell()
            case Shutdown():
                self._hands.do(End())
            case _:
                assert_never(message)

    def _acknowledge(self, number: int) -> None:
        self._hands.do(Forget(number))
        for report in self._outbox.acknowledge(number):
            match report:
                case Ended():
                    self._ended.discard(report.execution_id)
                case DirectoryRemoved():
                    self._removed.discard(report.removal)

    def _tell(self) -> None:
        """Tell the service at once if the node may soon stand idle; else let reports gather.

        A transaction of the service costs hardly more for many of them than for one.
        """
        if self._schedule.is_idle or self._outbox.untold >= _GATHER_REPORTS_MAX:
            self._tell_now()
        elif self._outbox.untold and not self._is_gathering:
            self._is_gathering = True
            self._hands.call_later(_GATHER_SECONDS, self._tell_gathered)

    def _tell_gathered(self) -> None:
        self._is_gathering = False
        self._tell_now()

    def _tell_now(self) -> None:
        if self._line is not None and (batch := self._outbox.next_batch()) is not None:
            self._line.send(Reports(*batch))

    # Executions.

    def _assign(self, assignments: list[Assignment]) -> None:
        known = self._schedule.waiting | self._running | self._ended
        fresh = [a for a in assignments if a.execution_id not in known]
        for assignment in fresh:
            if assignment.kind is ExecutionKind.PREPARATION:
                self._prepared.discard(assignment.job_id)
        self._schedule.add(fresh)
        self._start_next()

    def _start_next(self) -> None:
        for assignment in self._schedule.take():
            self._running.add(assignment.execution_id)
            self._hands.start(assignment)
            self._starts += 1
        if self._schedule.is_crowded and not self._is_watching:
            self._is_watching = True
            self._hands.call_later(_STALL_SECONDS, partial(self._look_at_queue, self._starts))

    def _look_at_queue(self, starts: int) -> None:
        """Give back what queues if nothing has started meanwhile: what runs takes its time.

        Without the service nobody else could have it, and it stays.
        """
        self._is_watching = False
        if self._starts == starts and self._line is not None:
            self._recall(self._schedule.tasks_queued())
        self._start_next()

    def _stop(self, execution_ids: list[str], grace_seconds: float) -> None:
        running = [
            one for one in execution_ids if one in self._running and not self._hands.stop(one)
        ]
        if running:
            self._hands.do(StopProcesses(running, grace_seconds))
        self._recall(execution_ids)

    def _recall(self, execution_ids: list[str]) -> None:
        """Report what has not started as never started, from now on for certain."""
        now = self._hands.now()
        never_started: list[Entry] = []
        for one in execution_ids:
            if one in self._running or one in self._ended:
                continue
            self._schedule.remove(one)
            self._ended.add(one)
            never_started.append(EndedEntry(one, EndCause.STOPPED, None, "", None, now, NO_NOTE))
        if never_started:
            self._hands.do(Log(never_started))
            self._start_next()  # A large one that was recalled may have kept others waiting.

    def _remove_directory(self, order: RemoveDirectory) -> None:
        if order.removal in self._removed:
            return
        self._hands.remove(order.path)
        self._prepared.discard_below(order.path)
        self._removed.add(order.removal)
        self._hands.do(Log([RemovedEntry(order.removal)]))

    # The supervisor.

    def take_entries(self, first: int, entries: list[Entry]) -> None:
        """Act on what was appended to the supervisor's log, and tell the service."""
        assert first == self._outbox.last + 1
        self._keep(entries)
        for entry in entries:
            if isinstance(entry, EndedEntry):
                self._schedule.release(entry.note.slots)
        self._start_next()
        self._tell()

    def _keep(self, entries: list[Entry]) -> None:
        self._outbox.append([entry.report() for entry in entries])
        for entry in entries:
            match entry:
                case EndedEntry():
                    self._running.discard(entry.execution_id)
                    self._ended.add(entry.execution_id)
                    prepares = entry.note.prepares
                    if prepares and entry.cause is EndCause.EXITED and entry.exit_code == 0:
                        self._prepared.add(*prepares)
                        self._schedule.release_held(prepares[0])
                case RemovedEntry():
                    self._removed.add(entry.removal)
