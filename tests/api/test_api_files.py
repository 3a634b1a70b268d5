import pytest

from batchyard.api import routes
from batchyard.core import limits
from batchyard.core.errors import ErrorCode, Refused
from tests.api.asgi import HOST, Answer
from tests.api.bench import Bench

BASE = f"http://{HOST}"
ROOT = "workitems/job/job-1/task"
FILES = "/jobs/job/tasks/task/files"
CONTENT = bytes(range(256))


@pytest.fixture
def node(bench: Bench) -> str:
    """A node on which a task with some files has run."""
    bench.create_pool(nodes=1)
    request = bench.bring_node_up()
    bench.create_job()
    bench.add_task()
    bench.run(request, exit_code=0)
    bench.files.contents = {
        "shared": None,
        f"{ROOT}/stdout.txt": b"hello\n",
        f"{ROOT}/wd": None,
        f"{ROOT}/wd/data.bin": CONTENT,
        f"{ROOT}/wd/a b&c.txt": b"",
    }
    return request.node_id


def ranged(bench: Bench, value: str) -> Answer:
    return bench.client.get(f"{FILES}/wd%2Fdata.bin", headers={"ocp-range": value})


@pytest.mark.usefixtures("node")
def test_the_files_of_a_task_are_listed(bench: Bench):
    listed = bench.client.get(FILES).json
    assert listed == {
        "odata.metadata": f"{BASE}/$metadata#files",
        "value": [
            {
                "name": "stdout.txt",
                "url": f"{BASE}{FILES}/stdout.txt",
                "isDirectory": False,
                "properties": {
                    "lastModified": "2025-03-04T09:20:30Z",
                    "contentLength": "6",
                    "contentType": "text/plain",
                    "fileMode": "0o100644",
                },
            },
            {"name": "wd", "url": f"{BASE}{FILES}/wd", "isDirectory": True},
        ],
    }


@pytest.mark.usefixtures("node")
def test_the_files_are_listed_page_by_page_with_all_below(bench: Bench):
    target, names = f"{FILES}?recursive=True&maxresults=1", []
    while target:
        page = bench.client.get(target).json
        names += [(item["name"], item["url"]) for item in page["value"]]
        target = page.get("odata.nextLink", "").removeprefix(BASE)
    assert [name for name, _ in names] == ["stdout.txt", "wd", "wd/a b&c.txt", "wd/data.bin"]
    assert names[2][1] == f"{BASE}{FILES}/wd/a%20b%26c.txt"


@pytest.mark.usefixtures("node")
def test_files_are_listed_by_the_start_of_their_name(bench: Bench):
    target = f"{FILES}?recursive=true&$filter=startswith(name,%20'wd/d')"
    assert [item["name"] for item in bench.client.get(target).json["value"]] == ["wd/data.bin"]
    other = bench.client.get(f"{FILES}?$filter=name%20eq%20'x'")
    assert other.code == "InvalidQueryParameterValue"


def test_the_files_of_a_node_are_named_from_its_root(bench: Bench, node: str):
    path = f"/pools/pool/nodes/{node}/files"
    names = {item["name"] for item in bench.client.get(f"{path}?recursive=true").json["value"]}
    assert f"{ROOT}/stdout.txt" in names
    assert bench.client.get(f"{path}/{ROOT}/stdout.txt").body == b"hello\n"


