"""Mistakes to make: who waits for whom."""

from typing import Any, Final

from msgspec.structs import replace

from batchyard.core import exits, task
from batchyard.core.effects import Step
from batchyard.core.states import DependencyAction, TaskState
from batchyard.core.task_events import ReactivateTask
from batchyard.engine.cascade import Cascade
from batchyard.engine.commands import tasks
from batchyard.sim import rules
from tests.sim.defects.defect import Patch, SeededDefect, change


def _dependencies_ignored(patch: Patch) -> None:
    patch.setattr(tasks, "_with_dependencies", lambda _cascade, _job, admitted: admitted)


def _failure_satisfies(patch: Patch) -> None:
    def options(original: Any, conditions: Any, ending: Any) -> Any:
        return replace(original(conditions, ending), dependency_action=DependencyAction.SATISFY)

    change(patch, exits, "options", options)


def _satisfied_forgotten(patch: Patch) -> None:
    patch.setattr(Cascade, "_satisfy", lambda _cascade, _job: None)


def _reactivation_forgotten(patch: Patch) -> None:
    def step(original: Any, present: Any, event: Any, now: Any) -> Any:
        if isinstance(event, ReactivateTask) and present.state is TaskState.COMPLETED:
            return Step(present)
        return original(present, event, now)

    change(patch, task, "step", step)


DEFECTS: Final = (
    SeededDefect("Tasks do not wait for others.", _dependencies_ignored, rules.DEPENDENCIES_FIRST),
    SeededDefect(
        "A failure satisfies what depends on it.", _failure_satisfies, rules.DEPENDENCIES_FIRST
    ),
    SeededDefect(
        "What has been waited for lets nobody run.",
        _satisfied_forgotten,
        rules.PEACE_LEAVES_NOTHING,
    ),
    SeededDefect(
        "A reactivated task stays as it is.", _reactivation_forgotten, rules.REACTIVATED_RUNS
    ),
)
