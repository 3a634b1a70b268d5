"""The directories of executions: made before them, and taken away in two steps after them."""

import contextlib
import errno
import logging
import os
import stat
import threading
import time
from typing import Final

from batchyard.agent.files import Tree
from batchyard.agent.settings import Layout, TaskAccount

_LOG: Final = logging.getLogger(__name__)

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

#: Share of the time that the removal of old files may be at work: it competes with tasks, and on
#: some file systems a burst of removals makes the next creations slow. Source: performance.md 7.
_REMOVAL_SHARE: Final = 0.5

#: Entries between two rests of the removal.
_REMOVAL_STEP_ENTRIES: Final = 100


def stage(layout: Layout, directory: str, owner: TaskAccount | None) -> None:
    """Make the directory of an execution and its ``wd``, both for `owner` (F-11).

    What is there from an earlier attempt stays (T-18).

    Raises:
        OSError: They cannot be made, or something else has their names.
    """
    path = f"{layout.root}/{directory}"
    _make(path)
    _make(f"{path}/wd")
    # By descriptor: an owner who is there already could exchange the path under our hands.
    descriptor = os.open(f"{path}/wd", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if owner is not None:
            os.fchown(descriptor, owner.uid, owner.gid)
    finally:
        os.close(descriptor)
    if owner is not None:  # Also when it was there: an agent may have died right after it made it.
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)


def stage_startup(layout: Layout, owner: TaskAccount | None) -> None:
    """Make the start task's directory ready for `owner`, whoever had it before (F-4, F-11).

    What is there stays but for the logs: processes of an earlier attempt may write to them still,
    and its account may have put links in their places, which root would follow.

    Raises:
        OSError: Something else has their names.
    """
    folder = os.open(layout.startup, _FOLDER)
    try:
        _give(folder, owner)
        for name in ("stdout.txt", "stderr.txt"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
        with contextlib.suppress(FileExistsError):
            os.mkdir("wd", 0o755, dir_fd=folder)
        working = os.open("wd", _FOLDER, dir_fd=folder)
        try:
            _give(working, owner)
        finally:
            os.close(working)
    finally:
        os.close(folder)


def _give(folder: int, owner: TaskAccount | None) -> None:
    if owner is not None:
        os.fchown(folder, owner.uid, owner.gid)
    elif os.geteuid() == 0:
        os.fchown(folder, 0, 0)
    os.fchmod(folder, 0o755)


def _make(path: str) -> None:
    """Make a folder, unless it is there already."""
    try:
        os.mkdir(path, 0o755)  # noqa: PTH102  # Called for every task: pathlib costs more.
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise
    except FileNotFoundError:
        os.makedirs(path, 0o755)  # noqa: PTH103  # As above.


def make_empty_logs(layout: Layout, directory: str, owner: TaskAccount | None) -> None:
    """Leave an empty ``stdout.txt`` and ``stderr.txt`` of an execution that never ran (F-6).

    Raises:
        OSError: They cannot be made.
    """
    for name in ("stdout.txt", "stderr.txt"):
        path = layout.root / directory / name
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            if owner is not None:
                os.fchown(descriptor, owner.uid, owner.gid)
        finally:
            os.close(descriptor)


class Trash:
    """Where removed directories go, and the thread that deletes them slowly.

    Moving there is one step of the file system: a directory that is made under the old name
    a moment later is another one.
    """

    def __init__(self, layout: Layout, tree: Tree) -> None:
        self._folder = layout.trash
        self._tree = tree
        self._kept = {str(folder.relative_to(layout.root)) for folder in layout.fixed_folders}
        self._number = max((int(p.name) for p in self._folder.iterdir()), default=0)
        self._numbering = threading.Lock()
        self._is_filled = threading.Event()
        self._is_filled.set()  # There may be something left from an earlier life.
        threading.Thread(target=self._run, name="trash", daemon=True).start()

    def check(self, path: str) -> None:
        """Refuse a path that belongs to the node itself.

        Raises:
            NoSuchFile: It leads out of the root.
            PermissionError: It is the root, or one of the folders that every node has.
        """
        if "/".join(self._tree.parts(path)) in {"", *self._kept}:
            raise PermissionError(errno.EPERM, "This folder belongs to the node", path)

    def take(self, path: str) -> None:
        """Move what is at `path` below the root into the trash.

        Raises:
            NoSuchFile: There is nothing, or `path` leads out of the root.
            PermissionError: It is the root, or one of the folders that every node has.
            OSError: It cannot be moved, for example because something is mounted there.
        """
        self.check(path)
        with self._tree.parent_of(path) as (parent, name):
            os.rename(name, self._new_name(), src_dir_fd=parent)
        self._is_filled.set()

    def _new_name(self) -> str:
        with self._numbering:
            self._number += 1
            return f"{self._folder}/{self._number}"

    def _run(self) -> None:
        while True:
            self._is_filled.wait()
            self._is_filled.clear()
            stuck: set[str] = set()
            try:
                while names := set(os.listdir(self._folder)) - stuck:  # noqa: PTH208  # Names only.
                    for name in names:
                        try:
                            self._delete(f"{self._folder}/{name}")
                        except OSError as error:
                            _LOG.warning("Removed files stay for now: %s", error)
                            stuck.add(name)
            except FileNotFoundError:
                return  # The node's home is gone, and so is all that we had to delete.

    def _delete(self, path: str) -> None:
        """Delete one thing in the trash.

        Folders below it are moved up into the trash before: a task may have nested them deeper
        than a recursion or a path can go.
        """
        begin = time.monotonic()
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except PermissionError:
            os.chmod(path, 0o700)  # noqa: PTH101
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno not in {errno.ENOTDIR, errno.ELOOP}:
                raise
            os.unlink(path)  # noqa: PTH108
            return
        try:
            os.fchmod(descriptor, 0o700)
            for number, (name, is_folder) in enumerate(_entries(descriptor), 1):
                if is_folder:
                    self._lift(descriptor, name)
                else:
                    os.unlink(name, dir_fd=descriptor)
                if number % _REMOVAL_STEP_ENTRIES == 0:
                    spent = time.monotonic() - begin
                    time.sleep(spent * (1 / _REMOVAL_SHARE - 1))
                    begin = time.monotonic()
        finally:
            os.close(descriptor)
        os.rmdir(path)  # noqa: PTH106

    def _lift(self, parent: int, name: str) -> None:
        try:
            os.rename(name, self._new_name(), src_dir_fd=parent)
        except PermissionError:
            # A folder that is not ours to write to cannot change its parent either.
            os.chmod(name, 0o700, dir_fd=parent)
            os.rename(name, self._new_name(), src_dir_fd=parent)


def _entries(descriptor: int) -> list[tuple[str, bool]]:
    with os.scandir(descriptor) as found:
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
