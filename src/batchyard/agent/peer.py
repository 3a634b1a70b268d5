"""The supervisor's end of its conversation with the agent: lines in, lines out.

Standard library only and few imports, as all that the supervisor uses.
"""

# pathlib is a large import for a small process.
# ruff: noqa: PTH108

import contextlib
import os
import select
import socket

#: Below what the allocator maps anew for each call. Source: ours.
_RECEIVE_BYTES = 64 * 1024


class Peer:
    """Listens for an agent and talks to the latest that came: the one before it is dead."""

    def __init__(self, folder: str, poll: select.poll) -> None:
        self._poll = poll
        self._listener = _listen(folder)
        self._connection: socket.socket | None = None
        self._incoming = b""
        self._outgoing = b""
        poll.register(self._listener, select.POLLIN)

    @property
    def is_there(self) -> bool:
        """Whether an agent is connected."""
        return self._connection is not None

    def handle(self, descriptor: int) -> list[bytes]:
        """Do what a ready descriptor asks for; return the lines that an agent has said."""
        if descriptor == self._listener.fileno():
            self._accept()
        elif self._connection is not None and descriptor == self._connection.fileno():
            return self._receive(self._connection)
        return []

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        if self._connection is not None:
            self._drop(self._connection)
        connection.setblocking(False)  # noqa: FBT003  # The library's own order.
        self._connection = connection
        self._poll.register(connection, select.POLLIN)

    def _drop(self, connection: socket.socket) -> None:
        self._poll.unregister(connection)
        connection.close()
        self._connection = None
        self._incoming = self._outgoing = b""

    def _receive(self, connection: socket.socket) -> list[bytes]:
        try:
            data = connection.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return []  # There is room to write, and `flush` will use it.
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return []
        *lines, self._incoming = (self._incoming + data).split(b"\n")
        return lines

    def say(self, line: str) -> None:
        """Send a line with the next `flush`, if anybody listens."""
        if self._connection is not None:
            self._outgoing += line.encode() + b"\n"

    def flush(self) -> None:
        """Send what can be sent without waiting; the poll tells when there is room for more."""
        if self._connection is None or not self._outgoing:
            return
        try:
            sent = self._connection.send(self._outgoing)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(self._connection)
            return
        self._outgoing = self._outgoing[sent:]
        events = select.POLLIN | (select.POLLOUT if self._outgoing else 0)
        self._poll.modify(self._connection, events)

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()


def _listen(folder: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # A relative name, for the path may be longer than an address can be.
    os.chdir(folder)
    with contextlib.suppress(FileNotFoundError):
        os.unlink("supervisor.sock")
    listener.bind("supervisor.sock")
    os.chdir("/")
    listener.listen(4)
    listener.setblocking(False)  # noqa: FBT003  # The library's own order.
    return listener
