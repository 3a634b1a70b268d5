"""Job preparation tasks through the official client: rows SB-3 … SB-53 of the source article."""

from azure.batch import BatchClient, models

from tests import batch
from tests.batch import sh
from tests.waiting import wait_until

PREPARATION = models.BatchJobPreparationTask
RELEASE = models.BatchJobReleaseTask


def test_sb_3_preparation_ends_before_the_first_task_of_each_node(client, trio, create_job):
    job = create_job(trio, job_preparation_task=PREPARATION(command_line=sh("sleep 0.3")))
    batch.add_tasks(client, job, [batch.task(f"t{n}", sh("sleep 0.4")) for n in range(6)])

    tasks = batch.wait_for_tasks(client, job)

    statuses = batch.statuses(client, job)
    ran = batch.by_node(tasks.values())
    assert set(statuses) == set(ran)
    assert len(ran) == 3
    for node, its_tasks in ran.items():
        prepared = batch.prepared_time(statuses[node])
        assert prepared <= min(batch.start_of(one) for one in its_tasks)


def test_sb_5_both_run_the_command_line_that_they_are_given(client, wide, create_job):
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line=sh("echo prepared")),
        job_release_task=RELEASE(command_line=sh("echo released; exit 3")),
    )
    node = batch.node_of(batch.run_task(client, job, batch.task("t", "true")))

    batch.end_job(client, job)

    status = batch.statuses(client, job)[node]
    preparation, release = batch.preparation_of(status), batch.release_of(status)
    assert (preparation.exit_code, preparation.result) == (0, "success")
    assert (release.exit_code, release.result) == (3, "failure")
    for info, text in ((preparation, "prepared\n"), (release, "released\n")):
        path = f"{info.task_root_directory}/stdout.txt"
        assert batch.node_text(client, wide, node, path) == text


def test_sb_5_the_exit_code_of_a_failed_preparation_is_told(client, wide, create_job):
    job = create_job(wide, job_preparation_task=PREPARATION(command_line=sh("exit 7")))
    client.create_task(job, batch.task("t", "true"))

    def failed() -> models.BatchJobPreparationTaskExecutionInfo | None:
        found = [batch.preparation_of(one) for one in batch.statuses(client, job).values()]
        return found[0] if found and found[0].state == "completed" else None

    info = wait_until(failed, 20, "the preparation failed")

    assert info is not None
    assert (info.exit_code, info.result) == (7, "failure")
    one = batch.wait_for_task(client, job, "t", "active")
    assert one.execution_info is None or one.execution_info.start_time is None


def test_sb_17_a_task_waits_for_the_preparation_of_its_node(client, wide, create_job):
    job = create_job(wide, job_preparation_task=PREPARATION(command_line=sh("sleep 1")))
    client.create_task(job, batch.task("t", "true"))

    batch.wait_for_task(client, job, "t", "preparing")
    done = batch.wait_for_task(client, job, "t", "completed")

    (status,) = batch.statuses(client, job).values()
    assert batch.start_of(done) >= batch.prepared_time(status)


def test_sb_22_preparation_is_first_also_with_many_tasks_at_once(client, wide, create_job):
    job = create_job(wide, job_preparation_task=PREPARATION(command_line=sh("sleep 0.3")))
    batch.add_tasks(client, job, [batch.task(f"t{n}", "true") for n in range(12)])

    tasks = batch.wait_for_tasks(client, job)

    (status,) = batch.statuses(client, job).values()
    prepared = batch.prepared_time(status)
    assert all(batch.start_of(one) >= prepared for one in tasks.values())


def test_sb_23_preparation_runs_only_on_nodes_that_get_a_task(client, trio, create_job):
    job = create_job(trio, job_preparation_task=PREPARATION(command_line=sh("echo here")))

    done = batch.run_task(client, job, batch.task("t", "true"))

    assert set(batch.statuses(client, job)) == {batch.node_of(done)}


def test_sb_37_preparation_and_release_are_properties_of_the_job(client, wide, create_job):
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line="echo one"),
        job_release_task=RELEASE(command_line="echo two"),
    )

    found = client.get_job(job)

    preparation, release = found.job_preparation_task, found.job_release_task
    assert preparation is not None
    assert release is not None
    assert (preparation.id, preparation.command_line) == ("jobpreparation", "echo one")
    assert (release.id, release.command_line) == ("jobrelease", "echo two")
    assert preparation.wait_for_success is True


def test_sb_50_tasks_start_as_soon_as_one_node_is_ready(client: BatchClient):
    pool = batch.create_pool(client, "early", nodes=10)
    try:
        job = batch.create_job(client, "early", pool)
        client.create_task(job, batch.task("t", "true"))

        done = batch.wait_for_task(client, job, "t", "completed", seconds=40)

        nodes = batch.wait_for_nodes(client, pool, 10)
        idle_since = [one.state_transition_time for one in nodes if one.id != batch.node_of(done)]
        assert batch.start_of(done) < max(idle_since)
        batch.delete_job(client, job)
    finally:
        client.begin_delete_pool(pool, polling_interval=1)


def test_sb_51_a_node_that_ran_no_task_has_no_preparation_and_release(client, trio, create_job):
    job = create_job(
        trio,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=RELEASE(command_line="true"),
    )
    done = batch.run_task(client, job, batch.task("t", "true"))

    batch.end_job(client, job)

    statuses = batch.statuses(client, job)
    others = {one.id for one in client.list_nodes(trio)} - {batch.node_of(done)}
    assert len(others) == 2
    assert others.isdisjoint(statuses)
    assert batch.release_of(statuses[batch.node_of(done)]).exit_code == 0


def test_sb_53_the_properties_of_preparation_and_release_can_be_viewed(client, wide, create_job):
    job = create_job(
        wide,
        job_preparation_task=PREPARATION(command_line="true"),
        job_release_task=RELEASE(command_line="true"),
    )
    node = batch.node_of(batch.run_task(client, job, batch.task("t", "true")))
    batch.end_job(client, job)

    status = batch.statuses(client, job)[node]

    assert (status.pool_id, status.node_id) == (wide, node)
    assert status.node_url is not None
    assert status.node_url.endswith(f"/pools/{wide}/nodes/{node}")
    infos: dict[
        str, models.BatchJobPreparationTaskExecutionInfo | models.BatchJobReleaseTaskExecutionInfo
    ] = {
        "jobpreparation": batch.preparation_of(status),
        "jobrelease": batch.release_of(status),
    }
    for name, info in infos.items():
        assert info.state == "completed"
        assert info.end_time is not None
        assert info.start_time <= info.end_time
        assert (info.exit_code, info.result) == (0, "success")
        assert info.failure_info is None
        assert info.task_root_directory == f"workitems/{job}/job-1/{name}"
        assert info.task_root_directory_url is not None
        assert info.task_root_directory_url.endswith(f"/files/{info.task_root_directory}")
    assert batch.preparation_of(status).retry_count == 0
