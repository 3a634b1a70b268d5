"""The ``poolInfo`` of jobs with an auto pool, in requests and answers."""

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from batchyard.core.errors import Refused
from batchyard.core.job_events import SchedulingFailed
from batchyard.core.specs import JobChange
from batchyard.core.states import PoolLifetime
from batchyard.engine.views import JobView
from batchyard.wire import job_changes, job_schedules, jobs, old_names, versions
from tests.core import test_job

PLACE = "poolInfo.autoPoolSpecification"
MACHINE: dict[str, Any] = {
    "imageReference": {"publisher": "canonical", "offer": "ubuntu", "sku": "22_04"},
    "nodeAgentSKUId": "batch.node.ubuntu 22.04",
}
POOL: dict[str, Any] = {"vmSize": "STANDARD_D2_V3", "virtualMachineConfiguration": MACHINE}
AUTO_POOL: dict[str, Any] = {"poolLifetimeOption": "job", "pool": POOL}
OLD = versions.parse("2020-03-01.11.0")


def job(auto_pool: dict[str, Any] | None = None, **pool_info: Any) -> bytes:
    if auto_pool is not None:
        pool_info["autoPoolSpecification"] = auto_pool
    return json.dumps({"id": "job", "poolInfo": pool_info}).encode()


def shown(body: bytes) -> dict[str, Any]:
    """The ``poolInfo`` of the job that was created by `body`."""
    view = JobView(job=test_job.new(pool_id="made"), spec=jobs.read_job(body))
    written: dict[str, Any] = msgspec.to_builtins(jobs.write_job(view, "http://host"))
    assert written["executionInfo"]["poolId"] == "made"
    pool_info: dict[str, Any] = written["poolInfo"]
    return pool_info


def test_an_auto_pool_is_shown_with_its_defaults_and_without_an_id():
    """J-50, J-52."""
    image = {**MACHINE["imageReference"], "version": "latest"}
    assert shown(job(AUTO_POOL)) == {
        "autoPoolSpecification": {
            "poolLifetimeOption": "job",
            "keepAlive": False,
            "pool": {
                "vmSize": "standard_d2_v3",
                "virtualMachineConfiguration": {**MACHINE, "imageReference": image},
                "taskSlotsPerNode": 1,
                "taskSchedulingPolicy": {"nodeFillType": "Spread"},
                "resizeTimeout": "PT15M",
                "targetDedicatedNodes": 0,
                "targetLowPriorityNodes": 0,
                "enableAutoScale": False,
                "enableInterNodeCommunication": False,
            },
        }
    }


EVERYTHING = {
    "poolLifetimeOption": "job",
    "keepAlive": True,
    "autoPoolIdPrefix": "x" * 20,
    "pool": {
        **POOL,
        "displayName": "mine",
        "taskSlotsPerNode": 4,
        "taskSchedulingPolicy": {"nodeFillType": "Pack", "jobDefaultOrder": "CreationTime"},
        "resizeTimeout": "PT01H",
        "targetDedicatedNodes": 2,
        "targetLowPriorityNodes": 1,
        "startTask": {"commandLine": "setup"},
        "metadata": [{"name": "a", "value": "b"}],
        "userAccounts": [{"name": "me", "password": "secret"}],
        "resourceTags": {"k": "v"},
    },
}


def test_what_was_read_of_an_auto_pool_may_be_sent_back():
    """J-30."""
    spec = jobs.read_job(job(EVERYTHING))
    assert spec.auto_pool is not None
    assert spec.pool_id == ""
    pool_info = shown(job(EVERYTHING))
    body = json.dumps({"poolInfo": pool_info}).encode()
    for read in (job_changes.read_job_patch, job_changes.read_job_replacement):
        change = read(body).auto_pool
        assert change is not None
        assert (change.lifetime, change.keep_alive) == (PoolLifetime.JOB, True)
        assert (change.id_prefix, change.pool) == (spec.auto_pool.id_prefix, spec.auto_pool.pool)
    assert "secret" not in json.dumps(pool_info)


def test_the_pool_of_a_schedule_may_be_sent_back_without_its_passwords():
    auto_pool = {**EVERYTHING, "poolLifetimeOption": "jobschedule"}
    template = {"poolInfo": {"autoPoolSpecification": auto_pool}}
    sent = {"id": "nightly", "schedule": {}, "jobSpecification": template}
    spec = job_schedules.read_job_schedule(json.dumps(sent).encode())
    written = msgspec.to_builtins(jobs.write_specification(spec.job))
    assert "secret" not in json.dumps(written)
    body = json.dumps({"jobSpecification": written}).encode()
    for read in (job_schedules.read_patch, job_schedules.read_replacement):
        assert read(body).job == spec.job
    again = json.dumps({**sent, "jobSpecification": written}).encode()
    with pytest.raises(Refused) as refused:
        job_schedules.read_job_schedule(again)
    name = "jobSpecification.poolInfo.autoPoolSpecification.pool.userAccounts[0].password"
    assert refused.value.values["PropertyName"] == name


