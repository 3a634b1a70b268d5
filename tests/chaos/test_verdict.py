"""What a task shows at rest must be what its runs add up to."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from batchyard.sim.audit.shown import Shown, ShownCounts, ShownJob, ShownTask
from batchyard.sim.rules import Violation
from tests.chaos.ledger import Ledger
from tests.chaos.load import Job
from tests.chaos.replay import Fact
from tests.chaos.verdict import AS_PLANNED, NOT_COUNTED, judge

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NODE = '{"node_id":"n","epoch":%d}'


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger[Fact]:
    """A task has failed in a life that was lost, and succeeded in the next one."""
    made: Ledger[Fact] = Ledger(tmp_path)
    made.note(lambda replay: replay.auditor.asked_job("j", pool="p"))
    made.note(lambda replay: replay.asked_task("j", "t", 1))
    _write(made, f"begin start s-1 - - {NODE % 1}", "end s-1 0")
    _write(made, f"begin task x-1 j t {NODE % 1}", "end x-1 7")
    made.note(lambda replay: replay.life_lost("n", 1))
    _write(made, f"begin start s-2 - - {NODE % 2}", "end s-2 0")
    _write(made, f"begin task x-2 j t {NODE % 2}", "end x-2 0")
    return made


def _write(ledger: Ledger[Fact], *lines: str) -> None:
    with ledger.path.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def shown(**changes: Any) -> Shown:
    plain: dict[str, Any] = {"state": "completed", "result": "success", "exit_code": 0}
    counts = dict.fromkeys(ShownCounts.__dataclass_fields__, 0)
    counts |= {"succeeded": 1, "succeeded_slots": 1}
    task = ShownTask(
        job="j",
        task="t",
        creation_time=NOW,
        start_time=NOW,
        end_time=NOW,
        **({"retry_count": 0, "requeue_count": 0} | plain | changes),
    )
    job = ShownJob(job="j", state="active", counts=ShownCounts(**counts))
    return Shown(time=NOW, tasks=(task,), jobs=(job,))


def job(code: str = "once") -> Job:
    return Job("j", is_cut_short=False, plans={"t": (code, 1)})


@pytest.mark.parametrize("retries", [0, 1])
def test_a_failure_that_was_lost_may_have_been_told_before(
    ledger: Ledger[Fact], retries: int
) -> None:
    judge(ledger, [job()], shown(retry_count=retries), slots=1)


def test_a_requeue_that_nobody_asked_for_is_seen(ledger: Ledger[Fact]) -> None:
    with pytest.raises(Violation, match="requeue-count"):
        judge(ledger, [job()], shown(requeue_count=1), slots=1)


def test_a_retry_that_was_told_and_is_not_counted_is_seen(ledger: Ledger[Fact]) -> None:
    ledger.path.write_text(ledger.path.read_text().replace("note 2\n", "").replace(":2}", ":1}"))

    with pytest.raises(Violation) as caught:
        judge(ledger, [job()], shown(retry_count=0), slots=1)

    assert caught.value.rule is NOT_COUNTED


def test_another_result_than_planned_is_seen(ledger: Ledger[Fact]) -> None:
    with pytest.raises(Violation) as caught:
        judge(ledger, [job("3")], shown(), slots=1)

    assert caught.value.rule is AS_PLANNED
