"""Whose are the processes that the supervisor has adopted?

When a process of a task ends, its children become the supervisor's. The supervisor must kill those
of an execution that is over, and none of one that runs or lingers: a start task lingers when its
main process is over and it left others running. Known owners come first, then guesses that
cannot hurt a running task:

1. the cookie: the environment variable that every process of an execution inherits;
2. recorded ancestry: it stood below the execution's main process when that was asked to end;
3. the session of the execution's main process;
4. else any of the executions that ran or lingered when it was first seen may own it, so it is let
   alone until the last of them is over.

Standard library only and few imports, as all that the supervisor uses.
"""

import os

from batchyard.agent import processes

#: The variable that names a process's execution.
EXECUTION_VARIABLE = "BATCHYARD_EXECUTION"

#: Stands for an execution that is over and reported, in place of its id.
NOBODY = ""


class Orphans:
    """What is known about adopted processes."""

    def __init__(self) -> None:
        # A pid in these two names one process for sure: as long as we do not reap it, the
        # system does not give the number to another one.
        self._owners: dict[int, str] = {}
        self._candidates: dict[int, frozenset[str]] = {}
        self._recorded: dict[int, tuple[int, str]] = {}
        self._spared: set[int] = set()
        # By execution, the session of what was its main process; 0 once nothing is in it, for
        # its number may then come again.
        self._lingering: dict[str, int] = {}
        # Those with a process at the last look.
        self._lingering_now: set[str] = set()

    def linger(self, execution_id: str, session: int) -> None:
        """Note that the main process of an execution is over, and what is left is to live on."""
        self._lingering[execution_id] = session
        self._lingering_now.add(execution_id)

    def end_lingering(self) -> None:
        """Note that nothing is to live on any more."""
        self._lingering.clear()
        self._lingering_now.clear()

    def end_stay(self, execution_id: str) -> None:
        """Note that what is left of one execution is not to live on any more."""
        self._lingering.pop(execution_id, None)
        self._lingering_now.discard(execution_id)

    @property
    def lingering(self) -> set[str]:
        """Executions that linger and had a process at the last look."""
        return self._lingering_now

    def forget(self, pid: int) -> str | None:
        """Note that a child was reaped; its number may come again. Return its owner, if known."""
        self._candidates.pop(pid, None)
        self._spared.discard(pid)
        return self._owners.pop(pid, None)

    def forget_execution(self, execution_id: str) -> None:
        """Note that an execution is over and reported."""
        self._recorded = {p: r for p, r in self._recorded.items() if r[1] != execution_id}

    def spare(self, pid: int) -> None:
        """Note that we may not kill this process: it took other rights, and we are not root."""
        self._spared.add(pid)

    def record(self, pid: int, execution_id: str) -> None:
        """Note that a process, not yet ours, stands below the main process of an execution."""
        if (start := processes.start_time(pid)) is not None:
            self._recorded[pid] = (start, execution_id)

    def look(self, alive: dict[int, str], ending: dict[int, str]) -> dict[str, list[int]]:
        """Return all adopted processes by their execution.

        `alive` and `ending` give the executions whose main process runs, or is over, by its pid.
        A process that could belong to an execution that is alive or lingers is given to that one.
        Only such executions, those in `ending` and `NOBODY` own something.
        """
        found: dict[str, list[int]] = {}
        for execution_id, session in self._lingering.items():
            if session in alive:  # So nothing was left in the session of that number.
                self._lingering[execution_id] = 0
        sessions = {s: e for e, s in self._lingering.items() if s} | alive | ending
        kept = {*alive.values(), *self._lingering}
        # Whoever says by its cookie that it is of an execution that lingers is believed, but
        # one that has left nothing is no candidate for what says nothing.
        current = frozenset({*alive.values(), *ending.values(), *self._lingering_now})
        for pid in processes.children(os.getpid()):
            if pid in alive or pid in self._spared:
                continue
            owner = self._owners.get(pid)
            if owner is None:
                owner = self._trace(pid, sessions)
                if owner is not None:
                    self._owners[pid] = owner
            if owner is None:
                candidates = self._candidates.setdefault(pid, current) & current
                # One that lives or lingers, if there is one, so that it is let alone.
                owner = max(candidates, key=kept.__contains__, default=NOBODY)
            elif owner not in current and owner not in kept:
                owner = NOBODY
            found.setdefault(owner, []).append(pid)
        if self._lingering:
            self._lingering_now = self._lingering.keys() & found.keys()
            for execution_id in self._lingering.keys() - found.keys():
                self._lingering[execution_id] = 0
        return found

    def _trace(self, pid: int, sessions: dict[int, str]) -> str | None:
        if owner := processes.variable(pid, EXECUTION_VARIABLE):
            return owner
        status = processes.status(pid)
        if status is None:
            return NOBODY
        recorded = self._recorded.get(pid)
        if recorded is not None and recorded[0] == status[3]:
            return recorded[1]
        return sessions.get(status[2])
