from datetime import timedelta
from urllib.parse import quote

import pytest

from tests.api.asgi import HOST, NOW, Answer
from tests.api.bench import Bench, pool_body

BASE = f"http://{HOST}"
UNLIMITED = "P10675199DT2H48M5.4775807S"
USER = {"autoUser": {"scope": "pool", "elevationLevel": "nonadmin"}}
FILE = {"httpUrl": "https://host/a", "filePath": "a", "fileMode": "0770"}
START_TASK = {
    "commandLine": "setup",
    "resourceFiles": [FILE],
    "environmentSettings": [{"name": "A", "value": "1"}],
    "userIdentity": USER,
    "maxTaskRetryCount": 2,
    "waitForSuccess": False,
}


def later(bench: Bench) -> None:
    """Let the next change have another time than what there is."""
    bench.clock.time += timedelta(seconds=5)


def assert_fresh(answer: Answer, before: Answer, url: str) -> None:
    """Check the headers of an answer to a change, which made a new revision."""
    assert answer.body == b""
    assert answer.headers["dataserviceid"] == url
    assert answer.headers["last-modified"] == "Tue, 04 Mar 2025 10:20:35 GMT"
    assert answer.headers["etag"] != before.headers["etag"]


def test_a_pool_shows_its_start_task_and_its_defaults(bench: Bench):
    bench.create_pool("full", startTask=START_TASK)
    assert bench.client.get("/pools/full").json["startTask"] == START_TASK
    bench.create_pool("short", startTask={"commandLine": "x"})
    assert bench.client.get("/pools/short").json["startTask"] == {
        "commandLine": "x",
        "userIdentity": USER,
        "maxTaskRetryCount": 0,
        "waitForSuccess": True,
    }


def test_a_patch_of_a_pool_leaves_what_it_does_not_name(bench: Bench):
    bench.create_pool(startTask=START_TASK, metadata=[{"name": "a", "value": "b"}])
    before = bench.client.get("/pools/pool")
    later(bench)
    answer = bench.client.patch("/pools/pool", {"metadata": []})
    assert answer.status == 200
    assert_fresh(answer, before, f"{BASE}/pools/pool")
    pool = bench.client.get("/pools/pool")
    assert pool.headers["etag"] == answer.headers["etag"]
    assert pool.json["startTask"] == START_TASK
    assert "metadata" not in pool.json


def test_a_replacement_of_a_pools_properties_removes_what_it_does_not_name(bench: Bench):
    bench.create_pool(startTask=START_TASK, metadata=[{"name": "a", "value": "b"}])
    answer = bench.client.post("/pools/pool/updateproperties", {"metadata": []})
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["dataserviceid"] == f"{BASE}/pools/pool"
    pool = bench.client.get("/pools/pool").json
    assert not {"startTask", "metadata"} & pool.keys()


def test_a_resize_is_visible_at_once(bench: Bench):
    bench.create_pool()
    before = bench.client.get("/pools/pool")
    later(bench)
    answer = bench.client.post(
        "/pools/pool/resize", {"targetDedicatedNodes": 2, "resizeTimeout": "PT10M"}
    )
    assert answer.status == 202
    assert_fresh(answer, before, f"{BASE}/pools/pool")
    pool = bench.client.get("/pools/pool").json
    assert (pool["allocationState"], pool["targetDedicatedNodes"]) == ("resizing", 2)
    assert (pool["resizeTimeout"], pool["targetLowPriorityNodes"]) == ("PT10M", 0)
    again = bench.client.post("/pools/pool/resize", {"targetDedicatedNodes": 1})
    assert (again.status, again.code) == (409, "PoolBeingResized")


def test_nodes_are_removed_by_name(bench: Bench):
    bench.create_pool(nodes=1)
    node = bench.bring_node_up()
    unknown = bench.client.post("/pools/pool/removenodes", {"nodeList": ["nope"]})
    assert (unknown.status, unknown.code) == (404, "NodeNotFound")
    answer = bench.client.post("/pools/pool/removenodes", {"nodeList": [node.node_id]})
    assert (answer.status, answer.body) == (202, b"")
    assert answer.headers["etag"]
    pool = bench.client.get("/pools/pool").json
    assert pool["targetDedicatedNodes"] == 0


