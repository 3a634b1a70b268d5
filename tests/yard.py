"""A folder with servers that a test may treat badly, and a look at what they left."""

import os
import signal
from pathlib import Path

from tests import processes, service
from tests.processes import Process
from tests.service import Service
from tests.waiting import wait_until


class Gate:
    """Something that tasks wait at, without using the processor, until it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        path.chmod(0o666)
        # As long as somebody could write, those who read wait.
        self._writer: int | None = os.open(path, os.O_RDWR)

    def open(self) -> None:
        """Let go on all who wait, and all who come later."""
        if self._writer is not None:
            passage = self.path.with_suffix(".open")
            passage.touch()
            passage.chmod(0o666)
            passage.rename(self.path)
            os.close(self._writer)
            self._writer = None


class Yard:
    """A folder of its own with the servers that were started in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.marks = folder / "marks"
        self.marks.mkdir()
        self.marks.chmod(0o777)
        #: For programs that are told to make their temporary folders here.
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.temporary.chmod(0o755)
        self._services: list[Service] = []
        self._gates: list[Gate] = []

    def up(
        self, *arguments: str, port: int = 0, environment: dict[str, str] | None = None
    ) -> Service:
        """Start a server; unless `arguments` say otherwise, on the data of this folder."""
        where = () if {"--data", "--memory"} & set(arguments) else ("--data", str(self.data))
        log = self.folder / "server.log"
        started = service.start(
            *where, "--port", str(port), *arguments, log=log, environment=environment
        )
        self._services.append(started)
        return started

    def gate(self, name: str) -> Gate:
        """Make a gate for tasks to wait at; see `waiting_task`."""
        made = Gate(self.folder / name)
        self._gates.append(made)
        return made

    def waiting_script(self, gate: Gate) -> str:
        """Return a script that adds its process number to the marks of its task, then waits."""
        return f"echo $$ >> {self.marks}/$AZ_BATCH_TASK_ID; cat {gate.path} > /dev/null"

    def marks_of(self, task_id: str) -> list[int]:
        """Return the numbers of the processes that have begun with a task, oldest first."""
        path = self.marks / task_id
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def log(self) -> str:
        """Return what the servers have written to standard error."""
        return (self.folder / "server.log").read_text()

    def clear(self) -> list[str]:
        """End everything that was started here; return what had to be killed for that."""
        for gate in self._gates:
            gate.open()
        seen: set[Process] = set()
        for one in self._services:
            one.look()
            seen |= one.seen
        service.down(self.data)
        for one in self._services:
            one.end(signal.SIGTERM)
        seen.update(processes.about(self.folder))
        try:
            wait_until(lambda: not processes.alive(seen), 10, "all processes ended")
        except TimeoutError:
            left = processes.alive(seen)
            for process in seen:
                if process.is_alive():
                    os.kill(process.pid, signal.SIGKILL)
            return left
        return []
