"""Waiting for something that can be seen, instead of sleeping and hoping."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

#: Short against everything waited for, long against the cost of looking.
POLL_SECONDS = 0.02


def wait_until(
    condition: Callable[[], Value], seconds: float, what: str, poll_seconds: float = POLL_SECONDS
) -> Value:
    """Return the first true value of `condition`, which is looked at again and again.

    Raises:
        TimeoutError: naming `what` and the last value, if it does not come within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what} (last seen: {value!r})")
        time.sleep(poll_seconds)
