"""The settings of multi-instance tasks. Source: T-32, T-57 ... T-59."""

from typing import Final

from batchyard.core import limits
from batchyard.core.errors import Refused
from batchyard.core.specs import MultiInstanceSpec
from batchyard.wire import checks, model, resource_files

_PLACE: Final = "multiInstanceSettings"


def read_settings(given: model.MultiInstanceSettings | None) -> MultiInstanceSpec | None:
    """Return on how many nodes a task runs at once, and what brings them together.

    Raises:
        Refused: ``MissingRequiredProperty``, ``InvalidPropertyValue``.
    """
    if given is None:
        return None
    instances = 1
    if given.number_of_instances is not None:
        name = f"{_PLACE}.numberOfInstances"
        instances = checks.number(given.number_of_instances, name, 1, limits.INSTANCES_MAX)
    return MultiInstanceSpec(
        coordination_command_line=checks.command_line(
            given.coordination_command_line, f"{_PLACE}.coordinationCommandLine"
        ),
        instances=instances,
        common_resource_files=checks.resource_files(
            given.common_resource_files, f"{_PLACE}.commonResourceFiles"
        ),
    )


def check_slots(required_slots: int) -> None:
    """Refuse a multi-instance task that wants several slots of a node (T-32)."""
    if required_slots != 1:
        raise Refused.of_property(
            "requiredSlots", required_slots, "a multi-instance task takes whole nodes; give 1"
        )


def write_settings(spec: MultiInstanceSpec | None) -> model.MultiInstanceSettings | None:
    """Return the settings of a multi-instance task."""
    if spec is None:
        return None
    return model.MultiInstanceSettings(
        number_of_instances=spec.instances,
        coordination_command_line=spec.coordination_command_line,
        common_resource_files=resource_files.write_resource_files(spec.common_resource_files),
    )
