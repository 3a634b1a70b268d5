"""One connection of the service to the agent, from its `Hello` on."""

import asyncio
import logging
from typing import Final, Protocol

import msgspec

from batchyard.link import frames
from batchyard.link.messages import PROTOCOL, FromAgent, Hello, Refusal, ToAgent, Welcome
from batchyard.link.receiving import Receiver

_LOG: Final = logging.getLogger(__name__)


class Host(Protocol):
    """What a conversation needs of the agent."""

    @property
    def epoch(self) -> int:
        """The life of the node that it serves."""

    def greet(self, conversation: "Conversation", hello: Hello) -> Welcome:
        """Make `conversation` the one and only, and return what it begins with."""

    def obey(self, message: ToAgent) -> None:
        """Do what the service asks for."""

    def part(self, conversation: "Conversation", error: Exception | None) -> None:
        """Note that `conversation` is over; it may be an older one than the one and only.

        It may be over because we failed on a message: then there is an error that is no
        `ConnectionError`.
        """


class Conversation(Receiver):
    """Reads messages and refuses those of a peer that is not ours."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._reader = frames.to_agent()
        self._transport: asyncio.WriteTransport | None = None
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to write."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand on each message; hang up on what is none."""
        try:
            for message in self._reader.feed(data):
                if self._transport is None or self._transport.is_closing():
                    return
                self._hear(message)
        except (msgspec.MsgspecError, frames.FrameTooLarge) as error:
            _LOG.warning("Hanging up on a peer that does not speak our protocol: %s", error)
            self.close()

    def _hear(self, message: ToAgent) -> None:
        if self._is_open:
            self._host.obey(message)
        elif not isinstance(message, Hello):
            self._refuse("The conversation does not begin with a Hello.")
        elif message.protocol != PROTOCOL:
            self._refuse(f"This node speaks protocol {PROTOCOL}, not {message.protocol}.")
        elif message.epoch != self._host.epoch:
            self._refuse(f"This is life {self._host.epoch} of the node, not {message.epoch}.")
        else:
            self._is_open = True
            self.send(self._host.greet(self, message))

    def _refuse(self, reason: str) -> None:
        _LOG.warning("Refused a connection: %s", reason)
        self.send(Refusal(reason))
        self.close()

    def send(self, message: FromAgent) -> None:
        """Send a message, or drop it when the connection is gone: a new one begins anew."""
        if self._transport is not None:
            self._transport.write(frames.encode(message))

    def close(self) -> None:
        """Hang up when all is written."""
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the agent."""
        self._transport = None
        if self._is_open:
            self._host.part(self, error)
