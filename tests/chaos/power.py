"""A round in which the power of the disk is cut under load, and all processes with it."""

import signal
import sqlite3
import time
from pathlib import Path
from random import Random
from typing import Final

from batchyard.sim.rules import Rule, Violation
from tests import processes
from tests.chaos import blows
from tests.chaos.disk import Disk
from tests.chaos.site import Site
from tests.waiting import wait_until

DATABASE_WHOLE: Final = Rule("database-whole", "The database is whole after the loss of power.")

#: Bounds of what ends before the power is cut, and the longest time until then.
_ENDS: Final = (1, 100)
_SECONDS_MAX: Final = 4.0


class PowerLoss:
    """Cuts the power of a site once."""

    def __init__(self, site: Site, disk: Disk, random: Random) -> None:
        self.blows = 0
        self._site = site
        self._disk = disk
        self._random = random

    def rage(self) -> None:
        """Cut the power at any moment, look at what the disk holds, and start again."""
        self._site.wait(self._random.randint(*_ENDS), _SECONDS_MAX)
        self.blows += 1
        self._site.lose(self._site.nodes())
        self._disk.cut_power()
        self._kill_all()
        self._disk.restart()
        _require_whole(self._site.yard.data / "batchyard.db")
        begin = time.monotonic()
        self._site.up_again()
        self._site.watch.recovered(time.monotonic() - begin)
        self._site.wait(self._random.randint(*_ENDS), _SECONDS_MAX)

    def _kill_all(self) -> None:
        self._site.server.end(signal.SIGKILL)

        def is_empty() -> bool:
            left = processes.about(self._site.yard.data)
            blows.kill(left)
            return not left

        wait_until(is_empty, 20, "all processes are dead")


def _require_whole(database: Path) -> None:
    connection = sqlite3.connect(database)
    try:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
    finally:
        connection.close()
    if verdict != "ok":
        raise Violation(DATABASE_WHOLE, str(verdict))
