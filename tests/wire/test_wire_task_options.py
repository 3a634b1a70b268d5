"""Exit conditions and dependencies between wire and core."""

from typing import Any

import msgspec
import pytest

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.specs import ExitConditions, ExitOptions, TaskDependencies
from batchyard.core.states import DependencyAction, JobAction
from batchyard.wire import task_options, tasks
from tests.wire.test_wire_changes import sent
from tests.wire.test_wire_requests import TASK

EVERYTHING: dict[str, Any] = {
    "exitCodes": [{"code": 1, "exitOptions": {"jobAction": "disable"}}],
    "exitCodeRanges": [
        {"start": -9, "end": 3, "exitOptions": {"dependencyAction": "satisfy"}},
    ],
    "preProcessingError": {"jobAction": "none", "dependencyAction": "block"},
    "fileUploadError": {},
    "default": {"jobAction": "terminate"},
}


def test_exit_conditions_are_read_whole_and_given_back_as_they_came() -> None:
    spec = tasks.read_task(sent(**TASK, exitConditions=EVERYTHING))
    assert spec.exit_conditions == ExitConditions(
        exit_codes=((1, ExitOptions(JobAction.DISABLE)),),
        exit_code_ranges=((-9, 3, ExitOptions(dependency_action=DependencyAction.SATISFY)),),
        pre_processing_error=ExitOptions(JobAction.NONE, DependencyAction.BLOCK),
        file_upload_error=ExitOptions(),
        default=ExitOptions(JobAction.TERMINATE),
    )
    written = msgspec.to_builtins(task_options.write_exit_conditions(spec.exit_conditions))
    again = tasks.read_task(sent(**TASK, exitConditions=written))
    assert again.exit_conditions == spec.exit_conditions
    assert task_options.write_exit_conditions(None) is None


def test_dependencies_are_read_whole_and_given_back_as_they_came() -> None:
    wish = {"taskIds": ["a", "B"], "taskIdRanges": [{"start": 0, "end": 5}]}
    spec = tasks.read_task(sent(**TASK, dependsOn=wish))
    assert spec.depends_on == TaskDependencies(task_ids=("a", "B"), task_id_ranges=((0, 5),))
    written = msgspec.to_builtins(task_options.write_dependencies(spec.depends_on))
    assert tasks.read_task(sent(**TASK, dependsOn=written)).depends_on == spec.depends_on
    assert tasks.read_task(sent(**TASK, dependsOn={"taskIds": []})).depends_on is None


@pytest.mark.parametrize(
    ("options", "code", "name"),
    [
        (
            {"dependsOn": {"taskIds": ["x" * 64] * 1001}},
            ErrorCode.TASK_DEPENDENCY_LIST_TOO_LONG,
            "dependsOn.taskIds",
        ),
        (
            {"dependsOn": {"taskIdRanges": [{"start": 1, "end": 2}] * 1001}},
            ErrorCode.TASK_DEPENDENCY_RANGES_TOO_LONG,
            "dependsOn.taskIdRanges",
        ),
        (
            {"dependsOn": {"taskIdRanges": [{"start": 3, "end": 2}]}},
            ErrorCode.INVALID_PROPERTY_VALUE,
            "dependsOn.taskIdRanges[0].end",
        ),
        (
            {"dependsOn": {"taskIdRanges": [{"start": -1, "end": 2}]}},
            ErrorCode.INVALID_PROPERTY_VALUE,
            "dependsOn.taskIdRanges[0].start",
        ),
        (
            {"dependsOn": {"taskIdRanges": [{"start": 1}]}},
            ErrorCode.MISSING_REQUIRED_PROPERTY,
            "dependsOn.taskIdRanges[0].end",
        ),
        (
            {"dependsOn": {"taskIds": ["a/b"]}},
            ErrorCode.INVALID_PROPERTY_VALUE,
            "dependsOn.taskIds[0]",
        ),
        (
            {"exitConditions": {"exitCodes": [{"code": 1}]}},
            ErrorCode.MISSING_REQUIRED_PROPERTY,
            "exitConditions.exitCodes[0].exitOptions",
        ),
        (
            {"exitConditions": {"exitCodeRanges": [{"start": 2, "end": 1, "exitOptions": {}}]}},
            ErrorCode.INVALID_PROPERTY_VALUE,
            "exitConditions.exitCodeRanges[0].end",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    options: dict[str, Any], code: ErrorCode, name: str
) -> None:
    with pytest.raises(Refused) as caught:
        tasks.read_task(sent(**TASK, **options))
    assert (caught.value.code, caught.value.values["PropertyName"]) == (code, name)
