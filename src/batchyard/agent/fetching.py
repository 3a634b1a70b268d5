"""The agent's side of fetching resource files: who waits for which, and the process that does it.

The process is started for the first file that is wanted and ended when there was none for a while.
Measured: it takes 0.2 s of processor to start and 20 MB while it lives; the HTTP client and TLS
in the agent itself would cost each node that ever fetched a file 12 MB for good.
"""

import asyncio
import logging
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Final

import msgspec

from batchyard.agent import processes
from batchyard.agent.fetch_link import Cancel, Fetch, Fetched, FetchOrder, Owner
from batchyard.agent.journal import Begun
from batchyard.core.states import EndCause

_LOG: Final = logging.getLogger(__name__)

#: How long the process is kept for nothing. Source: ours.
IDLE_SECONDS_MAX: Final = 30.0

#: Processes that may die under one execution's files. Source: ours; the loss of one is not the
#: task's fault, but its files may be what kills them.
_DEATHS_MAX: Final = 3


class _Wanted:
    """An execution that waits for its files."""

    __slots__ = ("begun", "cause", "deaths", "order", "timer")

    def __init__(self, begun: Begun, order: Fetch) -> None:
        self.begun = begun
        self.order = order
        #: Why it ends, once that is decided, whatever becomes of the files.
        self.cause: EndCause | None = None
        self.deaths = 0
        self.timer: asyncio.TimerHandle | None = None


class Fetching:
    """The executions that have begun and wait for their resource files."""

    def __init__(self, on_over: Callable[[Begun, EndCause | None, str], None]) -> None:
        self._on_over = on_over
        self._wanted: dict[int, _Wanted] = {}
        self._number = 0
        self._link: _FetcherLink | None = None
        self._idle_since = 0.0

    def begin(self, begun: Begun, directory: str, owner: Owner | None) -> None:
        """Fetch the files of an execution into `directory`; then call `on_over`.

        Its time is over when its wall-clock limit is, counted from `begun` (T-70).
        """
        loop = asyncio.get_running_loop()
        self._number += 1
        order = Fetch(self._number, directory, owner, begun.assignment.resource_files)
        wanted = self._wanted[self._number] = _Wanted(begun, order)
        limit = begun.assignment.wall_clock_seconds_max
        if limit is not None:
            left = begun.boot_clock + limit - processes.boot_time()
            wanted.timer = loop.call_later(max(0.0, left), self._cut, wanted, EndCause.TIMED_OUT)
        self._send(order)

    def stop(self, execution_id: str) -> bool:
        """Fetch no more for an execution; False if it does not wait for files."""
        for wanted in self._wanted.values():
            if wanted.begun.assignment.execution_id == execution_id:
                self._cut(wanted, EndCause.STOPPED)
                return True
        return False

    def rest(self) -> None:
        """End the process if nobody wanted it for a while. To be called now and then."""
        idle_seconds = asyncio.get_running_loop().time() - self._idle_since
        if not self._wanted and self._link is not None and idle_seconds > IDLE_SECONDS_MAX:
            self.close()

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._link is not None:
            self._link.end()
            self._link = None

    def _cut(self, wanted: _Wanted, cause: EndCause) -> None:
        if wanted.cause is None:
            wanted.cause = cause
            self._send(Cancel(wanted.order.number))

    def _send(self, order: FetchOrder) -> None:
        if self._link is None:
            try:
                self._link = _FetcherLink(self._take, self._lose)
            except OSError as error:
                _LOG.warning("Cannot start a process that fetches: %s", error)
                # In a turn of its own, as every other way to learn it.
                asyncio.get_running_loop().call_soon(
                    self._take,
                    Fetched(
                        order.number,
                        EndCause.FILE_DOWNLOAD_FAILED,
                        f"the node cannot fetch files: {error.strerror}",
                    ),
                )
                return
        self._link.send(order)

    def _take(self, fetched: Fetched) -> None:
        wanted = self._wanted.pop(fetched.number, None)
        if wanted is None:
            return
        if wanted.timer is not None:
            wanted.timer.cancel()
        self._idle_since = asyncio.get_running_loop().time()
        if wanted.cause is not None:
            self._on_over(wanted.begun, wanted.cause, "")
        else:
            self._on_over(wanted.begun, fetched.cause, fetched.message)

    def _lose(self, link: "_FetcherLink") -> None:
        if link is not self._link:
            return  # We ended it ourselves.
        self.close()
        _LOG.warning("The process that fetches died under %s executions", len(self._wanted))
        for number, wanted in list(self._wanted.items()):
            wanted.deaths += 1
            if wanted.cause is None and wanted.deaths < _DEATHS_MAX:
                self._send(wanted.order)
            else:
                reason = f"the process that fetches died {wanted.deaths} times"
                self._take(Fetched(number, EndCause.FILE_DOWNLOAD_FAILED, reason))


class _FetcherLink(asyncio.Protocol):
    """The process that fetches, and the conversation with it."""

    def __init__(
        self, on_fetched: Callable[[Fetched], None], on_lost: Callable[["_FetcherLink"], None]
    ) -> None:
        self._on_fetched = on_fetched
        self._on_lost = on_lost
        self._decoder = msgspec.json.Decoder(Fetched)
        self._incoming = b""
        self._outgoing = b""
        self._transport: asyncio.WriteTransport | None = None
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "batchyard.agent.fetcher"],
                    stdin=theirs.fileno(),
                    cwd="/",
                    start_new_session=True,
                )
            except OSError:
                ours.close()
                raise
        ours.setblocking(False)  # noqa: FBT003  # The library's own order.
        loop = asyncio.get_running_loop()
        self._opening = loop.create_task(loop.create_connection(lambda: self, sock=ours))

    def send(self, order: FetchOrder) -> None:
        """Send an order, at the latest when the conversation is open."""
        line = msgspec.json.encode(order) + b"\n"
        if self._transport is None:
            self._outgoing += line
        else:
            self._transport.write(line)

    def end(self) -> None:
        """Kill the process. When this returns it writes no more."""
        self._process.kill()
        self._process.wait()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to write."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.write(self._outgoing)
        self._outgoing = b""

    def data_received(self, data: bytes) -> None:
        """Hand on each complete line."""
        *lines, self._incoming = (self._incoming + data).split(b"\n")
        for line in lines:
            self._on_fetched(self._decoder.decode(line))

    def connection_lost(self, _error: Exception | None) -> None:
        """Say that it is gone, for it never hangs up on a living agent."""
        self._transport = None
        self._on_lost(self)
