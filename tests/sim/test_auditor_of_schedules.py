"""The judge knows which jobs a schedule may make, and when it is over."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batchyard.sim import rules
from batchyard.sim.audit.shown import Shown, ShownCounts, ShownJob, ShownSchedule
from batchyard.sim.auditor import Auditor
from batchyard.sim.rules import Rule, Violation

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COUNTS = ShownCounts(
    active=0, running=0, succeeded=0, failed=0,
    active_slots=0, running_slots=0, succeeded_slots=0, failed_slots=0,
)  # fmt: skip


def an_auditor(**timing: Any) -> Auditor:
    """A schedule ``s`` that makes a job every ten seconds, unless it has another timing."""
    auditor = Auditor()
    timing = timing or {"interval": timedelta(seconds=10)}
    auditor.asked_schedule("s", pool="p", **timing)
    auditor.accepted_schedule("s")
    return auditor


def a_job(number: int, state: str = "completed", *, seconds: float = 0) -> ShownJob:
    """A job of the schedule, made so long after it."""
    made = NOW + timedelta(seconds=seconds)
    name = f"s:job-{number}"
    return ShownJob(job=name, state=state, counts=COUNTS, creation_time=made, pool="p")


def shown(*jobs: ShownJob, state: str | None = "active", seconds: float = 100) -> Shown:
    time = NOW + timedelta(seconds=seconds)
    schedule = ShownSchedule(schedule="s", state=state or "", creation_time=NOW)
    schedules = () if state is None else (schedule,)
    return Shown(time=time, tasks=(), jobs=jobs, schedules=schedules)


def broken(rule: Rule) -> Any:
    return pytest.raises(Violation, match=f"^{rule.name}:")


def test_a_schedule_that_keeps_its_times_is_passed() -> None:
    auditor = an_auditor()
    auditor.look(shown(a_job(1, "active")))
    auditor.look(shown(a_job(1), a_job(2, "active", seconds=35)))
    auditor.rest(shown(a_job(1), a_job(2, seconds=35), a_job(3, "active", seconds=40)))


def test_nobody_has_a_schedule_that_was_not_asked_for() -> None:
    with broken(rules.ASKED):
        Auditor().look(shown())


def test_a_schedule_has_one_active_job() -> None:
    with broken(rules.ONE_ACTIVE_JOB):
        an_auditor().look(shown(a_job(1, "active"), a_job(2, "terminating", seconds=10)))


def test_the_jobs_of_a_schedule_are_numbered_without_a_gap() -> None:
    with broken(rules.NUMBERS_IN_ORDER):
        an_auditor().look(shown(a_job(2)))
    auditor = an_auditor()
    auditor.look(shown(a_job(1)))
    auditor.look(shown())
    auditor.look(shown(a_job(2, seconds=10)))
    auditor.asked_deletion("s:job-3")
    auditor.look(shown(a_job(4, seconds=20)))
    with broken(rules.NUMBERS_IN_ORDER):
        auditor.look(shown(a_job(6, seconds=30)))


def test_a_completed_schedule_has_no_active_job() -> None:
    with broken(rules.COMPLETED_SCHEDULE_RESTS):
        an_auditor().look(shown(a_job(1, "terminating"), state="completed"))


def test_a_schedule_makes_one_job_for_each_of_its_times() -> None:
    auditor = an_auditor()
    auditor.look(shown(a_job(1, seconds=21)))
    with broken(rules.SCHEDULED_TIMES):
        auditor.look(shown(a_job(1, seconds=21), a_job(2, seconds=29)))


def test_a_schedule_makes_no_job_once_the_window_is_closed() -> None:
    window = timedelta(seconds=2)
    auditor = an_auditor(interval=timedelta(seconds=10), window=window)
    auditor.look(shown(a_job(1, seconds=21.9)))
    with broken(rules.SCHEDULED_TIMES):
        auditor.look(shown(a_job(2, seconds=32)))


def test_a_schedule_makes_no_job_before_its_start_from_which_its_times_count() -> None:
    start = NOW + timedelta(seconds=5)
    auditor = an_auditor(start=start, interval=timedelta(seconds=10))
    auditor.look(shown(a_job(1, seconds=14)))
    auditor.look(shown(a_job(2, seconds=15)))
    for interval in (None, timedelta(seconds=10)):
        with broken(rules.SCHEDULED_TIMES):
            an_auditor(start=start, interval=interval).look(shown(a_job(1, seconds=4)))


def test_a_schedule_makes_no_job_after_its_end() -> None:
    auditor = an_auditor(interval=timedelta(seconds=10), end=NOW + timedelta(seconds=20))
    with broken(rules.SCHEDULED_TIMES):
        auditor.look(shown(a_job(1, seconds=20)))


def test_a_disabled_schedule_makes_no_job_until_it_is_enabled() -> None:
    auditor = an_auditor()
    auditor.disabled_schedule("s")
    auditor.look(shown(a_job(1)))
    with broken(rules.DISABLED_RESTS):
        auditor.look(shown(a_job(1), a_job(2, seconds=10)))
    auditor.asked_enable_schedule("s")
    auditor.look(shown(a_job(1), a_job(2, seconds=10)))
    auditor.answered_enable_schedule("s", 1)
    auditor.disabled_schedule("s")
    auditor.look(shown(a_job(1), a_job(2, seconds=10)))


def test_a_schedule_is_kept_until_its_deletion_is_asked() -> None:
    auditor = an_auditor()
    with broken(rules.KEPT):
        auditor.look(shown(state=None))
    auditor.asked_end_schedule("s", is_deletion=True)
    auditor.look(shown(state=None))


@pytest.mark.parametrize("is_deletion", [True, False])
def test_after_peace_a_schedule_that_was_ended_is_over(is_deletion: bool) -> None:
    auditor = an_auditor()
    auditor.asked_end_schedule("s", is_deletion=is_deletion)
    auditor.ended_schedule("s", is_deletion=is_deletion)
    auditor.rest(shown(state=None) if is_deletion else shown(state="completed"))
    with broken(rules.PEACE_ENDS_SCHEDULES):
        auditor.rest(shown(state="deleting" if is_deletion else "terminating"))


def test_after_peace_a_schedule_is_over_of_which_nothing_more_can_come() -> None:
    auditor = an_auditor(interval=None)
    auditor.rest(shown(a_job(1, "active")))
    with broken(rules.PEACE_ENDS_SCHEDULES):
        auditor.rest(shown(a_job(1)))
    auditor = an_auditor(interval=timedelta(seconds=10), end=NOW + timedelta(seconds=50))
    with broken(rules.PEACE_ENDS_SCHEDULES):
        auditor.rest(shown(a_job(1)))


def test_a_job_of_a_schedule_ends_with_it_and_not_otherwise() -> None:
    ended = ShownJob(
        job="s:job-1", state="completed", counts=COUNTS, creation_time=NOW, pool="p",
        reason="TerminateJobSchedule",
    )  # fmt: skip
    auditor = an_auditor()
    with broken(rules.REASONS):
        auditor.look(shown(ended))
    auditor.asked_end_schedule("s")
    auditor.look(shown(ended))
