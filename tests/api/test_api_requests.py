import asyncio
import logging
import re
import threading

import pytest

from batchyard.api import routes
from batchyard.core import limits
from batchyard.wire import tasks
from batchyard.wire.operations import OPERATIONS
from tests.api.asgi import HOST
from tests.api.bench import Bench, pool_body

BASE = f"http://{HOST}"


def filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "x", path)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_is_routed(operation):
    found, _ = routes.match(operation.method, filled(operation.path))
    assert found is operation


@pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if not operation.is_built],
    ids=lambda operation: operation.name,
)
def test_an_operation_that_is_not_built_says_so_by_name(bench: Bench, operation):
    answer = bench.client.request(operation.method, filled(operation.path))
    assert answer.status == 501
    assert "retry-after" not in answer.headers
    if operation.method != "HEAD":
        assert answer.code == "NotImplemented"
        assert operation.name in answer.values["Reason"]


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/jobs/", "/jobs//tasks", "/jobs/x/tasks/y/z", "/Jobs"]
)
def test_an_unknown_address_is_not_found(bench: Bench, path):
    answer = bench.client.get(path)
    assert (answer.status, answer.code) == (404, "ResourceNotFound")


def test_a_verb_that_an_address_does_not_have_is_refused(bench: Bench):
    answer = bench.client.request("PUT", "/pools")
    assert (answer.status, answer.code) == (405, "UnsupportedHttpVerb")
    assert answer.headers["allow"] == "GET, POST"


def test_an_error_has_the_shape_that_clients_read(bench: Bench):
    answer = bench.client.get("/jobs/nope")
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json;odata=minimalmetadata"
    request_id = answer.headers["request-id"]
    metadata = "Microsoft.Azure.Batch.Protocol.Entities.Container.errors/@Element"
    assert answer.json == {
        "odata.metadata": f"{BASE}/$metadata#{metadata}",
        "code": "JobNotFound",
        "message": {
            "lang": "en-US",
            "value": "The specified job does not exist.\n"
            f"RequestId:{request_id}\nTime:2025-03-04T10:20:30Z",
        },
    }


def test_an_error_of_head_has_no_body(bench: Bench):
    answer = bench.client.request("HEAD", "/pools/nope")
    assert (answer.status, answer.body) == (404, b"")


def test_every_answer_has_its_own_request_id(bench: Bench):
    first, second = (bench.client.get("/jobs") for _ in range(2))
    assert first.headers["dataserviceversion"] == "3.0"
    assert first.headers["request-id"] != second.headers["request-id"]


@pytest.mark.parametrize(
    ("wanted", "is_echoed"), [("true", True), ("True", True), ("false", False)]
)
def test_the_clients_request_id_comes_back_only_when_it_wants_it(bench: Bench, wanted, is_echoed):
    headers = {"client-request-id": "mine", "return-client-request-id": wanted}
    answer = bench.client.get("/jobs", headers=headers)
    assert answer.headers.get("client-request-id") == ("mine" if is_echoed else None)


def test_an_old_version_is_refused_and_a_new_one_is_warned_about(bench: Bench):
    old = bench.client.get("/jobs?api-version=2018-12-01.8.0")
    assert (old.status, old.code) == (400, "UnsupportedRequestVersion")
    new = bench.client.get("/jobs?api-version=2031-01-01")
    assert new.status == 200
    assert new.headers["warning"].startswith("299 ")
    assert "warning" not in bench.client.get("/jobs").headers


def test_a_request_without_a_version_is_refused(bench: Bench):
    answer = bench.client.get("/jobs?x-api-version=1")
    assert (answer.status, answer.code) == (400, "MissingRequiredQueryParameter")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("maxresults=-5", "InvalidQueryParameterValue"),
        ("maxresults=0", "InvalidQueryParameterValue"),
        ("maxresults=many", "InvalidQueryParameterValue"),
        ("maxresults=1001", "OutOfRangeQueryParameterValue"),
        ("$select=id,nothing", "InvalidQueryParameterValue"),
        ("$select=executionInfo/poolId", "InvalidQueryParameterValue"),
        ("$filter=priority%20eq%201", "InvalidQueryParameterValue"),
        ("$filter=state%20gt%20%27active%27", "InvalidQueryParameterValue"),
        ("$filter=%28", "InvalidQueryParameterValue"),
        ("$select=id&$expand=nothing", "InvalidQueryParameterValue"),
        ("maxresults=99999999999999999999", "OutOfRangeQueryParameterValue"),
        ("$skiptoken=abc", "InvalidQueryParameterValue"),
        ("$skiptoken=99999999999999999999", "InvalidQueryParameterValue"),
        ("timeOut=soon", "InvalidQueryParameterValue"),
        ("force=true", "UnsupportedQueryParameter"),
        ("$orderby=id", "UnsupportedQueryParameter"),
        ("x=%ff", "InvalidUri"),
        ("&".join(f"x{n}=1" for n in range(60)), "InvalidUri"),
    ],
)
def test_a_query_that_cannot_be_met_is_refused(bench: Bench, query, code):
    answer = bench.client.get(f"/jobs?api-version=2025-06-01&{query}")
    assert (answer.status, answer.code) == (400, code)
    assert answer.values["Reason"]