def test_a_node_is_rebooting_at_once(bench: Bench):
    bench.create_pool(nodes=1)
    path = f"/pools/pool/nodes/{bench.bring_node_up().node_id}"
    answer = bench.client.post(f"{path}/reboot", {"nodeRebootOption": "requeue"})
    assert (answer.status, answer.body) == (202, b"")
    assert answer.headers["dataserviceid"] == f"{BASE}{path}"
    assert bench.client.get(path).json["state"] == "rebooting"
    again = bench.client.post(f"{path}/reboot")
    assert (again.status, again.code) == (409, "NodeBeingRebooted")


def test_a_node_cannot_be_reimaged_and_an_unknown_one_is_unknown(bench: Bench):
    bench.create_pool(nodes=1)
    node = bench.bring_node_up().node_id
    answer = bench.client.post(f"/pools/pool/nodes/{node}/reimage")
    assert (answer.status, answer.code) == (409, "OperationNotValidOnNode")
    assert answer.json["message"]["value"].startswith(
        "The specified operation is not valid on the node.\n"
    )
    assert answer.values["Reason"] == (
        "Operation reimage can be invoked only on pools created with cloudServiceConfiguration"
    )
    for verb in ("reimage", "reboot"):
        assert bench.client.post(f"/pools/pool/nodes/nope/{verb}").code == "NodeNotFound"
        assert bench.client.post(f"/pools/nope/nodes/{node}/{verb}").code == "PoolNotFound"


def test_a_patch_of_a_job_replaces_named_objects_whole(bench: Bench):
    bench.create_job(priority=5, constraints={"maxTaskRetryCount": 5})
    before = bench.client.get("/jobs/job")
    later(bench)
    change = {"constraints": {"maxWallClockTime": UNLIMITED}, "poolInfo": {"poolId": "pool"}}
    answer = bench.client.patch("/jobs/job", change)
    assert answer.status == 200
    assert_fresh(answer, before, f"{BASE}/jobs/job")
    job = bench.client.get("/jobs/job")
    assert job.headers["etag"] == job.json["eTag"] == answer.headers["etag"]
    assert job.json["constraints"] == {"maxWallClockTime": UNLIMITED, "maxTaskRetryCount": 0}
    assert job.json["priority"] == 5


def test_a_replacement_of_a_job_resets_what_it_omits(bench: Bench):
    bench.create_job(
        priority=5, constraints={"maxTaskRetryCount": 5}, metadata=[{"name": "a", "value": "b"}]
    )
    answer = bench.client.put("/jobs/job", {"poolInfo": {"poolId": "pool"}})
    assert (answer.status, answer.body) == (200, b"")
    job = bench.client.get("/jobs/job").json
    assert (job["priority"], job["constraints"]["maxTaskRetryCount"]) == (0, 0)
    assert "metadata" not in job


def test_the_pool_of_an_active_job_cannot_be_changed(bench: Bench):
    bench.create_job()
    for change in (bench.client.patch, bench.client.put):
        answer = change("/jobs/job", {"poolInfo": {"poolId": "other"}})
        assert (answer.status, answer.code) == (409, "OperationInvalidForCurrentState")
        assert answer.values["Reason"]


def test_a_job_that_is_over_cannot_be_changed(bench: Bench):
    bench.create_job()
    bench.client.post("/jobs/job/terminate")
    answer = bench.client.patch("/jobs/job", {"priority": 1})
    assert (answer.status, answer.code) == (409, "JobCompleted")


def test_the_constraints_of_a_task_are_replaced(bench: Bench):
    bench.create_job(constraints={"maxTaskRetryCount": 3})
    bench.add_task(constraints={"maxTaskRetryCount": 1, "retentionTime": "PT1H"})
    url = f"{BASE}/jobs/job/tasks/task"
    before = bench.client.get("/jobs/job/tasks/task")
    later(bench)
    answer = bench.client.put("/jobs/job/tasks/task", {"constraints": {"maxWallClockTime": "PT5M"}})
    assert answer.status == 200
    assert_fresh(answer, before, url)
    task = bench.client.get("/jobs/job/tasks/task")
    assert task.json["constraints"] == {
        "maxWallClockTime": "PT5M",
        "retentionTime": "P7D",
        "maxTaskRetryCount": 3,
    }
    assert task.headers["etag"] == task.json["eTag"] == answer.headers["etag"]
    assert task.json["lastModified"] == "2025-03-04T10:20:35Z"
    assert task.json["creationTime"] == "2025-03-04T10:20:30Z"


