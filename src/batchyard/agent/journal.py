"""The agent's side of the supervisor's numbered log, and the operations of the supervisor."""

from datetime import UTC, datetime

import msgspec

from batchyard.core.states import EndCause, ExecutionKind
from batchyard.link.messages import (
    Assignment,
    Coordinated,
    DirectoryRemoved,
    Ended,
    Report,
    Started,
)


class Note(msgspec.Struct, frozen=True, array_like=True):
    """What an agent must know again of an execution that an earlier one started.

    `prepares` is the id of the job whose preparation it is, and the directory of that.
    """

    slots: int
    prepares: tuple[str, str] | None = None


NO_NOTE = Note(0)


def note_of(assignment: Assignment, slots_max: int) -> Note:
    """Return what a later agent must know of an execution on a node of `slots_max` slots."""
    is_preparation = assignment.kind is ExecutionKind.PREPARATION
    return Note(
        min(assignment.slots, slots_max),
        (assignment.job_id, assignment.directory) if is_preparation else None,
    )


class StartedEntry(msgspec.Struct, frozen=True, array_like=True, tag="started"):
    """`Started`, in seconds since 1970."""

    execution_id: str
    time: float

    def report(self) -> Report:
        """Return it as the service hears it."""
        return Started(self.execution_id, instant(self.time))


class CoordinatedEntry(msgspec.Struct, frozen=True, array_like=True, tag="coordinated"):
    """`Coordinated`, in seconds since 1970."""

    execution_id: str
    time: float

    def report(self) -> Report:
        """Return it as the service hears it."""
        return Coordinated(self.execution_id, instant(self.time))


class EndedEntry(msgspec.Struct, frozen=True, array_like=True, tag="ended"):
    """`Ended`, in seconds since 1970. What ran no process has used nothing."""

    execution_id: str
    cause: EndCause
    exit_code: int | None
    message: str
    start_time: float | None
    end_time: float
    note: Note
    used: tuple[int, int, int, int] = (0, 0, 0, 0)

    def report(self) -> Report:
        """Return it as the service hears it."""
        start = None if self.start_time is None else instant(self.start_time)
        return Ended(
            self.execution_id,
            self.cause,
            self.exit_code,
            self.message,
            start,
            # The clock may have been set back meanwhile.
            max(instant(self.end_time), start or instant(self.end_time)),
            self.used,
        )


class RemovedEntry(msgspec.Struct, frozen=True, array_like=True, tag="removed"):
    """`DirectoryRemoved`."""

    removal: int

    def report(self) -> Report:
        """Return it as the service hears it."""
        return DirectoryRemoved(self.removal)


Entry = StartedEntry | CoordinatedEntry | EndedEntry | RemovedEntry


class Begun(msgspec.Struct, frozen=True, array_like=True):
    """An execution that counts as running while its files are fetched, at `time` since 1970.

    `boot_clock` is the same instant by the boot clock.
    """

    assignment: Assignment
    time: float
    boot_clock: float


class Attached(msgspec.Struct, frozen=True):
    """The supervisor's first line to an agent.

    `begun` are the executions that an earlier agent began and the supervisor has not spawned.
    """

    epoch: int
    boot_time: float
    running: list[tuple[str, Note]]
    begun: list[Begun]
    first: int
    entries: list[Entry]


class Appended(msgspec.Struct, frozen=True):
    """Each later line: new entries of the log."""

    first: int
    entries: list[Entry]


class Operation(msgspec.Struct, frozen=True, tag_field="operation", tag=str.lower):
    """What the supervisor does for the agent."""


class Attach(Operation, frozen=True):
    """Ask for `Attached`, and for everything that is appended from then on."""


class SetEnvironment(Operation, frozen=True, tag="environment"):
    """Give the variables that all later executions have in common."""

    base: dict[str, str]


class Begin(Operation, frozen=True):
    """Log that an execution started, and keep what is to be done for whoever attaches next.

    It is over with its `Spawn`, or with an entry of its end.
    """

    execution_id: str
    begun: Begun


class Spawn(Operation, frozen=True, omit_defaults=True):
    """Start an execution. `account` is a uid and a gid; `limit` is in seconds.

    One that `is_lingering` is over with its main process; the others live on (P-27). One that
    `is_staying` is not over with a main process that exits with 0: what that has left lives on
    until it is stopped (T-59). One that `continues` appends to the logs that are there.
    """

    execution_id: str
    note: Note
    program: str
    arguments: list[str]
    environment: dict[str, str]
    directory: str
    account: tuple[int, int] | None
    limit: float | None
    is_lingering: bool = False
    is_staying: bool = False
    continues: bool = False


class StopProcesses(Operation, frozen=True, tag="stop"):
    """End executions: SIGTERM to all their processes, and SIGKILL after `grace` seconds."""

    execution_ids: list[str]
    grace: float


class Log(Operation, frozen=True):
    """Append entries."""

    entries: list[Entry]


class Forget(Operation, frozen=True, tag="acknowledge"):
    """Forget the entries up to `number`."""

    number: int


class End(Operation, frozen=True, tag="shutdown", omit_defaults=True):
    """Kill everything and end; `if_idle` spares what a start task left running."""

    if_idle: bool = False


def instant(seconds: float) -> datetime:
    """Return the instant that lies `seconds` after 1970 began, in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


class Outbox:
    """The reports that the service has not acknowledged, and how far it has been told.

    One batch is under way at a time. So a single report goes at once, and those of a busy node
    gather while the service commits the batch before.
    """

    def __init__(self, first: int) -> None:
        #: Number of the first of `reports`.
        self.first = first
        self.reports: list[Report] = []
        self._told = first - 1
        self._awaited = first - 1

    @property
    def last(self) -> int:
        """Number of the last report."""
        return self.first + len(self.reports) - 1

    @property
    def untold(self) -> int:
        """How many reports the service has not been told."""
        return self.last - self._told

    def append(self, reports: list[Report]) -> None:
        """Add reports with the next numbers."""
        self.reports += reports

    def restart(self) -> tuple[int, list[Report]]:
        """Begin with a new connection, whose `Welcome` carries the returned reports."""
        # Nobody promised to acknowledge a `Welcome`, so the next batch does not wait for that.
        self._told = self.last
        self._awaited = self.first - 1
        return self.first, list(self.reports)

    def next_batch(self) -> tuple[int, list[Report]] | None:
        """Return the first number and the reports to send now; None while one is under way."""
        if self._awaited >= self.first or self._told == self.last:
            return None
        first = self._told + 1
        self._told = self._awaited = self.last
        return first, self.reports[first - self.first :]

    def acknowledge(self, number: int) -> list[Report]:
        """Drop and return the reports up to `number`.

        A higher number than the last one moves the numbers of all later reports.
        """
        count = max(0, number - self.first + 1)
        dropped = self.reports[:count]
        del self.reports[:count]
        self.first += count
        self._told = max(self._told, self.first - 1)
        return dropped
