import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.specs import (
    EnvironmentSetting,
    JobChange,
    JobConstraints,
    JobPreparationSpec,
    JobReleaseSpec,
    JobSpec,
    MetadataItem,
    PoolChange,
    PoolSpec,
    Resize,
    ResourceFile,
    StartTaskSpec,
    TaskConstraints,
)
from batchyard.core.states import ElevationLevel, NodeOption, OnAllTasksComplete
from batchyard.engine.views import NodeView, RunningTasks
from batchyard.wire import checks, job_changes, jobs, nodes, pool_changes, pools, tasks, versions
from tests.core import test_node
from tests.wire.test_wire_requests import JOB, POOL, TASK

FILE = {"httpUrl": "https://host/a?b=%20", "filePath": "sub/a.txt"}
SEVEN_DAYS = timedelta(days=7)


def sent(**properties: object) -> bytes:
    return json.dumps(properties).encode()


def read_pool(start_task: object) -> PoolSpec:
    version = versions.parse(versions.NEWEST)
    return pools.read_pool(sent(**POOL, startTask=start_task), version)


def read_job(**properties: object) -> JobSpec:
    return jobs.read_job(sent(**JOB, **properties))


def refusal(read: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        read()
    assert caught.value.values["Reason"]
    return caught.value


def test_a_start_task_has_all_that_was_asked_for():
    spec = read_pool(
        {
            "commandLine": "setup",
            "resourceFiles": [FILE | {"fileMode": "0644"}],
            "environmentSettings": [{"name": "A", "value": "1"}],
            "userIdentity": {"autoUser": {"scope": "pool", "elevationLevel": "admin"}},
            "maxTaskRetryCount": -1,
            "waitForSuccess": False,
        }
    )
    assert spec.start_task == StartTaskSpec(
        command_line="setup",
        resource_files=(ResourceFile("https://host/a?b=%20", "sub/a.txt", 0o644),),
        environment_settings=(EnvironmentSetting("A", "1"),),
        elevation_level=ElevationLevel.ADMIN,
        max_task_retry_count=-1,
        wait_for_success=False,
    )


def test_a_start_task_is_waited_for_and_not_retried_unless_it_says_so():
    assert read_pool({"commandLine": "setup"}).start_task == StartTaskSpec(command_line="setup")
    assert read_pool(None).start_task is None


def test_a_start_task_that_is_too_long_in_all_is_refused():
    settings = [{"name": f"N{n}", "value": "x" * 300} for n in range(100)]
    assert read_pool({"commandLine": "x" * 30_000}).start_task is not None
    for task in (
        {"commandLine": "x" * 32_768},
        {"commandLine": "x" * 10_000, "environmentSettings": settings},
    ):
        refused = refusal(partial(read_pool, task))
        assert refused.code is ErrorCode.INVALID_PROPERTY_VALUE
        assert refused.values["PropertyName"] == "startTask"
        assert "32768" in refused.values["Reason"]


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ({"commandLine": ""}, "startTask.commandLine"),
        ({"commandLine": "x", "maxTaskRetryCount": -2}, "startTask.maxTaskRetryCount"),
        ({"commandLine": "x", "waitForSuccess": "yes"}, "startTask.waitForSuccess"),
        (
            {"commandLine": "x", "resourceFiles": [FILE, FILE | {"filePath": ""}]},
            "startTask.resourceFiles[1].filePath",
        ),
    ],
)
def test_a_wrong_value_of_a_start_task_is_refused_by_name(task, name):
    refused = refusal(lambda: read_pool(task))
    assert refused.code is ErrorCode.INVALID_PROPERTY_VALUE
    assert refused.values["PropertyName"] == name


@pytest.mark.parametrize(
    ("given", "mode"),
    [(None, 0o770), ("0770", 0o770), ("644", 0o644), ("0o600", 0o600), ("00755", 0o755)],
)
def test_the_mode_of_a_resource_file_is_octal(given, mode):
    task = TASK | {"resourceFiles": [FILE | {"fileMode": given}]}
    assert tasks.read_task(sent(**task)).resource_files[0].mode == mode


