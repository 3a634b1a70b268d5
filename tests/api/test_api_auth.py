from datetime import timedelta
from email.utils import format_datetime

import pytest

from batchyard.api import auth
from tests.api.asgi import ACCOUNT, HOST, KEY, NOW, Client, send, signature
from tests.api.bench import Bench

DATE = "Tue, 04 Mar 2025 10:20:30 GMT"
JSON = "application/json; odata=minimalmetadata"

#: Made with the official client.
WORKED = [
    (
        "GET",
        "/jobs/job%201/tasks/t1/files/wd%2Fout.txt",
        "api-version=2025-06-01&timeOut=20",
        {"if-modified-since": "Mon, 03 Mar 2025 00:00:00 GMT", "ocp-range": "bytes=0-99"},
        "PA63GiSWIDMxlxk5GTiq9AsG6q6CqbRo8SH6/3z55u8=",
    ),
    (
        "POST",
        "/jobs",
        "api-version=2025-06-01",
        {"content-type": JSON, "content-length": "44"},
        "vkQGQpec6PVAGFB7hJ5nlbg9xb8QwbKLgpjLJyjQOI4=",
    ),
    (
        "POST",
        "/jobs/job1/enable",
        "api-version=2025-06-01",
        {},
        "ynr6nAm+c0herR8J3Ki0uJi+E+pCsFGBo6n3b004lhY=",
    ),
    (
        "GET",
        "/jobs",
        "api-version=2025-06-01&$filter=state%20eq%20%27active%27&$select=id,state&maxresults=10",
        {},
        "PaoVRunBAv87cQVwy6/yIhfpjbr/9tFMcwkVdqDxM+c=",
    ),
]


@pytest.mark.parametrize(("method", "path", "query", "headers", "expected"), WORKED)
def test_the_official_client_and_we_agree_on_a_signature(method, path, query, headers, expected):
    scope = {
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
    }
    texts = auth.strings_to_sign(scope, {"ocp-date": DATE} | headers, ACCOUNT)
    assert expected in [auth.sign(KEY, text) for text in texts]


def test_a_signed_request_is_served(bench: Bench):
    assert bench.client.get("/jobs").status == 200


@pytest.mark.parametrize("length", ["0", None])
def test_the_length_of_an_empty_body_is_signed_as_zero_or_left_out(bench: Bench, length):
    target = "/jobs/job/enable?api-version=2025-06-01"
    headers = {"host": HOST, "ocp-date": DATE}
    signed = headers if length is None else headers | {"content-length": length}
    sent = headers | {"authorization": signature(ACCOUNT, KEY, "POST", target, signed)}
    assert send(bench.client.app, "POST", target, sent, b"").status == 404


def test_a_type_that_was_added_to_an_empty_body_need_not_be_signed(bench: Bench):
    """As Python's own library for requests does it."""
    target = "/jobs/job/enable?api-version=2025-06-01"
    signed = {"host": HOST, "ocp-date": DATE, "content-length": "0"}
    sent = signed | {
        "content-type": "application/x-www-form-urlencoded",
        "authorization": signature(ACCOUNT, KEY, "POST", target, signed),
    }
    assert send(bench.client.app, "POST", target, sent, b"").status == 404


def test_the_type_of_a_body_is_signed(bench: Bench):
    target = "/jobs?api-version=2025-06-01"
    signed = {"host": HOST, "ocp-date": DATE, "content-length": "2"}
    sent = signed | {
        "content-type": JSON,
        "authorization": signature(ACCOUNT, KEY, "POST", target, signed),
    }
    assert send(bench.client.app, "POST", target, sent, b"{}").status == 403


def test_the_signature_covers_the_path_as_it_was_sent(bench: Bench):
    answer = bench.client.get("/jobs/job%201%2Fx")
    assert (answer.status, answer.code) == (404, "JobNotFound")


def test_without_an_authorization_header_the_answer_names_it(bench: Bench):
    answer = bench.client.get("/jobs", is_signed=False)
    assert (answer.status, answer.code) == (400, "MissingRequiredHeader")
    assert answer.values["HeaderName"] == "Authorization"


