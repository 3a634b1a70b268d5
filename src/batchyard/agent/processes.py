"""What the operating system tells about processes, and does to them.

The one place of the agent package with calls that only Linux has. Elsewhere they answer "nothing
known", and a task's tree is only its process group. Standard library only and few imports: the
supervisor lives on this.
"""

# pathlib is a large import for a small process.
# ruff: noqa: PTH123, PTH208

import contextlib
import os
import signal
import time

_PR_SET_CHILD_SUBREAPER = 36

_PIECE_BYTES = 4096

_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_time() -> float:
    """Return seconds of a clock that nobody sets and that runs on while the machine sleeps."""
    return time.clock_gettime(_BOOT_CLOCK)


def become_subreaper() -> bool:
    """Make orphans among our descendants our children; False where that is not possible."""
    try:
        import ctypes  # noqa: PLC0415  # Large, and not every system has it.

        return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def status(pid: int) -> tuple[str, int, int, int] | None:
    """Return state letter, parent, session and start time of a process; None when it is gone.

    The start time is in clock ticks since the boot of the machine: with the pid it names a
    process for good, which the pid alone does not.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            data = file.read()
    except OSError:
        return None
    fields = data[data.rindex(b")") + 2 :].split(b" ", 20)
    return fields[0].decode(), int(fields[1]), int(fields[3]), int(fields[19])


def start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks; None when it is gone or only unreaped."""
    found = status(pid)
    return None if found is None or found[0] in "ZX" else found[3]


def all_pids() -> list[int]:
    """Return every process of the system."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return []


def children(pid: int) -> list[int]:
    """Return the children of a process, also those that are dead and not reaped."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, _read(f"/proc/{pid}/task/{thread}/children").split())
    except ProcessLookupError:
        pass  # It died meanwhile: its children are somebody else's now.
    except FileNotFoundError:
        if start_time(pid) is not None:  # The kernel was built without these files.
            return _children_by_search(pid)
    except OSError:
        pass
    return found


def _read(path: str) -> bytes:
    """Return a file of ``/proc`` whole; what Python's own files do besides costs more than that."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = [os.read(descriptor, _PIECE_BYTES)]
        while pieces[-1]:
            pieces.append(os.read(descriptor, _PIECE_BYTES))
    finally:
        os.close(descriptor)
    return b"".join(pieces)


def _children_by_search(pid: int) -> list[int]:
    return [other for other in all_pids() if (found := status(other)) and found[1] == pid]


def descendants(pid: int) -> list[int]:
    """Return the children of a process, their children, and so on, parents first."""
    found: list[int] = []
    seen = {pid}
    waiting = [pid]
    while waiting:
        for child in children(waiting.pop()):
            if child not in seen:
                seen.add(child)
                found.append(child)
                waiting.append(child)
    return found


def variable(pid: int, name: str) -> str | None:
    """Return an environment variable that a process was started with."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            data = b"\0" + file.read()
    except OSError:
        return None
    mark = b"\0" + os.fsencode(name) + b"="
    begin = data.find(mark)
    if begin < 0:
        return None
    begin += len(mark)
    return os.fsdecode(data[begin : data.index(b"\0", begin)])


def send(pid: int, number: int) -> bool:
    """Send a signal to a process; False when we may not, which root never hears."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        return False
    return True


def kill_group(pid: int) -> None:
    """Kill what is left of the process group of `pid`: all that can be done without ``/proc``."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
