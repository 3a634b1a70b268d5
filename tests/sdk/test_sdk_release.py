"""Job release tasks through the official client: rows SB-4 … SB-52 of the source article."""

import io
import shutil
import tarfile
from datetime import timedelta

import pytest
from azure.batch import models
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests import batch
from tests.batch import sh
from tests.waiting import wait_until

PREPARATION = models.BatchJobPreparationTask
RELEASE = models.BatchJobReleaseTask


def marking(name: str) -> models.BatchJobReleaseTask:
    """A release task that adds a line to a file in the shared directory of its node."""
    return RELEASE(command_line=sh(f"echo released >> $AZ_BATCH_NODE_SHARED_DIR/{name}"))


def test_sb_4_release_runs_on_each_node_that_ran_the_preparation(client, trio, create_job):
    job = create_job(
        trio,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=RELEASE(command_line="true"),
    )
    batch.add_tasks(client, job, [batch.task(f"t{n}", sh("sleep 0.4")) for n in range(3)])
    batch.wait_for_tasks(client, job)
    before = batch.statuses(client, job)
    assert all(one.job_release_task_execution_info is None for one in before.values())

    batch.end_job(client, job)

    after = batch.statuses(client, job)
    assert set(after) == set(before)
    assert {batch.release_of(one).exit_code for one in after.values()} == {0}


def test_sb_27_release_leaves_its_mark_on_the_nodes_of_the_job_and_on_no_other(
    client, trio, create_job
):
    job = create_job(
        trio,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=marking("sb27.txt"),
    )
    batch.add_tasks(client, job, [batch.task(f"t{n}", sh("sleep 0.4")) for n in range(2)])
    prepared = set(batch.by_node(batch.wait_for_tasks(client, job).values()))

    batch.end_job(client, job)

    nodes = [one.id for one in client.list_nodes(trio)]
    marked = {node for node in nodes if "sb27.txt" in _names_in_shared(client, trio, node)}
    assert marked == prepared


def test_sb_28_a_terminate_request_ends_a_job(client, wide, create_job):
    job = create_job(wide)
    batch.run_task(client, job, batch.task("t", "true"))
    assert client.get_job(job).state == "active"

    batch.terminate(client, job, reason="enough")
    ended = batch.wait_for_job(client, job)

    assert ended.execution_info is not None
    assert ended.execution_info.termination_reason == "enough"
    assert ended.execution_info.end_time is not None


def test_sb_29_a_job_is_terminating_while_its_release_task_runs(client, wide, create_job):
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=RELEASE(command_line=sh("sleep 1")),
    )
    batch.run_task(client, job, batch.task("t", "true"))

    batch.terminate(client, job)

    assert client.get_job(job).state == "terminating"
    wait_until(lambda: _release_state(client, job) == "running", 10, "release runs")
    assert client.get_job(job).state == "terminating"
    batch.wait_for_job(client, job)
    assert _release_state(client, job) == "completed"


def test_sb_30_a_running_task_is_ended_and_an_active_one_never_starts(client, narrow, create_job):
    job = create_job(narrow)
    batch.add_tasks(client, job, [batch.task("first", sh("sleep 60"))])
    batch.wait_for_task(client, job, "first", "running")
    batch.add_tasks(client, job, [batch.task("second", sh("sleep 60"))])

    batch.end_job(client, job)

    ended = batch.execution_of(client.get_task(job, "first"))
    assert ended.result == "failure"
    assert ended.failure_info is not None
    waiting = client.get_task(job, "second")
    # The article says that active tasks are ended too, the API that they stay: never started.
    assert waiting.state == "active" or batch.execution_of(waiting).start_time is None
    assert waiting.node_info is None
    # The slot is free again, so nothing but its state keeps the task from starting.
    following = create_job(narrow)
    batch.run_task(client, following, batch.task("t", "true"))
    assert client.get_task(job, "second").node_info is None


def test_sb_31_a_job_is_completed_only_after_its_release_tasks(client, trio, create_job):
    job = create_job(
        trio,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=RELEASE(command_line=sh("sleep 0.5")),
    )
    batch.add_tasks(client, job, [batch.task(f"t{n}", sh("sleep 0.3")) for n in range(3)])
    batch.wait_for_tasks(client, job)

    ended = batch.end_job(client, job)

    assert ended.execution_info is not None
    assert ended.execution_info.end_time is not None
    for status in batch.statuses(client, job).values():
        released = batch.release_of(status)
        assert released.state == "completed"
        assert released.end_time is not None
        assert released.end_time <= ended.execution_info.end_time


