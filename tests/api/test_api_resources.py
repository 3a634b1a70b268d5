from tests.api.asgi import HOST
from tests.api.bench import Bench, pool_body

BASE = f"http://{HOST}"
UNLIMITED = "P10675199DT2H48M5.4775807S"


def test_a_new_pool_is_answered_with_its_address(bench: Bench):
    answer = bench.client.post("/pools", pool_body())
    assert (answer.status, answer.body) == (201, b"")
    assert answer.headers["location"] == f"{BASE}/pools/pool"
    assert answer.headers["dataserviceid"] == f"{BASE}/pools/pool"
    assert answer.headers["last-modified"] == "Tue, 04 Mar 2025 10:20:30 GMT"
    pool = bench.client.get("/pools/pool")
    assert pool.headers["etag"] == answer.headers["etag"] == pool.json["eTag"]
    assert pool.headers["etag"].startswith("0x8D")


def test_a_pool_shows_what_was_asked_for_with_all_defaults(bench: Bench):
    bench.create_pool(displayName="d", resourceTags={"a": "b"})
    time = "2025-03-04T10:20:30Z"
    pool = bench.client.get("/pools/pool").json
    assert pool == {
        "odata.metadata": f"{BASE}/$metadata#pools/@Element",
        "id": "pool",
        "displayName": "d",
        "url": f"{BASE}/pools/pool",
        "eTag": pool["eTag"],
        "lastModified": time,
        "creationTime": time,
        "state": "active",
        "stateTransitionTime": time,
        "allocationState": "steady",
        "allocationStateTransitionTime": time,
        "vmSize": "standard_d2_v3",
        "virtualMachineConfiguration": {
            "imageReference": {
                "publisher": "canonical",
                "offer": "ubuntu",
                "sku": "22_04",
                "version": "latest",
            },
            "nodeAgentSKUId": "batch.node.ubuntu 22.04",
        },
        "resizeTimeout": "PT15M",
        "currentDedicatedNodes": 0,
        "currentLowPriorityNodes": 0,
        "targetDedicatedNodes": 0,
        "targetLowPriorityNodes": 0,
        "enableAutoScale": False,
        "enableInterNodeCommunication": False,
        "taskSlotsPerNode": 1,
        "taskSchedulingPolicy": {"nodeFillType": "Spread"},
        "resourceTags": {"a": "b"},
    }


def test_a_pool_speaks_the_words_of_an_old_version(bench: Bench):
    body = pool_body(maxTasksPerNode=2)
    old = "api-version=2020-03-01.11.0"
    assert bench.client.post(f"/pools?{old}", body).status == 201
    for pool in (
        bench.client.get(f"/pools/pool?{old}").json,
        bench.client.get(f"/pools?{old}").json["value"][0],
    ):
        assert pool["maxTasksPerNode"] == 2
        assert "taskSlotsPerNode" not in pool
    assert bench.client.get("/pools/pool").json["taskSlotsPerNode"] == 2


def test_what_a_pool_has_of_azures_machinery_comes_back_with_its_defaults(bench: Bench):
    """As in the recorded answers of the real service."""
    rule: dict[str, object] = {"priority": 150, "access": "allow", "sourceAddressPrefix": "*"}
    nat_pool: dict[str, object] = {
        "name": "rule",
        "protocol": "udp",
        "backendPort": 64444,
        "frontendPortRangeStart": 60000,
        "frontendPortRangeEnd": 61000,
    }
    disks: list[dict[str, object]] = [
        {"lun": 1, "diskSizeGB": 50},
        {"lun": 2, "diskSizeGB": 50, "caching": "readonly"},
    ]
    image = {"publisher": "canonical", "offer": "ubuntu", "sku": "22_04"}
    body = pool_body(
        networkConfiguration={
            "endpointConfiguration": {
                "inboundNATPools": [nat_pool | {"networkSecurityGroupRules": [rule]}, nat_pool]
            }
        },
        virtualMachineConfiguration={
            "imageReference": image,
            "nodeAgentSKUId": "batch.node.ubuntu 22.04",
            "dataDisks": disks,
        },
    )
    assert bench.client.post("/pools", body).status == 201

    pool = bench.client.get("/pools/pool").json

    ruled = nat_pool | {"networkSecurityGroupRules": [rule | {"sourcePortRanges": ["*"]}]}
    assert pool["networkConfiguration"] == {
        "dynamicVNetAssignmentScope": "none",
        "endpointConfiguration": {"inboundNATPools": [ruled, nat_pool]},
    }
    plain: dict[str, object] = {"caching": "none", "storageAccountType": "standard_lrs"}
    assert pool["virtualMachineConfiguration"]["dataDisks"] == [plain | disk for disk in disks]