@pytest.mark.parametrize(
    "header",
    [
        "SharedKey",
        "SharedKey myaccount",
        "SharedKey myaccount:",
        "SharedKey :abc",
        "SharedKey myaccount:not base64!",
        "SharedKey myaccount:äöü",
        "Basic abc",
        "SharedKeyLite myaccount:abc=",
    ],
)
def test_a_malformed_authorization_header_is_refused_as_such(bench: Bench, header):
    answer = bench.client.get("/jobs", headers={"authorization": header.encode().decode("latin-1")})
    assert (answer.status, answer.code) == (400, "InvalidAuthenticationInfo")


def test_a_bearer_token_is_refused_honestly(bench: Bench):
    answer = bench.client.get("/jobs", headers={"authorization": "Bearer abc.def.ghi"})
    assert (answer.status, answer.code) == (403, "AuthenticationFailed")
    assert "shared key" in answer.values["AuthenticationErrorDetail"]


def test_a_wrong_key_and_an_unknown_account_get_the_same_answer(bench: Bench):
    wrong = bench.client_of(ACCOUNT, "QUJD").get("/jobs")
    unknown = bench.client_of("nobody", KEY).get("/jobs")
    assert (wrong.status, wrong.code) == (403, "AuthenticationFailed")
    assert (unknown.status, unknown.code) == (403, "AuthenticationFailed")
    assert wrong.values == unknown.values
    assert wrong.headers.keys() == unknown.headers.keys()


def test_nobody_can_sign_with_the_key_of_no_account(bench: Bench):
    assert bench.client_of("nobody", "bm9ib2R5").get("/jobs").status == 403


@pytest.mark.parametrize("change", ["method", "path", "query", "header"])
def test_a_request_that_was_changed_on_its_way_is_refused(bench: Bench, change):
    target = "/jobs?api-version=2025-06-01&maxresults=1"
    headers = {"host": HOST, "ocp-date": DATE}
    headers["authorization"] = signature(ACCOUNT, KEY, "GET", target, headers)
    method = "HEAD" if change == "method" else "GET"
    if change == "path":
        target = target.replace("jobs", "pools")
    if change == "query":
        target = target.replace("maxresults=1", "maxresults=2")
    if change == "header":
        headers["if-match"] = "x"
    assert send(bench.client.app, method, target, headers, b"").status == 403


@pytest.mark.parametrize(
    ("minutes", "status"), [(0, 200), (14, 200), (-14, 200), (16, 403), (-16, 403)]
)
def test_a_request_is_good_for_fifteen_minutes(bench: Bench, minutes, status):
    bench.clock.time = NOW + timedelta(minutes=minutes)
    assert bench.client.get("/jobs").status == status


def test_the_date_header_counts_when_there_is_no_ocp_date(bench: Bench):
    date = format_datetime(NOW, usegmt=True)
    late = format_datetime(NOW - timedelta(hours=1), usegmt=True)
    headers = {"ocp-date": "", "date": date}
    assert bench.client.get("/jobs", headers=headers).status == 200
    assert bench.client.get("/jobs", headers=headers | {"date": late}).status == 403
    assert bench.client.get("/jobs", headers={"date": late}).status == 200


def test_a_request_without_a_date_is_refused(bench: Bench):
    answer = bench.client.get("/jobs", headers={"ocp-date": ""})
    assert (answer.status, answer.code) == (400, "MissingRequiredHeader")


def test_a_malformed_date_is_refused(bench: Bench):
    answer = bench.client.get("/jobs", headers={"ocp-date": "now"})
    assert (answer.status, answer.code) == (400, "InvalidHeaderValue")


def test_one_account_does_not_see_the_pools_of_another(bench: Bench):
    bench.create_pool()
    other = bench.client_of("other", KEY)
    assert other.get("/pools").json["value"] == []
    assert other.get("/pools/pool").code == "PoolNotFound"


def test_health_needs_no_signature(bench: Bench):
    app: Client = bench.client
    assert app.get("/-/health", is_signed=False).json == {"status": "healthy"}
    assert app.get("/-/ready", is_signed=False).json == {"status": "ready"}
    assert app.get("/-/else", is_signed=False).status == 404
