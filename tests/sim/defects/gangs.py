"""Mistakes to make: multi-instance tasks."""

from typing import Any, Final

from msgspec.structs import replace

from batchyard.core import execution, multi_instance
from batchyard.core.effects import Step
from batchyard.core.states import ExecutionKind
from batchyard.core.task_events import StopExecution, SubtaskCoordinated
from batchyard.sim import rules
from tests.sim.defects.defect import Patch, SeededDefect, change


def _application_does_not_wait_for_all(patch: Patch) -> None:
    def coordinated(original: Any, gang: Any, event: SubtaskCoordinated) -> Any:
        time = event.time
        others = tuple(
            replace(one, coordination_time=one.coordination_time or time) for one in gang.subtasks
        )
        return original(replace(gang, subtasks=others), event)

    change(patch, multi_instance, "_coordinated", coordinated)


def _instance_ends_beside_its_application(patch: Patch) -> None:
    def stops(original: Any, gang: Any) -> Any:
        state = multi_instance.COORDINATING
        return [*original(gang), *original(replace(gang, state=state))]

    change(patch, multi_instance, "_stops", stops)


def _instances_of_other_nodes_go_on(patch: Patch) -> None:
    def stops(original: Any, gang: Any) -> Any:
        return original(gang)[:1]

    change(patch, multi_instance, "_stops", stops)


def _failed_coordination_is_passed_over(patch: Patch) -> None:
    def ended(original: Any, gang: Any, event: Any, now: Any) -> Any:
        return Step(original(gang, event, now).entity)

    change(patch, multi_instance, "_ended", ended)


def _instance_outlasts_its_task(patch: Patch) -> None:
    def closed(original: Any, one: Any, result: Any) -> Any:
        told = original(one, result)
        if one.kind is not ExecutionKind.PRIMARY:
            return told
        return tuple(effect for effect in told if not isinstance(effect, StopExecution))

    change(patch, execution, "_closed", closed)


DEFECTS: Final = (
    SeededDefect(
        "An application does not wait for all instances.",
        _application_does_not_wait_for_all,
        rules.ALL_COORDINATED,
    ),
    SeededDefect(
        "An instance ends beside its application.",
        _instance_ends_beside_its_application,
        rules.INSTANCE_LASTS,
    ),
    SeededDefect(
        "Instances on other nodes go on.", _instances_of_other_nodes_go_on, rules.PEACE_IS_QUIET
    ),
    SeededDefect(
        "A failed coordination command is passed over.",
        _failed_coordination_is_passed_over,
        rules.PEACE_IS_QUIET,
    ),
    SeededDefect(
        "The instance beside an application outlasts its task.",
        _instance_outlasts_its_task,
        rules.PEACE_IS_QUIET,
    ),
)