@given(st.from_regex(checks._PLAIN_URL, fullmatch=True))
def test_a_plain_url_is_one_that_can_be_taken_apart(url: str) -> None:
    parts = urlsplit(url)
    assert parts.scheme in ("http", "https")
    assert parts.hostname
    assert parts.port is None


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ({"httpUrl": "ftp://host/a"}, "httpUrl"),
        ({"httpUrl": "/a"}, "httpUrl"),
        ({"httpUrl": "file:///etc/passwd"}, "httpUrl"),
        ({"httpUrl": "http://"}, "httpUrl"),
        ({"httpUrl": "http://[::1"}, "httpUrl"),
        ({"httpUrl": "http://host:99999/a"}, "httpUrl"),
        ({"httpUrl": "http://host/a b"}, "httpUrl"),
        ({"httpUrl": "http://host/\r\nX: y"}, "httpUrl"),
        ({"filePath": ""}, "filePath"),
        ({"filePath": "/etc/passwd"}, "filePath"),
        ({"filePath": "../a"}, "filePath"),
        ({"filePath": "a/../../b"}, "filePath"),
        ({"filePath": "a/"}, "filePath"),
        ({"filePath": "a/."}, "filePath"),
        ({"filePath": "a\0"}, "filePath"),
        ({"fileMode": "rwx"}, "fileMode"),
        ({"fileMode": "0888"}, "fileMode"),
        ({"fileMode": "4755"}, "fileMode"),
        ({"fileMode": ""}, "fileMode"),
    ],
)
def test_a_wrong_value_of_a_resource_file_is_refused_by_name(file, name):
    task = TASK | {"resourceFiles": [FILE, FILE | file]}
    refused = refusal(lambda: tasks.read_task(sent(**task)))
    assert refused.code is ErrorCode.INVALID_PROPERTY_VALUE
    assert refused.values["PropertyName"] == f"resourceFiles[1].{name}"


@pytest.mark.parametrize(
    ("file", "code", "name"),
    [
        ({}, ErrorCode.MISSING_REQUIRED_PROPERTY, "httpUrl"),
        ({"httpUrl": "http://host/a"}, ErrorCode.MISSING_REQUIRED_PROPERTY, "filePath"),
        (
            FILE | {"storageContainerUrl": "http://host/c"},
            ErrorCode.UNSUPPORTED_PROPERTY,
            "storageContainerUrl",
        ),
        (
            {"autoStorageContainerName": "c"},
            ErrorCode.UNSUPPORTED_PROPERTY,
            "autoStorageContainerName",
        ),
        (
            FILE | {"identityReference": {"resourceId": "/x"}},
            ErrorCode.UNSUPPORTED_PROPERTY,
            "identityReference",
        ),
    ],
)
def test_a_resource_file_has_one_url_and_one_path(file, code, name):
    refused = refusal(lambda: tasks.read_task(sent(**TASK, resourceFiles=[file])))
    assert refused.code is code
    assert refused.values["PropertyName"] == f"resourceFiles[0].{name}"


def test_preparation_and_release_have_all_that_was_asked_for():
    spec = read_job(
        jobPreparationTask={
            "commandLine": "x",
            "resourceFiles": [FILE],
            "constraints": {"retentionTime": "PT1H"},
            "waitForSuccess": False,
            "rerunOnNodeRebootAfterSuccess": False,
        },
        jobReleaseTask={"commandLine": "y", "resourceFiles": [FILE], "retentionTime": "PT0S"},
    )
    files = (ResourceFile("https://host/a?b=%20", "sub/a.txt"),)
    assert spec.preparation == JobPreparationSpec(
        id="jobpreparation",
        command_line="x",
        resource_files=files,
        retention_time=timedelta(hours=1),
        wait_for_success=False,
        rerun_on_node_reboot_after_success=False,
    )
    assert spec.release == JobReleaseSpec(
        id="jobrelease", command_line="y", resource_files=files, retention_time=timedelta(0)
    )


