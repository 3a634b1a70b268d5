"""Virtual time: one heap of actions, and the history of what they did."""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, TypeVar

Message = TypeVar("Message")

_START: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Timeline:
    """Runs actions in the order of their times; those of one instant in the order of asking."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.count = 0
        self.history: Final[list[str]] = []
        self._heap: Final[list[tuple[float, int, Callable[[], None]]]] = []
        self._order = 0

    def now(self) -> datetime:
        """Return the present instant; see `batchyard.engine.ports.Clock`."""
        return _START + timedelta(seconds=self.seconds)

    def stamp(self) -> float:
        """Return the present instant in seconds since 1970."""
        return _START.timestamp() + self.seconds

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Have `action` done in so many seconds."""
        self._order += 1
        heapq.heappush(self._heap, (self.seconds + seconds, self._order, action))

    def note(self, text: str) -> None:
        """Add a line to the history."""
        self.history.append(f"{self.seconds:9.3f} {text}")

    def run(self, until: float) -> None:
        """Do everything that is due up to `until`, or until nothing is left to do."""
        while self._heap and self._heap[0][0] <= until:
            self.seconds, _, action = heapq.heappop(self._heap)
            self.count += 1
            action()


class Stream(Generic[Message]):
    """Delivers messages in their order, each after a delay; what is under way dies with a cut."""

    def __init__(
        self,
        timeline: Timeline,
        delay: Callable[[], float],
        deliver: Callable[[Message], None],
    ) -> None:
        self._timeline = timeline
        self._delay = delay
        self._deliver = deliver
        self._last = 0.0
        self.is_open = True

    def send(self, message: Message) -> None:
        """Send a message; it is lost if the stream is cut before it arrives."""
        if not self.is_open:
            return
        self._last = max(self._last, self._timeline.seconds + self._delay())
        self._timeline.after(self._last - self._timeline.seconds, lambda: self._arrive(message))

    def cut(self) -> None:
        """Lose what is under way, and everything that is sent from now on."""
        self.is_open = False

    def _arrive(self, message: Message) -> None:
        if self.is_open:
            self._deliver(message)
