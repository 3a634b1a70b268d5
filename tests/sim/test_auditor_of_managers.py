"""The judge finds each broken promise about job manager tasks, and nothing where they are kept."""

from dataclasses import replace

import pytest

from batchyard.sim import rules
from batchyard.sim.audit.history import Manager
from batchyard.sim.auditor import Auditor
from tests.sim.test_auditor import a_task, an_auditor, broken, shown, success


def led(*, is_exclusive: bool = True, ends_job: bool = True, outranks: bool = False) -> Auditor:
    """The job ``j`` has a manager ``m`` besides ``t`` and ``u``; ``k`` is another job."""
    auditor = an_auditor()
    manager = Manager(task="m", is_exclusive=is_exclusive, ends_job=ends_job, outranks=outranks)
    auditor.asked_manager("j", manager, slots=1, retries=1)
    auditor.asked_job("k", pool="p")
    auditor.asked_task("k", "o")
    return auditor


def test_no_task_of_its_job_starts_before_a_manager() -> None:
    auditor = led()
    auditor.started("o-1", "task", "n", "k", "o")
    with broken(rules.MANAGER_FIRST):
        auditor.started("t-1", "task", "m", "j", "t")


def test_a_manager_whose_end_was_asked_for_is_not_awaited() -> None:
    auditor = led()
    auditor.asked_end("j", "m")
    auditor.started("t-1", "task", "m", "j", "t")


@pytest.mark.parametrize("first", ["m", "o"])
def test_nothing_runs_beside_an_exclusive_manager(first: str) -> None:
    auditor = led()
    runs = [("j", "m"), ("k", "o")] if first == "m" else [("k", "o"), ("j", "m")]
    auditor.started("1", "task", "n", *runs[0])
    with broken(rules.MANAGER_ALONE):
        auditor.started("2", "task", "n", *runs[1])


def test_a_manager_that_shares_may_have_others_beside_it() -> None:
    auditor = led(is_exclusive=False)
    auditor.started("m-1", "task", "n", "j", "m")
    auditor.started("o-1", "task", "n", "k", "o")


def test_a_job_whose_manager_ends_it_has_ended_after_peace() -> None:
    auditor = led()
    auditor.started("m-1", "task", "n", "j", "m")
    auditor.exited("m-1", 0)
    auditor.started("t-1", "task", "n", "j", "t")
    auditor.killed("t-1")
    with broken(rules.MANAGER_ENDS_JOB):
        auditor.rest(shown(replace(success(), task="m"), a_task(), active=1, succeeded=1))


@pytest.mark.parametrize(("outranks", "may"), [(True, True), (False, False)])
def test_only_a_restarted_manager_that_outranks_sends_tasks_of_other_jobs_back(
    outranks: bool, may: bool
) -> None:
    auditor = led(outranks=outranks)
    auditor.started("o-1", "task", "m", "k", "o")
    auditor.started("m-1", "task", "n", "j", "m")
    auditor.exited("m-1", 1)
    if may:
        auditor.started("o-2", "task", "n", "k", "o")
    else:
        with broken(rules.ONE_PLACE):
            auditor.started("o-2", "task", "n", "k", "o")


def test_a_manager_that_waits_to_run_again_displaces_tasks_of_later_jobs_too() -> None:
    auditor = led(outranks=True)
    auditor.started("m-1", "task", "n", "j", "m")
    auditor.exited("m-1", 1)
    auditor.asked_job("later", pool="p")
    auditor.asked_task("later", "o")
    auditor.asked_job("elsewhere", pool="q")
    auditor.asked_task("elsewhere", "o")
    auditor.life_began("x", pool="q", slots=1)
    auditor.life_began("y", pool="q", slots=1)
    auditor.started("o-1", "task", "m", "later", "o")
    auditor.started("o-2", "task", "n", "later", "o")
    auditor.started("e-1", "task", "x", "elsewhere", "o")
    with broken(rules.ONE_PLACE):
        auditor.started("e-2", "task", "y", "elsewhere", "o")


def test_tasks_that_allow_preemption_are_sent_back() -> None:
    auditor = led()
    auditor.asked_preemption("k")
    auditor.started("o-1", "task", "m", "k", "o")
    auditor.started("o-2", "task", "n", "k", "o")
