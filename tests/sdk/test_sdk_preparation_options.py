"""What can be asked of job preparation and release: rows SB-1 … SB-26 of the source article."""

import os
import shutil
from datetime import timedelta

import pytest
from azure.batch import BatchClient, models

from tests import batch
from tests.batch import sh
from tests.waiting import wait_until

PREPARATION = models.BatchJobPreparationTask
RELEASE = models.BatchJobReleaseTask

CAN_UPLOAD = shutil.which("curl") is not None


def test_sb_1_set_up_before_and_maintenance_after_tasks_are_possible(client, wide, create_job):
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=RELEASE(command_line="true"),
    )
    batch.run_task(client, job, batch.task("t", "true"))

    batch.end_job(client, job)

    (status,) = batch.statuses(client, job).values()
    assert batch.preparation_of(status).exit_code == 0
    assert batch.release_of(status).exit_code == 0


@pytest.mark.skipif(not CAN_UPLOAD, reason="uploads are made with curl")
def test_sb_2_preparation_downloads_common_input_and_release_uploads_output(
    client, wide, create_job, web
):
    source = web.serve("/sb-2/input.txt", "common input\n")
    result = "$AZ_BATCH_JOB_PREP_WORKING_DIR/result.txt"
    upload = f"curl -sfT {result} {web.url}/sb-2/output.txt"
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(
            command_line="true", resource_files=[batch.file(source, "input.txt")]
        ),
        job_release_task=RELEASE(command_line=sh(upload)),
    )
    work = f"tr a-z A-Z < $AZ_BATCH_JOB_PREP_WORKING_DIR/input.txt > {result}"
    batch.run_task(client, job, batch.task("t", sh(work)))

    batch.end_job(client, job)

    (status,) = batch.statuses(client, job).values()
    assert batch.release_of(status).exit_code == 0
    assert web.files["/sb-2/output.txt"] == b"COMMON INPUT\n"


def test_sb_6_where_preparation_fails_no_task_of_the_job_starts(client, narrow, create_job):
    job = create_job(narrow, job_preparation_task=PREPARATION(command_line=sh("exit 1")))
    client.create_task(job, batch.task("t", "true"))

    info = _ended_preparation(client, job)

    assert (info.result, info.exit_code) == ("failure", 1)
    assert batch.failure_of(info) == "FailureExitCode"
    batch.wait_for_task(client, job, "t", "active")
    # The node takes the tasks of other jobs, and still none of this one.
    batch.run_task(client, create_job(narrow), batch.task("t", "true"))
    one = client.get_task(job, "t")
    assert one.state == "active"
    assert one.execution_info is None or one.execution_info.start_time is None


def test_sb_7_jobs_that_share_a_pool_have_preparations_and_releases_of_their_own(
    client, wide, create_job
):
    marks = "$AZ_BATCH_NODE_SHARED_DIR/sb7.txt"
    jobs = []
    for _ in range(2):
        job = create_job(
            wide,
            job_preparation_task=PREPARATION(command_line=sh(f"echo +$AZ_BATCH_JOB_ID >> {marks}")),
            job_release_task=RELEASE(command_line=sh(f"echo -$AZ_BATCH_JOB_ID >> {marks}")),
        )
        jobs.append(job)
        batch.run_task(client, job, batch.task("t", "true"))
        batch.end_job(client, job)

    (node,) = batch.statuses(client, jobs[1])
    lines = batch.node_text(client, wide, node, "shared/sb7.txt").split()
    assert lines == [f"{sign}{job}" for job in jobs for sign in "+-"]


def test_sb_8_the_data_of_a_job_are_downloaded_once_for_each_node(client, trio, create_job, web):
    source = web.serve("/sb-8/data.txt", "x" * 1_000_000)
    job = create_job(
        trio,
        job_preparation_task=PREPARATION(
            command_line="true", resource_files=[batch.file(source, "data.txt")]
        ),
    )
    use = sh("wc -c < $AZ_BATCH_JOB_PREP_WORKING_DIR/data.txt; sleep 0.3")
    batch.add_tasks(client, job, [batch.task(f"t{n}", use) for n in range(9)])

    tasks = batch.wait_for_tasks(client, job)

    assert {batch.stdout(client, job, name).strip() for name in tasks} == {"1000000"}
    statuses = batch.statuses(client, job)
    assert {batch.preparation_of(one).retry_count for one in statuses.values()} == {0}
    assert web.gets.count("/sb-8/data.txt") == len(statuses) == 3


def test_sb_9_both_have_resource_files(client, wide, create_job, web):
    files = [batch.file(web.serve("/sb-9/in.txt", "from the web\n"), "data/in.txt")]
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line="cat data/in.txt", resource_files=files),
        job_release_task=RELEASE(command_line="cat data/in.txt", resource_files=files),
    )
    assert _outputs(client, wide, job) == ("from the web\n", "from the web\n")


