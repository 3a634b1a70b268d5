"""Files of tasks and nodes through the official client."""

from urllib.parse import unquote

import pytest
from azure.batch import BatchClient
from azure.core.exceptions import HttpResponseError

from tests import batch
from tests.batch import sh
from tests.waiting import wait_until

SCRIPT = sh("printf 0123456789; mkdir -p kept/deep; echo text > kept/deep/file.txt; echo x > y.txt")


@pytest.fixture(scope="module")
def job(client: BatchClient, wide: str) -> str:
    """A job whose one task has written files."""
    made = batch.create_job(client, "files", wide)
    batch.run_task(client, made, batch.task("t", SCRIPT))
    return made


def test_the_files_of_a_task_are_listed_from_its_directory_on(client, job):
    flat = {one.name: one for one in client.list_task_files(job, "t")}

    assert {"stdout.txt", "stderr.txt", "wd"} <= set(flat)
    assert "wd/y.txt" not in flat
    assert flat["wd"].is_directory
    assert flat["wd"].properties is None
    properties = flat["stdout.txt"].properties
    assert properties is not None
    assert properties.content_length == 10


def test_a_recursive_list_holds_everything_below(client, job):
    deep = {one.name for one in client.list_task_files(job, "t", recursive=True)}

    assert {"wd/y.txt", "wd/kept", "wd/kept/deep", "wd/kept/deep/file.txt"} <= deep


def test_a_list_can_be_narrowed_by_the_beginning_of_the_name(client, job):
    found = client.list_task_files(job, "t", recursive=True, filter="startswith(name,'wd/kept/')")

    assert {one.name for one in found} == {"wd/kept/deep", "wd/kept/deep/file.txt"}


@pytest.mark.parametrize(
    ("wanted", "text"),
    [("bytes=0-3", "0123"), ("bytes=4-4", "4"), ("bytes=7-", "789"), ("bytes=8-99", "89")],
)
def test_a_range_of_a_file_can_be_read(client, job, wanted: str, text: str):
    parts = client.download_task_file(job, "t", "stdout.txt", ocp_range=wanted)

    assert b"".join(parts).decode() == text


def test_a_range_outside_of_the_file_is_refused(client, job):
    refusal = batch.refusal_of(
        client.download_task_file, job, "t", "stdout.txt", ocp_range="bytes=10-20"
    )

    assert refusal == (416, "InvalidRange")


def test_the_properties_of_a_file_and_of_a_directory_are_told(client, job):
    file = client.get_task_file_properties(job, "t", "stdout.txt")
    directory = client.get_task_file_properties(job, "t", "wd")

    assert (file.content_length, file.is_directory) == (10, False)
    assert file.last_modified is not None
    assert file.file_mode is not None
    assert file.url is not None
    # Percent-encoded as a whole, as the service that is spoken to does it.
    assert unquote(file.url).endswith(f"/jobs/{job}/tasks/t/files/stdout.txt")
    assert directory.is_directory is True


def test_a_file_that_is_not_there_is_not_found(client, job):
    refusal = batch.refusal_of(client.download_task_file, job, "t", "wd/none.txt")

    assert refusal == (404, "FileNotFound")


def test_the_files_of_a_node_are_listed_from_its_root_on(client, wide, job):
    node = batch.node_of(client.get_task(job, "t"))
    top = {one.name for one in client.list_node_files(wide, node)}
    deep = {one.name for one in client.list_node_files(wide, node, recursive=True)}

    assert {"shared", "startup", "workitems"} <= top
    assert f"workitems/{job}/job-1/t/wd/y.txt" in deep
    text = batch.node_text(client, wide, node, f"workitems/{job}/job-1/t/wd/y.txt")
    assert text == "x\n"


def test_a_file_of_a_running_task_can_be_followed(client, wide, create_job):
    running = create_job(wide)
    client.create_task(running, batch.task("t", sh("echo early; sleep 60")))
    batch.wait_for_task(client, running, "t", "running")

    wait_until(lambda: batch.stdout(client, running, "t") == "early\n", 10, "first line")

    assert client.get_task(running, "t").state == "running"


def test_a_file_of_a_task_can_be_deleted(client, wide, create_job):
    made = create_job(wide)
    batch.run_task(client, made, batch.task("t", SCRIPT))

    client.delete_task_file(made, "t", "wd/y.txt")

    names = {one.name for one in client.list_task_files(made, "t", recursive=True)}
    assert "wd/y.txt" not in names
    assert "wd/kept/deep/file.txt" in names


def test_a_directory_with_something_in_it_is_deleted_only_with_all_below(client, wide, create_job):
    made = create_job(wide)
    done = batch.run_task(client, made, batch.task("t", SCRIPT))
    node = batch.node_of(done)
    path = f"workitems/{made}/job-1/t/wd/kept"

    with pytest.raises(HttpResponseError) as caught:
        client.delete_node_file(wide, node, path)
    assert caught.value.status_code in (400, 409)
    client.delete_node_file(wide, node, path, recursive=True)

    names = {one.name for one in client.list_node_files(wide, node, recursive=True)}
    assert path not in names


@pytest.mark.parametrize(
    "path",
    [
        "../../../../../../../../../../etc/passwd",
        "shared/../../../../../../../../../../etc/passwd",
        "wd/../../../../../../../../../../etc/passwd",
        "/etc/passwd",
        "../",
        "wd/../../..",
    ],
)
def test_no_path_leaves_the_root(client, wide, job, path: str):
    node = batch.node_of(client.get_task(job, "t"))

    for read, owner in (
        (client.download_node_file, (wide, node)),
        (client.download_task_file, (job, "t")),
    ):
        status, _ = batch.refusal_of(read, *owner, path)
        assert status in (400, 404)


def test_a_link_that_leads_out_of_the_root_is_not_followed(client, wide, create_job):
    made = create_job(wide)
    links = sh("ln -sfn /etc $AZ_BATCH_NODE_SHARED_DIR/out; ln -s /etc/passwd direct")
    node = batch.node_of(batch.run_task(client, made, batch.task("t", links)))

    for read, arguments in (
        (client.download_node_file, (wide, node, "shared/out/passwd")),
        (client.download_task_file, (made, "t", "wd/direct")),
    ):
        status, _ = batch.refusal_of(read, *arguments)
        assert status in (400, 404)
    names = {one.name for one in client.list_node_files(wide, node, recursive=True)}
    assert "shared/out/passwd" not in names


def test_the_files_of_a_task_that_has_not_run_cannot_be_had(client, create_job):
    made = create_job("no-such-pool-yet-for-files")
    client.create_task(made, batch.task("t", "true"))

    status, _ = batch.refusal_of(client.download_task_file, made, "t", "stdout.txt")

    assert status == 409