@pytest.mark.usefixtures("node")
def test_a_file_comes_whole_with_its_properties(bench: Bench):
    answer = bench.client.get(f"{FILES}/stdout.txt")
    assert (answer.status, answer.body, answer.is_complete) == (200, b"hello\n", True)
    url = f"{BASE}{FILES}/stdout.txt"
    expected = {
        "content-length": "6",
        "content-type": "text/plain",
        "last-modified": "Tue, 04 Mar 2025 09:20:30 GMT",
        "ocp-batch-file-isdirectory": "False",
        "ocp-batch-file-mode": "0o100644",
        "ocp-batch-file-url": url.replace(":", "%3A").replace("/", "%2F"),
    }
    assert expected.items() <= answer.headers.items()
    assert "etag" not in answer.headers
    head = bench.client.request("HEAD", f"{FILES}/stdout.txt")
    assert (head.status, head.body) == (200, b"")
    assert expected.items() <= head.headers.items()


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize(
    "path", ["wd%2Fdata.bin", "wd/data.bin", "%77d%2fdata.bin", "wd//data.bin"]
)
def test_a_slash_in_a_path_may_be_encoded_or_not(bench: Bench, path):
    answer = bench.client.get(f"{FILES}/{path}")
    assert answer.body == CONTENT
    assert answer.headers["content-type"] == "application/octet-stream"


@pytest.mark.usefixtures("node")
def test_an_empty_file_comes_empty(bench: Bench):
    answer = bench.client.get(f"{FILES}/wd%2Fa%20b%26c.txt")
    assert (answer.status, answer.body, answer.is_complete) == (200, b"", True)
    assert answer.headers["content-length"] == "0"


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-0", CONTENT[:1]),
        ("bytes=10-19", CONTENT[10:20]),
        ("bytes=250-", CONTENT[250:]),
        ("bytes=250-9999", CONTENT[250:]),
        ("bytes=-6", CONTENT[250:]),
        ("bytes=-9999", CONTENT),
    ],
)
def test_a_range_is_answered_with_200_and_its_part(bench: Bench, value, expected):
    answer = ranged(bench, value)
    assert (answer.status, answer.body) == (200, expected)
    assert answer.headers["content-length"] == str(len(expected))


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("value", ["bytes=256-", "bytes=300-400", "bytes=-0", "bytes=20-10"])
def test_a_range_outside_of_the_file_is_416(bench: Bench, value):
    answer = ranged(bench, value)
    assert (answer.status, answer.code) == (416, "InvalidRange")


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("value", ["bytes=-", "0-10", "bytes=a-b", "bytes=0-1,5-6", "lines=0-1"])
def test_a_malformed_range_is_refused(bench: Bench, value):
    answer = ranged(bench, value)
    assert (answer.status, answer.code) == (400, "InvalidHeaderValue")


@pytest.mark.usefixtures("node")
def test_a_large_file_comes_in_bounded_pieces(bench: Bench):
    content = b"x" * (2 * limits.FILE_CHUNK_BYTES_MAX + 5)
    bench.files.contents[f"{ROOT}/wd/data.bin"] = content
    answer = bench.client.get(f"{FILES}/wd/data.bin")
    assert answer.body == content
    assert bench.files.reads == 3


@pytest.mark.usefixtures("node")
def test_a_file_that_becomes_shorter_meanwhile_breaks_off(bench: Bench):
    bench.files.shrinks_to = 100
    answer = bench.client.get(f"{FILES}/wd/data.bin")
    assert answer.headers["content-length"] == "256"
    assert (len(answer.body), answer.is_complete) == (100, False)


@pytest.mark.usefixtures("node")
def test_a_file_that_grows_meanwhile_has_its_first_length(bench: Bench):
    answer = bench.client.get(f"{FILES}/wd/data.bin", headers={"ocp-range": "bytes=0-9"})
    assert len(answer.body) == 10


@pytest.mark.usefixtures("node")
def test_a_directory_has_properties_and_no_content(bench: Bench):
    head = bench.client.request("HEAD", f"{FILES}/wd")
    assert head.headers["ocp-batch-file-isdirectory"] == "True"
    answer = bench.client.get(f"{FILES}/wd")
    assert (answer.status, answer.code) == (404, "FileNotFound")


@pytest.mark.usefixtures("node")
def test_a_missing_file_is_not_found(bench: Bench):
    answer = bench.client.get(f"{FILES}/wd/none")
    assert (answer.status, answer.code) == (404, "FileNotFound")
    assert bench.client.request("HEAD", f"{FILES}/none").status == 404


