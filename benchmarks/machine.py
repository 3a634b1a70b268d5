"""What the operating system tells about processes, and a file system that nobody has used yet."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
#: A file with holes: it takes from the disk what is written to it.
IMAGE_BYTES = 32 * 1024**3
#: One inode for so many bytes: a task has four of them, and little in them.
BYTES_PER_INODE = 8192


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A folder to measure in, and in words what it lies on."""

    folder: Path
    description: str


@contextmanager
def fresh_file_system() -> Iterator[FileSystem]:
    """Make a new ext4 in a file and mount it; without the right to do so, a temporary folder.

    A file system in use may be many times slower at making files than a new one, and differently
    so from run to run.
    """
    place = Path(tempfile.mkdtemp(prefix="batchyard-bench-"))
    mounted = False
    try:
        # The accounts that tasks run as must be able to reach the folders of nodes.
        place.chmod(0o755)
        folder = place / "mount"
        folder.mkdir()
        mounted = _mount(place / "image", folder)
        words = "a new ext4 image" if mounted else f"{folder} as it is (no right to mount an image)"
        yield FileSystem(folder, words)
    finally:
        if mounted:
            _unmount(folder)
        shutil.rmtree(place, ignore_errors=True)


def _mount(image: Path, folder: Path) -> bool:
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        return False
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    options = ["-i", str(BYTES_PER_INODE), "-E", "lazy_itable_init=0,lazy_journal_init=0"]
    subprocess.run(["mkfs.ext4", "-q", "-F", *options, str(image)], check=True)
    result = subprocess.run(
        ["mount", "-o", "loop", str(image), str(folder)], capture_output=True, check=False
    )
    return result.returncode == 0


def _unmount(folder: Path) -> None:
    deadline = time.monotonic() + 10
    while subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode:
        if time.monotonic() > deadline:
            # Somebody still has a file open: it vanishes as soon as they are gone.
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
            return
        time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class CpuTime:
    """What a process has used itself, and what its children that have ended have used."""

    own_seconds: float
    children_seconds: float

    @property
    def seconds(self) -> float:
        """Both together."""
        return self.own_seconds + self.children_seconds


def cpu_time(pid: int) -> CpuTime:
    """Return the CPU time of a process, zero when it has ended."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        user, system, children_user, children_system = (int(field) for field in fields[11:15])
        return CpuTime(
            (user + system) / TICKS_PER_SECOND,
            (children_user + children_system) / TICKS_PER_SECOND,
        )
    return CpuTime(0.0, 0.0)


def busy_seconds() -> float:
    """Return for how long the processors have worked, all of them together, since the start."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    user, nice, system, _idle, _iowait, interrupts, soft_interrupts, *_ = fields
    return (user + nice + system + interrupts + soft_interrupts) / TICKS_PER_SECOND


def proportional_bytes(pids: Iterable[int]) -> int:
    """Return the memory of these processes, a page that several share divided among them."""
    return sum(_bytes_of(pid, "smaps_rollup", "Pss") for pid in pids)


def resident_bytes(pid: int) -> int:
    """Return the memory of a process, shared pages included."""
    return _bytes_of(pid, "status", "VmRSS")


def peak_bytes(pid: int) -> int:
    """Return the most memory that a process has had."""
    return _bytes_of(pid, "status", "VmHWM")


def _bytes_of(pid: int, file: str, name: str) -> int:
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0