def test_an_update_need_not_name_the_pool():
    body = b'{"poolInfo":{"autoPoolSpecification":{"poolLifetimeOption":"job","keepAlive":true}}}'
    change = job_changes.read_job_patch(body).auto_pool
    assert change is not None
    assert (change.keep_alive, change.pool, change.id_prefix) == (True, None, None)
    assert job_changes.read_job_patch(b"{}") == JobChange()


@pytest.mark.parametrize(
    ("body", "code", "name"),
    [
        (job(), "MissingRequiredProperty", "poolInfo.poolId"),
        (job(AUTO_POOL, poolId="pool"), "InvalidPropertyValue", "poolInfo.poolId"),
        (job({"pool": POOL}), "MissingRequiredProperty", f"{PLACE}.poolLifetimeOption"),
        (job({"poolLifetimeOption": "job"}), "MissingRequiredProperty", f"{PLACE}.pool"),
        (
            job({**AUTO_POOL, "poolLifetimeOption": "jobschedule"}),
            "InvalidPropertyValue",
            f"{PLACE}.poolLifetimeOption",
        ),
        (
            job({**AUTO_POOL, "autoPoolIdPrefix": "x" * 21}),
            "InvalidPropertyValue",
            f"{PLACE}.autoPoolIdPrefix",
        ),
        (
            job({**AUTO_POOL, "autoPoolIdPrefix": "a b"}),
            "InvalidPropertyValue",
            f"{PLACE}.autoPoolIdPrefix",
        ),
        (
            job({**AUTO_POOL, "pool": {**POOL, "vmSize": None}}),
            "MissingRequiredProperty",
            f"{PLACE}.pool.vmSize",
        ),
        (
            job({**AUTO_POOL, "pool": {**POOL, "targetDedicatedNodes": -1}}),
            "InvalidPropertyValue",
            f"{PLACE}.pool.targetDedicatedNodes",
        ),
        (
            job({**AUTO_POOL, "pool": {**POOL, "startTask": {"commandLine": ""}}}),
            "InvalidPropertyValue",
            f"{PLACE}.pool.startTask.commandLine",
        ),
        (
            job({**AUTO_POOL, "pool": {**POOL, "userAccounts": [{"name": "me"}]}}),
            "MissingRequiredProperty",
            f"{PLACE}.pool.userAccounts[0].password",
        ),
        (
            job({**AUTO_POOL, "pool": {**POOL, "mountConfiguration": [{}]}}),
            "UnsupportedProperty",
            f"{PLACE}.pool.mountConfiguration",
        ),
    ],
)
def test_a_refusal_names_the_property_by_its_whole_path(body: bytes, code: str, name: str):
    """J-7, J-47, J-48, P-1 ... P-11."""
    with pytest.raises(Refused) as refused:
        jobs.read_job(body)
    assert (refused.value.code, refused.value.values["PropertyName"]) == (code, name)
    assert refused.value.values["Reason"]


@pytest.mark.parametrize(
    "read", [jobs.read_job, job_changes.read_job_patch, job_changes.read_job_replacement]
)
def test_the_auto_pool_of_an_old_version_may_name_its_slots_in_the_old_way(read: Any):
    auto_pool = {**AUTO_POOL, "pool": {**POOL, "maxTasksPerNode": 4}}
    body = (
        job(auto_pool) if read is jobs.read_job else job(auto_pool).replace(b'"id": "job", ', b"")
    )
    assert read(body, OLD).auto_pool.pool.task_slots_per_node == 4
    with pytest.raises(Refused, match=r"UnsupportedProperty|InvalidRequestBody"):
        read(body)


def test_the_auto_pool_is_shown_in_the_words_of_an_old_version():
    spec = jobs.read_job(job(AUTO_POOL))
    written = jobs.write_job(JobView(job=test_job.new(), spec=spec), "http://host")
    fixed = jobs.write_job(
        JobView(job=test_job.new(), spec=replace(spec, auto_pool=None, pool_id="pool")),
        "http://host",
    )
    [old, plain] = old_names.in_words_of(OLD, [written, fixed], old_names.JOB)
    pool = old["poolInfo"]["autoPoolSpecification"]["pool"]  # type: ignore[index]
    assert "taskSlotsPerNode" not in pool
    assert pool["maxTasksPerNode"] == 1
    assert plain["poolInfo"] == {"poolId": "pool"}  # type: ignore[index]
    assert old_names.in_words_of(versions.LATEST, [written]) == [written]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"poolInfo": null}', b'{"poolInfo": 3}'])
def test_what_is_no_auto_pool_is_left_to_those_who_read_it(body: bytes):
    with pytest.raises(Refused):
        jobs.read_job(body, OLD)


def test_a_job_that_will_never_run_says_why():
    """J-51."""
    failed = test_job.after(
        test_job.new(), SchedulingFailed(key=test_job.KEY, error=test_job.ERROR)
    )
    view = JobView(job=failed, spec=jobs.read_job(job(AUTO_POOL)))
    written = msgspec.to_builtins(jobs.write_job(view, "http://host"))
    assert written["executionInfo"]["schedulingError"] == {
        "category": "UserError",
        "code": "InvalidAutoPoolSettings",
        "message": "no",
    }
