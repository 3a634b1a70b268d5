"""Mistakes to make: job manager tasks."""

from typing import Any, Final

from msgspec.structs import replace

from batchyard.core import displacement, job
from batchyard.core.effects import Step
from batchyard.engine.placing import _Round
from batchyard.sim import rules
from tests.sim.defects.defect import Patch, SeededDefect, change


def _manager_not_awaited(patch: Patch) -> None:
    def waiting(_original: Any, around: Any, keys: Any, limit: int) -> Any:
        return around._cascade.transaction.waiting_tasks(keys, limit)

    def first(original: Any, around: Any, of: Any, task: Any) -> Any:
        return replace(original(around, of, task), goes_first=False)

    change(patch, _Round, "_waiting_tasks", waiting)
    change(patch, _Round, "_waiting", first)


def _manager_shares_its_node(patch: Patch) -> None:
    def shared(original: Any, around: Any, of: Any, task: Any) -> Any:
        return replace(original(around, of, task), is_exclusive=False)

    change(patch, _Round, "_waiting", shared)


def _manager_ends_nothing(patch: Patch) -> None:
    def ended(_original: Any, present: Any, _now: Any) -> Any:
        return Step(present)

    change(patch, job, "_manager_ended", ended)


def _manager_displaces_anybody(patch: Patch) -> None:
    def may(_original: Any, task: Any, _job: Any, _running: Any) -> bool:
        return bool(task.is_restarted_manager)

    change(patch, displacement, "may_displace", may)


DEFECTS: Final = (
    SeededDefect("Nobody waits for a manager.", _manager_not_awaited, rules.MANAGER_FIRST),
    SeededDefect("A manager shares its node.", _manager_shares_its_node, rules.MANAGER_ALONE),
    SeededDefect("A manager ends nothing.", _manager_ends_nothing, rules.MANAGER_ENDS_JOB),
    SeededDefect(
        "A restarted manager displaces anybody.", _manager_displaces_anybody, rules.REQUEUE_COUNT
    ),
)
