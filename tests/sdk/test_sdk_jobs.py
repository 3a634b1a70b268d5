"""What a job is to its tasks and pools, and how it retries. Named by the rows of the checklist."""

from datetime import timedelta

from azure.batch import models

from tests import batch
from tests.batch import sh

JOB_CONSTRAINTS = models.BatchJobConstraints


def test_sa_1_a_job_groups_its_tasks(client, wide, create_job):
    job, other = create_job(wide), create_job(wide)
    batch.add_tasks(client, job, [batch.task(name, "true") for name in ("a", "b", "c")])
    batch.add_tasks(client, other, [batch.task("a", "false")])

    tasks = batch.wait_for_tasks(client, job)

    assert set(tasks) == {"a", "b", "c"}
    counts = client.get_job_task_counts(job).task_counts
    assert counts.active + counts.running + counts.completed == 3
    assert counts.succeeded == 3


def test_sa_2_a_job_has_its_tasks_run_on_nodes_of_its_pool(client, narrow, wide, create_job):
    jobs = {pool: create_job(pool) for pool in (narrow, wide)}
    for job in jobs.values():
        batch.add_tasks(client, job, [batch.task(f"t{i}", "true") for i in range(4)])
    for pool, job in jobs.items():
        ran = batch.wait_for_tasks(client, job).values()
        nodes = {node.id for node in client.list_nodes(pool)}
        assert set(batch.by_node(ran)) <= nodes
        assert {task.node_info and task.node_info.pool_id for task in ran} == {pool}


def test_sa_3_a_job_names_the_pool_in_which_its_work_runs(client, trio, create_job):
    job = create_job(trio)
    assert client.get_job(job).execution_info.pool_id == trio
    task = batch.run_task(client, job, batch.task("t", "true"))
    assert batch.node_of(task) in {node.id for node in client.list_nodes(trio)}


def test_sa_5_one_pool_serves_many_jobs(client, trio, create_job):
    jobs = [create_job(trio) for _ in range(3)]
    for job in jobs:
        batch.add_tasks(client, job, [batch.task(f"t{i}", "true") for i in range(3)])
    nodes = {node.id for node in client.list_nodes(trio)}
    for job in jobs:
        assert set(batch.by_node(batch.wait_for_tasks(client, job).values())) <= nodes


def test_sa_19_the_retries_of_tasks_can_be_set_for_their_job(client, wide, create_job):
    job = create_job(wide, constraints=JOB_CONSTRAINTS(max_task_retry_count=2))

    task = batch.run_task(client, job, batch.task("t", sh("echo run >> ../runs.txt; exit 1")))

    info = batch.execution_of(task)
    assert (info.retry_count, info.exit_code, info.result) == (2, 1, "failure")
    assert batch.failure_of(info) == "FailureExitCode"
    assert task.constraints is not None
    assert task.constraints.max_task_retry_count == 2
    runs = b"".join(client.download_task_file(job, "t", "runs.txt")).decode()
    assert runs == "run\n" * 3


def test_sa_20_a_job_may_have_its_tasks_retried_always(client, wide, create_job):
    job = create_job(wide, constraints=JOB_CONSTRAINTS(max_task_retry_count=-1))
    script = sh("echo run >> runs.txt; test $(wc -l < runs.txt) -gt 5")

    info = batch.execution_of(batch.run_task(client, job, batch.task("t", script)))

    assert (info.retry_count, info.result) == (5, "success")


def test_sa_21_a_job_may_have_its_tasks_retried_never(client, wide, create_job):
    job = create_job(wide, constraints=JOB_CONSTRAINTS(max_task_retry_count=0))

    info = batch.execution_of(batch.run_task(client, job, batch.task("t", sh("exit 1"))))

    assert (info.retry_count, info.result, info.last_retry_time) == (0, "failure", None)


def test_sa_22_a_failed_task_is_put_back_into_the_queue_and_runs_again(
    client, narrow, create_job, gate
):
    """Seen from outside, because something more important comes between its two runs."""
    job = create_job(narrow, constraints=JOB_CONSTRAINTS(max_task_retry_count=1))
    urgent = create_job(narrow, priority=10)
    fail = gate.path.parent / "fail"
    script = sh(
        f"test -e ../ran && exit 0; touch ../ran; until test -e {fail}; do sleep 0.05; done; exit 1"
    )
    client.create_task(job, batch.task("t", script))
    first = batch.wait_for_task(client, job, "t", "running")
    client.create_task(urgent, batch.task("between", sh(f"cat {gate.path}")))

    fail.touch()

    batch.wait_for_task(client, urgent, "between", "running")
    waiting = client.get_task(job, "t")
    info = batch.execution_of(waiting)
    assert (waiting.state, info.retry_count, info.start_time, info.last_retry_time) == (
        "active",
        1,
        None,
        None,
    )
    gate.open()
    done = batch.wait_for_task(client, job, "t", "completed")
    info = batch.execution_of(done)
    assert (info.retry_count, info.result) == (1, "success")
    assert info.last_retry_time == info.start_time
    assert batch.start_of(done) > batch.start_of(first)


def test_sa_23_clients_may_add_tasks_to_a_job_as_long_as_it_is_active(client, wide, create_job):
    job = create_job(wide)
    for name in ("early", "late"):
        assert batch.run_task(client, job, batch.task(name, "true")).state == "completed"
        assert client.get_job(job).state == "active"


def test_sb_38_release_runs_when_the_wall_clock_time_of_a_job_is_over(client, narrow, create_job):
    """The timeout may be the job's own."""
    job = create_job(
        narrow,
        constraints=JOB_CONSTRAINTS(max_wall_clock_time=timedelta(seconds=1)),
        job_preparation_task=models.BatchJobPreparationTask(command_line="true"),
        job_release_task=models.BatchJobReleaseTask(command_line=sh("exit 7")),
    )
    client.create_task(job, batch.task("t", sh("sleep 60")))

    ended = batch.wait_for_job(client, job)

    assert ended.execution_info is not None
    assert ended.execution_info.termination_reason == "MaxWallClockTimeExpiry"
    (status,) = batch.statuses(client, job).values()
    assert batch.release_of(status).exit_code == 7
