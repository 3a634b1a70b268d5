"""``python -m batchyard.agent.fetcher``: fetches the resource files of a node's executions.

A process of its own beside the agent, as long as there is something to fetch. So a node that
fetches nothing pays neither for an HTTP client nor for TLS, and one that did has its memory back.
It ends when the agent hangs up.
"""

import asyncio
import logging
import os
import socket
from contextlib import closing
from functools import partial
from typing import Final

import aiohttp
import msgspec

from batchyard.agent.download import Patience, download, open_session
from batchyard.agent.fetch_link import Cancel, Fetch, Fetched, FetchOrder, NotFetched
from batchyard.agent.placing import WorkingDirectory
from batchyard.core.states import EndCause

#: Files of one execution that are fetched at a time. Source: ours; node-runtime.md 6 found no gain
#: from more.
FILES_AT_ONCE_OF_EXECUTION: Final = 8

#: Files of all executions that are fetched at a time. Source: ours.
FILES_AT_ONCE: Final = 32

_LOG: Final = logging.getLogger("batchyard.agent.fetcher")


class Fetcher(asyncio.Protocol):
    """Takes orders, and answers each with one `Fetched`."""

    def __init__(self, patience: Patience) -> None:
        self.has_ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._patience = patience
        self._session = open_session(patience)
        self._turns = asyncio.Semaphore(FILES_AT_ONCE)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._decoder = msgspec.json.Decoder[FetchOrder](FetchOrder)
        self._incoming = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to write."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Obey each complete line."""
        *lines, self._incoming = (self._incoming + data).split(b"\n")
        for line in lines:
            match self._decoder.decode(line):
                case Fetch() as order:
                    task = asyncio.create_task(
                        _fetch(order, self._session, self._turns, self._patience)
                    )
                    self._tasks[order.number] = task
                    # Not at the end of the task itself: one that is cancelled before its first
                    # turn has none.
                    task.add_done_callback(partial(self._answer, order.number))
                case Cancel(number):
                    if number in self._tasks:
                        self._tasks[number].cancel()

    def connection_lost(self, _error: Exception | None) -> None:
        """End: whoever wanted the files is gone."""
        self._transport = None
        self.has_ended.set_result(None)

    def _answer(self, number: int, task: asyncio.Task[None]) -> None:
        del self._tasks[number]
        error = None if task.cancelled() else task.exception()
        if task.cancelled():
            answer = Fetched(number, EndCause.STOPPED)
        elif error is None:
            answer = Fetched(number)
        elif isinstance(error, NotFetched):
            answer = Fetched(number, error.cause, str(error))
        else:
            # A defect. Its text could quote a URL, and must not take other executions along.
            _LOG.error("Fetching failed by a defect: %s", type(error).__name__)
            answer = Fetched(number, EndCause.FILE_DOWNLOAD_FAILED, type(error).__name__)
        if self._transport is not None:
            self._transport.write(msgspec.json.encode(answer) + b"\n")


async def _fetch(
    order: Fetch, session: aiohttp.ClientSession, turns: asyncio.Semaphore, patience: Patience
) -> None:
    """Fetch all files of an order, some at a time; the first that fails ends the others.

    Raises:
        NotFetched: One failed; the message begins with its path.
    """
    waiting = enumerate(order.files)

    async def work(directory: WorkingDirectory) -> None:
        for number, file in waiting:
            try:
                async with turns:
                    with directory.part_file(file.path, number) as part:
                        await download(session, file.url, part, patience)
                        part.finish(file.mode)
            except NotFetched as error:
                raise NotFetched(error.cause, f"{file.path}: {error}") from error

    with closing(WorkingDirectory(order.directory, order.owner)) as directory:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(FILES_AT_ONCE_OF_EXECUTION, len(order.files))):
                    group.create_task(work(directory))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None


async def _serve(connection: socket.socket) -> None:
    fetcher = Fetcher(Patience())
    await asyncio.get_running_loop().create_connection(lambda: fetcher, sock=connection)
    await fetcher.has_ended


def main() -> None:
    """Serve until the agent hangs up."""
    os.umask(0o022)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # Standard input may be read by no more than this.
    connection = socket.socket(fileno=os.dup(0))
    connection.setblocking(False)  # noqa: FBT003  # The library's own order.
    loop = asyncio.new_event_loop()
    loop.run_until_complete(_serve(connection))
    # At once: what is under way is nobody's any more, and another one may do it again.
    os._exit(0)


if __name__ == "__main__":
    main()
