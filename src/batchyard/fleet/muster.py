"""Nodes that are started together are ready together, where it costs next to nothing.

A job of a few short tasks would else run on whichever node won the race by a few milliseconds, and
its other nodes would stay idle. No node waits long for another one: tasks start as soon as single
nodes are ready (T-33).
"""

import asyncio
from typing import Final

#: How long a node waits for those that were started with it. Source: ours; about as long as the
#: starts of two nodes on two processors lie apart.
_SECONDS_MAX: Final = 0.25


class Muster:
    """Nodes of one allocation, until each has come or will not come. Belongs to the event loop."""

    def __init__(self, expected: int, seconds_max: float = _SECONDS_MAX) -> None:
        self._missing = expected
        self._seconds_max = seconds_max
        self._complete = asyncio.Event()

    def leave(self) -> None:
        """Say that a node will not come, or has long been there."""
        self._missing -= 1
        if self._missing == 0:
            self._complete.set()

    async def arrive(self) -> bool:
        """Wait for the others, not long; return whether all have come."""
        self.leave()
        try:
            async with asyncio.timeout(self._seconds_max):
                await self._complete.wait()
        except TimeoutError:
            return False
        return True
