"""A real node for tests: its home, its agent process, and the service's end of the link."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from batchyard.agent import processes, strays
from batchyard.agent.settings import Layout, NodeSettings, TaskAccount, Watch
from batchyard.core.states import ExecutionKind
from batchyard.link import frames
from batchyard.link.address import address_of
from batchyard.link.messages import (
    PROTOCOL,
    Acknowledge,
    Assign,
    Assignment,
    DirectoryRemoved,
    Ended,
    FromAgent,
    Hello,
    Report,
    Reports,
    Shutdown,
    Started,
    ToAgent,
    Welcome,
)

#: Longest wait for anything in these tests; passing ones wait a few milliseconds.
DEADLINE_SECONDS = 30.0

T = TypeVar("T")


def wait_until(condition: Callable[[], T]) -> T:
    """Return what `condition` returns once that is true. For what sends no message."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not (result := condition()):
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.002)
    return result


class Service:
    """One connection of the service to a node."""

    def __init__(self, node: "Node", acknowledged: int = 0, *, is_acknowledging: bool = True):
        self.reports: list[Report] = []
        self.numbers: list[int] = []
        self.batches: list[Reports] = []
        self._messages: list[FromAgent] = []
        self.is_acknowledging = is_acknowledging
        self._reader = frames.from_agent()
        self._request = 0
        self._socket = connect(node)
        node.services.append(self)
        self.send(Hello(PROTOCOL, node.settings.epoch, acknowledged, "account", "http://service/"))
        welcome = self.read()
        assert isinstance(welcome, Welcome), welcome
        self.welcome = welcome
        self._take(welcome.first_number, welcome.reports)

    def send(self, *messages: ToAgent) -> None:
        self._socket.sendall(b"".join(frames.encode(m) for m in messages))

    def close(self) -> None:
        self._socket.close()

    def read(self) -> FromAgent:
        while not self._messages:
            data = self._socket.recv(1 << 20)
            if not data:
                raise EOFError
            self._messages += self._reader.feed(data)
        return self._messages.pop(0)

    def _take(self, first: int, reports: list[Report]) -> None:
        self.reports += reports
        self.numbers += range(first, first + len(reports))
        if reports and self.is_acknowledging:
            self.send(Acknowledge(self.numbers[-1]))

    def next_reports(self) -> None:
        message = self.read()
        assert isinstance(message, Reports), message
        self.batches.append(message)
        self._take(message.first_number, message.reports)

    def await_report(self, condition: Callable[[Report], bool]) -> Report:
        looked_at = 0
        while True:
            for report in self.reports[looked_at:]:
                if condition(report):
                    return report
            looked_at = len(self.reports)
            self.next_reports()

    def ended(self, execution_id: str) -> Ended:
        found = self.await_report(lambda r: isinstance(r, Ended) and r.execution_id == execution_id)
        assert isinstance(found, Ended)
        return found

    def started(self, execution_id: str) -> Started:
        found = self.await_report(
            lambda r: isinstance(r, Started) and r.execution_id == execution_id
        )
        assert isinstance(found, Started)
        return found

    def removed(self, removal: int) -> None:
        self.await_report(lambda r: isinstance(r, DirectoryRemoved) and r.removal == removal)

    def assign(self, *assignments: Assignment) -> None:
        self.send(Assign(list(assignments)))

    def run(self, command_line: str, **changes: object) -> Ended:
        """Run one execution to its end."""
        one = assignment(command_line, **changes)
        self.assign(one)
        return self.ended(one.execution_id)

    def ask(self, kind: Callable[..., ToAgent], *arguments: object) -> FromAgent:
        """Send a request about files and return its answer."""
        self._request += 1
        self.send(kind(self._request, *arguments))
        kept: list[FromAgent] = []
        while getattr(answer := self.read(), "request", None) != self._request:
            kept.append(answer)
        self._messages = kept + self._messages
        return answer

    def is_hung_up(self) -> bool:
        """Wait until the node hangs up."""
        try:
            while True:
                self.read()
        except (EOFError, ConnectionError):
            return True


