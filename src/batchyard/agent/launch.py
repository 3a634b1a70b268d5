"""How the supervisor starts the process of one execution, and what it knows of it.

Standard library only and few imports, as all that the supervisor uses.
"""

# pathlib is a large import for a small process.
# ruff: noqa: PTH110, PTH113

import errno
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    import resource

#: A task inherits nothing of what Python or whoever started the server ignores.
_RESTORED_SIGNALS = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}

_LOG_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND

PROGRAM_NOT_FOUND = "programnotfound"
LAUNCH_FAILED = "launchfailed"
DIRECTORY_FAILED = "directoryfailed"


class NotLaunched(Exception):
    """The process could not be started; `cause` is the `EndCause`."""

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause


class Execution:
    """One execution, from its spawn until nothing of it is left."""

    __slots__ = (
        "cause",
        "deadline",
        "id",
        "is_killed",
        "is_lingering",
        "is_staying",
        "kill_time",
        "note",
        "pid",
        "start_time",
        "status",
        "used",
    )

    def __init__(
        self,
        execution_id: str,
        note: object,
        pid: int,
        start_time: float,
        deadline: float | None,
        is_lingering: bool,  # noqa: FBT001
        is_staying: bool,  # noqa: FBT001
    ) -> None:
        self.id = execution_id
        #: What the agent wants to be told again with every mention.
        self.note = note
        self.pid = pid
        #: In seconds since 1970.
        self.start_time = start_time
        #: When its wall-clock time is over, by the boot clock.
        self.deadline = deadline
        #: Whether it is a start task, which may leave processes.
        self.is_lingering = is_lingering
        #: Whether it is a subtask, which is not over with its coordination command.
        self.is_staying = is_staying
        #: When the grace after a SIGTERM is over, by the boot clock; None if it was not asked.
        self.kill_time: float | None = None
        self.is_killed = False
        self.cause: str | None = None
        self.status = 0
        #: Microseconds in user mode and in the kernel, blocks of 512 bytes read and written, by
        #: those of its processes that were reaped.
        self.used = [0, 0, 0, 0]

    @property
    def leaves_others(self) -> bool:
        """Whether its other processes live on after the main process: nobody ended it (P-27)."""
        return self.is_lingering and self.cause is None

    @property
    def stays(self) -> bool:
        """Whether it is not over with its main process: that did what it had to (T-59)."""
        return self.is_staying and self.cause is None and self.status == 0

    def count(self, usage: "resource.struct_rusage") -> None:
        """Add what a process used that was reaped, with those below it that it reaped itself."""
        used = self.used
        used[0] += int(usage.ru_utime * 1_000_000)
        used[1] += int(usage.ru_stime * 1_000_000)
        used[2] += usage.ru_inblock
        used[3] += usage.ru_oublock


def encoded(environment: dict[str, str]) -> dict[bytes, bytes]:
    """Return variables as the system takes them."""
    return {os.fsencode(name): os.fsencode(value) for name, value in environment.items()}


def launch(
    program: str,
    arguments: list[str],
    base: dict[bytes, bytes],
    own: dict[str, str],
    directory: str,
    account: list[int] | None,
    continues: bool,  # noqa: FBT001
) -> int:
    """Start `program` in a session of its own and return its pid.

    Its variables are those of `base`, encoded before, and its `own`.

    It runs in ``directory/wd`` with the descriptors 0, 1 and 2 only: nothing to read, and
    ``directory/stdout.txt`` and ``stderr.txt``, which are emptied first (T-18) unless it
    `continues`. With an `account` (uid and gid) it has that account's rights from its first action
    on, so the logs too are opened with them, and a symbolic link in their place leads no further
    than the task itself could go.

    Raises:
        NotLaunched: It does not run, and the message says why.
    """
    output = f"{directory}/stdout.txt"
    error_output = f"{directory}/stderr.txt"
    flags = _LOG_FLAGS if continues else _LOG_FLAGS | os.O_TRUNC
    try:
        _enter(f"{directory}/wd")
    except OSError as error:
        raise NotLaunched(DIRECTORY_FAILED, _text(error, f"{directory}/wd")) from error
    try:
        # The real ids only: with `resetids` the child makes them its effective ones, without a
        # Python-made child and what that costs.
        if account is not None:
            os.setresgid(account[1], -1, -1)
            os.setresuid(account[0], -1, -1)
        return os.posix_spawn(
            program,
            arguments,
            {**base, **encoded(own)},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, output, flags, 0o644),
                (os.POSIX_SPAWN_OPEN, 2, error_output, flags, 0o644),
            ],
            resetids=account is not None,
            setsid=True,
            setsigmask=[],
            setsigdef=_RESTORED_SIGNALS,
        )
    except ValueError as error:
        raise NotLaunched(LAUNCH_FAILED, f"The command cannot be started: {error}.") from error
    except OSError as error:
        raise _explanation(error, program, directory) from error
    finally:
        if account is not None:
            os.setresuid(0, -1, -1)
            os.setresgid(0, -1, -1)
        os.chdir("/")


def _enter(path: str) -> None:
    """Make `path` the working directory, unless somebody put a symbolic link there."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchdir(descriptor)
    finally:
        os.close(descriptor)


def _explanation(error: OSError, program: str, directory: str) -> NotLaunched:
    """Say what an error number of ``posix_spawn`` means: its several steps share the numbers."""
    for name in ("stdout.txt", "stderr.txt"):
        if not os.path.isfile(f"{directory}/{name}"):
            return NotLaunched(DIRECTORY_FAILED, _text(error, f"{directory}/{name}"))
    if error.errno == errno.ENOENT:
        if os.path.exists(program):
            return NotLaunched(
                LAUNCH_FAILED,
                f"The interpreter that the first line of {program} names does not exist.",
            )
        return NotLaunched(PROGRAM_NOT_FOUND, _text(error, program))
    if error.errno == errno.EACCES:
        return NotLaunched(LAUNCH_FAILED, f"{program} is not executable: {_text(error, program)}")
    if error.errno == errno.ENOEXEC:
        return NotLaunched(
            LAUNCH_FAILED,
            f"{program} is neither a binary for this machine nor a script that names its"
            " interpreter with #! in its first line.",
        )
    return NotLaunched(LAUNCH_FAILED, _text(error, program))


def _text(error: OSError, path: str) -> str:
    return f"{error.strerror}: {path}"
