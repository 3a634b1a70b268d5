import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.specs import (
    EnvironmentSetting,
    JobPreparationSpec,
    JobReleaseSpec,
    JobSpec,
    MetadataItem,
    PoolSpec,
    TaskSpec,
)
from batchyard.core.states import ElevationLevel, NodeFillType
from batchyard.wire import jobs, pools, tasks, versions

VERSION = versions.parse(versions.NEWEST)
MACHINE: dict[str, Any] = {
    "imageReference": {"publisher": "canonical", "offer": "ubuntu", "sku": "22_04"},
    "nodeAgentSKUId": "batch.node.ubuntu 22.04",
}
POOL = {"id": "pool", "vmSize": "Standard_D2_v3", "virtualMachineConfiguration": MACHINE}
JOB = {"id": "job", "poolInfo": {"poolId": "pool"}}
TASK = {"id": "task", "commandLine": "true"}


def read_pool(**properties: object) -> PoolSpec:
    return pools.read_pool(json.dumps(POOL | properties).encode(), VERSION)


def read_job(**properties: object) -> JobSpec:
    return jobs.read_job(json.dumps(JOB | properties).encode())


def read_task(**properties: object) -> TaskSpec:
    return tasks.read_task(json.dumps(TASK | properties).encode())


def refusal(read: Callable[..., object], **properties: object) -> Refused:
    with pytest.raises(Refused) as caught:
        read(**properties)
    assert caught.value.values["Reason"]
    return caught.value


def test_numbers_and_truths_may_stand_in_quotes():
    """``az batch`` sends the words of its command line as they are."""
    spec = read_pool(
        targetDedicatedNodes="2", taskSlotsPerNode="4", enableInterNodeCommunication="false"
    )
    assert (spec.target_dedicated_nodes, spec.task_slots_per_node) == (2, 4)
    assert spec.has_inter_node_communication is False
    assert read_job(priority="-7", constraints={"maxTaskRetryCount": "3"}).priority == -7
    assert read_task(displayName="5", requiredSlots="5").display_name == "5"


def test_what_is_wrong_beside_a_number_in_quotes_is_told():
    refused = refusal(read_pool, targetDedicatedNodes="2", taskSlotsPerNode="many")
    assert refused.values["PropertyName"] == "taskSlotsPerNode"
    assert refused.values["PropertyValue"] == "many"


def test_a_pool_has_all_that_was_asked_for():
    spec = read_pool(
        displayName="Büro",
        taskSlotsPerNode=8,
        taskSchedulingPolicy={"nodeFillType": "PACK", "jobDefaultOrder": "None"},
        targetDedicatedNodes=2,
        targetLowPriorityNodes=1,
        resizeTimeout="PT10M",
        enableAutoScale=False,
        enableInterNodeCommunication=False,
        metadata=[{"name": "a", "value": "b"}],
        userAccounts=[],
        resourceTags={"k": "v"},
    )
    assert spec.vm_size == "standard_d2_v3"
    assert spec.display_name == "Büro"
    assert spec.task_slots_per_node == 8
    assert spec.node_fill_type is NodeFillType.PACK
    assert (spec.target_dedicated_nodes, spec.target_low_priority_nodes) == (2, 1)
    assert spec.resize_timeout == timedelta(minutes=10)
    assert spec.metadata == (MetadataItem("a", "b"),)
    assert not spec.is_windows
    image = dict(MACHINE["imageReference"], version="latest")
    machine = {**MACHINE, "imageReference": image}
    assert spec.echoed == {"virtualMachineConfiguration": machine, "resourceTags": {"k": "v"}}


@pytest.mark.parametrize(
    "machine",
    [
        MACHINE | {"nodeAgentSKUId": "batch.node.windows amd64"},
        MACHINE
        | {
            "imageReference": {
                "publisher": "MicrosoftWindowsServer",
                "offer": "WindowsServer",
                "sku": "2022-datacenter",
            }
        },
    ],
)
def test_a_pool_with_an_image_or_agent_of_windows_is_one_of_windows(machine):
    assert read_pool(virtualMachineConfiguration=machine).is_windows