def connect(node: "Node") -> socket.socket:
    end = time.monotonic() + DEADLINE_SECONDS
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(DEADLINE_SECONDS)
        try:
            with address_of(node.layout.agent_socket) as address:
                connection.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            assert node.agent is None or node.agent.poll() is None, node.log()
            assert time.monotonic() < end, node.log()
            time.sleep(0.002)
        else:
            return connection


def assignment(command_line: str, **changes: object) -> Assignment:
    """An execution of the job ``j``, whose id and task are called ``t`` unless told."""
    changes = dict(changes)
    name = changes.pop("name", "t")
    plain: dict[str, object] = {
        "execution_id": name,
        "kind": ExecutionKind.TASK,
        "job_id": "j",
        "task_id": name,
        "directory": f"workitems/j/job-1/{name}",
        "preparation_directory": None,
        "command_line": command_line,
        "environment": {},
        "is_elevated": False,
        "slots": 1,
        "wait_for": None,
        "wall_clock_seconds_max": None,
    }
    return Assignment(**(plain | changes))  # type: ignore[arg-type]  # As the test says.


class Node:
    """The home of one node and the agent that this test started on it."""

    def __init__(
        self,
        home: Path,
        *,
        slots: int = 4,
        account: TaskAccount | None = None,
        watch: Watch | None = None,
        alone_seconds_max: float = 60.0,
    ) -> None:
        self.home = home
        self.layout = Layout(home)
        self.agent: subprocess.Popen[bytes] | None = None
        self.services: list[Service] = []
        self.settings = NodeSettings(
            pool_id="pool",
            node_id="node",
            epoch=1,
            is_dedicated=True,
            slots=slots,
            task_account=account,
            server_watch=watch,
            alone_seconds_max=alone_seconds_max,
        )
        home.mkdir(mode=0o755, exist_ok=True)
        self.settings.save(home)

    def raise_epoch(self) -> None:
        self.settings = msgspec.structs.replace(self.settings, epoch=self.settings.epoch + 1)
        self.settings.save(self.home)

    def start(
        self, environment: dict[str, str] | None = None, pass_fds: Iterable[int] = ()
    ) -> None:
        self.agent = subprocess.Popen(
            [sys.executable, "-m", "batchyard.agent", str(self.home)],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=environment,
            pass_fds=tuple(pass_fds),
        )

    def kill_agent(self) -> None:
        assert self.agent is not None
        self.agent.kill()
        self.agent.wait()
        self.agent = None

    def exit_code(self) -> int:
        """Wait for the agent to end by itself."""
        assert self.agent is not None
        code = self.agent.wait(DEADLINE_SECONDS)
        self.agent = None
        return code

    def supervisor_pid(self) -> int:
        return int(msgspec.json.decode(self.layout.supervisor_lock.read_bytes())["pid"])

    def kill_supervisor(self) -> None:
        os.kill(self.supervisor_pid(), signal.SIGKILL)

    def processes(self) -> set[int]:
        """Return all task processes of this node that live."""
        return strays._strays(self.home)

    def log(self) -> str:
        try:
            return self.layout.agent_log.read_text()
        except FileNotFoundError:
            return "no log"

    def output(self, name: str = "t") -> str:
        return (self.layout.work_items / "j/job-1" / name / "stdout.txt").read_text()

    def close(self) -> None:
        """End the node, whatever state it is in; fail if a process of a task outlived it."""
        supervisor: int | None
        try:
            supervisor = self.supervisor_pid()
        except (FileNotFoundError, msgspec.DecodeError):
            supervisor = None
        if self.agent is not None and self.agent.poll() is None:
            service = Service(self)
            service.send(Shutdown())
            try:
                self.agent.wait(DEADLINE_SECONDS)
            except subprocess.TimeoutExpired:
                self.agent.kill()
                self.agent.wait()
        elif supervisor is not None and processes.start_time(supervisor) is not None:
            os.kill(supervisor, signal.SIGKILL)
            wait_until(lambda: processes.start_time(supervisor) is None)
            strays.sweep_strays(self.home)
        for service in self.services:
            service.close()
        left = self.processes()
        strays.sweep_strays(self.home)
        assert not left
        assert supervisor is None or processes.start_time(supervisor) is None
