"""What queues behind a task that takes long goes back, by a clock that tests move."""

from collections.abc import Callable

import pytest

from batchyard.agent.journal import Attached, EndedEntry, Entry, Log, Note, Operation
from batchyard.agent.logic import AgentLogic
from batchyard.agent.prepared import PreparedJobs
from batchyard.core.states import EndCause
from batchyard.link.messages import Assign, Assignment, FromAgent
from tests.agent.nodes import assignment


class Hands:
    """A supervisor that logs at once, and a clock."""

    def __init__(self) -> None:
        self.time = 0.0
        self.started: list[str] = []
        self.logged: list[Entry] = []
        self._later: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> float:
        return self.time

    def call_later(self, seconds: float, action: Callable[[], None]) -> None:
        self._later.append((self.time + seconds, action))

    def do(self, operation: Operation) -> None:
        if isinstance(operation, Log):
            self.logged += operation.entries

    def start(self, assignment: Assignment) -> None:
        self.started.append(assignment.execution_id)

    def stop(self, execution_id: str) -> bool:
        return False

    def remove(self, path: str) -> None:
        raise AssertionError(path)

    def pass_time(self, seconds: float) -> None:
        end = self.time + seconds
        while due := [item for item in self._later if item[0] <= end]:
            self._later.remove(due[0])
            self.time, action = due[0]
            action()
        self.time = end


class Line:
    def send(self, message: FromAgent) -> None:
        pass

    def close(self) -> None:
        pass


class Bench:
    """A node with one slot and what it did."""

    def __init__(self) -> None:
        self.hands = Hands()
        attached = Attached(epoch=1, boot_time=0.0, running=[], begun=[], first=1, entries=[])
        prepared = PreparedJobs({}, lambda _directories: None)
        self.agent = AgentLogic(1, 1, prepared, attached, self.hands)
        self.line = Line()
        self.agent.greet(self.line, 0)
        self._told = 0

    def assign(self, *names: str, **changes: object) -> None:
        self.agent.obey(Assign([assignment("true", name=name, **changes) for name in names]))

    def end(self, name: str) -> None:
        note = Note(slots=1, prepares=None)
        self.tell(EndedEntry(name, EndCause.EXITED, 0, "", 0.0, self.hands.time, note))

    def tell(self, *entries: Entry) -> None:
        self.agent.take_entries(self._told + 1, list(entries))
        self._told += len(entries)

    @property
    def given_back(self) -> list[str]:
        return [one.execution_id for one in self.hands.logged if isinstance(one, EndedEntry)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_what_queues_is_given_back_once_nothing_has_started_for_a_second(bench: Bench) -> None:
    bench.assign("long", "first", "second")
    bench.hands.pass_time(0.9)
    assert bench.given_back == []
    bench.hands.pass_time(0.2)
    assert bench.given_back == ["first", "second"]
    bench.end("long")
    assert bench.hands.started == ["long"]


def test_a_queue_that_moves_is_left_alone(bench: Bench) -> None:
    names = [f"t{number}" for number in range(9)]
    bench.assign(*names)
    for name in names[:-1]:
        bench.hands.pass_time(0.4)
        bench.end(name)
    assert (bench.hands.started, bench.given_back) == (names, [])


def test_a_queue_stays_while_there_is_no_service(bench: Bench) -> None:
    """Nobody else could have it."""
    bench.agent.part(bench.line)
    bench.assign("long", "queued")
    bench.hands.pass_time(60.0)
    assert bench.given_back == []
    bench.agent.greet(bench.line, 0)
    bench.hands.pass_time(1.0)
    assert bench.given_back == ["queued"]


def test_what_waits_for_its_preparation_is_not_given_back(bench: Bench) -> None:
    bench.assign("long")
    bench.assign("held", wait_for="preparation-1")
    bench.hands.pass_time(60.0)
    assert bench.given_back == []


def test_a_queue_of_later_is_given_back_too(bench: Bench) -> None:
    bench.assign("long")
    bench.hands.pass_time(60.0)
    bench.assign("queued")
    bench.hands.pass_time(0.9)
    assert bench.given_back == []
    bench.hands.pass_time(0.2)
    assert bench.given_back == ["queued"]
