"""The files of a node as clients see them: no path and no link leads out of the root.

A task may plant links, exchange folders while we look, and make files that block whoever opens
them, and we may be root. So a path is walked folder by folder by descriptors that never follow a
link; links are followed by hand, inside the root only. Source: F-30.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from batchyard.core import limits
from batchyard.link.messages import FileEntry

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

#: Links on one way; as many as the kernel follows.
_LINKS_MAX: Final = 40

#: Errors of a path that is none, besides those with a class of their own.
_NO_WAY: Final = frozenset({errno.ELOOP, errno.ENAMETOOLONG})

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class NoSuchFile(Exception):
    """There is no such file, or it is not one to be read, or it lies outside of the root."""


class Tree:
    """The files below a node's root. All its methods may run in any thread."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def parts(self, path: str) -> list[str]:
        """Split a path of a request.

        Raises:
            NoSuchFile: It is absolute, or it has ``..`` or a null character in it.
        """
        parts = [part for part in path.split("/") if part not in {"", "."}]
        if path.startswith("/") or ".." in parts or "\0" in path:
            raise NoSuchFile(path)
        return parts

    @contextmanager
    def parent_of(self, path: str, *, is_followed: bool = False) -> Iterator[tuple[int, str]]:
        """Give a descriptor of the folder that `path` ends in, and the last name.

        With `is_followed` a link in the last place is followed, so that the name is of a thing
        itself, at the time of this look. The root is ``.`` in itself.

        Raises:
            NoSuchFile: A folder on the way is missing, or the way leads out of the root.
        """
        walk = _Walk(self._root, path)
        try:
            name = walk.go(self.parts(path), is_followed=is_followed)
            yield walk.here, name
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NoSuchFile(path) from error
        except OSError as error:
            if error.errno in _NO_WAY:
                raise NoSuchFile(path) from error
            raise
        finally:
            walk.close()

    def stat(self, path: str) -> FileEntry:
        """Return the properties of what is at `path`, links followed.

        Raises:
            NoSuchFile: There is nothing.
        """
        with self.parent_of(path, is_followed=True) as (parent, name):
            return _entry(path, os.stat(name, dir_fd=parent, follow_symlinks=False))

    def read(self, path: str, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset` on; fewer only where the file ends.

        Raises:
            NoSuchFile: There is no regular file.
            ValueError: The range is none, or longer than `FILE_CHUNK_BYTES_MAX`.
        """
        if offset < 0 or not 0 <= length <= limits.FILE_CHUNK_BYTES_MAX:
            raise ValueError(f"{length} bytes from {offset} on")
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with self.parent_of(path, is_followed=True) as (parent, name):
            # Looked at before it is opened, too: opening alone has effects on some devices.
            if not stat.S_ISREG(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                raise NoSuchFile(path)
            descriptor = os.open(name, flags, dir_fd=parent)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise NoSuchFile(path)
            pieces: list[bytes] = []
            while length > 0 and (piece := os.pread(descriptor, length, offset)):
                pieces.append(piece)
                offset += len(piece)
                length -= len(piece)
            return b"".join(pieces)
        finally:
            os.close(descriptor)

    def delete(self, path: str) -> None:
        """Remove one file, link or empty folder.

        Raises:
            NoSuchFile: There is nothing.
            OSError: With ENOTEMPTY, the folder is not empty.
        """
        with self.parent_of(path) as (parent, name):
            if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                os.rmdir(name, dir_fd=parent)
            else:
                os.unlink(name, dir_fd=parent)

    def list_folder(
        self, path: str, prefix: str, after: str | None, limit: int, *, is_recursive: bool
    ) -> tuple[list[FileEntry], bool]:
        """Return up to `limit` entries below the folder `path`, and whether more follow.

        Names are relative to `path`, start with `prefix`, come in the order of their characters
        and after the name `after`, so that pages neither repeat nor leave out what was there all
        the time. Folders that hold none of them are not read, and only about `limit` entries of
        any other one are looked at closely. A link stands for what it leads to, if that is inside
        the root, and is never descended into. Names that are no UTF-8 are left out.

        Raises:
            NoSuchFile: There is no such folder.
        """
        found: list[FileEntry] = []
        with self.parent_of(path, is_followed=True) as (parent, name):
            base = os.open(name, _FOLDER, dir_fd=parent)
        try:
            waiting = self._read_folder(base, path, "", prefix, after, limit, is_recursive)
            while waiting:
                name, entry = waiting.pop()
                if entry is None:
                    waiting += self._read_folder(
                        base, path, name, prefix, after, limit, is_recursive
                    )
                elif len(found) == limit:
                    return found, True
                else:
                    found.append(entry)
        finally:
            os.close(base)
        return found, False

    def _read_folder(
        self,
        base: int,
        path: str,
        folder: str,
        prefix: str,
        after: str | None,
        limit: int,
        is_recursive: bool,  # noqa: FBT001
    ) -> list[tuple[str, FileEntry | None]]:
        """Return the entries of one folder, last first; those without properties are subfolders.

        The entries below a folder ``a`` all start with ``a/``, so sorting that name among the
        others puts them in their place.
        """
        try:
            descriptor = _descend(base, folder)
        except OSError:
            return []  # It has gone since we read its name, or is not ours to read.
        try:
            keys: list[str] = []
            with os.scandir(descriptor) as scan:
                for item in scan:
                    name = f"{folder}{item.name}"
                    if not _is_text(name):
                        continue
                    if name.startswith(prefix) and (after is None or name > after):
                        keys.append(name)
                    below = f"{name}/"
                    if (
                        is_recursive
                        and (below.startswith(prefix) or prefix.startswith(below))
                        and (after is None or below > after or after.startswith(below))
                        and item.is_dir(follow_symlinks=False)
                    ):
                        keys.append(below)
            keys.sort()
            del keys[2 * (limit + 1) :]
            entries: list[tuple[str, FileEntry | None]] = []
            for key in keys:
                if key.endswith("/"):
                    entries.append((key, None))
                elif (entry := self._look(descriptor, path, key, key[len(folder) :])) is not None:
                    entries.append((key, entry))
            entries.reverse()
            return entries
        finally:
            os.close(descriptor)

    def _look(self, descriptor: int, path: str, name: str, last: str) -> FileEntry | None:
        try:
            status = os.stat(last, dir_fd=descriptor, follow_symlinks=False)
        except OSError:
            return None
        if stat.S_ISLNK(status.st_mode):
            try:
                target = self.stat(f"{path}/{name}" if path else name)
            except (NoSuchFile, OSError):
                return _entry(name, status)
            return FileEntry(
                name, target.is_directory, target.size_bytes, target.modified_time, target.mode
            )
        return _entry(name, status)


class _Walk:
    """A way from the root down, folder by folder."""

    def __init__(self, root: Path, path: str) -> None:
        self._root = str(root)
        self._path = path
        self._folders = [os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]

    @property
    def here(self) -> int:
        return self._folders[-1]

    def close(self) -> None:
        while self._folders:
            os.close(self._folders.pop())

    def go(self, parts: list[str], *, is_followed: bool) -> str:
        """Go to the last but one of `parts`; return the last, or what it leads to."""
        links = 0
        name = "."
        waiting = parts[::-1]
        while waiting:
            name = waiting.pop()
            if name == "..":
                if len(self._folders) == 1:
                    raise NoSuchFile(self._path)
                os.close(self._folders.pop())
                name = "."
                continue
            if not waiting and not is_followed:
                return name
            target = self._link(name)
            if target is not None:
                links += 1
                if links > _LINKS_MAX:
                    raise NoSuchFile(self._path)
                waiting += self._steps(target)[::-1]
                name = "."
            elif waiting:
                self._folders.append(os.open(name, _FOLDER, dir_fd=self.here))
                name = "."
        return name

    def _link(self, name: str) -> str | None:
        """Return where a link leads; None if it is none."""
        if not stat.S_ISLNK(os.stat(name, dir_fd=self.here, follow_symlinks=False).st_mode):
            return None
        return os.readlink(name, dir_fd=self.here)

    def _steps(self, target: str) -> list[str]:
        if target.startswith("/"):
            inside = target.removeprefix(self._root)
            if inside == target or not f"{inside}/".startswith("/"):
                raise NoSuchFile(self._path)
            while len(self._folders) > 1:
                os.close(self._folders.pop())
            target = inside
        return [part for part in target.split("/") if part not in {"", "."}]


def _descend(base: int, folder: str) -> int:
    descriptor = os.dup(base)
    for part in folder.split("/"):
        if part:
            parent = descriptor
            try:
                descriptor = os.open(part, _FOLDER, dir_fd=parent)
            finally:
                os.close(parent)
    return descriptor


def _is_text(name: str) -> bool:
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _entry(name: str, status: os.stat_result) -> FileEntry:
    try:
        modified = datetime.fromtimestamp(status.st_mtime, UTC)
    except (OverflowError, ValueError):
        modified = _EPOCH  # Any number can be set as the time of a file.
    return FileEntry(name, stat.S_ISDIR(status.st_mode), status.st_size, modified, status.st_mode)
