"""No request, whatever it holds, is answered with a fault of ours or in another shape than errors.

In the suite for a moment, with the same requests every time. For longer, with new ones:
``FUZZ_SECONDS=120 pytest tests/fuzz --timeout=600``.
"""

import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from batchyard.core.errors import ErrorCode
from batchyard.wire import properties
from batchyard.wire.operations import OPERATIONS, Operation
from tests.api.asgi import Answer
from tests.api.bench import Bench, running_bench
from tests.fuzz import bodies
from tests.fuzz.player import Player

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
EXAMPLES = 150

fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=SECONDS == 0,
    suppress_health_check=list(HealthCheck),
)

BY_NAME = {operation.name: operation for operation in OPERATIONS}
BUILT = [operation for operation in OPERATIONS if operation.is_built]
WITH_BODIES = [BY_NAME[name] for name in properties.REQUEST_MODELS]
#: Tasks most often: nothing else leads as far.
WITH_BODIES += [BY_NAME["Tasks_CreateTask"]] * len(WITH_BODIES)

NAMES = {
    "poolId": ["pool", "POOL", "nope"],
    "nodeId": ["{node}", "nope"],
    "jobId": ["job", "JOB", "nope"],
    "jobScheduleId": ["schedule", "SCHEDULE", "nope"],
    "taskId": ["task", "other", "nope"],
    "filePath": ["stdout.txt", "wd/a", "..", "../../etc/passwd", "a/../b", "%2e%2e/x", "."],
}
ODD_NAMES = ["a b", "ü", "x" * 5000, "%00", "%ff", "%2e%2e", "..", "a%2Fb", "'", "\x7f", "*"]

FILTERS = [
    "state eq 'active'",
    "id eq 'a''b' and not (state ne 'x')",
    "startswith(id,'t') or creationTime gt DateTime'2025-01-01T00:00:00Z'",
    "executionInfo/exitCode gt 99999999999999999999",
    "executionInfo/exitCode eq -2147483648",
    "creationTime lt DateTime'0001-01-01T00:00:00+14:00'",
    "poolId eq 'pool'",
    "startswith(name,'wd')",
    "(" * 200 + "id eq 'a'" + ")" * 200,
    "not " * 200 + "id eq 'a'",
    " or ".join(["id eq 'a'"] * 250),
    "'",
    "id eq",
    "id eq 'a' and",
]
QUERY_NAMES = ["maxresults", "$filter", "$select", "$expand", "$skiptoken", "timeOut", "force"]
QUERY_NAMES += ["recursive", "api-version", "$orderby", "", "ü"]
QUERY_VALUES = ["0", "-1", "1", "1001", "9" * 500, "1e3", "id,state", "stats", "true", "True"]
QUERY_VALUES += ["nothing", "\0", "2024-02-01.19.0", "2031-01-01", "YQ==", "=", "9" * 19, "ü"]

