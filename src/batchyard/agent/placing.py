"""Puts fetched files into the working directory of an execution, and nowhere else.

An earlier attempt, or what a start task left running, may have put links there and may exchange
folders while we work, and we may be root. So a path is walked by descriptors that never follow a
link, and a file is written under a name of ours before it takes the place of what has its name.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from batchyard.agent.fetch_link import NotFetched, Owner
from batchyard.core.states import EndCause

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

#: Mode of a folder that nobody but us can put to another place.
_OURS_ALONE: Final = 0o700


class PartFile:
    """A file on its way; it has its name and mode when it is finished."""

    def __init__(self, folder: int, part_name: str, name: str, owner: Owner | None) -> None:
        self._folder = folder
        self._part_name = part_name
        self._name = name
        self._owner = owner
        with contextlib.suppress(FileNotFoundError):  # Left by one that was killed.
            os.unlink(part_name, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(part_name, flags, 0o600, dir_fd=folder)

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            NotFetched: They cannot be written.
        """
        with _explained():
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def empty(self) -> None:
        """Begin again."""
        with _explained():
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)

    def finish(self, mode: int) -> None:
        """Give the file its owner, its mode and its name; what had that is replaced.

        Raises:
            NotFetched: Something has its name that cannot be replaced, for example a folder.
        """
        with _explained():
            if self._owner is not None:
                # Before the mode: a change of owner takes some of its bits away.
                os.fchown(self._descriptor, self._owner.uid, self._owner.gid)
                mode &= ~self._owner.withheld
            os.fchmod(self._descriptor, mode)
            os.rename(self._part_name, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def close(self) -> None:
        """Take away what is not finished."""
        os.close(self._descriptor)
        with contextlib.suppress(OSError):
            os.unlink(self._part_name, dir_fd=self._folder)


class WorkingDirectory:
    """The folder that the files of one execution go to."""

    def __init__(self, path: str, owner: Owner | None) -> None:
        """Open it.

        Raises:
            NotFetched: It is not there, or a link has its name.
        """
        self._owner = owner
        with _explained():
            self._folder = os.open(path, _FOLDER)

    def close(self) -> None:
        """Close it."""
        os.close(self._folder)

    @contextmanager
    def part_file(self, path: str, number: int) -> Iterator[PartFile]:
        """Give an empty file that will be at `path`; the folders on the way are made.

        `number` tells it from others that are under way in the same folder.

        Raises:
            NotFetched: The path leaves the directory, or cannot be made.
        """
        *folders, name = _parts(path)
        with _explained():
            folder = self._walk(folders)
        try:
            with _explained():
                file = PartFile(folder, f".batchyard-part-{number}", name, self._owner)
            try:
                yield file
            finally:
                file.close()
        finally:
            os.close(folder)

    def _walk(self, folders: list[str]) -> int:
        here = os.dup(self._folder)
        for name in folders:
            above = here
            try:
                here = self._enter(above, name)
            finally:
                os.close(above)
        return here

    def _enter(self, above: int, name: str) -> int:
        try:
            os.mkdir(name, _OURS_ALONE, dir_fd=above)
            is_new = True
        except FileExistsError:
            is_new = False
        here = os.open(name, _FOLDER, dir_fd=above)
        try:
            if is_new:
                # The name may stand for another folder by now. One of these only we could move.
                status = os.fstat(here)
                if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) != _OURS_ALONE:
                    raise FileExistsError(f"Somebody else put another folder there: {name}")
                if self._owner is not None:
                    os.fchown(here, self._owner.uid, self._owner.gid)
                os.fchmod(here, 0o755)
        except OSError:
            os.close(here)
            raise
        return here


def _parts(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if not parts or path.startswith("/") or path.endswith("/") or ".." in parts or "\0" in path:
        raise NotFetched(
            EndCause.FILE_WRITE_FAILED, "the path names no file below the working directory"
        )
    return parts


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = f"it cannot be written: {error.strerror or error}"
        raise NotFetched(EndCause.FILE_WRITE_FAILED, reason) from error