def test_sb_32_deleting_a_job_runs_its_release_task(client, wide, create_job):
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=marking("sb32.txt"),
    )
    node = batch.node_of(batch.run_task(client, job, batch.task("t", "true")))

    batch.delete_job(client, job)

    assert batch.node_text(client, wide, node, "shared/sb32.txt") == "released\n"


def test_sb_33_deleting_a_terminated_job_does_not_run_it_again(client, wide, create_job):
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=marking("sb33.txt"),
    )
    node = batch.node_of(batch.run_task(client, job, batch.task("t", "true")))
    batch.end_job(client, job)

    batch.delete_job(client, job)

    assert batch.node_text(client, wide, node, "shared/sb33.txt") == "released\n"


def test_sb_35_the_article_s_preparation_writes_the_node_id_into_a_shared_file(
    client, wide, create_job
):
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(
            command_line=sh("echo $AZ_BATCH_NODE_ID > $AZ_BATCH_NODE_SHARED_DIR/shared_file.txt")
        ),
    )

    node = batch.node_of(batch.run_task(client, job, batch.task("t", "true")))

    assert batch.node_text(client, wide, node, "shared/shared_file.txt") == f"{node}\n"


def test_sb_36_the_article_s_release_deletes_the_shared_file(client, wide, create_job):
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(
            command_line=sh("echo $AZ_BATCH_NODE_ID > $AZ_BATCH_NODE_SHARED_DIR/sb36.txt")
        ),
        job_release_task=RELEASE(command_line=sh("rm $AZ_BATCH_NODE_SHARED_DIR/sb36.txt")),
    )
    node = batch.node_of(batch.run_task(client, job, batch.task("t", "true")))
    assert client.get_node_file_properties(wide, node, "shared/sb36.txt").content_length > 0

    batch.end_job(client, job)

    # The body of an answer to HEAD is empty, so this one's code cannot be seen; GET tells it.
    with pytest.raises(ResourceNotFoundError):
        client.get_node_file_properties(wide, node, "shared/sb36.txt")
    refusal = batch.refusal_of(client.download_node_file, wide, node, "shared/sb36.txt")
    assert refusal == (404, "FileNotFound")


def test_sb_15_release_deletes_what_the_tasks_of_a_job_have_left(client, wide, create_job):
    output = "$AZ_BATCH_NODE_SHARED_DIR/$AZ_BATCH_JOB_ID.out"
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=RELEASE(command_line=sh(f"rm {output}")),
    )
    batch.add_tasks(client, job, [batch.task(f"t{n}", sh(f"echo >> {output}")) for n in range(2)])
    (node,) = batch.by_node(batch.wait_for_tasks(client, job).values())
    assert f"shared/{job}.out" in batch.node_files(client, wide, node)

    batch.end_job(client, job)

    assert f"shared/{job}.out" not in batch.node_files(client, wide, node)


@pytest.mark.skipif(shutil.which("curl") is None, reason="uploads are made with curl")
def test_sb_16_release_keeps_the_logs_elsewhere(client, wide, create_job, web):
    pack = (
        "cd $AZ_BATCH_NODE_ROOT_DIR/workitems/$AZ_BATCH_JOB_ID/job-1"
        " && tar czf $AZ_BATCH_TASK_WORKING_DIR/logs.tgz t*/stdout.txt"
        f" && curl -sfT $AZ_BATCH_TASK_WORKING_DIR/logs.tgz {web.url}/sb-16.tgz"
    )
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=RELEASE(command_line=sh(pack)),
    )
    batch.add_tasks(client, job, [batch.task(f"t{n}", f"echo log {n}") for n in range(3)])
    batch.wait_for_tasks(client, job)

    batch.end_job(client, job)

    (status,) = batch.statuses(client, job).values()
    assert batch.release_of(status).exit_code == 0
    with tarfile.open(fileobj=io.BytesIO(web.files["/sb-16.tgz"])) as archive:
        logs = {one.name: archive.extractfile(one) for one in archive.getmembers()}
        texts = {name: log.read().decode() for name, log in logs.items() if log is not None}
    assert texts == {f"t{n}/stdout.txt": f"log {n}\n" for n in range(3)}


