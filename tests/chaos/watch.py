"""Follows a ledger while it grows."""

import json
import time
from pathlib import Path

from tests.chaos.ledger import Tail


class Watch:
    """How much has ended so far, and how long what was struck stays silent."""

    def __init__(self, ledger: Path) -> None:
        #: Processes that ended by themselves.
        self.ends = 0
        #: Longest time in seconds from a blow until the struck one worked again.
        self.slowest = 0.0
        self._tail = Tail(ledger)
        self._silent: dict[str, tuple[float, int]] = {}

    def struck(self, node: str, epoch: int) -> None:
        """A node was struck; it works again with the next task that it begins in this life."""
        self.look()
        self._silent[node] = (time.monotonic(), epoch)

    def recovered(self, seconds: float) -> None:
        """Something was back after this time."""
        self.slowest = max(self.slowest, seconds)

    def look(self) -> int:
        """Read what is new; return how much has ended."""
        for line in self._tail.read():
            if line.startswith("end "):
                self.ends += 1
            elif line.startswith("begin ") and self._silent:
                self._begun(json.loads(line.split(" ", 5)[5]))
        return self.ends

    def _begun(self, settings: dict[str, object]) -> None:
        node = str(settings["node_id"])
        since, epoch = self._silent.get(node, (0.0, 0))
        if since and int(str(settings["epoch"])) >= epoch:
            del self._silent[node]
            self.recovered(time.monotonic() - since)
