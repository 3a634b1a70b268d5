"""What a client is: somebody who asks for things of one kind, drawn from the world's seed."""

from collections.abc import Callable
from random import Random
from typing import Final

from batchyard.sim.clients.requests import Requests


class Client:
    """Asks while there are faults, and once more in calm.

    Each has a source of chance of its own: one more client, or one that asks for more, leaves what
    the others want as it is.
    """

    def __init__(self, requests: Requests, seconds: float) -> None:
        self.requests: Final = requests
        self.world: Final = requests.world
        self.random: Final = Random(f"{requests.world.seed} {type(self).__name__}")  # noqa: S311
        self._seconds = seconds

    def begin(self) -> None:
        """Plan what is asked for while there are faults, and when."""

    def come_again(self) -> None:
        """Plan what is asked for in calm."""

    def later(self, share: float, action: Callable[[], None]) -> None:
        """Have something done within this share of the time in which clients are busy."""
        self.world.timeline.after(self.random.uniform(0.0, share * self._seconds), action)

    def some(self, most: int, action: Callable[[], None]) -> None:
        """Have something done up to so many times."""
        for _ in range(self.random.randint(0, most)):
            self.later(1.0, action)
