"""The judge finds broken promises about forced ends and auto pools, and passes kept ones."""

from datetime import UTC, datetime
from typing import Any

import pytest

from batchyard.sim import rules
from batchyard.sim.audit.shown import Shown, ShownCounts, ShownJob, ShownPool
from batchyard.sim.auditor import Auditor
from batchyard.sim.rules import Rule, Violation

NOTHING = ShownCounts(
    active=0, running=0, succeeded=0, failed=0,
    active_slots=0, running_slots=0, succeeded_slots=0, failed_slots=0,
)  # fmt: skip


def shown(job: str | None, pool: str | None = None) -> Shown:
    """A job and its pool in these states; None if it is not there."""
    jobs = () if job is None else (ShownJob(job="j", state=job, counts=NOTHING, pool="own"),)
    a_pool = ShownPool(
        pool="own", allocation_state="steady", target_nodes=0, has_errors=False, state=str(pool)
    )
    pools = () if pool is None else (a_pool,)
    return Shown(time=datetime(2026, 3, 1, 12, tzinfo=UTC), tasks=(), jobs=jobs, pools=pools)


def broken(rule: Rule) -> Any:
    return pytest.raises(Violation, match=f"^{rule.name}:")


def an_auditor(*, keeps_pool: bool | None = None) -> Auditor:
    auditor = Auditor()
    auditor.asked_job("j", pool="", keeps_pool=keeps_pool)
    auditor.accepted_job("j", pool="own")
    return auditor


def test_an_auto_pool_goes_with_its_job() -> None:
    auditor = an_auditor(keeps_pool=False)
    auditor.look(shown("terminating", "active"))
    auditor.asked_end("j")
    auditor.look(shown("completed", "deleting"))
    auditor.rest(shown("completed"))
    with broken(rules.AUTO_POOL_GOES):
        auditor.look(shown("completed", "active"))
    with broken(rules.AUTO_POOL_GOES):
        auditor.rest(shown("completed", "deleting"))


def test_an_auto_pool_stays_until_its_job_is_over() -> None:
    auditor = an_auditor(keeps_pool=False)
    with broken(rules.AUTO_POOL_STAYS):
        auditor.look(shown("terminating", "deleting"))


def test_an_auto_pool_that_is_kept_alive_stays() -> None:
    auditor = an_auditor(keeps_pool=True)
    auditor.rest(shown("completed", "active"))
    with broken(rules.AUTO_POOL_STAYS):
        auditor.look(shown("completed"))


def test_a_termination_that_is_forced_waits_for_nobody() -> None:
    auditor = an_auditor()
    auditor.asked_end("j", is_forced=True)
    auditor.look(shown("terminating"))
    auditor.ended("j", is_forced=True)
    auditor.look(shown("completed"))
    with broken(rules.FORCE_ENDS):
        auditor.look(shown("terminating"))
    auditor.asked_deletion("j")
    auditor.look(shown("deleting"))


def test_a_deletion_that_is_forced_waits_for_nobody() -> None:
    auditor = an_auditor()
    auditor.asked_deletion("j", is_forced=True)
    auditor.look(shown("deleting"))
    auditor.deleted("j", is_forced=True)
    auditor.rest(shown(None))
    with broken(rules.FORCE_ENDS):
        auditor.look(shown("deleting"))


def test_what_runs_of_a_job_that_was_completed_by_force_may_take_its_time() -> None:
    auditor = an_auditor()
    auditor.asked_task("j", "t")
    auditor.life_began("n", pool="own", slots=1)
    auditor.started("t1", "task", "n", "j", "t")
    with broken(rules.ENDED_JOBS_REST):
        auditor.look(shown("completed"))
    auditor.asked_end("j", is_forced=True)
    auditor.look(shown("completed"))
    with broken(rules.PEACE_IS_QUIET):
        auditor.rest(shown("completed"))