def test_sb_9_a_resource_file_that_is_not_there_fails_the_preparation(
    client, wide, create_job, web
):
    missing = [batch.file(f"{web.url}/sb-9/missing", "in.txt")]
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(
            command_line="true",
            resource_files=missing,
            constraints=models.BatchTaskConstraints(max_task_retry_count=3),
        ),
    )
    client.create_task(job, batch.task("t", "true"))

    info = _ended_preparation(client, job)

    assert (info.result, info.exit_code, info.retry_count) == ("failure", None, 0)
    assert batch.failure_of(info) == "BlobNotFound"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run tasks as somebody else")
def test_sb_10_both_can_run_elevated(client, wide, create_job):
    admin = models.UserIdentity(
        auto_user=models.AutoUserSpecification(elevation_level=models.ElevationLevel.ADMIN)
    )
    elevated = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line="id -u", user_identity=admin),
        job_release_task=RELEASE(command_line="id -u", user_identity=admin),
    )
    plain = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line="id -u"),
        job_release_task=RELEASE(command_line="id -u"),
    )

    assert _outputs(client, wide, elevated) == ("0\n", "0\n")
    assert "0\n" not in _outputs(client, wide, plain)


def test_sb_11_both_have_environment_variables_of_their_own(client, wide, create_job):
    show = sh('echo "$OWN, $COMMON, $AZ_BATCH_TASK_ID"')
    job = create_job(
        wide,
        common_environment_settings=[batch.setting("COMMON", "of the job")],
        job_preparation_task=PREPARATION(
            command_line=show, environment_settings=[batch.setting("OWN", "first")]
        ),
        job_release_task=RELEASE(
            command_line=show, environment_settings=[batch.setting("OWN", "last")]
        ),
    )

    first, last = _outputs(client, wide, job)

    assert first == "first, of the job, jobpreparation\n"
    assert last == "last, of the job, jobrelease\n"


def test_sb_12_both_have_a_maximum_duration(client, wide, create_job):
    one_second = timedelta(seconds=1)
    late = create_job(
        wide,
        job_preparation_task=PREPARATION(
            command_line=sh("sleep 60"),
            constraints=models.BatchTaskConstraints(max_wall_clock_time=one_second),
        ),
    )
    client.create_task(late, batch.task("t", "true"))
    released_late = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=RELEASE(command_line=sh("sleep 60"), max_wall_clock_time=one_second),
    )
    batch.run_task(client, released_late, batch.task("t", "true"))
    batch.end_job(client, released_late)

    preparation = _ended_preparation(client, late)
    (status,) = batch.statuses(client, released_late).values()
    release = batch.release_of(status)

    for info in (preparation, release):
        assert info.result == "failure"
        assert batch.failure_of(info) == "TaskEnded"
        assert info.end_time is not None
        assert one_second <= info.end_time - info.start_time < timedelta(seconds=15)


def test_sb_13_preparation_is_tried_again_as_often_as_it_may(client, wide, create_job):
    tries = "$AZ_BATCH_NODE_SHARED_DIR/$AZ_BATCH_JOB_ID.tries"
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(
            command_line=sh(f"echo try >> {tries}; test $(wc -l < {tries}) -ge 3"),
            constraints=models.BatchTaskConstraints(max_task_retry_count=2),
        ),
    )
    batch.run_task(client, job, batch.task("t", "true"))

    (status,) = batch.statuses(client, job).values()
    info = batch.preparation_of(status)

    assert (info.retry_count, info.result, info.exit_code) == (2, "success", 0)
    assert info.last_retry_time is not None
    text = batch.node_text(client, wide, status.node_id or "", f"shared/{job}.tries")
    assert text == "try\n" * 3


def test_sb_13_a_preparation_that_fails_every_time_fails_after_its_last_try(
    client, wide, create_job
):
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(
            command_line=sh("exit 4"),
            constraints=models.BatchTaskConstraints(max_task_retry_count=2),
        ),
    )
    client.create_task(job, batch.task("t", "true"))

    info = _ended_preparation(client, job)

    assert (info.retry_count, info.result, info.exit_code) == (2, "failure", 4)


def test_sb_14_the_directory_of_a_preparation_goes_when_its_time_is_over(client, wide, create_job):
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(
            command_line="true",
            constraints=models.BatchTaskConstraints(retention_time=timedelta(seconds=3)),
        ),
    )
    node = batch.node_of(batch.run_task(client, job, batch.task("t", "true")))
    directory = f"workitems/{job}/job-1/jobpreparation"
    assert directory in batch.node_files(client, wide, node)

    wait_until(lambda: directory not in batch.node_files(client, wide, node), 15, "it is gone")

    assert f"workitems/{job}/job-1/t" in batch.node_files(client, wide, node)