def test_a_pool_exists_or_not(bench: Bench):
    bench.create_pool()
    answer = bench.client.request("HEAD", "/pools/pool")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["etag"]
    assert bench.client.request("HEAD", "/pools/other").status == 404


def test_a_pool_with_a_taken_id_is_refused(bench: Bench):
    bench.create_pool()
    answer = bench.client.post("/pools", pool_body(id="POOL"))
    assert (answer.status, answer.code) == (409, "PoolExists")


def test_two_pools_and_two_lives_of_one_have_different_etags(bench: Bench):
    bench.create_pool("a")
    bench.create_pool("b")
    etags = {pool["eTag"] for pool in bench.client.get("/pools").json["value"]}
    assert bench.client.delete("/pools/a").status == 202
    bench.create_pool("a")
    etags.add(bench.client.get("/pools/a").json["eTag"])
    assert len(etags) == 3


def test_selected_properties_and_nothing_else_come_back(bench: Bench):
    bench.create_pool()
    bench.create_job()
    bench.add_task()
    for path in ("/pools", "/jobs", "/jobs/job/tasks"):
        [item] = bench.client.get(f"{path}?$select=id, state").json["value"]
        assert item.keys() == {"id", "state"}
    item = bench.client.get("/jobs/job?$select=id").json
    assert item.keys() == {"odata.metadata", "id"}


def test_a_list_is_read_page_by_page_with_links_that_repeat_everything(bench: Bench):
    for name in ("a", "b", "c"):
        bench.create_pool(name)
    target, names = "/pools?maxresults=1&$select=id&timeOut=20", []
    while target:
        page = bench.client.get(target).json
        names += [item["id"] for item in page["value"]]
        link = page.get("odata.nextLink", "")
        assert not link or link.startswith(f"{BASE}/pools?")
        for part in ("maxresults=1", "%24select" if "%24" in link else "$select", "api-version="):
            assert not link or part in link
        target = link.removeprefix(BASE)
    assert names == ["a", "b", "c"]


def test_an_empty_list_is_an_empty_list(bench: Bench):
    page = bench.client.get("/jobs").json
    assert page == {"odata.metadata": f"{BASE}/$metadata#jobs", "value": []}


def test_nodes_are_counted_by_state(bench: Bench):
    bench.create_pool(nodes=1)
    bench.create_pool("empty")
    bench.bring_node_up()
    counts = bench.client.get("/nodecounts").json["value"]
    by_pool = {item["poolId"]: item for item in counts}
    assert by_pool["pool"]["dedicated"]["idle"] == 1
    assert by_pool["pool"]["dedicated"]["total"] == 1
    assert set(by_pool["empty"]["lowPriority"].values()) == {0}
    assert len(by_pool["empty"]["lowPriority"]) == 17
    filtered = bench.client.get("/nodecounts?$filter=poolId%20eq%20%27pool%27").json["value"]
    assert [item["poolId"] for item in filtered] == ["pool"]
    other = bench.client.get("/nodecounts?$filter=poolId%20ne%20%27pool%27")
    assert other.code == "InvalidQueryParameterValue"


