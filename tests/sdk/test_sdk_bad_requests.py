"""Requests that are wrong: each has its documented code and says the cure; none is our fault."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from azure.batch import models

from tests import batch
from tests.raw import Answer, RawClient
from tests.sdk.conftest import CreateJob
from tests.service import FIRST, Account, Service

TASK = {"id": "t", "commandLine": "true"}


@pytest.fixture
def raw(server: Service) -> RawClient:
    """Requests of the first account."""
    return RawClient(server, FIRST)


@pytest.fixture
def job(create_job: CreateJob) -> str:
    """A job that waits for a pool."""
    return create_job("no-pool-for-bad-requests")


def check(answer: Answer, status: int, code: str) -> None:
    """Assert that an answer is this error, in the shape of all errors."""
    assert (answer.status, answer.code) == (status, code), answer.body
    assert set(answer.error) <= {"odata.metadata", "code", "message", "values"}
    message = answer.error["message"]
    assert message["lang"] == "en-US"
    pattern = r".+\nRequestId:[0-9a-f-]{36}\nTime:\d{4}-\d\d-\d\dT[\d:.]+Z"
    assert re.fullmatch(pattern, message["value"])


def test_a_good_request_is_served(raw: RawClient):
    assert raw.request("GET", "/jobs").status == 200


def test_a_wrong_key_is_refused(server: Service):
    raw = RawClient(server, Account(FIRST.name, "d3JvbmcK"))
    check(raw.request("GET", "/jobs"), 403, "AuthenticationFailed")


def test_no_authorization_is_a_missing_header(server: Service):
    status, body = server.get("/jobs?api-version=2025-06-01")
    answer = Answer(status, {}, body)
    check(answer, 400, "MissingRequiredHeader")
    assert answer.values["HeaderName"] == "Authorization"


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_date_far_from_the_clock_is_refused(raw: RawClient, minutes: int):
    date = datetime.now(UTC) + timedelta(minutes=minutes)
    check(raw.request("GET", "/jobs", date=date), 403, "AuthenticationFailed")


@pytest.mark.parametrize("version", ["yesterday", "1999-01-01"])
def test_a_version_that_is_none_is_refused(raw: RawClient, version: str):
    answer = raw.request("GET", f"/jobs?api-version={version}")
    assert answer.status == 400
    assert answer.code in ("UnsupportedRequestVersion", "InvalidQueryParameterValue")


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"text"', b"\xff\xfe", b'{"id": "t", "commandLine": "true"', b"nul"]
)
def test_what_is_no_json_object_is_refused(raw: RawClient, job: str, body: bytes):
    check(raw.request("POST", f"/jobs/{job}/tasks", body), 400, "InvalidRequestBody")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (TASK | {"requiredSlots": "two"}, "requiredSlots"),
        (TASK | {"requiredSlots": 0}, "requiredSlots"),
        (TASK | {"constraints": {"maxTaskRetryCount": -2}}, "constraints.maxTaskRetryCount"),
        (TASK | {"constraints": {"retentionTime": "soon"}}, "constraints.retentionTime"),
        (TASK | {"commandLine": 7}, "commandLine"),
        (TASK | {"id": "a/b"}, "id"),
        (TASK | {"id": ""}, "id"),
        (TASK | {"id": "x" * 65}, "id"),
        (TASK | {"id": "../../etc"}, "id"),
        (
            TASK | {"resourceFiles": [{"httpUrl": "http://x/y", "filePath": "../../../y"}]},
            "resourceFiles[0].filePath",
        ),
        (
            TASK | {"resourceFiles": [{"httpUrl": "file:///etc/passwd", "filePath": "y"}]},
            "resourceFiles[0].httpUrl",
        ),
    ],
)
def test_a_wrong_value_is_named_and_the_cure_is_told(
    raw: RawClient, job: str, body: dict[str, object], name: str
):
    answer = raw.request("POST", f"/jobs/{job}/tasks", body)
    check(answer, 400, "InvalidPropertyValue")
    assert answer.values["PropertyName"] == name
    assert "PropertyValue" in answer.values
    assert answer.values["Reason"]


@pytest.mark.parametrize(
    ("body", "code", "name"),
    [
        ({"id": "t"}, "MissingRequiredProperty", "commandLine"),
        (TASK | {"surprise": 1}, "UnsupportedProperty", "surprise"),
        (TASK | {"commandline": "true"}, "UnsupportedProperty", "commandline"),
        (TASK | {"outputFiles": [{"filePattern": "x"}]}, "UnsupportedProperty", "outputFiles"),
    ],
)
def test_missing_and_unknown_properties_are_named(
    raw: RawClient, job: str, body: dict[str, object], code: str, name: str
):
    answer = raw.request("POST", f"/jobs/{job}/tasks", body)
    check(answer, 400, code)
    assert answer.values["PropertyName"] == name


def test_a_priority_out_of_range_has_a_code_of_its_own(raw: RawClient):
    body = {"id": "never", "poolInfo": {"poolId": "p"}, "priority": 2000}
    check(raw.request("POST", "/jobs", body), 400, "OutOfRangePriority")


def test_an_empty_name_of_metadata_has_a_code_of_its_own(raw: RawClient):
    body = {
        "id": "never",
        "poolInfo": {"poolId": "p"},
        "metadata": [{"name": "", "value": "x"}],
    }
    check(raw.request("POST", "/jobs", body), 400, "EmptyMetadataKey")


def test_a_release_needs_a_preparation(raw: RawClient):
    body = {
        "id": "never",
        "poolInfo": {"poolId": "p"},
        "jobReleaseTask": {"commandLine": "true"},
    }
    answer = raw.request("POST", "/jobs", body)
    assert answer.status == 400
    assert answer.code in ("InvalidPropertyValue", "MissingRequiredProperty")


@pytest.mark.parametrize(
    ("task_id", "code"),
    [
        ("jobpreparation", "TaskIdSameAsJobPreparationTask"),
        ("jobrelease", "TaskIdSameAsJobReleaseTask"),
    ],
)
def test_a_task_cannot_have_the_id_of_preparation_or_release(
    raw: RawClient, create_job, task_id: str, code: str
):
    made = create_job(
        "no-pool-for-bad-requests",
        job_preparation_task=models.BatchJobPreparationTask(command_line="true"),
        job_release_task=models.BatchJobReleaseTask(command_line="true"),
    )
    answer = raw.request("POST", f"/jobs/{made}/tasks", TASK | {"id": task_id})
    check(answer, 409, code)


def test_101_tasks_at_once_are_refused(raw: RawClient, job: str):
    body = {"value": [TASK | {"id": f"t{number}"} for number in range(101)]}
    answer = raw.request("POST", f"/jobs/{job}/addtaskcollection", body)
    assert answer.status == 400
    assert answer.code in ("InvalidRequestBody", "InvalidPropertyValue")


def test_a_body_above_one_mebibyte_is_refused(raw: RawClient, job: str):
    body = TASK | {"displayName": "x" * (1024 * 1024)}
    check(raw.request("POST", f"/jobs/{job}/tasks", body), 413, "RequestBodyTooLarge")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("maxresults=-1", "InvalidQueryParameterValue"),
        ("maxresults=1001", "OutOfRangeQueryParameterValue"),
        ("maxresults=ten", "InvalidQueryParameterValue"),
        ("$filter=commandLine%20eq%20%27x%27", "InvalidQueryParameterValue"),
        ("$filter=id%20eq", "InvalidQueryParameterValue"),
        ("$select=nothing", "InvalidQueryParameterValue"),
        ("$expand=nothing", "InvalidQueryParameterValue"),
        ("$skiptoken=nonsense", "InvalidQueryParameterValue"),
        ("surprise=1", "UnsupportedQueryParameter"),
    ],
)
def test_a_query_that_is_wrong_is_named(raw: RawClient, job: str, query: str, code: str):
    answer = raw.request("GET", f"/jobs/{job}/tasks?{query}")
    check(answer, 400, code)
    assert answer.values["QueryParameterName"] == query.partition("=")[0]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/pools/none", "PoolNotFound"),
        ("/pools/none/nodes", "PoolNotFound"),
        ("/jobs/none", "JobNotFound"),
        ("/jobs/none/tasks", "JobNotFound"),
        ("/jobs/none/tasks/t", "JobNotFound"),
        ("/jobs/{job}/tasks/none", "TaskNotFound"),
        ("/jobs/{job}/tasks/none/files/stdout.txt", "TaskNotFound"),
        ("/pools/{pool}/nodes/none", "NodeNotFound"),
        ("/pools/{pool}/nodes/none/files/x", "NodeNotFound"),
        ("/nothing", "ResourceNotFound"),
        ("/jobs/{job}/nothing", "ResourceNotFound"),
    ],
)
def test_what_does_not_exist_has_a_code_of_its_kind(
    raw: RawClient, job: str, wide: str, target: str, code: str
):
    check(raw.request("GET", target.format(job=job, pool=wide)), 404, code)


def test_a_verb_that_a_resource_does_not_have_is_refused(raw: RawClient):
    check(raw.request("PUT", "/pools", {}), 405, "UnsupportedHttpVerb")


@pytest.mark.parametrize(
    "path",
    [
        "../../../../../../../../etc/passwd",
        "wd/../../../../../../../../../etc/passwd",
        "..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "..%252f..%252f..%252f..%252f..%252f..%252f..%252fetc%252fpasswd",
        "%252e%252e%252f%252e%252e%252f%252e%252e%252fetc%252fpasswd",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "wd%5c..%5c..%5c..%5cetc%5cpasswd",
        "wd%00/../../../etc/passwd",
    ],
)
def test_no_name_of_a_file_leads_out_of_its_directory(
    raw: RawClient, client, wide: str, create_job, path: str
):
    job = create_job(wide)
    node = batch.node_of(batch.run_task(client, job, batch.task("t", "true")))

    for root in (f"/jobs/{job}/tasks/t/files", f"/pools/{wide}/nodes/{node}/files"):
        for method in ("GET", "DELETE"):
            answer = raw.request(method, f"{root}/{path}")
            assert answer.status in (400, 403, 404), answer
            assert answer.code in ("InvalidUri", "FileNotFound", "ResourceNotFound"), answer.code
            assert b"root:" not in answer.body


def test_two_conditions_that_may_contradict_one_another_are_refused(raw: RawClient, job: str):
    headers = {"if-match": "x", "if-none-match": "y"}
    answer = raw.request("GET", f"/jobs/{job}", headers=headers)
    check(answer, 400, "MultipleConditionHeadersNotSupported")
