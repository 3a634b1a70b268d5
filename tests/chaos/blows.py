"""The blows: what is killed or stopped, found on this machine as an administrator would find it."""

import json
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests import processes
from tests.processes import Process

#: How the processes of a node are told from one another.
_AGENT: Final = "-m batchyard.agent "
_SUPERVISOR: Final = "/supervisor.py "

#: The blows of each kind of chaos. The first word says what is done, the second one to whom.
KINDS: Final[dict[str, tuple[str, ...]]] = {
    "server": ("kill server",),
    "agent": ("kill agent",),
    "supervisor": ("kill supervisor",),
    "node": ("kill node",),
    "stop": ("stop server", "stop agent", "stop supervisor"),
    "mixed": (
        "kill server",
        "kill agent",
        "kill supervisor",
        "kill node",
        "stop server",
        "stop agent",
        "stop supervisor",
    ),
}


@dataclass(frozen=True, slots=True)
class Node:
    """A node of this machine: who it is, in which life, and the processes that are there now."""

    id: str
    epoch: int
    agents: Sequence[Process]
    supervisors: Sequence[Process]

    def tasks(self) -> list[Process]:
        """Return all processes of its tasks."""
        return [one for parent in self.supervisors for one in processes.descendants(parent.pid)]


def nodes(data: Path) -> list[Node]:
    """Return the nodes of a data folder, in the order of their ids."""
    living = [(one, f"{one.command_line()} ") for one in processes.about(data)]
    found = []
    for settings in data.glob("nodes/*/node.json"):
        home = f"{settings.parent} "
        node = json.loads(settings.read_bytes())
        agents = [one for one, line in living if f"{_AGENT}{home}" in line]
        supervisors = [one for one, line in living if f"{_SUPERVISOR}{home}" in line]
        found.append(Node(node["node_id"], node["epoch"], agents, supervisors))
    return sorted(found, key=lambda node: node.id)


def kill(victims: Sequence[Process]) -> None:
    """Kill -9, in this order; what is gone already is gone."""
    for one in victims:
        _send(one, signal.SIGKILL)


@contextmanager
def stopped(victims: Sequence[Process]) -> Iterator[None]:
    """Keep processes from doing anything, as a machine does that is short of everything."""
    for one in victims:
        _send(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in victims:
            _send(one, signal.SIGCONT)


def _send(one: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        if one.is_alive():
            os.kill(one.pid, number)