def test_sb_18_waiting_for_the_preparation_can_be_turned_off(client, wide, create_job):
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line=sh("sleep 60"), wait_for_success=False),
    )

    batch.run_task(client, job, batch.task("t", "true"))

    (status,) = batch.statuses(client, job).values()
    assert batch.preparation_of(status).state == "running"


def test_sb_19_after_a_restart_of_the_node_the_preparation_runs_again(
    client, make_pool, create_job
):
    pool = make_pool()
    job = create_job(pool, job_preparation_task=PREPARATION(command_line="true"))
    node = batch.node_of(batch.run_task(client, job, batch.task("before", "true")))
    first = batch.preparation_of(batch.statuses(client, job)[node])

    batch.reboot(client, pool, node)
    done = batch.run_task(client, job, batch.task("after", "true"))

    again = batch.preparation_of(batch.statuses(client, job)[node])
    assert again.start_time > first.start_time
    assert again.retry_count == 0
    assert again.end_time is not None
    assert batch.start_of(done) >= again.end_time


def test_sb_20_running_it_again_after_a_restart_can_be_turned_off(client, make_pool, create_job):
    pool = make_pool()
    job = create_job(
        pool,
        job_preparation_task=PREPARATION(
            command_line="true", rerun_on_node_reboot_after_success=False
        ),
    )
    node = batch.node_of(batch.run_task(client, job, batch.task("before", "true")))
    first = batch.preparation_of(batch.statuses(client, job)[node])

    batch.reboot(client, pool, node)
    batch.run_task(client, job, batch.task("after", "true"))

    again = batch.preparation_of(batch.statuses(client, job)[node])
    assert (again.start_time, again.end_time) == (first.start_time, first.end_time)


def test_sb_24_fewer_tasks_than_nodes_leave_nodes_without_preparation(client, trio, create_job):
    batch.wait_for_nodes(client, trio, 3)
    job = create_job(trio, job_preparation_task=PREPARATION(command_line="true"))
    batch.add_tasks(client, job, [batch.task(f"t{n}", sh("sleep 0.5")) for n in range(2)])

    tasks = batch.wait_for_tasks(client, job)

    assert set(batch.statuses(client, job)) == set(batch.by_node(tasks.values()))
    assert len(batch.statuses(client, job)) == 2


def test_sb_25_one_preparation_serves_all_the_slots_of_a_node(client, make_pool, create_job):
    pack = models.BatchTaskSchedulingPolicy(node_fill_type=models.BatchNodeFillType.PACK)
    pool = make_pool(nodes=2, slots=4, task_scheduling_policy=pack)
    marks = "$AZ_BATCH_NODE_SHARED_DIR/sb25.txt"
    job = create_job(
        pool, job_preparation_task=PREPARATION(command_line=sh(f"echo prepared >> {marks}"))
    )
    batch.add_tasks(client, job, [batch.task(f"t{n}", sh("sleep 1")) for n in range(3)])

    tasks = batch.wait_for_tasks(client, job)

    (node,) = batch.statuses(client, job)
    assert set(batch.by_node(tasks.values())) == {node}
    starts = [batch.start_of(one) for one in tasks.values()]
    assert max(starts) < min(batch.end_of(one) for one in tasks.values())
    assert batch.node_text(client, pool, node, "shared/sb25.txt") == "prepared\n"


def test_sb_26_preparation_runs_for_each_job_and_the_start_task_for_each_start_of_a_node(
    client, make_pool, create_job
):
    shared = "$AZ_BATCH_NODE_SHARED_DIR"
    start = models.BatchStartTask(command_line=sh(f"echo started >> {shared}/starts.txt"))
    pool = make_pool(start_task=start)
    node = batch.the_node(client, pool)

    for _ in range(2):
        prepare = PREPARATION(command_line=sh(f"echo prepared >> {shared}/preparations.txt"))
        job = create_job(pool, job_preparation_task=prepare)
        batch.run_task(client, job, batch.task("t1", "true"))
        batch.run_task(client, job, batch.task("t2", "true"))

    assert batch.node_text(client, pool, node, "shared/starts.txt") == "started\n"
    assert batch.node_text(client, pool, node, "shared/preparations.txt") == "prepared\n" * 2


def test_a_task_goes_to_another_node_when_the_preparation_fails_on_one(
    client, trio, create_job, gate
):
    # Whichever node comes first to it fails.
    gate.path.parent.chmod(0o777)
    fails_once = sh(f"mkdir {gate.path.parent}/first && exit 1; exit 0")
    job = create_job(trio, job_preparation_task=PREPARATION(command_line=fails_once))

    done = batch.run_task(client, job, batch.task("t", "true"))

    assert batch.execution_of(done).exit_code == 0
    statuses = batch.statuses(client, job)
    results = {node: batch.preparation_of(one).result for node, one in statuses.items()}
    assert set(results.values()) == {"failure", "success"}
    assert len(results) == 2
    assert results[batch.node_of(done)] == "success"


