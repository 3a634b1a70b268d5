"""One connection to the agent of a node: orders one way, reports and answers the other."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from batchyard.core.errors import Defect, ErrorCode, Refused
from batchyard.core.limits import NODE_ANSWER_TIME_MAX
from batchyard.link import frames, messages
from batchyard.link.address import address_of
from batchyard.link.receiving import Receiver

Answer = messages.FileList | messages.FileProperties | messages.FileChunk | messages.FileDeleted
Expected = TypeVar("Expected", bound=Answer)

_log: Final = logging.getLogger(__name__)

#: What a node's reason for refusing a request about files means to a caller. Source: F-26, F-27.
_REFUSALS: Final = {
    "notfound": ErrorCode.FILE_NOT_FOUND,
    "notempty": ErrorCode.OPERATION_INVALID_FOR_CURRENT_STATE,
    "failed": ErrorCode.NODE_NOT_READY,
}


class AgentRefused(Exception):
    """The agent serves another life of the node, or speaks another protocol."""


class Connection(Receiver):
    """Speaks with one agent. Belongs to the event loop."""

    def __init__(self, on_reports: Callable[[messages.Reports], None]) -> None:
        super().__init__()
        loop = asyncio.get_running_loop()
        self.welcome: Final[asyncio.Future[messages.Welcome]] = loop.create_future()
        self.lost: Final[asyncio.Future[None]] = loop.create_future()
        self._on_reports = on_reports
        self._reader = frames.from_agent()
        self._transport: asyncio.WriteTransport | None = None
        self._requests = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}

    def send(self, message: messages.ToAgent) -> None:
        """Send a message; it is dropped when the connection is gone."""
        if self._transport is not None:
            self._transport.write(frames.encode(message))

    async def ask(
        self, expected: type[Expected], question: Callable[[int], messages.ToAgent]
    ) -> Expected:
        """Send the question with a number of its own and return its answer.

        Raises:
            Refused: ``NodeNotReady`` without an answer in time, and what the node refuses.
        """
        request = next(self._requests)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[request] = answer
        try:
            self.send(question(request))
            async with asyncio.timeout(NODE_ANSWER_TIME_MAX.total_seconds()):
                result = await answer
        except TimeoutError:
            raise Refused(
                ErrorCode.NODE_NOT_READY, Reason="The node does not answer; try again later"
            ) from None
        finally:
            del self._waiting[request]
        if not isinstance(result, expected):
            raise Defect(f"{result} does not answer what was asked")
        return result

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    # Receiver

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to write."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take each message; hang up on what is none of ours."""
        try:
            for message in self._reader.feed(data):
                self._hear(message)
        except (msgspec.MsgspecError, frames.FrameTooLarge) as error:
            _log.warning("an agent speaks no protocol of ours: %s", error)
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell everybody who waits."""
        self._transport = None
        reason = AgentRefused(f"the agent hung up: {error}")
        if not self.welcome.done():
            self.welcome.set_exception(reason)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(
                    Refused(ErrorCode.NODE_NOT_READY, Reason="The node went away; try again later")
                )
        if not self.lost.done():
            self.lost.set_result(None)

    def _hear(self, message: messages.FromAgent) -> None:
        match message:
            case messages.Welcome():
                if not self.welcome.done():
                    self.welcome.set_result(message)
            case messages.Refusal():
                if not self.welcome.done():
                    self.welcome.set_exception(AgentRefused(message.reason))
            case messages.Reports():
                self._on_reports(message)
            case messages.FileRefused():
                refused = Refused(_REFUSALS[message.reason], Reason=message.message)
                self._answer(message.request, refused)
            case _:
                self._answer(message.request, message)

    def _answer(self, request: int, result: Answer | Refused) -> None:
        answer = self._waiting.get(request)
        if answer is None or answer.done():
            return
        if isinstance(result, Refused):
            answer.set_exception(result)
        else:
            answer.set_result(result)


async def connect(
    socket_path: Path,
    hello: messages.Hello,
    on_reports: Callable[[messages.Reports], None],
) -> Connection:
    """Connect to an agent, say hello, and return the connection once the agent has answered.

    Raises:
        OSError: Nobody listens there.
        AgentRefused: The agent serves another life of the node, or another protocol.
        TimeoutError: It does not answer.
    """
    loop = asyncio.get_running_loop()
    with address_of(socket_path) as address:
        _, connection = await loop.create_unix_connection(lambda: Connection(on_reports), address)
    connection.send(hello)
    try:
        async with asyncio.timeout(NODE_ANSWER_TIME_MAX.total_seconds()):
            await asyncio.shield(connection.welcome)
    except BaseException:
        connection.close()
        raise
    return connection