def test_a_node_shows_itself_once_it_has_started(bench: Bench):
    bench.create_pool(nodes=1)
    [node] = bench.client.get("/pools/pool/nodes").json["value"]
    assert node["state"] == "creating"
    assert not {"lastBootTime", "nodeAgentInfo", "startTaskInfo", "errors"} & node.keys()
    name = bench.bring_node_up().node_id
    node = bench.client.get(f"/pools/pool/nodes/{name}").json
    assert (node["state"], node["schedulingState"], node["isDedicated"]) == (
        "idle",
        "enabled",
        True,
    )
    assert node["affinityId"] == f"TVM:{name}"
    assert node["url"] == f"{BASE}/pools/pool/nodes/{name}"
    assert node["lastBootTime"] == "2025-03-04T10:20:30Z"
    assert bench.client.get("/pools/pool/nodes/other").code == "NodeNotFound"
    assert bench.client.get("/pools/other/nodes").code == "PoolNotFound"


def test_images_of_linux_and_windows_are_listed(bench: Bench):
    images = bench.client.get("/supportedimages").json["value"]
    assert {image["osType"] for image in images} == {"linux", "windows"}
    first = bench.client.get("/supportedimages?maxresults=1").json
    rest = bench.client.get(first["odata.nextLink"].removeprefix(BASE)).json
    assert [*first["value"], *rest["value"]] == images[:2]


def test_every_listed_image_is_taken_by_a_pool(bench: Bench):
    for number, image in enumerate(bench.client.get("/supportedimages").json["value"]):
        machine = {
            "imageReference": image["imageReference"],
            "nodeAgentSKUId": image["nodeAgentSKUId"],
        }
        body = pool_body(id=f"pool{number}", virtualMachineConfiguration=machine)
        assert bench.client.post("/pools", body).status == 201


def test_a_job_shows_all_defaults(bench: Bench):
    bench.create_job()
    job = bench.client.get("/jobs/job").json
    assert job["constraints"] == {"maxWallClockTime": UNLIMITED, "maxTaskRetryCount": 0}
    assert (job["priority"], job["maxParallelTasks"]) == (0, -1)
    assert (job["onAllTasksComplete"], job["onTaskFailure"]) == ("noaction", "noaction")
    assert job["executionInfo"] == {"startTime": "2025-03-04T10:20:30Z", "poolId": "pool"}
    assert not {"metadata", "previousState", "jobPreparationTask", "displayName"} & job.keys()


def test_a_job_with_preparation_and_release_shows_their_defaults(bench: Bench):
    command = {"commandLine": "true"}
    bench.create_job(jobPreparationTask=command, jobReleaseTask=command)
    job = bench.client.get("/jobs/job").json
    user = {"autoUser": {"scope": "pool", "elevationLevel": "nonadmin"}}
    assert job["jobPreparationTask"] == {
        "id": "jobpreparation",
        "commandLine": "true",
        "constraints": {
            "maxWallClockTime": UNLIMITED,
            "retentionTime": "P7D",
            "maxTaskRetryCount": 0,
        },
        "waitForSuccess": True,
        "userIdentity": user,
        "rerunOnNodeRebootAfterSuccess": True,
    }
    assert job["jobReleaseTask"] == {
        "id": "jobrelease",
        "commandLine": "true",
        "maxWallClockTime": "PT15M",
        "retentionTime": "P7D",
        "userIdentity": user,
    }


def test_a_job_that_was_read_can_be_created_again(bench: Bench):
    command = {"commandLine": "true"}
    bench.create_job(jobPreparationTask=command, jobReleaseTask=command, priority=5)
    job = bench.client.get("/jobs/job").json
    read_only = {"odata.metadata", "url", "eTag", "lastModified", "creationTime", "state"}
    read_only |= {"stateTransitionTime", "executionInfo"}
    body = {name: value for name, value in job.items() if name not in read_only} | {"id": "twin"}
    assert bench.client.post("/jobs", body).status == 201


