"""What goes wrong in requests, each with its documented code and words that say the cure."""

import json

import pytest

from batchyard.core import limits
from tests.api.bench import Bench, pool_body

JOB = {"id": "new", "poolInfo": {"poolId": "pool"}}
TASK: dict[str, object] = {"id": "new", "commandLine": "true"}


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/pools/nope", None, "PoolNotFound"),
        ("PATCH", "/pools/nope", {}, "PoolNotFound"),
        ("DELETE", "/pools/nope", None, "PoolNotFound"),
        ("POST", "/pools/nope/resize", {"targetDedicatedNodes": 1}, "PoolNotFound"),
        ("POST", "/pools/nope/removenodes", {"nodeList": ["x"]}, "PoolNotFound"),
        ("POST", "/pools/nope/updateproperties", {}, "PoolNotFound"),
        ("GET", "/pools/nope/nodes", None, "PoolNotFound"),
        ("GET", "/pools/nope/nodes/x/files", None, "PoolNotFound"),
        ("GET", "/pools/pool/nodes/nope", None, "NodeNotFound"),
        ("POST", "/pools/pool/nodes/nope/reboot", {}, "NodeNotFound"),
        ("POST", "/pools/pool/nodes/nope/reimage", {}, "NodeNotFound"),
        ("GET", "/pools/pool/nodes/nope/files/a", None, "NodeNotFound"),
        ("GET", "/jobs/nope", None, "JobNotFound"),
        ("PATCH", "/jobs/nope", {}, "JobNotFound"),
        ("PUT", "/jobs/nope", {"poolInfo": {"poolId": "p"}}, "JobNotFound"),
        ("POST", "/jobs/nope/terminate", {}, "JobNotFound"),
        ("DELETE", "/jobs/nope", None, "JobNotFound"),
        ("GET", "/jobs/nope/taskcounts", None, "JobNotFound"),
        ("GET", "/jobs/nope/jobpreparationandreleasetaskstatus", None, "JobNotFound"),
        ("GET", "/jobs/nope/tasks", None, "JobNotFound"),
        ("POST", "/jobs/nope/tasks", TASK, "JobNotFound"),
        ("POST", "/jobs/nope/addtaskcollection", {"value": [TASK]}, "JobNotFound"),
        ("GET", "/jobs/nope/tasks/x", None, "JobNotFound"),
        ("GET", "/jobs/job/tasks/nope", None, "TaskNotFound"),
        ("PUT", "/jobs/job/tasks/nope", {}, "TaskNotFound"),
        ("POST", "/jobs/job/tasks/nope/terminate", None, "TaskNotFound"),
        ("DELETE", "/jobs/job/tasks/nope", None, "TaskNotFound"),
        ("GET", "/jobs/job/tasks/nope/files", None, "TaskNotFound"),
        ("GET", "/jobs/a%20b", None, "JobNotFound"),
        ("GET", "/jobs/%252e%252e", None, "JobNotFound"),
        ("GET", "/nothing", None, "ResourceNotFound"),
    ],
)
def test_what_does_not_exist_has_a_code_of_its_own(bench: Bench, method, path, body, code):
    bench.create_pool()
    bench.create_job()
    answer = bench.client.request(method, path, body)
    assert (answer.status, answer.code) == (404, code)