@pytest.mark.parametrize(
    ("vm_size", "most"),
    [
        ("Standard_A1", 4),
        ("standard_d16s_v5", 64),
        ("STANDARD_NC24rs_v3", 96),
        ("Standard_M128s", 256),
        ("small", 256),
    ],
)
def test_the_cores_of_a_size_bound_the_task_slots(vm_size, most):
    assert read_pool(vmSize=vm_size, taskSlotsPerNode=most).task_slots_per_node == most
    refused = refusal(read_pool, vmSize=vm_size, taskSlotsPerNode=most + 1)
    assert refused.values["PropertyName"] == "taskSlotsPerNode"


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({"id": "a b"}, "id"),
        ({"id": ""}, "id"),
        ({"id": "x" * 65}, "id"),
        ({"id": "a\n"}, "id"),
        ({"vmSize": ""}, "vmSize"),
        ({"displayName": "x" * 1025}, "displayName"),
        ({"targetDedicatedNodes": -1}, "targetDedicatedNodes"),
        ({"targetDedicatedNodes": 10**6}, "targetDedicatedNodes"),
        ({"targetLowPriorityNodes": "two"}, "targetLowPriorityNodes"),
        ({"targetLowPriorityNodes": str(2**31)}, "targetLowPriorityNodes"),
        ({"taskSlotsPerNode": 0}, "taskSlotsPerNode"),
        ({"taskSlotsPerNode": 2.5}, "taskSlotsPerNode"),
        ({"resizeTimeout": "PT4M59S"}, "resizeTimeout"),
        ({"resizeTimeout": "5 minutes"}, "resizeTimeout"),
        ({"resizeTimeout": "P10675199DT2H48M5.4775807S"}, "resizeTimeout"),
        ({"taskSchedulingPolicy": {"nodeFillType": "round"}}, "taskSchedulingPolicy.nodeFillType"),
        (
            {"virtualMachineConfiguration": MACHINE | {"imageReference": {"publisher": "x"}}},
            "virtualMachineConfiguration.imageReference",
        ),
        (
            {
                "virtualMachineConfiguration": MACHINE
                | {"imageReference": {"publisher": "x", "virtualMachineImageId": "/y"}}
            },
            "virtualMachineConfiguration.imageReference",
        ),
    ],
)
def test_a_wrong_value_of_a_pool_is_refused_by_name(properties, name):
    refused = refusal(read_pool, **properties)
    assert refused.code is ErrorCode.INVALID_PROPERTY_VALUE
    assert refused.values["PropertyName"] == name


@pytest.mark.parametrize(
    ("read", "properties", "name"),
    [
        (read_pool, {"id": None}, "id"),
        (read_pool, {"vmSize": None}, "vmSize"),
        (read_pool, {"virtualMachineConfiguration": None}, "virtualMachineConfiguration"),
        (
            read_pool,
            {"virtualMachineConfiguration": {"nodeAgentSKUId": "x"}},
            "virtualMachineConfiguration.imageReference",
        ),
        (
            read_pool,
            {"virtualMachineConfiguration": {"imageReference": {}}},
            "virtualMachineConfiguration.nodeAgentSKUId",
        ),
        (read_pool, {"taskSchedulingPolicy": {}}, "taskSchedulingPolicy.nodeFillType"),
        (read_pool, {"metadata": [{"name": "a"}]}, "metadata[0].value"),
        (read_job, {"id": None}, "id"),
        (read_job, {"poolInfo": None}, "poolInfo"),
        (read_job, {"poolInfo": {}}, "poolInfo.poolId"),
        (read_job, {"jobPreparationTask": {}}, "jobPreparationTask.commandLine"),
        (read_task, {"id": None}, "id"),
        (read_task, {"commandLine": None}, "commandLine"),
        (read_task, {"affinityInfo": {}}, "affinityInfo.affinityId"),
        (read_task, {"environmentSettings": [{"value": "x"}]}, "environmentSettings[0].name"),
    ],
)
def test_a_missing_property_is_refused_by_name(read, properties, name):
    refused = refusal(read, **properties)
    assert refused.code is ErrorCode.MISSING_REQUIRED_PROPERTY
    assert refused.values["PropertyName"] == name


