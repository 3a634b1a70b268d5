from datetime import timedelta
from urllib.parse import quote

import pytest

from tests.api.asgi import HOST
from tests.api.bench import Bench

BASE = f"http://{HOST}"


def ids(bench: Bench, path: str, text: str, name: str = "id") -> list[str]:
    """Return what a list gives for a filter."""
    answer = bench.client.get(f"{path}?$filter={quote(text)}")
    assert answer.status == 200, answer.body
    return [item[name] for item in answer.json["value"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("startswith(id,'A')", ["a1", "a2"]),
        ("id eq 'B1'", ["b1"]),
        ("id ge 'a2'", ["a2", "b1"]),
        ("not startswith(id,'a')", ["b1"]),
        ("state eq 'Active' and id ne 'a1'", ["a2", "b1"]),
        ("state ne 'active'", []),
        ("id eq 'a1' or (id eq 'b1' and state eq 'active')", ["a1", "b1"]),
        ("creationTime gt DateTime'2025-03-04T10:20:30Z'", ["b1"]),
        ("executionInfo/poolId eq 'POOL'", ["a1", "a2", "b1"]),
        ("executionInfo/endTime gt DateTime'2000-01-01T00:00:00Z'", []),
        ("executionInfo/endTime ne DateTime'2000-01-01T00:00:00Z'", []),
        ("id eq '%'", []),
        ("startswith(id,'_')", []),
        ("id eq 'it''s'", []),
    ],
)
def test_jobs_are_filtered(bench: Bench, text, expected):
    bench.create_job("a1")
    bench.create_job("a2")
    bench.clock.time += timedelta(seconds=1)
    bench.create_job("b1")
    assert ids(bench, "/jobs", text) == expected


def test_pools_and_nodes_are_filtered(bench: Bench):
    bench.create_pool("big", nodes=2)
    bench.create_pool("small")
    assert ids(bench, "/pools", "allocationState eq 'resizing'") == ["big"]
    assert ids(bench, "/pools", "enableAutoScale eq false") == ["big", "small"]
    assert ids(bench, "/pools", "vmSize ne 'standard_d2_v3'") == []
    node = bench.bring_node_up().node_id
    assert ids(bench, "/pools/big/nodes", "state eq 'idle'") == [node]
    assert ids(bench, "/pools/big/nodes", f"state ne 'idle' or state eq '{node}'") != [node]


def test_tasks_are_filtered_by_how_they_ended(bench: Bench):
    bench.create_pool(nodes=1)
    node = bench.bring_node_up()
    bench.create_job()
    bench.add_task("bad")
    bench.run(node, exit_code=3)
    bench.add_task("waits", requiredSlots=5)
    path = "/jobs/job/tasks"
    assert ids(bench, path, "executionInfo/exitCode gt 0") == ["bad"]
    assert ids(bench, path, "executionInfo/result eq 'Failure'") == ["bad"]
    assert ids(bench, path, "executionInfo/exitCode ne 0") == ["bad"]
    assert ids(bench, path, "state eq 'active'") == ["waits"]
    assert ids(bench, path, "lastModifiedTime le DateTime'2025-03-04T10:20:30Z'") == [
        "bad",
        "waits",
    ]


def test_the_status_of_preparations_is_filtered(bench: Bench):
    bench.create_pool(nodes=1)
    node = bench.bring_node_up()
    bench.create_job(jobPreparationTask={"commandLine": "true"})
    bench.add_task()
    bench.run(node, exit_code=0)
    path = "/jobs/job/jobpreparationandreleasetaskstatus"
    run = "jobPreparationTaskExecutionInfo"
    for text, count in (
        (f"nodeId eq '{node.node_id}'", 1),
        ("poolId ne 'pool'", 0),
        (f"{run}/exitCode eq 0 and {run}/state eq 'completed'", 1),
        (f"{run}/result eq 'failure'", 0),
        ("jobReleaseTaskExecutionInfo/exitCode ne 5", 0),
    ):
        assert len(ids(bench, path, text, "nodeId")) == count, text


def test_images_are_filtered_page_by_page(bench: Bench):
    text = quote("osType eq 'windows'")
    target, found = f"/supportedimages?maxresults=2&$filter={text}", []
    while target:
        page = bench.client.get(target).json
        found += [image["osType"] for image in page["value"]]
        target = page.get("odata.nextLink", "").removeprefix(BASE)
    assert found == ["windows"] * 3


def test_the_next_page_repeats_the_filter(bench: Bench):
    for name in ("a1", "b1", "a2", "a3"):
        bench.create_job(name)
    target, found = "/jobs?maxresults=1&$select=id&$filter=startswith(id,'a')", []
    while target:
        page = bench.client.get(target).json
        found += [job["id"] for job in page["value"]]
        target = page.get("odata.nextLink", "").removeprefix(BASE)
    assert found == ["a1", "a2", "a3"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/pools", "startswith(vmSize,'a')"),
        ("/pools/pool/nodes", "id eq 'a'"),
        ("/jobs", "priority eq 1"),
        ("/jobs/job/tasks", "executionInfo/exitCode eq '1'"),
        ("/jobs/job/jobpreparationandreleasetaskstatus", "jobPreparationTaskExecutionInfo eq 1"),
        ("/nodecounts", "poolId ne 'a'"),
        ("/nodecounts", "poolId eq 'a' or poolId eq 'b'"),
        ("/supportedimages", "capabilities eq 'a'"),
    ],
)
def test_a_filter_that_a_list_does_not_have_is_refused_with_the_cure(bench: Bench, path, text):
    bench.create_pool()
    bench.create_job(jobPreparationTask={"commandLine": "true"})
    answer = bench.client.get(f"{path}?$filter={quote(text)}")
    assert (answer.status, answer.code) == (400, "InvalidQueryParameterValue")
    assert answer.values["QueryParameterName"] == "$filter"
    assert answer.values["QueryParameterValue"] == text
    assert answer.values["Reason"]