@pytest.mark.parametrize("path", ["/pools", "/jobs", "/jobs/job/tasks"])
@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"x"', b"\xff", b'{"id":', b"{}{}"])
def test_a_body_that_is_no_object_is_refused(bench: Bench, path, body):
    bench.create_job()
    answer = bench.client.post(path, body)
    assert (answer.status, answer.code) == (400, "InvalidRequestBody")
    assert answer.values["Reason"].startswith("send one JSON object")


@pytest.mark.parametrize(
    ("path", "body", "name", "value", "cure"),
    [
        ("/jobs", JOB | {"priority": "high"}, "priority", "high", "whole number"),
        ("/jobs", JOB | {"priority": 1.5}, "priority", "1.5", "whole number"),
        ("/jobs", JOB | {"poolInfo": []}, "poolInfo", "[]", "an object"),
        ("/jobs", JOB | {"metadata": {"a": "b"}}, "metadata", '{"a":"b"}', "a list"),
        ("/jobs", JOB | {"displayName": 5}, "displayName", "5", "a text"),
        ("/jobs", JOB | {"onTaskFailure": "x"}, "onTaskFailure", "x", "noaction"),
        ("/jobs", JOB | {"id": "a/b"}, "id", "a/b", "letters, digits, hyphens"),
        ("/jobs", JOB | {"id": "x" * 65}, "id", "x" * 65, "1 to 64"),
        ("/pools", pool_body(id=""), "id", "", "1 to 64"),
        ("/pools", pool_body(taskSlotsPerNode=9), "taskSlotsPerNode", "9", "from 1 to 8"),
        ("/pools", pool_body(resizeTimeout="PT1M"), "resizeTimeout", "PT1M", "PT5M"),
        ("/jobs/job/tasks", TASK | {"id": "ä"}, "id", "ä", "letters"),
        ("/jobs/job/tasks", TASK | {"requiredSlots": True}, "requiredSlots", "true", "number"),
        (
            "/jobs/job/tasks",
            TASK | {"constraints": {"retentionTime": "1 week"}},
            "constraints.retentionTime",
            "1 week",
            "P7D",
        ),
        (
            "/jobs/job/addtaskcollection",
            {"value": [TASK] * 101},
            "value",
            "101 tasks",
            "at most 100",
        ),
        (
            "/pools/pool/removenodes",
            {"nodeList": ["x"] * 101},
            "nodeList",
            "101 nodes",
            "1 to 100",
        ),
    ],
)
def test_a_wrong_value_is_named_and_repeated(bench: Bench, path, body, name, value, cure):
    bench.create_pool()
    bench.create_job()
    answer = bench.client.post(path, body)
    assert (answer.status, answer.code) == (400, "InvalidPropertyValue")
    assert list(answer.values) == ["PropertyName", "PropertyValue", "Reason"]
    assert (answer.values["PropertyName"], answer.values["PropertyValue"]) == (name, value)
    assert cure in answer.values["Reason"]


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/pools", pool_body(vmsize="x"), "vmsize"),
        ("/jobs", JOB | {"poolInfo": {"poolId": "p", "PoolId": "q"}}, "poolInfo.PoolId"),
        ("/jobs/job/tasks", TASK | {"dependson": {}}, "dependson"),
        ("/jobs/job/terminate", {"reason": "x"}, "reason"),
    ],
)
def test_an_unknown_property_is_refused_by_its_path(bench: Bench, path, body, name):
    bench.create_job()
    answer = bench.client.post(path, body)
    assert (answer.status, answer.code) == (400, "UnsupportedProperty")
    assert answer.values["PropertyName"] == name
    assert answer.values["Reason"]


def test_an_update_of_what_cannot_be_changed_says_so(bench: Bench):
    bench.create_job()
    job = bench.client.get("/jobs/job").json
    del job["odata.metadata"]
    answer = bench.client.put("/jobs/job", job)
    assert (answer.status, answer.code) == (400, "UnsupportedProperty")
    assert answer.values["PropertyName"] == "id"
    assert "leave it out" in answer.values["Reason"]


@pytest.mark.parametrize("path", ["/jobs", "/jobs/job/addtaskcollection", "/jobs/job/terminate"])
def test_a_body_over_the_limit_is_refused_whatever_it_is_for(bench: Bench, path):
    body = json.dumps({"id": "x" * limits.REQUEST_BODY_BYTES_MAX}).encode()
    answer = bench.client.post(path, body)
    assert (answer.status, answer.code) == (413, "RequestBodyTooLarge")


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"\\ud800","commandLine":"true"}',
        b'{"id":"a","commandLine":"\\udfff"}',
        b'{"id":"a","commandLine":"true","displayName":"\\u0000"}',
        b'{"id":"a","commandLine":"true","requiredSlots":' + b"9" * 5000 + b"}",
        b'{"id":"a","commandLine":"true","requiredSlots":1e999}',
        b'{"id":"a","commandLine":"true","environmentSettings":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"id":"a","commandLine":"true","x":' + b'{"x":' * 50_000,
    ],
)
def test_no_strange_json_is_our_fault(bench: Bench, body):
    bench.create_job()
    answer = bench.client.post("/jobs/job/tasks", body)
    assert answer.status == 400
    assert answer.values["Reason"]


def test_tasks_refused_one_by_one_say_why_each(bench: Bench):
    bench.create_job()
    bad_file = {"resourceFiles": [{"httpUrl": "x", "filePath": "y"}]}
    group = [TASK | {"id": "good"}, TASK | {"id": "a b"}, {"id": "c"}, TASK | bad_file]
    results = bench.client.post("/jobs/job/addtaskcollection", {"value": group}).json["value"]
    assert [result["status"] for result in results] == ["success"] + ["clienterror"] * 3
    for result in results[1:]:
        values = {item["key"]: item["value"] for item in result["error"]["values"]}
        assert values["PropertyName"]
        assert values["Reason"]