def test_a_metadata_item_without_a_name_has_a_code_of_its_own():
    for read in (read_pool, read_job):
        refused = refusal(read, metadata=[{"name": "", "value": "x"}])
        assert refused.code is ErrorCode.EMPTY_METADATA_KEY


def test_a_job_has_all_that_was_asked_for():
    spec = read_job(
        displayName="d",
        priority=-1000,
        maxParallelTasks=-1,
        usesTaskDependencies=False,
        allowTaskPreemption=False,
        onAllTasksComplete="NoAction",
        onTaskFailure="noaction",
        constraints={"maxTaskRetryCount": -1, "maxWallClockTime": "P10675199DT2H48M5.4775807S"},
        commonEnvironmentSettings=[{"name": "A", "value": "1"}, {"name": "B"}],
        jobPreparationTask={
            "commandLine": "prepare",
            "constraints": {"maxWallClockTime": "PT5M", "maxTaskRetryCount": 2},
            "waitForSuccess": True,
            "userIdentity": {"autoUser": {"scope": "pool", "elevationLevel": "Admin"}},
        },
        jobReleaseTask={"id": "tidy", "commandLine": "release", "maxWallClockTime": "PT1M"},
        metadata=[],
    )
    assert spec == JobSpec(
        id="job",
        pool_id="pool",
        display_name="d",
        priority=-1000,
        max_task_retry_count=-1,
        common_environment_settings=(EnvironmentSetting("A", "1"), EnvironmentSetting("B", "")),
        preparation=JobPreparationSpec(
            id="jobpreparation",
            command_line="prepare",
            elevation_level=ElevationLevel.ADMIN,
            max_wall_clock_time=timedelta(minutes=5),
            max_task_retry_count=2,
        ),
        release=JobReleaseSpec(
            id="tidy", command_line="release", max_wall_clock_time=timedelta(minutes=1)
        ),
    )


@pytest.mark.parametrize("priority", [-1001, 1001])
def test_a_priority_beyond_the_bounds_has_a_code_of_its_own(priority):
    refused = refusal(read_job, priority=priority)
    assert refused.code is ErrorCode.OUT_OF_RANGE_PRIORITY


PREPARED = {"jobPreparationTask": {"commandLine": "true"}}


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({"jobReleaseTask": {"commandLine": "x"}}, "jobReleaseTask"),
        (
            PREPARED | {"jobReleaseTask": {"commandLine": "x", "maxWallClockTime": "PT16M"}},
            "jobReleaseTask.maxWallClockTime",
        ),
        (
            PREPARED | {"jobReleaseTask": {"commandLine": "x", "id": "JobPreparation"}},
            "jobReleaseTask.id",
        ),
        ({"jobPreparationTask": {"commandLine": "  "}}, "jobPreparationTask.commandLine"),
        ({"constraints": {"maxTaskRetryCount": -2}}, "constraints.maxTaskRetryCount"),
        ({"priority": "high"}, "priority"),
        ({"priority": 10**12}, "priority"),
        ({"poolInfo": "pool"}, "poolInfo"),
        ({"poolInfo": {"poolId": "a/b"}}, "poolInfo.poolId"),
        ({"onAllTasksComplete": "explode"}, "onAllTasksComplete"),
        (
            {"commonEnvironmentSettings": [{"name": "A=B", "value": "x"}]},
            "commonEnvironmentSettings[0].name",
        ),
    ],
)
def test_a_wrong_value_of_a_job_is_refused_by_name(properties, name):
    refused = refusal(read_job, **properties)
    assert refused.code is ErrorCode.INVALID_PROPERTY_VALUE
    assert refused.values["PropertyName"] == name


