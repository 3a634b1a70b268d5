"""The judge finds nodes that stand idle beside what waits, and passes those that may."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from batchyard.sim import rules
from batchyard.sim.audit.shown import Shown, ShownJob
from batchyard.sim.audit.terms import Terms
from batchyard.sim.auditor import Auditor
from tests.sim.test_auditor import NOW, a_task, broken, shown

LONG = timedelta(seconds=11)


def an_auditor(**job: Any) -> Auditor:
    """A job ``j`` with a task ``t``, and a node ``n``, without faults."""
    auditor = Auditor()
    auditor.asked_job("j", pool="p", **job)
    auditor.asked_task("j", "t")
    auditor.life_began("n", pool="p", slots=1)
    auditor.calm()
    return auditor


def waiting(after: timedelta = timedelta(0), **changes: Any) -> Shown:
    """What is shown after some time: `t` waits, and the node is idle."""
    now = shown(a_task(), active=1)
    jobs = tuple(replace(job, pool="p") for job in now.jobs)
    return replace(now, time=NOW + after, **({"jobs": jobs} | changes))


def test_no_task_waits_for_long_beside_an_idle_node() -> None:
    auditor = an_auditor()
    auditor.look(waiting())
    auditor.look(waiting(LONG - timedelta(seconds=2)))
    with broken(rules.IDLENESS):
        auditor.look(waiting(LONG))


def test_a_node_that_ran_something_meanwhile_was_not_idle() -> None:
    auditor = an_auditor()
    auditor.asked_task("j", "u")
    auditor.look(waiting())
    auditor.started("u1", "task", "n", "j", "u")
    auditor.killed("u1")
    auditor.look(waiting(LONG))
    auditor.look(waiting(LONG + timedelta(seconds=5)))


@pytest.mark.parametrize(
    ("changes", "job"),
    [
        ({"nodes": ()}, {}),
        ({"jobs": (ShownJob(job="j", state="disabled", counts=shown().jobs[0].counts),)}, {}),
        ({"tasks": ()}, {}),
        ({}, {"terms": Terms(parallel_max=1)}),
    ],
)
def test_what_cannot_run_may_wait(changes: dict[str, Any], job: dict[str, Any]) -> None:
    auditor = an_auditor(**job)
    now = waiting(**changes)
    counts = replace(now.jobs[0].counts, active=len(now.tasks), active_slots=len(now.tasks))
    now = replace(now, jobs=(replace(now.jobs[0], counts=counts),))
    auditor.look(now)
    auditor.look(replace(now, time=NOW + LONG))


def test_a_node_that_is_busy_is_not_idle_whatever_is_shown() -> None:
    auditor = an_auditor()
    auditor.asked_task("j", "u")
    auditor.started("u1", "task", "n", "j", "u")
    auditor.look(waiting())
    auditor.look(waiting(LONG))


def test_nodes_may_be_kept_for_tasks_that_need_them_whole() -> None:
    auditor = an_auditor()
    auditor.asked_task("j", "g", instances=2)
    both = shown(a_task(), a_task(task="g"), active=2)
    jobs = tuple(replace(job, pool="p") for job in both.jobs)
    auditor.look(replace(both, jobs=jobs))
    auditor.look(replace(both, jobs=jobs, time=NOW + LONG))


def test_nothing_is_said_while_there_are_faults() -> None:
    auditor = Auditor()
    auditor.asked_job("j", pool="p")
    auditor.asked_task("j", "t")
    auditor.life_began("n", pool="p", slots=1)
    auditor.look(waiting())
    auditor.look(waiting(LONG))