@pytest.mark.usefixtures("node")
def test_a_file_can_be_deleted_and_a_full_directory_only_with_all_below(bench: Bench):
    assert bench.client.delete(f"{FILES}/stdout.txt").status == 200
    assert bench.client.get(f"{FILES}/stdout.txt").status == 404
    answer = bench.client.delete(f"{FILES}/wd")
    assert (answer.status, answer.code) == (409, "OperationInvalidForCurrentState")
    assert bench.client.delete(f"{FILES}/wd?recursive=true").status == 200


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("if-modified-since", "Tue, 04 Mar 2025 09:20:30 GMT", 304),
        ("if-modified-since", "Tue, 04 Mar 2025 09:20:29 GMT", 200),
        ("if-unmodified-since", "Tue, 04 Mar 2025 09:20:29 GMT", 304),
        ("if-unmodified-since", "Tue, 04 Mar 2025 09:20:30 GMT", 200),
        ("if-match", "x", 400),
    ],
)
def test_a_file_has_the_conditions_of_dates(bench: Bench, name, value, status):
    for method in ("GET", "HEAD"):
        answer = bench.client.request(method, f"{FILES}/stdout.txt", headers={name: value})
        assert answer.status == status


def test_a_task_that_never_ran_has_no_files_yet(bench: Bench):
    bench.create_job()
    bench.add_task()
    answer = bench.client.get(FILES)
    assert (answer.status, answer.code) == (409, "OperationInvalidForCurrentState")
    assert "still active" in answer.values["Reason"]
    assert bench.client.get("/jobs/job/tasks/none/files").code == "TaskNotFound"
    assert bench.client.get("/jobs/none/tasks/none/files").code == "JobNotFound"


def test_a_task_that_was_ended_before_it_ran_never_has_files(bench: Bench):
    bench.create_job()
    bench.add_task()
    assert bench.client.post("/jobs/job/tasks/task/terminate").status == 204
    answer = bench.client.get(FILES)
    assert (answer.status, answer.code) == (409, "OperationInvalidForCurrentState")
    assert "ended before it ran" in answer.values["Reason"]


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../task/stdout.txt",
        "..%2F..%2Fjob-1/task/stdout.txt",
        "wd/../../other",
        "wd%2F..%2F..%2Fother",
        "%2e%2e/x",
        "%2E%2e%2Fx",
        "wd/%2e%2e",
        "./stdout.txt",
        "%2F..%2F",
        "stdout.txt%00",
        "%ff",
        "%2F",
    ],
)
def test_no_path_leaves_its_directory(bench: Bench, path):
    for answer in (bench.client.get(f"{FILES}/{path}"), bench.client.delete(f"{FILES}/{path}")):
        assert (answer.status, answer.code) == (400, "InvalidUri")


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize(
    "path", ["%252e%252e/x", "..%5Cx", "...", "wd%5C..%5Cx", "%2Fetc%2Fpasswd"]
)
def test_a_name_that_only_looks_like_a_way_out_is_a_name(bench: Bench, path):
    answer = bench.client.get(f"{FILES}/{path}")
    assert (answer.status, answer.code) == (404, "FileNotFound")


@pytest.mark.parametrize(
    ("segments", "path"),
    [
        (["a", "b"], "a/b"),
        (["a%2Fb"], "a/b"),
        (["%2Fa"], "a"),
        (["a", ""], "a"),
        (["%25"], "%"),
        (["%zz"], "%zz"),
    ],
)
def test_the_rest_of_an_address_is_a_relative_path(segments, path):
    assert routes.file_path(segments) == path


def test_a_path_of_nothing_is_no_file():
    with pytest.raises(Refused) as caught:
        routes.file_path(["%2F"])
    assert caught.value.code is ErrorCode.INVALID_URI
