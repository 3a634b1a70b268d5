"""The writer thread: takes all commands that wait into one transaction (group commit).

While one commit is being written to disk the next commands gather; they all share the one after it.
So safety costs one write to disk a batch, however many callers there are.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Final

from batchyard.core import limits
from batchyard.engine.cascade import Cascade
from batchyard.engine.engine import Command, Engine
from batchyard.engine.ports import Clock
from batchyard.engine.waits import Held

_log: Final = logging.getLogger(__name__)

#: Pause of the loops after one of them, or a commit, failed: the disk may be full. Source: ours.
_FAILURE_SECONDS: Final = 1.0


class WriterStopped(Exception):
    """The service is ending; the command was not carried out."""


@dataclass(frozen=True, slots=True)
class _Item:
    command: Command
    done: Future[object]


class Writer:
    """Owns the engine's thread. Commands may come from any thread."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="writer", daemon=True)
        self._is_stopping = False
        self._is_failing = False
        #: Seconds worked in all before, and since when the present work goes on; one value, so that
        #: other threads see both of the same moment.
        self._worked: tuple[float, float | None] = (0.0, None)

    @property
    def worked_seconds(self) -> float:
        """For how long the thread has worked in all, rather than waited for commands."""
        before, began = self._worked
        return before if began is None else before + monotonic() - began

    @property
    def held(self) -> Held:
        """The nodes of each pool that the last round of placement held."""
        return self._engine.held

    def start(self) -> None:
        """Look at the stored state and begin to take commands.

        Raises:
            Exception: The store cannot be read.
        """
        self._engine.start()
        self._thread.start()

    def stop(self) -> None:
        """Carry out what was taken, refuse the rest, and end the thread."""
        self._is_stopping = True
        self._queue.put(None)
        self._thread.join()

    def submit(self, command: Command) -> Future[object]:
        """Take over `command`; its future is done once it is on disk, or refused."""
        item = _Item(command, Future())
        if self._is_stopping:
            item.done.set_exception(WriterStopped())
        else:
            self._queue.put(item)
        return item.done

    def call(self, function: Callable[..., object], *arguments: object) -> Future[object]:
        """Take over a command that needs arguments."""

        def command(cascade: Cascade) -> object:
            return function(cascade, *arguments)

        return self.submit(command)

    def _work(self) -> None:
        while True:
            items = self._gather()
            if not items and self._is_stopping:
                break
            if not items and not self._is_failing and not self._engine.has_work:
                continue  # The look at the clock found nothing.
            self._worked = (self._worked[0], monotonic())
            self._carry_out(items)
            self._worked = (self.worked_seconds, None)
        self._refuse_rest()

    def _gather(self) -> list[_Item]:
        """Wait for something to do; return the commands that wait, at most a batch of them."""
        items: list[_Item] = []
        while len(items) < limits.GROUP_COMMIT_COMMANDS_MAX:
            try:
                item = self._queue.get_nowait() if items or self._is_stopping else self._next()
            except Empty:
                break
            if item is None:
                break
            items.append(item)
        return items

    def _next(self) -> _Item | None:
        """Wait for a command, but not when there is other work, or beyond when there may be.

        Raises:
            Empty: There may be other work.
        """
        if self._is_failing:
            return self._queue.get(timeout=_FAILURE_SECONDS)
        if self._engine.has_work:
            return self._queue.get_nowait()
        due = self._engine.next_due
        if due is None:
            return self._queue.get()
        wait = min(due - self._clock.now(), limits.CLOCK_UNSEEN_TIME_MAX)
        return self._queue.get(timeout=max(0.0, wait.total_seconds()))

    def _carry_out(self, items: list[_Item]) -> None:
        # A caller that is gone already wants nothing; from here on it cannot leave any more.
        items = [item for item in items if item.done.set_running_or_notify_cancel()]
        try:
            answers = self._engine.apply([item.command for item in items])
        except Exception as error:  # noqa: BLE001  # Every caller has to hear of it.
            _log.exception("a commit failed; %d commands did not happen", len(items))
            self._is_failing = True
            for item in items:
                item.done.set_exception(error)
            return
        self._is_failing = self._engine.is_failing
        for item, answer in zip(items, answers, strict=True):
            if answer.error is None:
                item.done.set_result(answer.value)
            else:
                item.done.set_exception(answer.error)

    def _refuse_rest(self) -> None:
        while True:
            try:
                item = self._queue.get_nowait()
            except Empty:
                return
            if item is not None:
                item.done.set_exception(WriterStopped())