HEADERS = {
    "if-match": ["*", '"x"', "", "W/", "x,y"],
    "if-none-match": ["*", '"x"'],
    "if-modified-since": [
        "Tue, 04 Mar 2025 10:20:30 GMT",
        "soon",
        "Tue, 99 Mar 99999 10:20:30 GMT",
    ],
    "if-unmodified-since": ["Tue, 04 Mar 2025 10:20:30 +9999", "", "0"],
    "content-type": ["text/plain", "application/json", "application/json;charset=utf-16", ";"],
    "content-encoding": ["gzip", "identity"],
    "content-length": ["0", "-1", "many", "99999999999999"],
    "ocp-range": ["bytes=0-1", "bytes=5-1", "bytes=-", "bytes=-0", "bytes=99999999999-", "x"],
    "ocp-date": ["Tue, 04 Mar 2025 10:20:30 GMT", "soon", "Tue, 04 Mar 2005 10:20:30 GMT"],
    "date": ["soon"],
    "client-request-id": ["x" * 5000, "a"],
    "return-client-request-id": ["true"],
    "authorization": ["", "SharedKey", "SharedKey myaccount:!!", "Bearer x", "SharedKey a:b:c"],
    "host": ["", "a:b:c"],
    "accept": ["text/html"],
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    with running_bench(folder) as bench:
        bench.files.contents = {"workitems/job/job-1/task/stdout.txt": b"hello"}
        revive(bench)
        yield bench


@pytest.fixture(scope="module")
def player(bench: Bench) -> Player:
    return Player(bench)


@pytest.fixture(autouse=True)
def nothing_fails_inside(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    errors = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not errors, errors[0].getMessage()


def for_a_while(run: Callable[[], None]) -> None:
    """Run once, and again until the time of this test is up."""
    end = time.monotonic() + SECONDS / 2
    run()
    while time.monotonic() < end:
        run()


@st.composite
def targets(draw: st.DrawFn, operation: Operation, odd: int) -> str:
    """Return addresses of an operation; one name in `odd` is no likely one."""

    def name(match: re.Match[str]) -> str:
        known = NAMES.get(match[1], ["x"])
        if draw(st.integers(1, odd)) == 1:
            known = known + ODD_NAMES
        drawn = draw(st.sampled_from(known))
        is_raw = draw(st.integers(1, 10)) == 1
        return drawn.encode("ascii", "ignore").decode() if is_raw else quote(drawn, safe="")

    path = re.sub(r"\{([^}]*)\}", name, operation.path)
    return re.sub(r"[\x00-\x20?#\x7f]", "", path)


values = st.sampled_from(QUERY_VALUES + FILTERS) | st.text(max_size=10)


@st.composite
def queries(draw: st.DrawFn, operation: Operation) -> str:
    """Return queries, mostly of parameters that the operation takes."""
    names = sorted(operation.query) or QUERY_NAMES
    if draw(st.integers(0, 9)) == 0:
        names = QUERY_NAMES
    pairs = []
    for name in draw(st.lists(st.sampled_from(names), max_size=3)):
        options = st.sampled_from(FILTERS) if name == "$filter" else values
        pairs.append((name, draw(options | values)))
    return "&".join(
        f"{quote(name)}={quote(value.encode('utf-8', 'replace'))}" for name, value in pairs
    )


headers = st.lists(
    st.sampled_from([(name, value) for name, options in HEADERS.items() for value in options]),
    max_size=2,
).map(dict)


#: What is answered when there is little left to be asked about.
GONE = {"PoolNotFound", "JobNotFound", "JobCompleted", "TaskNotFound", "TaskCompleted"}


def revive(bench: Bench) -> None:
    """Give the requests to come a pool, a job and a task that live."""
    job = bench.client.get("/jobs/job")
    if job.status == 200 and job.json["state"] == "active":
        return
    bench.client.delete("/jobs/job")
    bench.client.post("/pools", bodies.RIGHT["Pools_CreatePool"])
    bench.client.post("/jobs", bodies.RIGHT["Jobs_CreateJob"])
    bench.client.post("/jobs/job/tasks", bodies.RIGHT["Tasks_CreateTask"])


def check(answer: Answer, method: str) -> None:
    """Check that an answer is none of our faults, and that an error has the one shape."""
    note(f"{answer.status} {answer.body[:300]!r}")
    assert answer.status < 500 or answer.status == 501
    assert answer.is_complete
    assert answer.headers["request-id"]
    if answer.status == 304 or (method == "HEAD" and answer.status >= 400):
        assert answer.body == b""
    elif answer.status >= 400:
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.code in set(ErrorCode)
        assert answer.status != 501 or answer.code == ErrorCode.NOT_IMPLEMENTED
        assert answer.json["message"]["lang"] == "en-US"
        assert answer.headers["request-id"] in answer.json["message"]["value"]
        assert all(isinstance(value, str) for value in answer.values.values())
        if answer.status == 400:
            assert answer.values["Reason"]
        assert len(answer.body) < 8000


def test_no_body_is_too_much(bench: Bench, player: Player):
    @fuzzed
    @given(st.data())
    def run(data: st.DataObject) -> None:
        operation = data.draw(st.sampled_from(WITH_BODIES))
        target = data.draw(targets(operation, odd=20))
        body = data.draw(bodies.bodies(operation.name))
        answer = bench.client.request(operation.method, target, body)
        check(answer, operation.method)
        player.play()
        NAMES["nodeId"][0] = next(iter(player.ids.values()), "gone")
        if answer.status in (404, 409) and answer.code in GONE:
            revive(bench)

    for_a_while(run)


def test_no_address_query_or_header_is_too_much(bench: Bench):
    @fuzzed
    @given(st.data())
    def run(data: st.DataObject) -> None:
        is_built = data.draw(st.integers(0, 9)) > 0
        operation = data.draw(st.sampled_from(BUILT if is_built else OPERATIONS))
        is_odd = data.draw(st.integers(0, 19)) == 0
        method = data.draw(st.sampled_from(["GET", "PUT", "X"])) if is_odd else operation.method
        target = data.draw(targets(operation, odd=4))
        query = data.draw(st.just("") | queries(operation))
        if query:
            target += f"?{query}&api-version=2025-06-01"
        sent = data.draw(st.just({}) | headers)
        body = data.draw(st.sampled_from([b"", b"{}", b"x"]))
        check(bench.client.request(method, target, body, headers=sent), method)

    for_a_while(run)


def test_a_right_body_is_taken(bench: Bench):
    for operation in WITH_BODIES:
        target = re.sub(r"\{([^}]*)\}", lambda match: NAMES[match[1]][0], operation.path)
        answer = bench.client.request(operation.method, target, bodies.RIGHT[operation.name])
        assert answer.status < 300 or answer.status in (404, 409), answer.body
