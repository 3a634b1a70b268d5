"""Finds, starts and talks to the supervisor of a node."""

import asyncio
import fcntl
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from batchyard.agent import processes
from batchyard.agent.journal import Appended, Attach, Attached, End, Entry, Operation
from batchyard.agent.settings import Layout, NodeSettings
from batchyard.agent.strays import sweep_strays
from batchyard.link.address import address_of
from batchyard.link.receiving import Receiver

_LOG: Final = logging.getLogger(__name__)

#: How long a supervisor may take to start, to answer or to end before it is killed.
ANSWER_SECONDS_MAX: Final = 15.0

#: Starts that are tried. More than one, for another one may just begin to hold the lock.
_STARTS_MAX: Final = 3

_SUPERVISOR: Final = Path(__file__).with_name("supervisor.py")


class SupervisorFailed(Exception):
    """A supervisor cannot be started; why stands in the agent's log."""


class SupervisorLost(Exception):
    """The supervisor of this epoch is dead without an orderly end, and with it all tasks."""


class _Holder(msgspec.Struct, frozen=True):
    """What a supervisor leaves in its lock file as long as it has not ended in order."""

    pid: int
    start_time: int | None
    epoch: int


class Attachment(msgspec.Struct, frozen=True):
    """A fresh connection: what the supervisor said first, and the bytes that came after it."""

    connection: socket.socket
    attached: Attached
    rest: bytes


def attach(layout: Layout, settings: NodeSettings) -> Attachment:
    """Attach to the supervisor of this epoch, started now if the epoch had none yet.

    One of an earlier epoch is ended with all that it runs. Before a start strays are killed.
    Blocks; only the agent that holds the lock of the node may call it.

    Raises:
        SupervisorLost: This epoch had one, and it died.
        SupervisorFailed: None can be started.
    """
    end = time.monotonic() + ANSWER_SECONDS_MAX
    starts_left = _STARTS_MAX
    while True:
        if not _is_locked(layout.supervisor_lock):
            holder = _holder(layout.supervisor_lock)
            strays = sweep_strays(layout.home)
            if holder is not None and holder.epoch == settings.epoch:
                raise SupervisorLost(f"It was process {holder.pid}; it left {strays} processes.")
            if starts_left == 0:
                raise SupervisorFailed(f"{_STARTS_MAX} attempts to start one failed.")
            starts_left -= 1
            _start(layout)
        elif (found := _connect(layout, end)) is not None:
            if found.attached.epoch == settings.epoch:
                return found
            _LOG.info("Ending the life of epoch %s", found.attached.epoch)
            found.connection.sendall(msgspec.json.encode(End()) + b"\n")
            found.connection.close()
            wait_for_end(layout)
        if time.monotonic() > end:
            _kill(layout)
            end = time.monotonic() + ANSWER_SECONDS_MAX


def wait_for_end(layout: Layout) -> None:
    """Wait until no supervisor holds the lock; kill one that takes too long."""
    end = time.monotonic() + ANSWER_SECONDS_MAX
    while _is_locked(layout.supervisor_lock):
        if time.monotonic() > end:
            _kill(layout)
        time.sleep(0.005)  # A lock has no other way to be waited for with an end.


def end(layout: Layout) -> None:
    """End everything that runs on the node, its supervisor and its agent; its files stay.

    For whoever is not the agent. Blocks until nothing is left; does nothing if nothing runs.
    """
    end_time = time.monotonic() + ANSWER_SECONDS_MAX
    while _is_locked(layout.supervisor_lock):
        found = _connect(layout, end_time)
        if found is not None:
            found.connection.sendall(msgspec.json.encode(End()) + b"\n")
            found.connection.close()
            wait_for_end(layout)
        elif time.monotonic() > end_time:
            _kill(layout)
    sweep_strays(layout.home)
    while _is_locked(layout.agent_lock):
        time.sleep(0.005)  # It hears of the supervisor's end; a lock cannot be waited for.


def has_ended_in_order(layout: Layout) -> bool:
    """Whether a supervisor that is gone had nothing left to do, or no home any more."""
    return _holder(layout.supervisor_lock) is None


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _holder(path: Path) -> _Holder | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Holder)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _kill(layout: Layout) -> None:
    holder = _holder(layout.supervisor_lock)
    if holder is not None and processes.start_time(holder.pid) == holder.start_time:
        _LOG.error("The supervisor, process %s, does not answer and is killed", holder.pid)
        processes.send(holder.pid, signal.SIGKILL)


def _start(layout: Layout) -> None:
    """Start a supervisor in a session of its own and wait until it listens."""
    with layout.agent_log.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  # Ourselves.
            [sys.executable, "-I", "-S", "-X", "utf8", str(_SUPERVISOR), str(layout.home)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env={"LC_ALL": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
        )
    assert process.stdout is not None
    with process.stdout as ready:
        # One that ends at once says nothing: another one, started a moment ago by an agent that
        # was killed, may have the lock. The caller looks again.
        if not ready.readline():
            process.wait()


def _connect(layout: Layout, end: float) -> Attachment | None:
    """Connect and attach; None if nobody answers for now, though somebody has the lock."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(max(0.1, end - time.monotonic()))
    try:
        with address_of(layout.supervisor_socket) as address:
            connection.connect(address)
        connection.sendall(msgspec.json.encode(Attach()) + b"\n")
        data = b""
        while b"\n" not in data:
            piece = connection.recv(1 << 16)
            if not piece:
                raise ConnectionError("The supervisor hung up.")
            data += piece
    except OSError:
        connection.close()
        time.sleep(0.005)  # It is about to listen, or about to end.
        return None
    line, _, rest = data.partition(b"\n")
    return Attachment(connection, msgspec.json.decode(line, type=Attached), rest)


class SupervisorLink(Receiver):
    """The conversation with the supervisor. Operations of one turn of the loop go as one write."""

    def __init__(
        self,
        on_entries: Callable[[int, list[Entry]], None],
        on_lost: Callable[[Exception | None], None],
    ) -> None:
        super().__init__()
        self._on_entries = on_entries
        self._on_lost = on_lost
        self._decoder = msgspec.json.Decoder(Appended)
        self._encoder = msgspec.json.Encoder()
        self._incoming = b""
        self._outgoing: list[bytes] = []
        self._transport: asyncio.WriteTransport | None = None

    async def open(self, attachment: Attachment) -> None:
        """Go on with a connection that is attached."""
        loop = asyncio.get_running_loop()
        attachment.connection.setblocking(False)  # noqa: FBT003  # The library's own order.
        await loop.create_connection(lambda: self, sock=attachment.connection)
        self.data_received(attachment.rest)

    def do(self, operation: Operation) -> None:
        """Ask the supervisor for something; it obeys in the order of the calls."""
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outgoing += [self._encoder.encode(operation), b"\n"]

    def _flush(self) -> None:
        if self._transport is not None:
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to write."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand on each complete line."""
        *lines, self._incoming = (self._incoming + data).split(b"\n")
        for line in lines:
            appended = self._decoder.decode(line)
            self._on_entries(appended.first, appended.entries)

    def connection_lost(self, error: Exception | None) -> None:
        """Say that the supervisor is gone, for it never hangs up on a living agent.

        Or that our own side failed on what it said: then there is an error that is no
        `ConnectionError`.
        """
        self._transport = None
        self._on_lost(error)
