"""Mistakes to make: how jobs end, rest and move, and how much of them runs."""

from typing import Any, Final

from msgspec.structs import replace

from batchyard.core import job
from batchyard.core.effects import Step
from batchyard.core.job_events import JobQuiet
from batchyard.core.states import JobState
from batchyard.engine import loops, placing
from batchyard.engine.ready import Ready
from batchyard.sim import rules
from tests.sim.defects.defect import Patch, SeededDefect, change


def _limit_ignored(patch: Patch) -> None:
    patch.setattr(placing._Round, "_parallel_room", lambda _round, _keys: {})


def _disabled_too_soon(patch: Patch) -> None:
    def quieten(_original: Any, cascade: Any, present: Any) -> None:
        cascade.run([JobQuiet(key=present.key)])

    change(patch, loops, "_quieten", quieten)


def _disabled_jobs_run(patch: Patch) -> None:
    def of_pool(original: Any, ready: Any, transaction: Any, pool: Any) -> Any:
        found = original(ready, transaction, pool)
        for key, present in transaction.jobs(range(1, 100)).items():
            if present.pool == pool and present.state is JobState.DISABLED:
                found.put(key, present.priority)
        return found

    change(patch, Ready, "of_pool", of_pool)


def _old_pool_kept(patch: Patch) -> None:
    def updated(original: Any, present: Any, event: Any, now: Any) -> Any:
        result = original(present, event, now)
        return Step(replace(result.entity, pool=present.pool), result.effects)

    change(patch, job, "_updated", updated)


def _ended_before_the_last_task(patch: Patch) -> None:
    def due(original: Any, present: Any, event: Any, now: Any) -> Any:
        return original(present, replace(event, has_open_tasks=False), now)

    change(patch, job, "_due", due)


def _time_limit_forgotten(patch: Patch) -> None:
    def awaiting(original: Any, present: Any) -> Any:
        return original(replace(present, expiry_time=None))

    change(patch, job, "_awaiting", awaiting)


def _job_action_forgotten(patch: Patch) -> None:
    patch.setattr(job, "_acted", lambda present, _event, _now: Step(present))


def _failure_ends_every_job(patch: Patch) -> None:
    def acted(original: Any, present: Any, event: Any, now: Any) -> Any:
        return original(replace(present, performs_job_actions=True), event, now)

    change(patch, job, "_acted", acted)


def _new_priority_unnoticed(patch: Patch) -> None:
    def updated(original: Any, present: Any, event: Any, now: Any) -> Any:
        return original(present, replace(event, priority=present.priority), now)

    change(patch, job, "_updated", updated)


DEFECTS: Final = (
    SeededDefect("More tasks of a job run than it allows.", _limit_ignored, rules.PARALLEL),
    SeededDefect(
        "A job is disabled before its tasks have left.", _disabled_too_soon, rules.DISABLED_RESTS
    ),
    SeededDefect("Tasks of disabled jobs start.", _disabled_jobs_run, rules.DISABLED_RESTS),
    SeededDefect("A job stays in the pool that it had.", _old_pool_kept, rules.RIGHT_POOL),
    SeededDefect(
        "A job ends with its tasks before the last of them.",
        _ended_before_the_last_task,
        rules.REASONS,
    ),
    SeededDefect("A failed task ends every job.", _failure_ends_every_job, rules.REASONS),
    SeededDefect("The time limit of a job is forgotten.", _time_limit_forgotten, rules.PEACE_ACTS),
    SeededDefect(
        "What a failed task does to its job is forgotten.", _job_action_forgotten, rules.PEACE_ACTS
    ),
    SeededDefect("A new priority is not noticed.", _new_priority_unnoticed, rules.PRIORITY),
)