@pytest.mark.parametrize(
    "query",
    [
        "timeout=30&maxresults=1000",
        "timeOut=600",
        "MaxResults=5",
        "$filter=",
        "$filter=%20",
        "$expand=",
        "$expand=stats",
        "$select=id,state&$expand=stats",
        "$select=id,stats&$expand=stats",
    ],
)
def test_a_query_of_any_client_is_understood(bench: Bench, query):
    assert bench.client.get(f"/jobs?{query}").status == 200


def test_the_end_of_a_job_may_be_forced(bench: Bench):
    """J-42."""
    bench.create_job()
    refused = bench.client.post("/jobs/job/terminate?force=maybe")
    assert (refused.status, refused.code) == (400, "InvalidQueryParameterValue")
    assert bench.client.post("/jobs/job/terminate?force=True").status == 202
    assert bench.client.delete("/jobs/job?force=true").status == 202
    assert bench.client.get("/jobs/job").status == 404


def test_a_body_beyond_the_limit_is_too_large(bench: Bench):
    body = b'{"id":"' + b"x" * limits.REQUEST_BODY_BYTES_MAX
    answer = bench.client.post("/jobs", body)
    assert (answer.status, answer.code) == (413, "RequestBodyTooLarge")


def test_a_body_is_counted_while_it_is_read(bench: Bench):
    body = b'{"id":"' + b"x" * limits.REQUEST_BODY_BYTES_MAX
    answer = bench.client.post("/jobs", body, headers={"content-length": "10"})
    assert answer.status == 413


def test_a_body_at_the_limit_is_read(bench: Bench):
    body = b'{"id":"'
    body += b"x" * (limits.REQUEST_BODY_BYTES_MAX - len(body) - 2) + b'"}'
    assert bench.client.post("/jobs", body).code == "MissingRequiredProperty"