def test_files_without_a_limit_are_kept_for_ever():
    unlimited = "P10675199DT2H48M5.4775807S"
    spec = tasks.read_task(sent(**TASK, constraints={"retentionTime": unlimited}))
    assert spec.retention_time is None
    assert tasks.read_task(sent(**TASK)).retention_time == SEVEN_DAYS


@pytest.mark.parametrize("longest", ["P365000D", "P9999999D", "P1000Y", "P999999999999W"])
def test_a_span_that_no_calendar_holds_is_no_limit(longest):
    constraints = {"retentionTime": longest, "maxWallClockTime": longest}
    spec = tasks.read_task(sent(**TASK, constraints=constraints))
    assert (spec.retention_time, spec.max_wall_clock_time) == (None, None)
    spec = tasks.read_task(sent(**TASK, constraints={"retentionTime": "P364999D"}))
    assert spec.retention_time == timedelta(days=364_999)


def test_a_patch_of_a_job_changes_what_it_names():
    assert job_changes.read_job_patch(b"{}") == JobChange()
    assert job_changes.read_job_patch(sent(priority=3)) == JobChange(priority=3)
    assert job_changes.read_job_patch(sent(metadata=[])) == JobChange(metadata=())
    assert job_changes.read_job_patch(sent(constraints={})) == JobChange(
        constraints=JobConstraints()
    )
    everything = sent(
        priority=-1,
        constraints={"maxTaskRetryCount": 2, "maxWallClockTime": "PT1H"},
        poolInfo={"poolId": "other"},
        metadata=[{"name": "a", "value": "b"}],
        maxParallelTasks=7,
        allowTaskPreemption=True,
        onAllTasksComplete="terminatejob",
    )
    change = JobChange(
        priority=-1,
        allow_task_preemption=True,
        max_parallel_tasks=7,
        constraints=JobConstraints(timedelta(hours=1), max_task_retry_count=2),
        on_all_tasks_complete=OnAllTasksComplete.TERMINATE_JOB,
        pool_id="other",
        metadata=(MetadataItem("a", "b"),),
    )
    assert job_changes.read_job_patch(everything) == change
    assert job_changes.read_job_replacement(everything) == change


def test_a_replacement_of_a_job_resets_what_it_omits():
    change = job_changes.read_job_replacement(sent(poolInfo={"poolId": "pool"}))
    assert change == JobChange(
        priority=0,
        allow_task_preemption=False,
        max_parallel_tasks=-1,
        constraints=JobConstraints(),
        on_all_tasks_complete=OnAllTasksComplete.NO_ACTION,
        pool_id="pool",
        metadata=(),
    )


@pytest.mark.parametrize(
    ("read", "body", "code", "name"),
    [
        (
            job_changes.read_job_replacement,
            {},
            ErrorCode.MISSING_REQUIRED_PROPERTY,
            "poolInfo",
        ),
        (
            job_changes.read_job_replacement,
            {"poolInfo": {"poolId": "p"}, "jobPreparationTask": {"commandLine": "x"}},
            ErrorCode.UNSUPPORTED_PROPERTY,
            "jobPreparationTask",
        ),
        (
            job_changes.read_job_replacement,
            {"poolInfo": {"poolId": "p"}, "displayName": "x"},
            ErrorCode.UNSUPPORTED_PROPERTY,
            "displayName",
        ),
        (
            job_changes.read_job_patch,
            {"displayName": "x"},
            ErrorCode.UNSUPPORTED_PROPERTY,
            "displayName",
        ),
        (
            job_changes.read_job_patch,
            {"maxParallelTasks": 0},
            ErrorCode.INVALID_PROPERTY_VALUE,
            "maxParallelTasks",
        ),
        (
            job_changes.read_job_patch,
            {"poolInfo": {}},
            ErrorCode.MISSING_REQUIRED_PROPERTY,
            "poolInfo.poolId",
        ),
        (
            job_changes.read_job_patch,
            {"priority": 1001},
            ErrorCode.OUT_OF_RANGE_PRIORITY,
            "priority",
        ),
        (
            pool_changes.read_pool_patch,
            {"vmSize": "small"},
            ErrorCode.UNSUPPORTED_PROPERTY,
            "vmSize",
        ),
        (
            pool_changes.read_pool_patch,
            {"targetDedicatedNodes": 1},
            ErrorCode.UNSUPPORTED_PROPERTY,
            "targetDedicatedNodes",
        ),
        (
            pool_changes.read_pool_patch,
            {"startTask": {}},
            ErrorCode.MISSING_REQUIRED_PROPERTY,
            "startTask.commandLine",
        ),
        (
            tasks.read_task_update,
            {"commandLine": "x"},
            ErrorCode.UNSUPPORTED_PROPERTY,
            "commandLine",
        ),
        (
            tasks.read_task_update,
            {"constraints": {"maxTaskRetryCount": -2}},
            ErrorCode.INVALID_PROPERTY_VALUE,
            "constraints.maxTaskRetryCount",
        ),
    ],
)
def test_a_change_that_cannot_be_is_refused_by_name(read, body, code, name):
    refused = refusal(lambda: read(sent(**body)))
    assert refused.code is code
    assert refused.values["PropertyName"] == name


