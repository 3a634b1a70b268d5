"""The judge of the chaos tests sees what it is there to see."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from batchyard.sim import rules
from batchyard.sim.audit.shown import Shown
from batchyard.sim.audit.terms import Preparation
from batchyard.sim.rules import Rule, Violation
from tests.chaos.ledger import Ledger, Tail
from tests.chaos.replay import LIVES, NO_STRAYS, Fact, Replay

NODE = "node"
AT_REST = Shown(time=datetime(2026, 1, 1, tzinfo=UTC), tasks=(), jobs=())


class Story:
    """A ledger written by hand."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.facts: list[Fact] = []

    def note(self, fact: Fact) -> None:
        self.facts.append(fact)
        self.lines.append(f"note {len(self.facts) - 1}")

    def begin(
        self, kind: str, execution: str, *, job: str = "j", task: str = "t", epoch: int = 1
    ) -> None:
        settings = json.dumps({"node_id": NODE, "epoch": epoch}, separators=(",", ":"))
        self.lines.append(f"begin {kind} {execution} {job} {task} {settings}")

    def end(self, execution: str, code: int = 0) -> None:
        self.lines.append(f"end {execution} {code}")

    def start_task(self, epoch: int = 1) -> None:
        self.begin("start", f"start-{epoch}", epoch=epoch)
        self.end(f"start-{epoch}")

    def broken(self) -> Rule:
        with pytest.raises(Violation) as caught:
            Replay("p", slots=2).tell(self.lines, self.facts)
        return caught.value.rule


@pytest.fixture
def story() -> Story:
    """A node, and a job with two tasks."""
    made = Story()
    made.note(lambda replay: replay.auditor.asked_job("j", pool="p"))
    made.note(lambda replay: replay.asked_task("j", "t", 0))
    made.note(lambda replay: replay.asked_task("j", "u", 0))
    made.start_task()
    return made


def lose(story: Story, epoch: int = 1) -> None:
    story.note(lambda replay: replay.life_lost(NODE, epoch))


def test_a_task_of_a_lost_node_may_run_again(story: Story) -> None:
    story.begin("task", "task-1-1")
    lose(story)
    story.start_task(epoch=2)
    story.begin("task", "task-1-2", epoch=2)
    story.end("task-1-2")

    replay = Replay("p", slots=2)
    replay.tell(story.lines, story.facts)

    assert [(run.code, run.is_lost) for run in replay.runs["j", "t"]] == [(None, True), (0, False)]


def test_a_task_that_runs_twice_at_once_is_seen(story: Story) -> None:
    story.begin("task", "task-1-1")
    story.begin("task", "task-1-2")
    story.end("task-1-1")
    story.end("task-1-2")

    assert story.broken() is rules.ONE_PLACE


def test_a_task_that_runs_after_its_success_is_seen(story: Story) -> None:
    story.begin("task", "task-1-1")
    story.end("task-1-1")
    story.begin("task", "task-1-2")

    assert story.broken() is rules.SUCCESS_ENDS


def test_a_stray_that_goes_on_beside_its_successor_is_seen(story: Story) -> None:
    story.begin("task", "task-1-1")
    lose(story)
    story.start_task(epoch=2)
    story.begin("task", "task-1-2", epoch=2)
    story.end("task-1-1")

    assert story.broken() is NO_STRAYS


def test_what_begins_in_a_life_that_is_past_is_seen(story: Story) -> None:
    lose(story)
    story.start_task(epoch=2)
    story.begin("task", "task-1-1", epoch=1)

    assert story.broken() is NO_STRAYS


def test_a_life_that_ends_though_nobody_killed_it_is_seen(story: Story) -> None:
    story.start_task(epoch=2)

    assert story.broken() is LIVES


def test_a_task_that_does_not_wait_for_the_preparation_of_a_new_life_is_seen(story: Story) -> None:
    story.note(lambda replay: replay.auditor.asked_job("k", pool="p", preparation=Preparation()))
    story.note(lambda replay: replay.asked_task("k", "t", 0))
    story.begin("preparation", "preparation-1", job="k")
    story.end("preparation-1")
    lose(story)
    story.start_task(epoch=2)
    story.begin("task", "task-1-1", job="k", epoch=2)

    assert story.broken() is rules.PREPARATION_FIRST


def test_what_a_client_ended_is_over_though_it_says_nothing(story: Story) -> None:
    story.begin("task", "task-1-1")
    story.begin("task", "task-2-1", task="u")
    story.note(lambda replay: replay.asked_end("j", "t"))
    story.note(lambda replay: replay.asked_task("j", "v", 0))
    story.begin("task", "task-3-1", task="v")

    Replay("p", slots=2).tell(story.lines, story.facts)


def test_a_preparation_that_ends_with_its_job_is_over_though_it_says_nothing(story: Story) -> None:
    story.note(lambda replay: replay.auditor.asked_job("k", pool="p", preparation=Preparation()))
    story.begin("preparation", "preparation-1", job="k")
    story.note(lambda replay: replay.asked_end("k"))
    replay = Replay("p", slots=2)

    replay.tell(story.lines, story.facts)

    replay.auditor.rest(AT_REST)


def test_a_ledger_keeps_the_order_of_facts_and_lines(tmp_path: Path) -> None:
    ledger: Ledger[str] = Ledger(tmp_path)
    tail = Tail(ledger.path)
    ledger.note("first")
    with ledger.path.open("a") as file:
        file.write("end task-1-1 0\nhalf of a li")

    assert tail.read() == ["note 0", "end task-1-1 0"]
    with ledger.path.open("a") as file:
        file.write("ne\n")
    assert tail.read() == ["half of a line"]
    assert ledger.facts == ["first"]