def test_a_terminated_task_is_completed_at_once(bench: Bench):
    bench.create_job()
    bench.add_task()
    etag = bench.client.get("/jobs/job/tasks/task").headers["etag"]
    answer = bench.client.post("/jobs/job/tasks/task/terminate")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["dataserviceid"] == f"{BASE}/jobs/job/tasks/task"
    task = bench.client.get("/jobs/job/tasks/task").json
    assert (task["state"], task["executionInfo"]["result"]) == ("completed", "failure")
    assert task["executionInfo"]["failureInfo"]["code"] == "TaskEnded"
    assert task["eTag"] == etag
    for answer in (
        bench.client.post("/jobs/job/tasks/task/terminate"),
        bench.client.put("/jobs/job/tasks/task", {}),
    ):
        assert (answer.status, answer.code) == (409, "TaskCompleted")


@pytest.mark.parametrize("span", ["P364999D", "P9999999D", UNLIMITED, "PT0S"])
def test_any_time_span_lets_its_task_end(bench: Bench, span):
    bench.create_pool(nodes=1)
    node = bench.bring_node_up()
    constraints = {"retentionTime": span, "maxWallClockTime": span}
    command = {"commandLine": "true", "constraints": constraints}
    bench.create_job(jobPreparationTask=command)
    bench.add_task(constraints=constraints)
    bench.run(node, exit_code=0)
    bench.run(node, exit_code=0)
    task = bench.client.get("/jobs/job/tasks/task").json
    assert task["state"] == "completed"


def test_the_files_of_all_kinds_of_tasks_come_back(bench: Bench):
    command = {"commandLine": "x", "resourceFiles": [FILE]}
    bench.create_job(
        jobPreparationTask=command
        | {"waitForSuccess": False, "rerunOnNodeRebootAfterSuccess": False},
        jobReleaseTask=command | {"retentionTime": "PT1H"},
    )
    bench.add_task(
        resourceFiles=[{"httpUrl": "http://h/b", "filePath": "b/c"}],
        constraints={"retentionTime": UNLIMITED},
    )
    job = bench.client.get("/jobs/job").json
    preparation, release = job["jobPreparationTask"], job["jobReleaseTask"]
    assert preparation["resourceFiles"] == release["resourceFiles"] == [FILE]
    assert not preparation["waitForSuccess"]
    assert not preparation["rerunOnNodeRebootAfterSuccess"]
    assert release["retentionTime"] == "PT1H"
    task = bench.client.get("/jobs/job/tasks/task").json
    assert task["resourceFiles"] == [
        {"httpUrl": "http://h/b", "filePath": "b/c", "fileMode": "0770"}
    ]
    assert task["constraints"]["retentionTime"] == UNLIMITED


