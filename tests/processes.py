"""What runs on this machine, as /proc tells it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """One process; its start time tells it from a later one with the same number."""

    pid: int
    start_ticks: int

    def is_alive(self) -> bool:
        """Return whether it still runs; one that waits to be reaped does not."""
        stat = _stat(self.pid)
        return stat is not None and stat.start_ticks == self.start_ticks and stat.state != "Z"

    def command_line(self) -> str:
        """Return its arguments with spaces between, empty once it has ended."""
        return _text(self.pid, "cmdline").replace("\0", " ").strip()


@dataclass(frozen=True, slots=True)
class _Stat:
    parent: int
    state: str
    start_ticks: int


def _text(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _stat(pid: int) -> _Stat | None:
    # The name in brackets may hold anything, brackets too: what follows the last one counts.
    fields = _text(pid, "stat").rpartition(")")[2].split()
    return _Stat(int(fields[1]), fields[0], int(fields[19])) if fields else None


def _stats() -> dict[int, _Stat]:
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return {pid: stat for pid in pids if (stat := _stat(pid)) is not None}


def process(pid: int) -> Process:
    """Return the process that has this number now.

    Raises:
        ProcessLookupError: if there is none.
    """
    stat = _stat(pid)
    if stat is None:
        raise ProcessLookupError(pid)
    return Process(pid, stat.start_ticks)


def descendants(pid: int) -> list[Process]:
    """Return the children of `pid`, their children and so on, parents first."""
    stats = _stats()
    found: list[Process] = []
    parents = [pid]
    while parents:
        parent = parents.pop(0)
        for child, stat in stats.items():
            if stat.parent == parent:
                found.append(Process(child, stat.start_ticks))
                parents.append(child)
    return found


def about(folder: Path) -> list[Process]:
    """Return the living processes that `folder` shows in: arguments, environment or directory."""
    return [
        Process(pid, stat.start_ticks)
        for pid, stat in _stats().items()
        if stat.state != "Z" and _mentions(pid, str(folder))
    ]


def _mentions(pid: int, folder: str) -> bool:
    if folder in _text(pid, "cmdline") or folder in _text(pid, "environ"):
        return True
    try:
        return folder in str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return False


def alive(processes: Iterable[Process]) -> list[str]:
    """Return those that still run, in words that help when a test fails."""
    return [f"{one.pid}: {one.command_line()}" for one in processes if one.is_alive()]