def test_a_patch_of_a_pool_changes_what_it_names():
    assert pool_changes.read_pool_patch(b"") == PoolChange()
    body = sent(startTask={"commandLine": "x"}, metadata=[], applicationPackageReferences=[])
    assert pool_changes.read_pool_patch(body) == PoolChange(
        start_task=StartTaskSpec(command_line="x"), metadata=()
    )


def test_a_replacement_of_a_pools_properties_takes_away_what_it_omits():
    change = pool_changes.read_pool_replacement(sent(certificateReferences=[], metadata=[]))
    assert change == PoolChange(removes_start_task=True, metadata=())
    change = pool_changes.read_pool_replacement(sent(startTask={"commandLine": "x"}))
    assert change == PoolChange(start_task=StartTaskSpec(command_line="x"), metadata=())


def test_an_update_of_a_task_resets_the_constraints_it_omits():
    assert tasks.read_task_update(b"{}") == TaskConstraints()
    change = tasks.read_task_update(sent(constraints={"maxTaskRetryCount": 2}))
    assert change == TaskConstraints(max_task_retry_count=2)


def test_a_resize_names_one_target_or_both():
    assert pool_changes.read_resize(sent(targetLowPriorityNodes=0)) == Resize(
        target_low_priority_nodes=0
    )
    body = sent(
        targetDedicatedNodes=2, resizeTimeout="PT6M", nodeDeallocationOption="TaskCompletion"
    )
    assert pool_changes.read_resize(body) == Resize(
        target_dedicated_nodes=2,
        timeout=timedelta(minutes=6),
        option=NodeOption.TASK_COMPLETION,
    )
    assert refusal(lambda: pool_changes.read_resize(b"{}")).code is (
        ErrorCode.MISSING_REQUIRED_PROPERTY
    )


@pytest.mark.parametrize(
    ("read", "body", "name"),
    [
        (pool_changes.read_resize, {"targetDedicatedNodes": -1}, "targetDedicatedNodes"),
        (
            pool_changes.read_resize,
            {"targetDedicatedNodes": 1, "resizeTimeout": "PT4M"},
            "resizeTimeout",
        ),
        (
            pool_changes.read_resize,
            {"targetDedicatedNodes": 1, "nodeDeallocationOption": "retaineddata"},
            "nodeDeallocationOption",
        ),
        (pool_changes.read_removal, {"nodeList": []}, "nodeList"),
        (pool_changes.read_removal, {"nodeList": ["x"] * 101}, "nodeList"),
        (pool_changes.read_removal, {"nodeList": ["a", "b\0"]}, "nodeList[1]"),
        (pool_changes.read_reboot, {"nodeRebootOption": "retainedData"}, "nodeRebootOption"),
        (pool_changes.read_reboot, {"nodeRebootOption": "gently"}, "nodeRebootOption"),
    ],
)
def test_a_wrong_value_of_a_verb_is_refused_by_name(read, body, name):
    refused = refusal(lambda: read(sent(**body)))
    assert refused.code is ErrorCode.INVALID_PROPERTY_VALUE
    assert refused.values["PropertyName"] == name


