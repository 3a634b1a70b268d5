"""Mistakes to make: forced ends of jobs, and the pools that go with jobs."""

from typing import Any, Final

from msgspec.structs import replace

from batchyard.core import job
from batchyard.core.effects import Step
from batchyard.core.job_events import JobEndTold, TerminateJob
from batchyard.core.pool_events import AutoPoolOver
from batchyard.core.states import JobState
from batchyard.sim import rules
from tests.sim.defects.defect import Patch, SeededDefect, change


def _auto_pool_forgotten(patch: Patch) -> None:
    def over(original: Any, ending: Any) -> Any:
        return tuple(one for one in original(ending) if not isinstance(one, AutoPoolOver))

    change(patch, job, "_over", over)


def _auto_pool_kept_alive_goes(patch: Patch) -> None:
    def over(original: Any, ending: Any) -> Any:
        return original(replace(ending, keeps_pool=False))

    change(patch, job, "_over", over)


def _auto_pool_goes_too_early(patch: Patch) -> None:
    def step(original: Any, present: Any, event: Any, now: Any) -> Any:
        result = original(present, event, now)
        if isinstance(event, TerminateJob) and result.entity.state is JobState.TERMINATING:
            return Step(result.entity, (*result.effects, AutoPoolOver(key=present.auto_pool)))
        return result

    change(patch, job, "step", step)


def _force_ignored(patch: Patch) -> None:
    def is_stale(original: Any, present: Any, event: Any) -> bool:
        return isinstance(event, JobEndTold) or original(present, event)

    change(patch, job, "is_stale", is_stale)


DEFECTS: Final = (
    SeededDefect(
        "The auto pool of a job is forgotten.", _auto_pool_forgotten, rules.AUTO_POOL_GOES
    ),
    SeededDefect(
        "An auto pool that is kept alive goes.", _auto_pool_kept_alive_goes, rules.AUTO_POOL_STAYS
    ),
    SeededDefect(
        "An auto pool goes before its job is over.",
        _auto_pool_goes_too_early,
        rules.AUTO_POOL_STAYS,
    ),
    SeededDefect("A forced end waits for nodes.", _force_ignored, rules.FORCE_ENDS),
)