def test_a_task_has_all_that_was_asked_for():
    spec = read_task(
        displayName="d",
        commandLine="/bin/sh -c 'echo hello'",
        environmentSettings=[{"name": "A", "value": "1"}, {"name": "B", "value": None}],
        userIdentity={"autoUser": {"elevationLevel": "admin"}},
        constraints={
            "maxWallClockTime": "PT01H00M00S",
            "maxTaskRetryCount": 3,
            "retentionTime": "P7D",
        },
        requiredSlots=2,
        affinityInfo={"affinityId": "TVM:x"},
        resourceFiles=[],
        exitConditions=None,
    )
    assert spec == TaskSpec(
        id="task",
        command_line="/bin/sh -c 'echo hello'",
        display_name="d",
        environment_settings=(EnvironmentSetting("A", "1"), EnvironmentSetting("B", "")),
        elevation_level=ElevationLevel.ADMIN,
        max_wall_clock_time=timedelta(hours=1),
        max_task_retry_count=3,
        required_slots=2,
        affinity_id="TVM:x",
    )


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({"id": "a:b"}, "id"),
        ({"id": "ä"}, "id"),
        ({"commandLine": ""}, "commandLine"),
        ({"commandLine": "echo \0"}, "commandLine"),
        ({"commandLine": 5}, "commandLine"),
        ({"requiredSlots": 0}, "requiredSlots"),
        ({"constraints": {"maxTaskRetryCount": -2}}, "constraints.maxTaskRetryCount"),
        ({"constraints": {"maxWallClockTime": "1h"}}, "constraints.maxWallClockTime"),
        ({"constraints": []}, "constraints"),
        ({"environmentSettings": [{"name": ""}]}, "environmentSettings[0].name"),
        ({"environmentSettings": [{"name": "A\0"}]}, "environmentSettings[0].name"),
        (
            {"environmentSettings": [{"name": "A"}, {"name": "B", "value": "\0"}]},
            "environmentSettings[1].value",
        ),
        ({"displayName": "\0"}, "displayName"),
        ({"affinityInfo": {"affinityId": "\0"}}, "affinityInfo.affinityId"),
    ],
)
def test_a_wrong_value_of_a_task_is_refused_by_name(properties, name):
    refused = refusal(read_task, **properties)
    assert refused.code is ErrorCode.INVALID_PROPERTY_VALUE
    assert refused.values["PropertyName"] == name


def test_the_value_that_was_wrong_is_repeated():
    assert refusal(read_job, priority="high").values["PropertyValue"] == "high"


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({"commandLines": "x"}, "commandLines"),
        ({"constraints": {"maxRetries": 1}}, "constraints.maxRetries"),
        ({"environmentSettings": [{"name": "A", "valu": "x"}]}, "environmentSettings[0].valu"),
        ({"command_line": "x"}, "command_line"),
    ],
)
def test_a_property_that_does_not_exist_is_refused_by_its_path(properties, name):
    refused = refusal(read_task, **properties)
    assert refused.code is ErrorCode.UNSUPPORTED_PROPERTY
    assert refused.values["PropertyName"] == name


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b'{"id":"\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"id":"\\ud800"}',
        b'{"id":"a\x01"}',
        b"{}x",
        b'{"id":' + b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_json_object_is_refused(body):
    with pytest.raises(Refused) as caught:
        tasks.read_task(body)
    assert caught.value.code in (
        ErrorCode.INVALID_REQUEST_BODY,
        ErrorCode.INVALID_PROPERTY_VALUE,
    )


def test_an_empty_body_is_an_empty_object():
    with pytest.raises(Refused) as caught:
        tasks.read_task(b"")
    assert caught.value.code is ErrorCode.MISSING_REQUIRED_PROPERTY


def test_one_wrong_task_of_a_group_does_not_fail_the_others():
    group = {"value": [TASK, {"id": "b"}, {"id": "c", "commandLine": "x", "resourceFiles": [{}]}]}
    group["value"].append({"id": "d", "commandLine": "x", "outputFiles": [{"filePattern": "*"}]})
    results = tasks.read_task_group(json.dumps(group).encode())
    assert [name for name, _ in results] == ["task", "b", "c", "d"]
    codes = [getattr(result, "code", None) for _, result in results]
    assert codes[0] is None
    assert codes[1] is ErrorCode.MISSING_REQUIRED_PROPERTY
    assert codes[3] is ErrorCode.UNSUPPORTED_PROPERTY


def test_a_group_of_more_than_a_hundred_tasks_is_refused():
    body = json.dumps({"value": [TASK] * 101}).encode()
    with pytest.raises(Refused) as caught:
        tasks.read_task_group(body)
    assert caught.value.values["PropertyName"] == "value"