def test_a_node_is_removed_once_however_often_it_is_named():
    removal = pool_changes.read_removal(sent(nodeList=["b", "a", "b"]))
    assert removal.node_ids == ["b", "a"]
    assert (removal.timeout, removal.option) == (timedelta(minutes=15), NodeOption.REQUEUE)


def test_a_node_is_rebooted_with_requeue_unless_asked_otherwise():
    assert pool_changes.read_reboot(b"") is NodeOption.REQUEUE
    assert pool_changes.read_reboot(sent(nodeRebootOption="terminate")) is NodeOption.TERMINATE


def test_accounts_of_a_pool_are_kept_without_their_secrets():
    """P-7."""
    account = {
        "name": "somebody",
        "password": "secret",
        "elevationLevel": "admin",
        "linuxUserConfiguration": {"uid": 2000, "gid": 2000, "sshPrivateKey": "secret"},
    }
    spec = pools.read_pool(sent(**POOL, userAccounts=[account]), versions.parse(versions.NEWEST))
    assert "secret" not in str(spec)
    assert "somebody" in str(spec)


@pytest.mark.parametrize(
    "account", [{"name": "a"}, {"password": "p"}, {"name": "a" * 21, "password": "p"}]
)
def test_an_account_needs_a_name_and_a_password(account: dict[str, object]):
    """P-53, L-4."""
    body = sent(**POOL, userAccounts=[account])
    refused = refusal_of_pool(body)
    assert refused.values["PropertyName"].startswith("userAccounts[0].")


def refusal_of_pool(body: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        pools.read_pool(body, versions.parse(versions.NEWEST))
    return caught.value


def test_annotations_of_an_answer_may_come_back_with_it():
    """A client that replaces what it read sends ``odata.metadata`` along."""
    body = sent(**{"odata.metadata": "http://host/$metadata#jobs/@Element"}, **JOB)
    assert jobs.read_job(body).id == "job"


def test_a_node_has_the_ports_of_its_pool_and_that_of_ssh():
    """P-34: here every port is reached by its own number."""
    nat = {
        "name": "web",
        "protocol": "tcp",
        "backendPort": 8080,
        "frontendPortRangeStart": 15000,
        "frontendPortRangeEnd": 15100,
    }
    network = {
        "endpointConfiguration": {"inboundNATPools": [nat]},
        "publicIPAddressConfiguration": {"ipFamilies": ["IPv4", "IPv6"]},
    }
    spec = pools.read_pool(
        sent(**POOL, networkConfiguration=network), versions.parse(versions.NEWEST)
    )
    view = NodeView(node=test_node.new(), pool_spec=spec, ordinal=1, running=RunningTasks(0, 0))
    node = nodes.write_node(view, "http://host")
    assert node.endpoint_configuration is not None
    endpoints = node.endpoint_configuration.inbound_endpoints or []
    assert [(one.name, one.frontend_port, one.backend_port) for one in endpoints] == [
        ("web.1", 8080, 8080),
        ("SSHRule.1", 22, 22),
    ]
    assert node.ipv6_address is not None
    assert nodes.write_remote_login_settings(view).ipv6_remote_login_port == 22


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({"networkConfiguration": {"subnetId": "/subnets/none"}}, "networkConfiguration.subnetId"),
        (
            {
                "virtualMachineConfiguration": {
                    "imageReference": {"virtualMachineImageId": "/images/none"},
                    "nodeAgentSKUId": "batch.node.ubuntu 22.04",
                }
            },
            "virtualMachineConfiguration.imageReference",
        ),
    ],
)
def test_what_does_not_exist_here_cannot_be_named(properties: dict[str, object], name: str):
    """P-9."""
    refused = refusal_of_pool(json.dumps(POOL | properties).encode())
    assert refused.code is ErrorCode.INVALID_PROPERTY_VALUE
    assert refused.values["PropertyName"] == name
