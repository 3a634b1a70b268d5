"""A disk of its own whose power can be cut: ext4 in a file, shut down by the kernel.

After the shutdown nothing more reaches the file, not even the file system's journal; what was not
forced to disk before is gone, as after the loss of power. Only Linux has this, and only for root.
"""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.waiting import wait_until

#: EXT4_IOC_SHUTDOWN, and its flag that says: without writing the journal (fs/ext4/ext4.h).
_SHUTDOWN: Final = 0x8004587D
_WITHOUT_JOURNAL: Final = struct.pack("I", 2)

_BYTES: Final = 128 * 1024 * 1024


class NotToBeHad(Exception):
    """This machine gives no such disk."""


class Disk:
    """A mounted disk."""

    def __init__(self, folder: Path) -> None:
        self.path: Final = folder / "disk"
        self._image: Final = folder / "disk.ext4"
        if os.geteuid() != 0:
            raise NotToBeHad("only root can mount a disk")
        if shutil.which("mkfs.ext4") is None:
            raise NotToBeHad("there is no mkfs.ext4")
        self.path.mkdir()
        with self._image.open("wb") as file:
            file.truncate(_BYTES)
        _run("mkfs.ext4", "-q", "-F", str(self._image))
        self._mount()
        # Searchable by the accounts that tasks run as.
        self.path.chmod(0o755)
        os.sync()

    def cut_power(self) -> None:
        """Let nothing more reach the disk."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, _WITHOUT_JOURNAL)
        finally:
            os.close(descriptor)

    def restart(self) -> None:
        """Mount what the disk holds. Nobody may use it."""
        self.unmount()
        self._mount()

    def unmount(self) -> None:
        """Give the disk back; what it held stays in its file."""

        def is_done() -> bool:
            command = ["umount", str(self.path)]
            return subprocess.run(command, capture_output=True, check=False).returncode == 0

        wait_until(is_done, 20, f"{self.path} is unmounted")

    def _mount(self) -> None:
        _run("mount", "-o", "loop,noauto_da_alloc", str(self._image), str(self.path))


@contextmanager
def disk_in(folder: Path) -> Iterator[Disk]:
    """Give a new disk.

    Raises:
        NotToBeHad: This machine gives none.
    """
    disk = Disk(folder)
    try:
        yield disk
    finally:
        disk.unmount()


def _run(*command: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise NotToBeHad(f"{' '.join(command)}: {result.stderr.strip()}")
