"""The messages between the service and the agent of a node.

Every message may be repeated, lost or overtaken by the end of its connection (architecture.md
section 5, rules 3 and 4). Orders are therefore idempotent by their id, and what a node has to tell
is a numbered log of reports that it keeps until its number is acknowledged.

A conversation: the service connects and sends `Hello`; the agent answers `Welcome` with all it
knows and every report above the acknowledged number; from then on orders flow one way, `Reports`
the other, and each `Reports` is acknowledged after its commit.
"""

from datetime import datetime
from typing import Final

import msgspec

from batchyard.core.states import EndCause, ExecutionKind

#: Moves when a message changes its meaning; an agent of another protocol is refused.
PROTOCOL: Final = 5


class Message(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """One frame's content."""


# Reports: entries of a node's numbered log.


class Started(Message, frozen=True):
    """The execution has left the queue of its node; from `time` on it counts as running."""

    execution_id: str
    time: datetime


class Coordinated(Message, frozen=True):
    """The coordination command of a subtask has exited with 0; the execution stays (T-59)."""

    execution_id: str
    time: datetime


class Ended(Message, frozen=True):
    """The execution is over, and no process of it is left.

    `start_time` is absent when it never started: it was stopped before its turn. `used` is what its
    processes used: microseconds in user mode and in the kernel, blocks of 512 bytes read and
    written.
    """

    execution_id: str
    cause: EndCause
    exit_code: int | None
    message: str
    start_time: datetime | None
    end_time: datetime
    used: tuple[int, int, int, int] = (0, 0, 0, 0)


class DirectoryRemoved(Message, frozen=True):
    """The directory of a `RemoveDirectory` is gone from the node's tree."""

    removal: int


Report = Started | Coordinated | Ended | DirectoryRemoved


# From the service to the node.


class Hello(Message, frozen=True):
    """Opens a conversation. Reports up to number `acknowledged` are in the store."""

    protocol: int
    epoch: int
    acknowledged: int
    account_name: str
    account_url: str


class ResourceFileOrder(Message, frozen=True):
    """A file to fetch before the command runs; `path` is relative to the working directory.

    `mode` is what ``chmod`` takes.
    """

    url: str
    path: str
    mode: int


class Assignment(Message, frozen=True):
    """One execution to run.

    `directory` is relative to the node's root, with ``wd`` below it. `wait_for` names the
    preparation execution that must exit with 0 first; if it fails, the service decides. `slots`
    is 0 for what runs beside the slots (J-75, J-81). `wall_clock_seconds_max` is None for no limit.
    `environment` holds the user's settings only; the node adds its own ``AZ_BATCH_*`` variables.
    `authentication_token` is for the task to ask the service with (J-64).

    A subtask has the coordination command, and its resource files go to `directory` itself; when
    the command exits with 0, it is `Coordinated` and stays, with all processes that it has left,
    until it is stopped. The application command of the primary runs beside it, in the same
    directory, and goes on with its logs (T-59).

    A start task has the directory ``startup`` and no job or task id; what it leaves running lives
    until the end of this life of the node (P-27, architecture.md section 8).
    """

    execution_id: str
    kind: ExecutionKind
    job_id: str
    task_id: str
    directory: str
    preparation_directory: str | None
    command_line: str
    environment: dict[str, str]
    is_elevated: bool
    slots: int
    wait_for: str | None
    wall_clock_seconds_max: float | None
    resource_files: list[ResourceFileOrder] = []
    authentication_token: str | None = None


class Assign(Message, frozen=True):
    """Run these. An execution that the node knows already is passed over."""

    executions: list[Assignment]


class Stop(Message, frozen=True):
    """End these executions, and start none of them any more.

    Each is answered by an `Ended`, at once when the node does not know it.
    """

    execution_ids: list[str]
    grace_seconds: float


class Recall(Message, frozen=True):
    """Give back those of these executions that have not started, and never start them.

    Each of them is answered by an `Ended`; one that has started goes on.
    """

    execution_ids: list[str]


class RemoveDirectory(Message, frozen=True):
    """Remove a directory and all below it; `path` is relative to the node's root.

    When the report is out, the path is free to be used again; the bytes may go a little later.
    """

    removal: int
    path: str


class Acknowledge(Message, frozen=True):
    """Reports up to `number` are in the store; the node may forget them."""

    number: int


class Shutdown(Message, frozen=True):
    """End every process of the node, then the node itself."""


Order = Assign | Stop | Recall | RemoveDirectory


class ListFiles(Message, frozen=True):
    """Ask for entries below `path`, sorted by name, after the name `after`, at most `limit`.

    Only names that start with `prefix` count. Names in the answer are relative to `path`.
    """

    request: int
    path: str
    is_recursive: bool
    prefix: str
    after: str | None
    limit: int


class StatFile(Message, frozen=True):
    """Ask for the properties of one file or directory."""

    request: int
    path: str


class ReadFile(Message, frozen=True):
    """Ask for at most `length` bytes of a file from `offset` on."""

    request: int
    path: str
    offset: int
    length: int


class DeleteFile(Message, frozen=True):
    """Ask for the removal of one file, or of a directory."""

    request: int
    path: str
    is_recursive: bool


ToAgent = (
    Hello
    | Assign
    | Stop
    | Recall
    | RemoveDirectory
    | Acknowledge
    | Shutdown
    | ListFiles
    | StatFile
    | ReadFile
    | DeleteFile
)


# From the node to the service.


class Welcome(Message, frozen=True):
    """Answers `Hello` with everything the node knows.

    `known` names the executions that wait or run here. `reports` are all above the acknowledged
    number, the first of them numbered `first_number`.
    """

    protocol: int
    epoch: int
    boot_time: datetime
    known: list[str]
    first_number: int
    reports: list[Report]


class Refusal(Message, frozen=True):
    """Answers a `Hello` that this node cannot serve; the connection ends after it."""

    reason: str


class Reports(Message, frozen=True):
    """The next entries of the log, the first of them numbered `first_number`."""

    first_number: int
    reports: list[Report]


class FileEntry(Message, frozen=True):
    """One file or directory. `mode` is the ``st_mode`` of the file system."""

    name: str
    is_directory: bool
    size_bytes: int
    modified_time: datetime
    mode: int


class FileList(Message, frozen=True):
    """Answers `ListFiles`. `has_more` says that names follow after the last one."""

    request: int
    entries: list[FileEntry]
    has_more: bool


class FileProperties(Message, frozen=True):
    """Answers `StatFile`."""

    request: int
    entry: FileEntry


class FileChunk(Message, frozen=True):
    """Answers `ReadFile`. Shorter than asked only at the end of the file."""

    request: int
    data: bytes


class FileDeleted(Message, frozen=True):
    """Answers `DeleteFile`."""

    request: int


class FileRefused(Message, frozen=True):
    """Answers a request about files that cannot be met.

    `reason` is ``notfound`` (also for a path that leaves the root), ``notempty`` or ``failed``.
    """

    request: int
    reason: str
    message: str


FromAgent = (
    Welcome | Refusal | Reports | FileList | FileProperties | FileChunk | FileDeleted | FileRefused
)
