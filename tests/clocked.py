"""A real server whose clock a test can move forward.

It is put together as ``batchyard up`` does it, but the service goes by the system's clock plus what
the test has added. Each line on its standard input is a number of seconds to add; it answers with a
line once the service has looked at what is due by then.

What runs on nodes goes by the system's clock: a limit of run time that a node watches over is not
reached sooner, and instants that nodes report (a task's start and end) lie before the moved time.
So a test first lets things run, and then moves the clock.
"""

import os
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from azure.batch import BatchClient

from batchyard.fleet.places import homes_of
from batchyard.server.data_folder import DataFolder
from batchyard.server.server import Server, listen
from tests import processes, service
from tests.service import Account, Service


class MovableClock:
    """The system's clock plus an offset."""

    def __init__(self) -> None:
        self._offset = timedelta(0)

    def now(self) -> datetime:
        """Return the present instant as the service is to see it."""
        return datetime.now(UTC) + self._offset

    def advance(self, span: timedelta) -> None:
        """Let the clock go forward by `span` at once."""
        self._offset += span


@dataclass
class Clocked:
    """A running server, its client, and its clock."""

    service: Service
    client: BatchClient
    #: By how much its clock is ahead of the system's.
    offset: timedelta = timedelta(0)

    def advance(self, span: timedelta) -> None:
        """Move the clock forward; return once the service has looked at what is due."""
        pipes = self.service.process
        assert pipes.stdin is not None
        assert pipes.stdout is not None
        pipes.stdin.write(f"{span.total_seconds()}\n")
        pipes.stdin.flush()
        assert pipes.stdout.readline() == "moved\n", self.service.log.read_text()[-3000:]
        self.offset += span

    def now(self) -> datetime:
        """Return the present instant as the service sees it."""
        return datetime.now(UTC) + self.offset

    def is_running(self, command_line: str) -> bool:
        """Return whether a process of the server's nodes runs this."""
        found = processes.about(self.service.log.parent)
        return any(one.command_line() == command_line for one in found)


def start(data: Path, log: Path, account: Account) -> Clocked:
    """Start a server on a data folder; who starts it has to end it."""
    program = (sys.executable, "-m", "tests.clocked")
    # A test before may have gone to another folder.
    where = {"PYTHONPATH": str(Path(__file__).parents[1])}
    running = service.start(
        str(data), account.name, account.key, log=log, environment=where, program=program
    )
    return Clocked(running, running.client(account))


def _serve(data: Path, name: str, key: str) -> None:
    os.umask(0o077)
    with ExitStack() as stack:
        folder = stack.enter_context(DataFolder(data))
        listener = stack.enter_context(listen("127.0.0.1", 0))
        clock = MovableClock()
        server = Server(folder.database, homes_of(data), {name: key}, clock=clock)
        threading.Thread(target=_move, args=(server, clock), daemon=True).start()
        server.run(listener, lambda endpoint: _say(f"ready {endpoint=!s} account={name} {key=!s}"))


def _move(server: Server, clock: MovableClock) -> None:
    for line in sys.stdin:
        clock.advance(timedelta(seconds=float(line)))
        server.clock_was_set()
        _say("moved")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), *sys.argv[2:])