def test_a_preparation_that_runs_when_its_job_ends_is_ended_and_nothing_is_released(
    client, wide, create_job, server
):
    def sleepers() -> list[str]:
        return [one.command_line() for one in server.look() if "sleep 5555" in one.command_line()]

    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line=sh("sleep 5555 & sleep 5555")),
        job_release_task=RELEASE(command_line="true"),
    )
    client.create_task(job, batch.task("t", "true"))
    batch.wait_for_task(client, job, "t", "preparing")
    wait_until(lambda: len(sleepers()) > 1, 10, "the preparation runs")

    batch.end_job(client, job)

    (status,) = batch.statuses(client, job).values()
    assert batch.preparation_of(status).result == "failure"
    assert status.job_release_task_execution_info is None
    assert sleepers() == []
    assert client.get_task(job, "t").state in ("active", "completed")


def test_release_runs_where_a_preparation_failed_that_need_not_succeed(client, wide, create_job):
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line=sh("exit 1"), wait_for_success=False),
        job_release_task=RELEASE(command_line="true"),
    )
    batch.run_task(client, job, batch.task("t", "true"))
    _ended_preparation(client, job)

    batch.end_job(client, job)

    (status,) = batch.statuses(client, job).values()
    assert batch.preparation_of(status).result == "failure"
    assert batch.release_of(status).result == "success"


def test_a_preparation_that_a_restart_has_ended_runs_again_in_any_case(
    client, make_pool, create_job, gate
):
    pool = make_pool()
    marks = "$AZ_BATCH_NODE_SHARED_DIR/marks.txt"
    job = create_job(
        pool,
        job_preparation_task=PREPARATION(
            command_line=sh(f"echo mark >> {marks}; cat {gate.path}"),
            rerun_on_node_reboot_after_success=False,
        ),
    )
    node = batch.the_node(client, pool)
    client.create_task(job, batch.task("t", "true"))
    wait_until(
        lambda: "shared/marks.txt" in batch.node_files(client, pool, node), 10, "it has begun"
    )

    batch.reboot(client, pool, node)
    gate.open()
    done = batch.wait_for_task(client, job, "t", "completed")

    assert batch.execution_of(done).exit_code == 0
    assert batch.execution_of(done).retry_count == 0
    assert batch.node_text(client, pool, node, "shared/marks.txt") == "mark\n" * 2


@pytest.mark.parametrize("end", ["terminate_task", "delete_task"])
def test_a_task_can_be_ended_while_its_node_is_prepared(client, narrow, create_job, gate, end: str):
    job = create_job(narrow, job_preparation_task=PREPARATION(command_line=sh(f"cat {gate.path}")))
    client.create_task(job, batch.task("t", sh("echo ran > $AZ_BATCH_NODE_SHARED_DIR/ran.txt")))
    node = batch.node_of(batch.wait_for_task(client, job, "t", "preparing"))

    getattr(client, end)(job, "t")
    gate.open()
    batch.run_task(client, job, batch.task("next", "true"))

    left = batch.tasks_of(client, job)
    assert set(left) == ({"t", "next"} if end == "terminate_task" else {"next"})
    if end == "terminate_task":
        assert batch.failure_of(batch.execution_of(left["t"])) == "TaskEnded"
        assert batch.execution_of(left["t"]).start_time is None
    assert "shared/ran.txt" not in batch.node_files(client, narrow, node)


def _ended_preparation(
    client: BatchClient, job: str
) -> models.BatchJobPreparationTaskExecutionInfo:
    """The preparation of a job on its one node, once it has ended."""

    def ended() -> models.BatchJobPreparationTaskExecutionInfo | None:
        found = [batch.preparation_of(one) for one in batch.statuses(client, job).values()]
        return found[0] if found and found[0].state == "completed" else None

    info = wait_until(ended, 20, f"the preparation of job {job} has ended")
    assert info is not None
    return info


def _outputs(client: BatchClient, pool: str, job: str) -> tuple[str, str]:
    """What preparation and release of a job have written, which ends with this."""
    node = batch.node_of(batch.run_task(client, job, batch.task("t", "true")))
    batch.end_job(client, job)
    directory = f"workitems/{job}/job-1"
    return (
        batch.node_text(client, pool, node, f"{directory}/jobpreparation/stdout.txt"),
        batch.node_text(client, pool, node, f"{directory}/jobrelease/stdout.txt"),
    )
