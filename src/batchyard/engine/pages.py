"""Pages of lists, made one after another, out of the way of what has to be committed.

A page of a thousand things takes the interpreter for more than ten milliseconds, and so much of
them is lost to the writer. A client that lists in a loop, or ten of them, would have most of it. So
one thread makes all pages, and after a page it rests for a multiple of the time that the writer
worked meanwhile. While nothing is written there is no rest, and small reads never wait for a page.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from time import monotonic
from typing import ParamSpec, TypeVar

from batchyard.core import limits

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

#: Tells for how many seconds, in all, the writer has worked.
WorkedSeconds = Callable[[], float]


class PageMaker:
    """Owns the thread that makes pages."""

    def __init__(self, worked_seconds: WorkedSeconds) -> None:
        self._worked_seconds = worked_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pages")
        self._is_closing = Event()
        #: Until when the thread rests, on the monotonic clock; only the thread itself looks at it.
        self._resume_seconds = 0.0

    def submit(
        self, make: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> "Future[Result]":
        """Have `make` called when it is its turn."""

        def turn() -> Result:
            self._is_closing.wait(max(0.0, self._resume_seconds - monotonic()))
            before = self._worked_seconds()
            try:
                return make(*args, **kwargs)
            finally:
                rest = rest_seconds(self._worked_seconds() - before)
                self._resume_seconds = monotonic() + rest

        return self._thread.submit(turn)

    def close(self) -> None:
        """Make the pages that were asked for without any rest, and end the thread."""
        self._is_closing.set()
        self._thread.shutdown()


def rest_seconds(worked_seconds: float) -> float:
    """Return how long to make no page, after one during which the writer worked for so long."""
    most = limits.PAGE_REST_TIME_MAX.total_seconds()
    return min(limits.PAGE_REST_FACTOR * worked_seconds, most)
