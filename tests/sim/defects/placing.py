"""Mistakes to make: placement and slots."""

from typing import Any, Final

from msgspec.structs import replace

from batchyard.agent.schedule import Schedule
from batchyard.core import node, placement
from batchyard.engine.ready import ReadyJobs
from batchyard.sim import rules
from tests.sim.defects.defect import Patch, SeededDefect, change


def _slot_too_many(patch: Patch) -> None:
    def begin(original: Any, schedule: Any, slots: int, prepared: Any) -> None:
        original(schedule, slots + 1, prepared)

    change(patch, Schedule, "__init__", begin)


def _slots_kept(patch: Patch) -> None:
    def freed(original: Any, present: Any, event: Any, now: Any) -> Any:
        return original(present, replace(event, slots=0), now)

    change(patch, node, "_freed", freed)


def _priority_ignored(patch: Patch) -> None:
    def plan(original: Any, snapshot: Any) -> Any:
        equal = [replace(job, priority=0) for job in snapshot.jobs]
        return original(replace(snapshot, jobs=equal))

    def put(original: Any, ready: Any, job: Any, _priority: int) -> None:
        original(ready, job, 0)

    change(patch, placement, "plan", plan)
    change(patch, ReadyJobs, "put", put)


DEFECTS: Final = (
    SeededDefect("A node starts one task too many.", _slot_too_many, rules.SLOTS),
    SeededDefect("Slots are not freed.", _slots_kept, rules.PEACE_LEAVES_NOTHING),
    SeededDefect("Priorities are ignored.", _priority_ignored, rules.PRIORITY),
)
