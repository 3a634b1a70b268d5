"""The judge knows when tasks may start, and why jobs end, rest and move."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batchyard.sim import rules
from batchyard.sim.audit.shown import Shown, ShownCounts, ShownJob, ShownNode, ShownTask
from batchyard.sim.audit.terms import Needs, Reaction, Reactions, Terms
from batchyard.sim.auditor import Auditor
from batchyard.sim.rules import Rule, Violation

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)

FAILED: dict[str, Any] = {"state": "completed", "result": "failure"}
SUCCEEDED: dict[str, Any] = {"state": "completed", "result": "success", "exit_code": 0}


def an_auditor(**terms: Any) -> Auditor:
    """A job ``j`` with a task ``t`` and one ``u``, and a node ``n``."""
    auditor = Auditor()
    auditor.asked_job("j", pool="p", terms=Terms(**terms))
    auditor.asked_task("j", "t", retries=1)
    auditor.asked_task("j", "u")
    auditor.life_began("n", pool="p", slots=4)
    return auditor


def a_task(task: str = "t", **changes: Any) -> ShownTask:
    plain = {
        "job": "j", "task": task, "state": "active", "result": None, "exit_code": None,
        "retry_count": 0, "requeue_count": 0, "creation_time": NOW, "start_time": None,
        "end_time": None,
    }  # fmt: skip
    return ShownTask(**(plain | changes))


def shown(
    *tasks: ShownTask, state: str = "active", reason: str | None = None, time: datetime = LATER
) -> Shown:
    def count(state: str, result: str | None) -> int:
        return sum((task.state, task.result) == (state, result) for task in tasks)

    active, failed = count("active", None), count("completed", "failure")
    succeeded = count("completed", "success")
    counts = ShownCounts(
        active=active, running=0, succeeded=succeeded, failed=failed,
        active_slots=active, running_slots=0, succeeded_slots=succeeded, failed_slots=failed,
    )  # fmt: skip
    job = ShownJob(job="j", state=state, counts=counts, reason=reason, creation_time=NOW)
    nodes = (ShownNode(node="n", pool="p", state="idle"),)
    return Shown(time=time, tasks=tasks, jobs=(job,), nodes=nodes)


def run(auditor: Auditor, task: str, code: int | None = None, *, number: int = 1) -> None:
    """Have a task start, and exit unless there is no code."""
    name = f"{task}{number}"
    auditor.started(name, "task", "n", "j", task)
    if code is not None:
        auditor.exited(name, code)


def broken(rule: Rule) -> Any:
    return pytest.raises(Violation, match=f"^{rule.name}:")


# Dependencies.


def test_a_task_waits_for_those_that_it_names() -> None:
    auditor = an_auditor()
    auditor.asked_task("j", "after", needs=Needs(ids=frozenset({"t", "u"})))
    run(auditor, "t", 0)
    with broken(rules.DEPENDENCIES_FIRST):
        run(auditor, "after")
    run(auditor, "u", 0)
    run(auditor, "after")


def test_a_task_waits_for_every_number_of_a_range_however_it_is_spelt() -> None:
    auditor = an_auditor()
    auditor.asked_task("j", "after", needs=Needs(ranges=((1, 2),)))
    auditor.asked_task("j", "1")
    auditor.asked_task("j", "002")
    run(auditor, "1", 0)
    with broken(rules.DEPENDENCIES_FIRST):
        run(auditor, "after")
    run(auditor, "002", 0)
    run(auditor, "after")


def test_a_failure_satisfies_only_where_it_is_said_and_once_there_are_no_retries() -> None:
    auditor = an_auditor()
    satisfies = Reactions(codes={3: Reaction(dependency_action="satisfy")})
    auditor.asked_task("j", "c", retries=1, reactions=satisfies)
    auditor.asked_task("j", "after t", needs=Needs(ids=frozenset({"t"})))
    auditor.asked_task("j", "after c", needs=Needs(ids=frozenset({"c"})))
    for number in (1, 2):
        with broken(rules.DEPENDENCIES_FIRST):
            run(auditor, "after c")
        run(auditor, "t", 3, number=number)
        run(auditor, "c", 3, number=number)
    with broken(rules.DEPENDENCIES_FIRST):
        run(auditor, "after t")
    run(auditor, "after c")


def test_after_peace_a_task_waits_only_for_what_has_not_satisfied_it() -> None:
    auditor = an_auditor()
    auditor.asked_task("j", "after", needs=Needs(ids=frozenset({"t"})))
    failed = a_task(exit_code=1, retry_count=2, start_time=NOW, end_time=NOW, **FAILED)
    run(auditor, "t", 1)
    run(auditor, "t", 1, number=2)
    auditor.rest(shown(failed, a_task("after")))

    auditor = an_auditor()
    auditor.asked_task("j", "after", needs=Needs(ids=frozenset({"t"})))
    run(auditor, "t", 0)
    with broken(rules.PEACE_LEAVES_NOTHING):
        auditor.rest(shown(a_task(**SUCCEEDED), a_task("after")))


def test_exit_conditions_go_by_code_then_range_then_default() -> None:
    reactions = Reactions(
        codes={3: Reaction("none", "satisfy")},
        ranges=((1, 5, Reaction("disable")),),
        default=Reaction(None, "satisfy"),
    )

    assert [reactions.job_action(code) for code in (0, 3, 4, 7, None)] == [
        "none", "none", "disable", "terminate", "terminate",
    ]  # fmt: skip
    assert [reactions.satisfies(code) for code in (0, 3, 4, 7, None)] == [
        True, True, False, True, True,
    ]  # fmt: skip


# Jobs.


def test_no_more_tasks_of_a_job_run_at_once_than_it_allows() -> None:
    auditor = an_auditor(parallel_max=1)
    run(auditor, "t")
    with broken(rules.PARALLEL):
        run(auditor, "u")
    auditor.exited("t1", 0)
    run(auditor, "u")


def test_a_task_starts_in_an_auto_pool_though_a_client_wished_for_another_one() -> None:
    auditor = Auditor()
    auditor.asked_job("j", pool="")
    auditor.asked_task("j", "t")
    auditor.life_began("n", pool="own", slots=1)
    auditor.asked_pool("j", "q")
    run(auditor, "t")


def test_a_task_starts_in_the_pool_of_its_job() -> None:
    auditor = an_auditor()
    auditor.life_began("o", pool="q", slots=1)
    with broken(rules.RIGHT_POOL):
        auditor.started("t1", "task", "o", "j", "t")
    auditor.asked_pool("j", "q")
    auditor.started("t1", "task", "o", "j", "t")
    auditor.accepted_pool("j", "q")
    with broken(rules.RIGHT_POOL):
        run(auditor, "u")


def test_a_disabled_job_rests_until_it_is_enabled() -> None:
    auditor = an_auditor()
    auditor.asked_disable("j", "wait")
    auditor.look(shown(a_task(), a_task("u"), state="disabled"))
    with broken(rules.DISABLED_RESTS):
        run(auditor, "t")
    auditor.asked_enable("j")
    run(auditor, "t")
    auditor.answered_enable("j", 1)
    with broken(rules.DISABLED_RESTS):
        auditor.look(shown(a_task(), a_task("u"), state="disabled"))


def test_without_faults_a_disabling_job_soon_starts_nothing() -> None:
    auditor = an_auditor()
    auditor.calm()
    auditor.look(shown(a_task(), a_task("u"), state="disabling"))
    run(auditor, "t")
    auditor.look(shown(a_task(), state="disabling", time=LATER + timedelta(seconds=3)))
    with broken(rules.DISABLED_RESTS):
        run(auditor, "u")


def test_what_a_disabled_job_puts_back_runs_again_and_may_count_a_requeue() -> None:
    auditor = an_auditor()
    run(auditor, "t")
    with broken(rules.REQUEUE_COUNT):
        auditor.look(shown(a_task(requeue_count=1)))
    auditor.asked_disable("j", "requeue")
    auditor.look(shown(a_task(requeue_count=1), state="disabling"))
    auditor.exited("t1", 0)
    run(auditor, "t", number=2)


def test_what_a_node_starts_before_it_hears_of_a_disabling_does_not_count() -> None:
    auditor = an_auditor()
    auditor.asked_disable("j", "terminate")
    run(auditor, "u", 3)
    auditor.look(shown(a_task(), a_task("u"), state="disabled"))
    auditor.asked_enable("j")
    auditor.answered_enable("j", 1)
    run(auditor, "u", 3, number=2)
    with broken(rules.RETRIES_ALLOWED):
        run(auditor, "u", number=3)


def test_a_task_that_has_ended_may_disable_its_job_when_the_service_learns_of_it() -> None:
    auditor = an_auditor(acts_on_failure=True)
    auditor.asked_task("j", "c", reactions=Reactions(default=Reaction("disable")))
    run(auditor, "c", 1)
    auditor.asked_task("j", "d")
    run(auditor, "d")
    auditor.look(shown(a_task("c"), a_task("d", requeue_count=1), state="disabling"))


def test_a_task_that_was_ended_before_it_ran_may_disable_its_job() -> None:
    """T-31: its exit conditions count for every end, with a run or without."""
    auditor = an_auditor(acts_on_failure=True)
    auditor.asked_task("j", "c", reactions=Reactions(default=Reaction("disable")))
    run(auditor, "t")
    with broken(rules.REQUEUE_COUNT):
        auditor.look(shown(a_task(requeue_count=1), a_task("c"), state="disabling"))
    auditor.asked_end("j", "c")
    auditor.look(shown(a_task(requeue_count=1), a_task("c"), state="disabling"))


@pytest.mark.parametrize(
    ("reason", "terms"),
    [
        ("UserTerminate", {"ends_with_tasks": True}),
        ("AllTasksComplete", {"acts_on_failure": True}),
        ("TaskFailed", {"seconds_max": 1.0}),
        ("MaxWallClockTimeExpiry", {"seconds_max": 61.0}),
        ("whatever", {}),
    ],
)
def test_a_job_ends_for_no_reason_but_one_that_it_had(reason: str, terms: dict[str, Any]) -> None:
    auditor = an_auditor(**terms)
    run(auditor, "t", 1)
    with broken(rules.REASONS):
        auditor.look(shown(a_task(retry_count=1), state="terminating", reason=reason))


@pytest.mark.parametrize(
    ("reason", "terms"),
    [
        ("AllTasksComplete", {"ends_with_tasks": True}),
        ("TaskFailed", {"acts_on_failure": True}),
        ("MaxWallClockTimeExpiry", {"seconds_max": 60.0}),
    ],
)
def test_after_peace_a_job_that_had_a_reason_has_ended(reason: str, terms: dict[str, Any]) -> None:
    auditor = an_auditor(**terms)
    run(auditor, "u", 1)
    end: dict[str, Any] = {"start_time": NOW, "end_time": NOW}
    tasks = [a_task("u", exit_code=1, **end, **FAILED)]
    auditor.look(shown(*tasks, state="completed", reason=reason))
    with broken(rules.PEACE_ACTS):
        auditor.rest(shown(*tasks))


def test_a_job_does_not_end_with_its_tasks_while_one_of_them_waits() -> None:
    auditor = an_auditor(ends_with_tasks=True)
    with broken(rules.REASONS):
        auditor.look(shown(a_task(), state="completed", reason="AllTasksComplete"))


def test_after_peace_a_job_is_disabled_if_its_task_said_so() -> None:
    auditor = an_auditor(acts_on_failure=True)
    disables = Reactions(default=Reaction("disable"))
    auditor.asked_task("j", "c", reactions=disables)
    run(auditor, "c", 1)
    failed = a_task("c", exit_code=1, start_time=NOW, end_time=NOW, **FAILED)
    auditor.rest(shown(failed, state="disabled"))
    with broken(rules.PEACE_ACTS):
        auditor.rest(shown(failed))
    with broken(rules.PEACE_ACTS):
        auditor.rest(shown(failed, state="disabling"))
    auditor.asked_enable("j")
    auditor.rest(shown(failed))


# Reactivation.


def test_a_reactivated_task_runs_with_all_its_retries_before_it_is_completed_again() -> None:
    auditor = an_auditor()
    run(auditor, "t", 1)
    run(auditor, "t", 1, number=2)
    failed = a_task(exit_code=1, retry_count=2, start_time=NOW, end_time=NOW, **FAILED)
    auditor.look(shown(failed))
    runs_before = auditor.count_runs("j", "t")
    auditor.asked_reactivation("j", "t")
    auditor.look(shown(failed))
    auditor.answered_reactivation("j", "t", 1, runs_before=runs_before)
    with broken(rules.REACTIVATED_RUNS):
        auditor.look(shown(failed))
    run(auditor, "t", 1, number=3)
    run(auditor, "t", 0, number=4)
    auditor.look(shown(a_task(retry_count=1, start_time=NOW, end_time=NOW, **SUCCEEDED)))


def test_a_reactivation_that_was_refused_changes_nothing() -> None:
    auditor = an_auditor()
    run(auditor, "t", 1)
    failed = a_task(exit_code=1, retry_count=1, start_time=NOW, end_time=NOW, **FAILED)
    auditor.asked_reactivation("j", "t")
    auditor.answered_reactivation("j", "t", 1)
    auditor.look(shown(failed))


def test_another_priority_counts_once_it_was_accepted() -> None:
    auditor = Auditor()
    for job, priority in (("low", 0), ("high", 1)):
        auditor.asked_job(job, pool="p", strict_priority=priority)
        auditor.asked_task(job, "t")
    auditor.asked_task("high", "u")
    auditor.life_began("n", pool="p", slots=1)
    auditor.calm()

    def look(seconds: float) -> None:
        waiting = (a_task(job="low"),)
        auditor.look(Shown(time=NOW + timedelta(seconds=seconds), tasks=waiting, jobs=()))

    look(0)
    look(3)
    auditor.started("h1", "task", "n", "high", "t")
    auditor.exited("h1", 0)
    auditor.accepted_priority("low", 2)
    look(4)
    look(7)
    auditor.started("h2", "task", "n", "high", "u")
    look(7.1)
    with broken(rules.PRIORITY):
        look(8)
