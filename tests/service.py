"""A real server in a process of its own, as a user starts it."""

import base64
import http.client
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from azure.batch import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from tests import processes
from tests.processes import Process

BATCHYARD = str(Path(sys.executable).with_name("batchyard"))

#: The line that says that the server serves; other programs read it.
READY = re.compile(
    r"ready endpoint=(?P<endpoint>http://127\.0\.0\.1:\d+)"
    r" account=(?P<account>[a-z0-9]+) key=(?P<key>[A-Za-z0-9+/]+=*)"
)


@dataclass(frozen=True, slots=True)
class Account:
    """A name and a key that the server is told to know."""

    name: str
    key: str


FIRST = Account("firstaccount", base64.b64encode(b"key of the first account, 32 byte").decode())
OTHER = Account("otheraccount", base64.b64encode(b"key of the other account, 32 byte").decode())

START_SECONDS_MAX = 20.0
END_SECONDS_MAX = 20.0


class NotReadyError(Exception):
    """The server ended, or time ran out, before it said that it serves."""


@dataclass
class Service:
    """A running server with what its ready line said."""

    process: "subprocess.Popen[str]"
    log: Path
    ready_line: str
    endpoint: str
    account: str
    key: str
    #: Everything that was seen to descend from the server, also what lost its parent since.
    seen: set[Process] = field(default_factory=set)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port = urlsplit(self.endpoint).port
        assert port is not None
        return port

    def client(self, account: Account | None = None, **options: Any) -> BatchClient:
        """Return a client that does not hide an error of the server by trying again."""
        account = account or Account(self.account, self.key)
        credential = AzureNamedKeyCredential(account.name, account.key)
        return BatchClient(endpoint=self.endpoint, credential=credential, retry_total=0, **options)

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body of an unsigned GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def look(self) -> list[Process]:
        """Return what descends from the server now, and remember it."""
        found = processes.descendants(self.process.pid)
        self.seen.update(found)
        return found

    def end(self, number: signal.Signals) -> int:
        """Send the server a signal and return what it ends with."""
        self.look()
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(END_SECONDS_MAX)
        _close_pipes(self.process)
        return code


def start(
    *arguments: str,
    log: Path,
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = (BATCHYARD, "up"),
) -> Service:
    """Start ``batchyard up`` with `arguments` and return it once it serves.

    Another `program` takes the same arguments, and may be told things on its standard input.

    Raises:
        NotReadyError: with what the server wrote to standard error.
    """
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [*program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    line = ""
    try:
        line = _first_line(process)
    finally:
        match = READY.fullmatch(line)
        if match is None:
            process.kill()
            process.wait()
            _close_pipes(process)
    if match is None:
        raise NotReadyError(f"{line!r}, and on standard error: {log.read_text()[-3000:]}")
    service = Service(process, log, line, match["endpoint"], match["account"], match["key"])
    service.look()
    return service


def _close_pipes(process: "subprocess.Popen[str]") -> None:
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def _first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not selector.select(timeout=0.1):
            if time.monotonic() > deadline:
                return ""
    return process.stdout.readline().removesuffix("\n")


def down(data: Path) -> "subprocess.CompletedProcess[str]":
    """Run ``batchyard down`` for a data folder and return its result."""
    return subprocess.run(
        [BATCHYARD, "down", "--data", str(data)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
