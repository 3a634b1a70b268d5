"""One server: store, engine, fleet and API plugged together, from the first look to the last."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvicorn

from batchyard.agent.settings import Watch
from batchyard.api.app import create_app
from batchyard.engine.cascade import Cascade
from batchyard.engine.engine import Engine
from batchyard.engine.ports import Clock
from batchyard.engine.service import Service
from batchyard.engine.tokens import JobTokens
from batchyard.engine.writer import Writer
from batchyard.fleet.local import LocalFleet
from batchyard.fleet.places import NodeHomes
from batchyard.store.store import SqliteStore

_log: Final = logging.getLogger(__name__)

#: Seconds that requests may go on after the server was asked to end. Source: ours.
_GRACE_SECONDS: Final = 3

#: Connections that wait to be taken. Source: ours.
_BACKLOG: Final = 512


class SystemClock:
    """The system's clock, in UTC. See `batchyard.engine.ports.Clock`."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)


class Server:
    """The service on one data folder. It ends at SIGTERM or SIGINT; its nodes go on."""

    def __init__(
        self,
        database: Path,
        homes: NodeHomes,
        accounts: Mapping[str, str],
        *,
        is_durable: bool = True,
        server_watch: Watch | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Open the store.

        The service goes by `clock`, or else by the system's; whether the date of a request is right
        is a question to the system's clock in any case, for that is what clients have.

        Raises:
            SchemaTooNew: The data was written by a newer version.
        """
        system = SystemClock()
        clock = clock or system
        self._store = SqliteStore(database, is_durable=is_durable)
        self._fleet = LocalFleet(homes, server_watch=server_watch)
        engine = Engine(self._store, clock, self._fleet, JobTokens(accounts))
        self._writer = Writer(engine, clock)
        self._service = Service(self._writer, self._store.reads, self._fleet)
        self._app = create_app(self._service, accounts, clock=clock, clients_clock=system)

    def run(self, listener: socket.socket, on_ready: Callable[[str], None]) -> None:
        """Serve on `listener` until a signal; call `on_ready` with the endpoint once it answers."""
        asyncio.run(self._run(listener, on_ready))

    def clock_was_set(self) -> None:
        """Look at what is due by now: the clock did not come here by itself. Any thread may say so.

        Returns once what was due is done, or has been begun.
        """
        self._writer.submit(_look).result()

    async def _run(self, listener: socket.socket, on_ready: Callable[[str], None]) -> None:
        endpoint = endpoint_of(listener)
        config = uvicorn.Config(
            self._app,
            http="httptools",
            loop="asyncio",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        http = _HttpServer(config, lambda: on_ready(endpoint))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, http.end)
        self._fleet.open(self._service.tell, endpoint)
        self._writer.start()
        try:
            await http.serve(sockets=[listener])
        finally:
            await self._fleet.close()
            await asyncio.to_thread(self._writer.stop)
            self._service.close()
            self._store.close()


def _look(_: Cascade) -> None:
    """Do nothing, so that the loops run."""


class _HttpServer(uvicorn.Server):
    """uvicorn with our own signals: its own would end us before we have put things away."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    def end(self) -> None:
        """Answer what was asked, then end."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to us."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises:
        OSError: The address is taken, or is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it, an answer in
    # two pieces waits 40 ms for the acknowledgement of the first.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise OSError(f"cannot listen on {host}, port {port}: {error.strerror}") from error
    return listener


def endpoint_of(listener: socket.socket) -> str:
    """Return the URL under which clients and nodes of this machine reach a listening socket."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  # Where it listens was decided elsewhere.
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