def test_sb_34_release_is_limited_to_15_minutes(client, wide, create_job):
    with pytest.raises(HttpResponseError) as caught:
        create_job(
            wide,
            job_preparation_task=PREPARATION(command_line="true"),
            job_release_task=RELEASE(
                command_line="true", max_wall_clock_time=timedelta(minutes=16)
            ),
        )
    assert caught.value.status_code == 400
    assert batch.code_of(caught.value) == "InvalidPropertyValue"
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=RELEASE(command_line="true"),
    )
    release = client.get_job(job).job_release_task
    assert release is not None
    assert release.max_wall_clock_time == timedelta(minutes=15)


def test_sb_34_release_that_takes_longer_than_its_limit_is_killed(client, wide, create_job, server):
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=RELEASE(
            command_line=sh("sleep 1000 & sleep 1000"), max_wall_clock_time=timedelta(seconds=1)
        ),
    )
    batch.run_task(client, job, batch.task("t", "true"))

    batch.end_job(client, job)

    (status,) = batch.statuses(client, job).values()
    info = batch.release_of(status)
    assert info.result == "failure"
    assert batch.failure_of(info) == "TaskEnded"
    assert [one for one in server.look() if one.command_line() == "sleep 1000"] == []


@pytest.mark.parametrize("end", [batch.end_job, batch.delete_job])
def test_sb_38_release_runs_when_a_job_is_terminated_or_deleted_with_tasks_still_running(
    client, narrow, create_job, end
):
    job = create_job(
        narrow,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=RELEASE(
            command_line=sh("echo released > $AZ_BATCH_NODE_SHARED_DIR/$AZ_BATCH_JOB_ID.mark")
        ),
    )
    client.create_task(job, batch.task("t", sh("sleep 60")))
    node = batch.node_of(batch.wait_for_task(client, job, "t", "running"))

    end(client, job)

    assert batch.node_text(client, narrow, node, f"shared/{job}.mark") == "released\n"
    assert client.get_node(narrow, node).running_tasks_count == 0


def test_sb_39_a_job_need_not_be_terminated_before_it_is_deleted(client, wide, create_job):
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=RELEASE(
            command_line=sh("sleep 1; echo released > $AZ_BATCH_NODE_SHARED_DIR/sb39.txt")
        ),
    )
    node = batch.node_of(batch.run_task(client, job, batch.task("t", "true")))
    assert client.get_job(job).state == "active"

    client.begin_delete_job(job, polling_interval=1)

    assert client.get_job(job).state == "deleting"
    wait_until(lambda: batch.is_gone(client, job), 20, "the job is gone")
    assert batch.node_text(client, wide, node, "shared/sb39.txt") == "released\n"
    assert f"workitems/{job}/job-1/t" not in batch.node_files(client, wide, node)


def test_sb_52_task_counts_show_how_far_a_job_is(client, narrow, create_job):
    job = create_job(
        narrow,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=RELEASE(command_line="true"),
    )
    wishes = [batch.task("good", "true"), batch.task("bad", "false")]
    batch.add_tasks(client, job, wishes)
    batch.wait_for_tasks(client, job)
    batch.add_tasks(client, job, [batch.task(f"long{n}", sh("sleep 60")) for n in range(2)])
    wait_until(
        lambda: client.get_job_task_counts(job).task_counts.running == 1, 20, "one of them runs"
    )

    counts = client.get_job_task_counts(job).task_counts

    assert (counts.active, counts.running, counts.completed) == (1, 1, 2)
    assert (counts.succeeded, counts.failed) == (1, 1)


def _names_in_shared(client, pool: str, node: str) -> set[str]:
    files = client.list_node_files(pool, node, recursive=True)
    return {name.removeprefix("shared/") for one in files if (name := one.name or "")}


def _release_state(client, job: str) -> str | None:
    (status,) = batch.statuses(client, job).values()
    info = status.job_release_task_execution_info
    return None if info is None else str(getattr(info.state, "value", info.state))
