"""Finds and kills what a dead supervisor left running."""

import logging
import os
import signal
import time
from pathlib import Path
from typing import Final

from batchyard.agent import processes

#: The variable that names a process's node by the path of its home.
NODE_VARIABLE: Final = "BATCHYARD_NODE"

#: How long to try. A process that hangs in the kernel does not die before its call returns.
SWEEP_SECONDS_MAX: Final = 10.0

_LOG: Final = logging.getLogger(__name__)


def sweep_strays(home: Path) -> int:
    """Kill every task process of the node at `home` and return how many there were.

    A task process is one that carries the node's cookie in its environment, or that writes to a
    task's ``stdout.txt`` or ``stderr.txt`` as its standard output or error; and all below it. The
    node must have no supervisor. When this returns none is left, but for some that do not die
    within `SWEEP_SECONDS_MAX`, which are logged.
    """
    killed: set[int] = set()
    end = time.monotonic() + SWEEP_SECONDS_MAX
    while found := _strays(home):
        for pid in found:
            processes.send(pid, signal.SIGKILL)
        killed.update(found)
        if time.monotonic() > end:
            _LOG.error("These processes of the node do not end: %s", sorted(found))
            break
        time.sleep(0.001)  # They are init's children now: nobody tells us when they are gone.
    return len(killed)


def _strays(home: Path) -> set[int]:
    found: set[int] = set()
    for pid in processes.all_pids():
        if pid != os.getpid() and _is_of(pid, home) and processes.start_time(pid) is not None:
            found.add(pid)
            found.update(
                p for p in processes.descendants(pid) if processes.start_time(p) is not None
            )
    return found


def _is_of(pid: int, home: Path) -> bool:
    if processes.variable(pid, NODE_VARIABLE) == str(home):
        return True
    root = f"{home / 'root'}{os.sep}"
    for descriptor in (1, 2):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{descriptor}")  # noqa: PTH115  # Its bytes as they are.
        except OSError:
            return False
        target = target.removesuffix(" (deleted)")
        if target.startswith(root) and target.endswith(("/stdout.txt", "/stderr.txt")):
            return True
    return False