def test_a_terminated_job_says_when_and_why(bench: Bench):
    bench.create_job()
    answer = bench.client.post("/jobs/job/terminate", {"terminateReason": "enough"})
    assert (answer.status, answer.body) == (202, b"")
    assert answer.headers["etag"]
    job = bench.client.get("/jobs/job").json
    assert job["state"] == "completed"
    assert job["executionInfo"]["terminateReason"] == "enough"
    assert job["executionInfo"]["endTime"]
    assert job["previousState"]
    again = bench.client.post("/jobs/job/terminate", {})
    assert (again.status, again.code) == (409, "JobCompleted")


def test_a_new_task_shows_all_defaults(bench: Bench):
    bench.create_job(constraints={"maxTaskRetryCount": 3})
    answer = bench.client.post("/jobs/job/tasks", {"id": "task", "commandLine": "true"})
    assert answer.status == 201
    assert answer.headers["location"] == f"{BASE}/jobs/job/tasks/task"
    task = bench.client.get("/jobs/job/tasks/task")
    assert task.headers["etag"] == answer.headers["etag"]
    assert task.headers["dataserviceid"] == f"{BASE}/jobs/job/tasks/task"
    time = "2025-03-04T10:20:30Z"
    assert task.json == {
        "odata.metadata": f"{BASE}/$metadata#tasks/@Element",
        "id": "task",
        "url": f"{BASE}/jobs/job/tasks/task",
        "eTag": answer.headers["etag"],
        "lastModified": time,
        "creationTime": time,
        "state": "active",
        "stateTransitionTime": time,
        "commandLine": "true",
        "constraints": {
            "maxWallClockTime": UNLIMITED,
            "retentionTime": "P7D",
            "maxTaskRetryCount": 3,
        },
        "requiredSlots": 1,
        "userIdentity": {"autoUser": {"scope": "pool", "elevationLevel": "nonadmin"}},
        "executionInfo": {"retryCount": 0, "requeueCount": 0},
    }


def test_a_task_shows_its_run(bench: Bench):
    bench.create_pool(nodes=1)
    node = bench.bring_node_up()
    bench.create_job()
    bench.add_task(environmentSettings=[{"name": "A", "value": "1"}])
    bench.run(node)
    task = bench.client.get("/jobs/job/tasks/task").json
    assert task["state"] == "running"
    assert task["executionInfo"].keys() == {"startTime", "retryCount", "requeueCount"}
    directory = "workitems/job/job-1/task"
    node_url = f"{BASE}/pools/pool/nodes/{node.node_id}"
    assert task["nodeInfo"] == {
        "affinityId": f"TVM:{node.node_id}",
        "nodeUrl": node_url,
        "poolId": "pool",
        "nodeId": node.node_id,
        "taskRootDirectory": directory,
        "taskRootDirectoryUrl": f"{node_url}/files/{directory}",
    }
    assert task["environmentSettings"] == [{"name": "A", "value": "1"}]


def test_a_task_that_failed_says_how(bench: Bench):
    bench.create_pool(nodes=1)
    node = bench.bring_node_up()
    bench.create_job()
    bench.add_task()
    etag = bench.client.get("/jobs/job/tasks/task").json["eTag"]
    bench.run(node, exit_code=3)
    task = bench.client.get("/jobs/job/tasks/task").json
    assert (task["state"], task["previousState"], task["eTag"]) == ("completed", "running", etag)
    info = task["executionInfo"]
    assert (info["exitCode"], info["result"]) == (3, "failure")
    assert info["endTime"] == task["stateTransitionTime"]
    assert info["failureInfo"]["category"] == "UserError"
    assert info["failureInfo"]["code"] == "FailureExitCode"
    counts = bench.client.get("/jobs/job/taskcounts").json
    assert counts["taskCounts"]["failed"] == counts["taskSlotCounts"]["completed"] == 1
    old = bench.client.get("/jobs/job/taskcounts?api-version=2020-03-01.11.0").json
    assert old["failed"] == 1


