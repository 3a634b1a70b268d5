"""The judge finds each broken promise about multi-instance tasks, and nothing where all is kept."""

from dataclasses import replace

import pytest

from batchyard.sim import rules
from batchyard.sim.auditor import Auditor
from tests.sim.test_auditor import a_task, an_auditor, broken, shown


def together(*, slots: int = 2, retries: int = 1) -> Auditor:
    """The job ``j`` has a task ``g`` of two instances besides others, on the nodes n and m."""
    auditor = an_auditor(slots=slots)
    auditor.asked_task("j", "g", retries=retries, instances=2)
    return auditor


def begin(auditor: Auditor, attempt: str = "1", *nodes: str) -> None:
    for number, node in enumerate(nodes or ("n", "m")):
        name = f"s{attempt}-{number}"
        auditor.started(name, "subtask", node, "j", "g", attempt=attempt)


def coordinate(auditor: Auditor, attempt: str = "1", *nodes: str) -> None:
    begin(auditor, attempt, *nodes)
    for number in range(2):
        auditor.coordinated(f"s{attempt}-{number}")


def apply(auditor: Auditor, attempt: str = "1", node: str = "n") -> None:
    auditor.started(f"a{attempt}", "primary", node, "j", "g", attempt=attempt)


def end(auditor: Auditor, attempt: str = "1") -> None:
    for number in range(2):
        auditor.killed(f"s{attempt}-{number}")


def test_a_good_history_is_passed() -> None:
    auditor = together()
    coordinate(auditor)
    apply(auditor)
    auditor.exited("a1", 3)
    end(auditor)
    begin(auditor, "2")
    auditor.exited("s2-1", 7)
    auditor.killed("s2-0")
    failed = a_task(task="g", state="completed", result="failure", exit_code=7, retry_count=1)
    seen = shown(a_task(), failed, active=1)
    (job,) = seen.jobs
    counts = replace(job.counts, failed=1, failed_slots=1)
    auditor.look(replace(seen, jobs=(replace(job, counts=counts),)))


def test_only_a_multi_instance_task_has_instances() -> None:
    auditor = together()
    with broken(rules.ASKED):
        auditor.started("s", "subtask", "n", "j", "t", attempt="1")


def test_two_instances_have_two_nodes() -> None:
    auditor = together()
    with broken(rules.INSTANCES_APART):
        begin(auditor, "1", "n", "n")


def test_there_are_no_more_instances_than_were_asked_for() -> None:
    auditor = together()
    auditor.life_began("o", pool="p", slots=1)
    with broken(rules.INSTANCES_APART):
        begin(auditor, "1", "n", "m", "o")


def test_an_instance_needs_a_slot() -> None:
    auditor = together(slots=1)
    auditor.started("t-1", "task", "n", "j", "t")
    with broken(rules.SLOTS):
        begin(auditor)


def test_the_application_waits_for_all_instances() -> None:
    auditor = together()
    begin(auditor)
    auditor.coordinated("s1-0")
    with broken(rules.ALL_COORDINATED):
        apply(auditor)
    auditor.coordinated("s1-1")
    apply(auditor)


def test_the_application_starts_beside_an_instance() -> None:
    auditor = together()
    auditor.life_began("o", pool="p", slots=1)
    coordinate(auditor)
    with broken(rules.ALL_COORDINATED):
        apply(auditor, node="o")


def test_the_instance_beside_an_application_ends_after_it() -> None:
    auditor = together()
    coordinate(auditor)
    apply(auditor)
    auditor.killed("s1-1")
    with broken(rules.INSTANCE_LASTS):
        auditor.killed("s1-0")


def test_a_node_that_ends_ends_both_in_any_order() -> None:
    auditor = together()
    coordinate(auditor)
    apply(auditor)
    auditor.life_over("n")


def test_nothing_of_another_attempt_is_left_where_an_instance_starts() -> None:
    auditor = together()
    begin(auditor)
    auditor.exited("s1-0", 1)
    with broken(rules.ATTEMPTS_APART):
        begin(auditor, "2", "m", "n")


def test_no_attempt_follows_one_that_has_succeeded() -> None:
    auditor = together()
    coordinate(auditor)
    apply(auditor)
    auditor.exited("a1", 0)
    end(auditor)
    with broken(rules.SUCCESS_ENDS):
        begin(auditor, "2")


def test_an_attempt_may_follow_one_of_which_a_node_was_lost() -> None:
    """The service may have heard of that first."""
    auditor = together()
    coordinate(auditor)
    apply(auditor)
    auditor.exited("a1", 0)
    auditor.killed("s1-0")
    auditor.life_over("m")
    auditor.life_began("m", pool="p", slots=1)
    begin(auditor, "2")


@pytest.mark.parametrize("fails", ["s", "a"])
def test_no_attempt_follows_more_failures_than_there_are_retries(fails: str) -> None:
    auditor = together(retries=0)
    if fails == "a":
        coordinate(auditor)
        apply(auditor)
        auditor.exited("a1", 1)
        end(auditor)
    else:
        begin(auditor)
        auditor.exited("s1-1", 1)
        auditor.killed("s1-0")
    with broken(rules.RETRIES_ALLOWED):
        begin(auditor, "2")


def test_two_instances_that_fail_are_one_failure() -> None:
    auditor = together(retries=1)
    begin(auditor)
    auditor.exited("s1-0", 1)
    auditor.exited("s1-1", 1)
    begin(auditor, "2")