WRITES = [
    ("PATCH", "/pools/pool", {"metadata": []}),
    ("POST", "/pools/pool/resize", {"targetDedicatedNodes": 1}),
    ("POST", "/pools/pool/removenodes", {"nodeList": ["nope"]}),
    ("DELETE", "/pools/pool", None),
    ("PATCH", "/jobs/job", {"priority": 1}),
    ("PUT", "/jobs/job", {"poolInfo": {"poolId": "pool"}}),
    ("POST", "/jobs/job/terminate", {}),
    ("DELETE", "/jobs/job", None),
    ("PUT", "/jobs/job/tasks/task", {}),
    ("POST", "/jobs/job/tasks/task/terminate", None),
    ("DELETE", "/jobs/job/tasks/task", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_write_with_an_old_etag_changes_nothing(bench: Bench, method, path, body):
    bench.create_pool()
    bench.create_job()
    bench.add_task()
    resource = quote(path.removesuffix("/resize").removesuffix("/removenodes"))
    resource = resource.removesuffix("/terminate")
    before = bench.client.get(resource)
    for name, value in (
        ("if-match", '"0x8D0"'),
        ("if-none-match", before.headers["etag"]),
        ("if-modified-since", before.headers["last-modified"]),
        ("if-unmodified-since", "Mon, 03 Mar 2025 10:20:30 GMT"),
    ):
        answer = bench.client.request(method, path, body, headers={name: value})
        assert (answer.status, answer.code) == (412, "ConditionNotMet"), name
        assert bench.client.get(resource).json == before.json
    etag = f'"{before.headers["etag"]}"'
    answer = bench.client.request(method, path, body, headers={"if-match": etag})
    assert answer.status < 300 or answer.code == "NodeNotFound"


def test_a_condition_counts_before_the_state(bench: Bench):
    bench.create_job()
    bench.add_task()
    bench.client.post("/jobs/job/tasks/task/terminate")
    bench.client.post("/jobs/job/terminate")
    headers = {"if-match": '"0x8D0"'}
    for method, path in (
        ("PATCH", "/jobs/job"),
        ("POST", "/jobs/job/terminate"),
        ("PUT", "/jobs/job/tasks/task"),
        ("POST", "/jobs/job/tasks/task/terminate"),
    ):
        answer = bench.client.request(method, path, headers=headers)
        assert (answer.status, answer.code) == (412, "ConditionNotMet"), path
        assert bench.client.request(method, path).status == 409


def test_a_bad_date_is_refused_before_anything_is_looked_for(bench: Bench):
    answer = bench.client.delete("/jobs/nope", headers={"if-modified-since": "soon"})
    assert (answer.status, answer.code) == (400, "InvalidHeaderValue")


def test_tasks_come_and_go_without_touching_the_etags_above(bench: Bench):
    bench.create_pool(nodes=1)
    bench.create_job()
    bench.add_task("first")
    etags = [bench.client.get(path).headers["etag"] for path in ("/jobs/job", "/pools/pool")]
    task = bench.client.get("/jobs/job/tasks/first").headers["etag"]
    later(bench)
    node = bench.bring_node_up()
    bench.run(node, exit_code=0)
    bench.add_task("second")
    now = [bench.client.get(path).headers["etag"] for path in ("/jobs/job", "/pools/pool")]
    assert now == etags
    assert bench.client.get("/jobs/job/tasks/first").headers["etag"] == task
    assert bench.client.get("/jobs/job/tasks/second").headers["etag"] != task


def test_a_deleting_pool_is_not_changed(bench: Bench):
    bench.create_pool(nodes=1)
    bench.bring_node_up()
    bench.client.delete("/pools/pool")
    for answer in (
        bench.client.patch("/pools/pool", {"metadata": []}),
        bench.client.post("/pools/pool/updateproperties", {}),
        bench.client.post("/pools/pool/resize", {"targetDedicatedNodes": 1}),
    ):
        assert (answer.status, answer.code) == (409, "PoolBeingDeleted")


def test_a_node_shows_the_start_task_that_it_ran(bench: Bench):
    body = pool_body(targetDedicatedNodes=1, startTask={"commandLine": "setup"})
    assert bench.client.post("/pools", body).status == 201
    node = bench.bring_node_up()
    path = f"/pools/pool/nodes/{node.node_id}"
    assert bench.client.get(path).json["state"] == "waitingforstarttask"
    bench.run(node)
    shown = bench.client.get(path).json
    assert shown["startTask"]["commandLine"] == "setup"
    assert shown["startTaskInfo"] == {
        "state": "running",
        "startTime": "2025-03-04T10:20:30Z",
        "retryCount": 0,
    }


def test_a_start_task_that_failed_says_how(bench: Bench):
    body = pool_body(targetDedicatedNodes=1, startTask={"commandLine": "setup"})
    bench.client.post("/pools", body)
    node = bench.bring_node_up()
    bench.run(node, exit_code=3)
    shown = bench.client.get(f"/pools/pool/nodes/{node.node_id}").json
    assert shown["state"] == "starttaskfailed"
    info = shown["startTaskInfo"]
    assert (info["state"], info["exitCode"], info["result"]) == ("completed", 3, "failure")
    assert info["failureInfo"]["code"] == "FailureExitCode"
    assert info["endTime"] == (NOW + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