def test_a_collection_answers_for_each_task(bench: Bench):
    bench.create_job()
    bench.add_task("taken")
    body = {
        "value": [
            {"id": "good", "commandLine": "true"},
            {"id": "taken", "commandLine": "true"},
            {"id": "bad id", "commandLine": "true"},
            {"commandLine": "true"},
            {"id": "last", "commandLine": "true"},
        ]
    }
    answer = bench.client.post("/jobs/job/addtaskcollection", body)
    assert answer.status == 200
    results = answer.json["value"]
    assert [item["status"] for item in results] == [
        "success",
        "clienterror",
        "clienterror",
        "clienterror",
        "success",
    ]
    assert [item["taskId"] for item in results] == ["good", "taken", "bad id", "", "last"]
    good = bench.client.get("/jobs/job/tasks/good").json
    assert results[0]["eTag"] == good["eTag"]
    assert results[0]["lastModified"] == good["lastModified"]
    assert results[0]["location"] == good["url"]
    codes = [item["error"]["code"] for item in results[1:4]]
    assert codes == ["TaskExists", "InvalidPropertyValue", "MissingRequiredProperty"]
    assert results[1]["error"]["message"]["value"].startswith("The specified task already exists.")


def test_an_empty_collection_is_answered(bench: Bench):
    bench.create_job()
    answer = bench.client.post("/jobs/job/addtaskcollection", {"value": []})
    assert answer.json["value"] == []
    assert bench.client.post("/jobs/no/addtaskcollection", {"value": []}).code == "JobNotFound"


def test_a_deleted_task_is_gone(bench: Bench):
    bench.create_job()
    bench.add_task()
    assert bench.client.delete("/jobs/job/tasks/task").status == 200
    assert bench.client.get("/jobs/job/tasks/task").code == "TaskNotFound"


def test_a_preparation_is_listed_once_it_has_started(bench: Bench):
    bench.create_pool(nodes=1)
    node = bench.bring_node_up()
    bench.create_job(
        jobPreparationTask={"id": "prep", "commandLine": "true"},
        jobReleaseTask={"commandLine": "true"},
    )
    bench.add_task()
    preparation = bench.take_execution()
    path = "/jobs/job/jobpreparationandreleasetaskstatus"
    assert bench.client.get(path).json["value"] == []
    bench.assigned.appendleft(preparation)
    bench.run(node, exit_code=0)
    bench.run(node, exit_code=0)
    [status] = bench.client.get(path).json["value"]
    node_url = f"{BASE}/pools/pool/nodes/{node.node_id}"
    assert status == {
        "poolId": "pool",
        "nodeId": node.node_id,
        "nodeUrl": node_url,
        "jobPreparationTaskExecutionInfo": {
            "startTime": "2025-03-04T10:20:30Z",
            "endTime": "2025-03-04T10:20:32Z",
            "state": "completed",
            "taskRootDirectory": "workitems/job/job-1/prep",
            "taskRootDirectoryUrl": f"{node_url}/files/workitems/job/job-1/prep",
            "exitCode": 0,
            "retryCount": 0,
            "result": "success",
        },
    }
    assert bench.client.post("/jobs/job/terminate").status == 202
    assert bench.client.get("/jobs/job").json["state"] == "terminating"
    bench.run(node)
    [status] = bench.client.get(path).json["value"]
    assert status["jobReleaseTaskExecutionInfo"]["state"] == "running"
    assert "exitCode" not in status["jobReleaseTaskExecutionInfo"]


def test_a_job_without_a_preparation_has_no_status_list(bench: Bench):
    bench.create_job()
    answer = bench.client.get("/jobs/job/jobpreparationandreleasetaskstatus")
    assert (answer.status, answer.code) == (409, "JobPreparationTaskNotSpecified")
