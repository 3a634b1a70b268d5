"""The data folder of a server: one server at a time, and who it is."""

import fcntl
import os
import signal
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

#: How long a server may take to end after it was asked to. Source: ours.
_END_SECONDS_MAX: Final = 30.0


class AlreadyServing(Exception):
    """Another server works on the data folder."""


class StillServing(Exception):
    """The server was asked to end and has not."""


class _Serving(msgspec.Struct, frozen=True):
    """What a server leaves in its lock file."""

    pid: int


class DataFolder:
    """A data folder; a context that holds it for one server."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self.database: Final = path / "batchyard.db"
        self._lock_path: Final = path / "server.lock"
        self._lock: int | None = None

    def __enter__(self) -> Self:
        """Make the folder if need be, and hold it.

        Raises:
            AlreadyServing: Another server does.
            OSError: The folder cannot be made or written to.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o711)
        lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _try_lock(lock):
            os.close(lock)
            raise AlreadyServing(f"process {self._serving_pid()} serves {self.path} already")
        os.ftruncate(lock, 0)
        os.pwrite(lock, msgspec.json.encode(_Serving(os.getpid())), 0)
        self._lock = lock
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the folder free."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def end_server(self) -> int | None:
        """Ask the server of this folder to end, and wait; return its pid, None if there was none.

        Raises:
            StillServing: It does not end in time.
        """
        pid = None
        end = time.monotonic() + _END_SECONDS_MAX
        while self._is_held():
            if pid is None:
                pid = self._serving_pid()
                if pid is not None:
                    os.kill(pid, signal.SIGTERM)
            if time.monotonic() > end:
                raise StillServing(f"the server, process {pid}, does not end")
            time.sleep(0.02)  # A lock cannot be waited for with an end.
        return pid

    def _is_held(self) -> bool:
        try:
            lock = os.open(self._lock_path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return not _try_lock(lock)
        finally:
            os.close(lock)

    def _serving_pid(self) -> int | None:
        try:
            return msgspec.json.decode(self._lock_path.read_bytes(), type=_Serving).pid
        except (FileNotFoundError, msgspec.DecodeError):
            return None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
