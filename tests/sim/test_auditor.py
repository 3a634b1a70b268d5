"""The judge finds each broken promise, and nothing in a history that keeps them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batchyard.sim import rules
from batchyard.sim.audit.shown import Shown, ShownCounts, ShownJob, ShownNode, ShownTask
from batchyard.sim.audit.terms import Preparation
from batchyard.sim.auditor import Auditor
from batchyard.sim.rules import Rule, Violation

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def an_auditor(*, slots: int = 2, release: bool = False, **preparation: bool) -> Auditor:
    """A job ``j`` with a task ``t`` and one ``u`` of two slots, and a node ``n``."""
    auditor = Auditor()
    spec = Preparation(**preparation) if preparation else None
    auditor.asked_job("j", pool="p", preparation=spec, release=release)
    auditor.accepted_job("j")
    auditor.asked_task("j", "t", retries=1)
    auditor.accepted_task("j", "t")
    auditor.asked_task("j", "u", slots=2)
    auditor.life_began("n", pool="p", slots=slots)
    auditor.life_began("m", pool="p", slots=slots)
    return auditor


def a_task(**changes: Any) -> ShownTask:
    plain = {
        "job": "j", "task": "t", "state": "active", "result": None, "exit_code": None,
        "retry_count": 0, "requeue_count": 0, "creation_time": NOW, "start_time": None,
        "end_time": None,
    }  # fmt: skip
    return ShownTask(**(plain | changes))


def success() -> ShownTask:
    return a_task(state="completed", result="success", exit_code=0, start_time=NOW, end_time=NOW)


def shown(*tasks: ShownTask, active: int = 0, succeeded: int = 0) -> Shown:
    counts = ShownCounts(
        active=active, running=0, succeeded=succeeded, failed=0,
        active_slots=active, running_slots=0, succeeded_slots=succeeded, failed_slots=0,
    )  # fmt: skip
    return Shown(
        time=NOW,
        tasks=tasks,
        jobs=(ShownJob(job="j", state="active", counts=counts),),
        nodes=(ShownNode(node="n", pool="p", state="idle"),),
    )


def broken(rule: Rule) -> Any:
    return pytest.raises(Violation, match=f"^{rule.name}:")


def test_a_good_history_is_passed() -> None:
    auditor = an_auditor(waits=True, release=True)
    auditor.look(shown(a_task(), active=1))
    auditor.started("p1", "preparation", "n", "j")
    auditor.exited("p1", 0)
    auditor.started("t1", "task", "n", "j", "t")
    auditor.exited("t1", 1)
    auditor.started("t2", "task", "n", "j", "t")
    auditor.exited("t2", 0)
    auditor.rest(shown(success(), succeeded=1))
    auditor.asked_end("j")
    auditor.started("r1", "release", "n", "j")
    auditor.exited("r1", 0)


def test_an_attempt_starts_at_most_once() -> None:
    auditor = an_auditor()
    auditor.started("t1", "task", "n", "j", "t")
    auditor.life_over("n")
    with broken(rules.ONE_START):
        auditor.started("t1", "task", "m", "j", "t")


def test_a_task_runs_in_one_place_until_its_node_is_taken_away_or_lost() -> None:
    auditor = an_auditor()
    auditor.started("t1", "task", "n", "j", "t")
    with broken(rules.ONE_PLACE):
        auditor.started("t2", "task", "m", "j", "t")
    auditor.given_up("n")
    auditor.started("t2", "task", "m", "j", "t")
    auditor.life_over("m")
    auditor.life_began("m", pool="p", slots=1)
    auditor.started("t3", "task", "m", "j", "t")


def test_nodes_are_not_rebooted_unless_somebody_asked() -> None:
    auditor = an_auditor()
    with broken(rules.NODES_LIVE):
        auditor.life_over("n", is_ordered=True)
    auditor.given_up("n")
    auditor.life_over("n", is_ordered=True)


def test_a_higher_priority_is_not_passed_over_in_calm_times() -> None:
    auditor = Auditor()
    for job, priority in (("low", 0), ("high", 1)):
        auditor.asked_job(job, pool="p", strict_priority=priority)
        auditor.asked_task(job, "t")
    auditor.life_began("n", pool="p", slots=1)
    auditor.calm()

    def look(seconds: float) -> None:
        time = NOW + timedelta(seconds=seconds)
        auditor.look(Shown(time=time, tasks=(a_task(job="high"),), jobs=()))

    look(0)
    auditor.started("l1", "task", "n", "low", "t")  # It had its place before the other came.
    auditor.exited("l1", 0)
    look(3)
    auditor.asked_task("low", "u")
    auditor.started("l2", "task", "n", "low", "u")
    look(3.1)
    with broken(rules.PRIORITY):
        look(4)


def test_no_task_shows_more_than_its_runs_have_used() -> None:
    auditor = an_auditor()
    auditor.started("t1", "task", "n", "j", "t")
    auditor.exited("t1", 1, used_microseconds=5)
    with broken(rules.USAGE):
        auditor.look(shown(a_task(used_microseconds=6), active=1))


def test_a_job_shows_what_its_tasks_show_together() -> None:
    auditor = an_auditor()
    auditor.started("t1", "task", "n", "j", "t")
    auditor.exited("t1", 1, used_microseconds=5)
    with broken(rules.USAGE):
        auditor.look(shown(a_task(used_microseconds=5), active=1))


def test_nothing_of_a_completed_job_runs() -> None:
    counts = ShownCounts(
        active=0, running=1, succeeded=0, failed=0,
        active_slots=0, running_slots=1, succeeded_slots=0, failed_slots=0,
    )  # fmt: skip
    ended = ShownJob(job="j", state="completed", counts=counts)
    with broken(rules.ENDED_JOBS_REST):
        an_auditor().look(Shown(time=NOW, tasks=(a_task(state="running"),), jobs=(ended,)))


def test_slots_are_counted_by_what_runs() -> None:
    auditor = an_auditor()
    auditor.started("t1", "task", "n", "j", "t")
    with broken(rules.SLOTS):
        auditor.started("u1", "task", "n", "j", "u")
    auditor.killed("t1")
    auditor.started("u1", "task", "n", "j", "u")


def test_nothing_starts_before_its_start_task() -> None:
    auditor = an_auditor()
    auditor.life_began("n", pool="p", slots=1, waits_for_start_task=True)
    auditor.started("s1", "start", "n")
    auditor.exited("s1", 1)
    with broken(rules.START_TASK_FIRST):
        auditor.started("t1", "task", "n", "j", "t")
    auditor.started("s2", "start", "n")
    auditor.exited("s2", 0)
    auditor.started("t1", "task", "n", "j", "t")


@pytest.mark.parametrize("reruns", [True, False])
def test_a_preparation_counts_for_its_node_and_perhaps_its_life(reruns: bool) -> None:
    auditor = an_auditor(waits=True, reruns=reruns)
    auditor.started("p1", "preparation", "n", "j")
    auditor.exited("p1", 0)
    with broken(rules.PREPARATION_FIRST):
        auditor.started("t1", "task", "m", "j", "t")
    auditor.life_over("n")
    auditor.life_began("n", pool="p", slots=1)
    if reruns:
        with broken(rules.PREPARATION_FIRST):
            auditor.started("t1", "task", "n", "j", "t")
    else:
        auditor.started("t1", "task", "n", "j", "t")


def test_a_preparation_that_succeeded_is_not_repeated() -> None:
    auditor = an_auditor(waits=True)
    auditor.started("p1", "preparation", "n", "j")
    auditor.exited("p1", 0)
    with broken(rules.PREPARATION_ONCE):
        auditor.started("p2", "preparation", "n", "j")


def test_a_release_runs_once_last_and_where_it_is_due() -> None:
    auditor = an_auditor(waits=True, release=True)
    auditor.started("p1", "preparation", "n", "j")
    auditor.exited("p1", 0)
    auditor.started("t1", "task", "n", "j", "t")
    with broken(rules.RELEASE_WHERE_PREPARED):
        auditor.started("r1", "release", "n", "j")
    auditor.asked_end("j")
    with broken(rules.RELEASE_LAST):
        auditor.started("r1", "release", "n", "j")
    auditor.killed("t1")
    auditor.started("r1", "release", "n", "j")
    auditor.exited("r1", 0)
    with broken(rules.RELEASE_ONCE):
        auditor.started("r2", "release", "n", "j")
    with broken(rules.RELEASE_WHERE_PREPARED):
        auditor.started("r3", "release", "m", "j")
    with broken(rules.RELEASE_LAST):
        auditor.started("t2", "task", "n", "j", "t")


def test_nothing_starts_again_after_success_or_too_many_failures() -> None:
    auditor = an_auditor()
    auditor.started("u1", "task", "n", "j", "u")
    auditor.exited("u1", 1)
    with broken(rules.RETRIES_ALLOWED):
        auditor.started("u2", "task", "n", "j", "u")
    auditor.started("t1", "task", "n", "j", "t")
    auditor.exited("t1", 0)
    with broken(rules.SUCCESS_ENDS):
        auditor.started("t2", "task", "n", "j", "t")
    auditor.life_over("n")
    auditor.started("t2", "task", "m", "j", "t")


def test_a_completed_task_neither_changes_nor_runs() -> None:
    auditor = an_auditor()
    auditor.started("t1", "task", "n", "j", "t")
    auditor.exited("t1", 0)
    auditor.look(shown(success(), succeeded=1))
    auditor.life_over("n")
    with broken(rules.COMPLETED_RESTS):
        auditor.look(shown(a_task(), active=1))
    with broken(rules.COMPLETED_RESTS):
        auditor.started("t2", "task", "m", "j", "t")


def test_what_was_accepted_is_kept_until_its_deletion_is_asked() -> None:
    auditor = an_auditor()
    with broken(rules.KEPT):
        auditor.look(shown())
    auditor.asked_deletion("j", "t")
    auditor.look(shown())


def test_counts_are_recounted() -> None:
    with broken(rules.COUNTS):
        an_auditor().look(shown(a_task(), active=2))


@pytest.mark.parametrize(
    ("rule", "task"),
    [
        (rules.RESULTS, success()),
        (rules.RESULTS, a_task(state="completed", result="failure", exit_code=7)),
        (rules.RESULTS, a_task(state="completed", result="failure")),
        (rules.RETRY_COUNT, a_task(retry_count=1)),
        (rules.REQUEUE_COUNT, a_task(requeue_count=1)),
        (rules.TIMES, a_task(start_time=NOW - timedelta(seconds=1))),
        (rules.TIMES, a_task(start_time=NOW + timedelta(seconds=1))),
        (rules.ASKED, a_task(task="x")),
    ],
)
def test_what_is_shown_has_a_cause(rule: Rule, task: ShownTask) -> None:
    with broken(rule):
        an_auditor().look(shown(task))


def test_after_peace_nothing_waits_or_runs() -> None:
    auditor = an_auditor()
    with broken(rules.PEACE_LEAVES_NOTHING):
        auditor.rest(shown(a_task(), active=1))
    auditor.started("t1", "task", "n", "j", "t")
    with broken(rules.PEACE_IS_QUIET):
        auditor.rest(shown(a_task(), active=1))


def test_after_peace_the_jobs_that_clients_ended_have_ended() -> None:
    auditor = an_auditor()
    auditor.asked_end("j")
    auditor.ended("j")
    auditor.started("t1", "task", "n", "j", "t")
    auditor.exited("t1", 0)
    with broken(rules.PEACE_ENDS_JOBS):
        auditor.rest(shown(success(), succeeded=1))
