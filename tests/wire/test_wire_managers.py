"""Job manager tasks, preemption and tokens, as JSON."""

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from batchyard.core.errors import ErrorCode
from batchyard.core.specs import EnvironmentSetting, JobManagerSpec, TaskSpec
from batchyard.engine.views import JobView
from batchyard.wire import jobs
from tests.core import test_job
from tests.wire.test_wire_requests import read_job, read_task, refusal

MANAGER = {"id": "manager", "commandLine": "manage"}


def written(**properties: object) -> dict[str, Any]:
    view = JobView(job=test_job.new(), spec=read_job(**properties))
    shown: dict[str, Any] = msgspec.to_builtins(jobs.write_job(view, "http://host"))
    return shown


def test_a_manager_has_all_that_was_asked_for() -> None:
    spec = read_job(
        jobManagerTask={
            **MANAGER,
            "displayName": "d",
            "environmentSettings": [{"name": "A", "value": "1"}],
            "constraints": {"maxWallClockTime": "PT5M", "maxTaskRetryCount": 2},
            "requiredSlots": 3,
            "killJobOnCompletion": False,
            "runExclusive": False,
            "allowLowPriorityNode": False,
            "authenticationTokenSettings": {"access": ["Job"]},
        }
    )
    assert spec.manager == JobManagerSpec(
        task=TaskSpec(
            id="manager",
            command_line="manage",
            display_name="d",
            environment_settings=(EnvironmentSetting("A", "1"),),
            max_wall_clock_time=timedelta(minutes=5),
            max_task_retry_count=2,
            required_slots=3,
            accesses_job=True,
        ),
        kill_job_on_completion=False,
        run_exclusive=False,
        allow_low_priority_node=False,
    )


def test_a_manager_is_shown_with_its_defaults() -> None:
    """J-65."""
    shown = written(jobManagerTask=MANAGER)["jobManagerTask"]
    del shown["constraints"]
    assert shown == {
        **MANAGER,
        "requiredSlots": 1,
        "killJobOnCompletion": True,
        "userIdentity": {"autoUser": {"scope": "pool", "elevationLevel": "nonadmin"}},
        "runExclusive": True,
        "allowLowPriorityNode": True,
    }
    settings = {"access": ["job"]}
    shown = written(jobManagerTask={**MANAGER, "authenticationTokenSettings": settings})
    assert shown["jobManagerTask"]["authenticationTokenSettings"] == settings
    assert "jobManagerTask" not in written()


@pytest.mark.parametrize(
    ("wrong", "code", "name"),
    [
        ({"id": None}, ErrorCode.MISSING_REQUIRED_PROPERTY, "jobManagerTask.id"),
        ({"commandLine": None}, ErrorCode.MISSING_REQUIRED_PROPERTY, "jobManagerTask.commandLine"),
        ({"requiredSlots": 0}, ErrorCode.INVALID_PROPERTY_VALUE, "jobManagerTask.requiredSlots"),
        (
            {"displayName": "d" * 1025},
            ErrorCode.INVALID_PROPERTY_VALUE,
            "jobManagerTask.displayName",
        ),
        ({"id": "JobRelease"}, ErrorCode.INVALID_PROPERTY_VALUE, "jobManagerTask.id"),
        ({"id": "jobpreparation"}, ErrorCode.INVALID_PROPERTY_VALUE, "jobManagerTask.id"),
        (
            {"containerSettings": {"imageName": "i"}},
            ErrorCode.UNSUPPORTED_PROPERTY,
            "jobManagerTask.containerSettings",
        ),
    ],
)
def test_what_a_manager_cannot_be_is_refused_by_name(
    wrong: dict[str, object], code: ErrorCode, name: str
) -> None:
    refused = refusal(
        read_job,
        jobManagerTask={**MANAGER, **wrong},
        jobPreparationTask={"commandLine": "p"},
        jobReleaseTask={"commandLine": "r"},
    )
    assert (refused.code, refused.values["PropertyName"]) == (code, name)


def test_preemption_is_shown_as_it_was_asked_for() -> None:
    """J-12."""
    assert written()["allowTaskPreemption"] is False
    assert written(allowTaskPreemption=True)["allowTaskPreemption"] is True


@pytest.mark.parametrize(
    ("settings", "accesses_job"),
    [(None, False), ({}, False), ({"access": []}, False), ({"access": ["job"]}, True)],
)
def test_a_task_asks_for_a_token_by_naming_what_it_wants_access_to(
    settings: object, accesses_job: bool
) -> None:
    """J-64."""
    assert read_task(authenticationTokenSettings=settings).accesses_job is accesses_job


def test_there_is_no_access_to_anything_but_the_job() -> None:
    body = {"authenticationTokenSettings": {"access": ["pool"]}}
    assert refusal(read_task, **body).code is ErrorCode.INVALID_PROPERTY_VALUE, json.dumps(body)