def test_a_large_body_is_read_beside_the_event_loop_and_a_page_of_tasks_is_written_there(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    """Neither may hold up the requests of others."""
    threads: dict[str, set[int]] = {"read": set(), "write": set()}
    read, write = tasks.read_task_group, tasks.write_task

    def noting_read(body):
        threads["read"].add(threading.get_ident())
        return read(body)

    def noting_write(view, base_url):
        threads["write"].add(threading.get_ident())
        return write(view, base_url)

    monkeypatch.setattr(tasks, "read_task_group", noting_read)
    monkeypatch.setattr(tasks, "write_task", noting_write)
    bench.create_pool()
    bench.create_job()
    settings = [{"name": f"NAME{number}", "value": "x" * 100} for number in range(10)]
    body = [
        {"id": f"task-{number}", "commandLine": "true", "environmentSettings": settings}
        for number in range(100)
    ]
    added = bench.client.post("/jobs/job/addtaskcollection", {"value": body}).json["value"]
    assert {result["status"] for result in added} == {"success"}
    listed = bench.client.get("/jobs/job/tasks").json["value"]
    assert len(listed) == 100
    assert listed[7]["environmentSettings"] == settings
    loop = threading.get_ident()  # The tests run the event loop themselves.
    assert all(seen and loop not in seen for seen in threads.values())


def test_a_body_that_is_no_json_is_refused(bench: Bench):
    answer = bench.client.post("/jobs", b"{id: 5}")
    assert (answer.status, answer.code) == (400, "InvalidRequestBody")


def test_a_body_of_another_type_is_refused(bench: Bench):
    answer = bench.client.post("/jobs", b"id=5", headers={"content-type": "text/plain"})
    assert (answer.status, answer.code) == (400, "InvalidHeaderValue")
    answer = bench.client.post("/jobs", b"\x1f\x8b", headers={"content-encoding": "gzip"})
    assert (answer.status, answer.code) == (400, "UnsupportedHeader")


def test_a_refused_property_says_what_to_do(bench: Bench):
    answer = bench.client.post("/pools", pool_body(mountConfiguration=[{}]))
    assert (answer.status, answer.code) == (400, "UnsupportedProperty")
    assert list(answer.values) == ["PropertyName", "PropertyValue", "Reason"]
    assert answer.values["PropertyName"] == "mountConfiguration"


def test_a_defect_is_answered_without_its_inside_and_logged_with_its_id(bench: Bench, caplog):
    async def broken(account: str, job_id: str, **options: object) -> None:
        raise RuntimeError("a secret")

    bench.service.get_job = broken  # type: ignore[method-assign, assignment]
    with caplog.at_level(logging.ERROR):
        answer = bench.client.get("/jobs/job")
    assert (answer.status, answer.code) == (500, "InternalError")
    assert b"secret" not in answer.body
    assert answer.headers["request-id"] in caplog.text
    assert "a secret" in caplog.text


def test_a_service_that_ends_asks_its_clients_to_come_again(bench: Bench):
    bench.writer.stop()
    answer = bench.client.post("/pools", pool_body())
    assert (answer.status, answer.code) == (503, "ServerBusy")


def test_a_condition_that_an_operation_does_not_have_is_refused(bench: Bench):
    answer = bench.client.get("/jobs", headers={"if-match": "x"})
    assert (answer.status, answer.code) == (400, "UnsupportedHeader")


def test_two_conditions_at_once_are_refused(bench: Bench):
    bench.create_pool()
    headers = {"if-match": "x", "if-none-match": "y"}
    answer = bench.client.get("/pools/pool", headers=headers)
    assert (answer.status, answer.code) == (400, "MultipleConditionHeadersNotSupported")


LATER = "Wed, 05 Mar 2025 10:20:30 GMT"
EARLIER = "Mon, 03 Mar 2025 10:20:30 GMT"


@pytest.mark.parametrize(
    ("name", "value", "is_met"),
    [
        ("if-match", "{etag}", True),
        ("if-match", '"{etag}"', True),
        ("if-match", 'W/"{etag}"', True),
        ("if-match", '"a", "{etag}"', True),
        ("if-match", "*", True),
        ("if-match", '"0x8D0"', False),
        ("if-none-match", '"{etag}"', False),
        ("if-none-match", "*", False),
        ("if-none-match", '"0x8D0"', True),
        ("if-modified-since", EARLIER, True),
        ("if-modified-since", "Tue, 04 Mar 2025 10:20:30 GMT", False),
        ("if-modified-since", LATER, False),
        ("if-unmodified-since", EARLIER, False),
        ("if-unmodified-since", "Tue, 04 Mar 2025 10:20:30 GMT", True),
        ("if-unmodified-since", LATER, True),
    ],
)
@pytest.mark.parametrize("path", ["/pools/pool", "/jobs/job", "/jobs/job/tasks/task"])
def test_a_condition_is_304_on_a_read_and_412_on_a_write(bench: Bench, path, name, value, is_met):
    bench.create_pool()
    bench.create_job()
    bench.add_task()
    headers = {name: value.format(etag=bench.client.get(path).headers["etag"])}
    read = bench.client.get(path, headers=headers)
    assert read.status == (200 if is_met else 304)
    if not is_met:
        assert read.body == b""
    write = bench.client.delete(path, headers=headers)
    if is_met:
        assert write.status in (200, 202)
    else:
        assert (write.status, write.code) == (412, "ConditionNotMet")


def test_a_malformed_date_in_a_condition_is_refused(bench: Bench):
    bench.create_pool()
    answer = bench.client.get("/pools/pool", headers={"if-modified-since": "recently"})
    assert (answer.status, answer.code) == (400, "InvalidHeaderValue")


def test_what_is_not_http_ends_quietly(bench: Bench):
    app = bench.client.app
    sent = []

    async def talk() -> None:
        messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

        async def receive():
            return next(messages)

        async def send(message):
            sent.append(message["type"])

        await app({"type": "lifespan"}, receive, send)
        await app({"type": "websocket"}, receive, send)

    asyncio.run(talk())
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
