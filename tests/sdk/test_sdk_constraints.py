"""Files and limits of tasks through the official client: rows SA-47 … SA-52, and slots."""

from datetime import timedelta

from azure.batch import models

from tests import batch
from tests.batch import sh
from tests.waiting import wait_until

CONSTRAINTS = models.BatchTaskConstraints


def test_sa_47_resource_files_are_there_before_the_command_runs(client, wide, create_job, web):
    job = create_job(wide)
    files = [
        batch.file(web.serve("/sa-47/in.txt", "from the web\n"), "data/in.txt"),
        batch.file(web.serve("/sa-47/tool.sh", "#!/bin/sh\ncat data/in.txt\n"), "tool.sh", "0755"),
    ]

    batch.run_task(client, job, batch.task("read", "cat data/in.txt", resource_files=files))
    batch.run_task(client, job, batch.task("run", sh("./tool.sh"), resource_files=files))

    assert batch.stdout(client, job, "read") == "from the web\n"
    assert batch.stdout(client, job, "run") == "from the web\n"
    echoed = client.get_task(job, "run").resource_files or []
    assert [(one.http_url, one.file_path) for one in echoed] == [
        (one.http_url, one.file_path) for one in files
    ]


def test_sa_47_a_task_whose_file_is_not_there_fails_and_never_runs(client, wide, create_job, web):
    job = create_job(wide)
    missing = [batch.file(f"{web.url}/sa-47/missing", "in.txt")]
    wish = batch.task(
        "t",
        sh("echo ran"),
        resource_files=missing,
        constraints=CONSTRAINTS(max_task_retry_count=2),
    )

    info = batch.execution_of(batch.run_task(client, job, wish))

    assert (info.result, info.exit_code, info.retry_count) == ("failure", None, 0)
    assert batch.failure_of(info) == "BlobNotFound"
    assert batch.stdout(client, job, "t") == ""


def test_sa_50_a_task_that_runs_too_long_is_ended_with_all_its_processes(
    client, wide, create_job, server
):
    def sleepers() -> list[str]:
        return [one.command_line() for one in server.look() if "sleep 7777" in one.command_line()]

    job = create_job(wide)
    limit = CONSTRAINTS(max_wall_clock_time=timedelta(seconds=2), max_task_retry_count=2)
    script = sh("setsid sleep 7777 & nohup sleep 7777 & sleep 7777")
    client.create_task(job, batch.task("t", script, constraints=limit))
    wait_until(lambda: len(sleepers()) > 2, 10, "its processes run")

    done = batch.wait_for_task(client, job, "t", "completed")

    info = batch.execution_of(done)
    assert (info.result, info.retry_count) == ("failure", 0)
    assert batch.failure_of(info) == "TaskEnded"
    took = batch.end_of(done) - batch.start_of(done)
    assert timedelta(seconds=2) <= took < timedelta(seconds=10)
    assert sleepers() == []


def test_sa_51_the_retries_of_a_task_come_before_those_of_its_job(client, wide, create_job):
    job = create_job(wide, constraints=models.BatchJobConstraints(max_task_retry_count=1))
    failing = sh("echo try >> ../tries.txt; exit 1")
    own = CONSTRAINTS(max_task_retry_count=3)
    batch.add_tasks(
        client, job, [batch.task("of-job", failing), batch.task("own", failing, constraints=own)]
    )

    tasks = batch.wait_for_tasks(client, job)

    for name, retries in (("of-job", 1), ("own", 3)):
        info = batch.execution_of(tasks[name])
        assert (info.retry_count, info.result, info.exit_code) == (retries, "failure", 1)
        assert info.last_retry_time == info.start_time
        tries = b"".join(client.download_task_file(job, name, "tries.txt")).decode()
        assert tries == "try\n" * (retries + 1)


def test_sa_51_a_task_that_succeeds_at_a_later_try_has_succeeded(client, wide, create_job):
    job = create_job(wide)
    script = sh("echo try >> tries.txt; test $(wc -l < tries.txt) -ge 3")
    wish = batch.task("t", script, constraints=CONSTRAINTS(max_task_retry_count=-1))

    info = batch.execution_of(batch.run_task(client, job, wish))

    assert (info.retry_count, info.result, info.exit_code) == (2, "success", 0)
    assert info.failure_info is None


def test_sa_52_the_files_of_a_task_are_kept_for_its_retention_time(client, wide, create_job):
    job = create_job(wide)
    short = CONSTRAINTS(retention_time=timedelta(seconds=3))
    done = batch.run_task(client, job, batch.task("t", sh("echo text"), constraints=short))
    batch.run_task(client, job, batch.task("kept", sh("echo text")))
    assert batch.stdout(client, job, "t") == "text\n"
    directory = f"workitems/{job}/job-1/t"
    node = batch.node_of(done)
    assert directory in batch.node_files(client, wide, node)

    wait_until(lambda: directory not in batch.node_files(client, wide, node), 15, "it is gone")

    refusal = batch.refusal_of(client.download_task_file, job, "t", "stdout.txt")
    assert refusal == (409, "TaskFilesCleanedup")
    assert client.get_task(job, "t").state == "completed"
    assert batch.stdout(client, job, "kept") == "text\n"


def test_a_task_takes_as_many_slots_as_it_requires(client, wide, create_job):
    job = create_job(wide)
    client.create_task(job, batch.task("large", sh("sleep 60"), required_slots=3))
    batch.wait_for_task(client, job, "large", "running")
    client.create_task(job, batch.task("small", sh("sleep 60")))
    client.create_task(job, batch.task("waiting", sh("sleep 60")))

    def two_run() -> models.BatchTaskCountsResult | None:
        counts = client.get_job_task_counts(job)
        return counts if counts.task_counts.running == 2 else None

    counts = wait_until(two_run, 20, "two tasks fill the node")

    assert counts is not None
    assert (counts.task_slot_counts.running, counts.task_slot_counts.active) == (4, 1)
    node = batch.node_of(client.get_task(job, "large"))
    assert client.get_node(wide, node).running_task_slots_count == 4
    assert client.get_task(job, "waiting").state == "active"
    client.terminate_task(job, "small")
    batch.wait_for_task(client, job, "waiting", "running")


def test_a_task_that_requires_more_slots_than_a_node_has_waits(client, narrow, create_job):
    job = create_job(narrow)
    batch.add_tasks(client, job, [batch.task("large", "true", required_slots=2)])

    batch.run_task(client, job, batch.task("small", "true"))

    assert client.get_task(job, "large").state == "active"


def test_tasks_are_spread_over_the_nodes_unless_the_pool_packs_them(client, make_pool, create_job):
    nodes_used = {}
    for fill in (models.BatchNodeFillType.SPREAD, models.BatchNodeFillType.PACK):
        policy = models.BatchTaskSchedulingPolicy(node_fill_type=fill)
        job = create_job(make_pool(nodes=2, slots=4, task_scheduling_policy=policy))
        batch.add_tasks(client, job, [batch.task(f"t{n}", sh("sleep 0.5")) for n in range(4)])
        nodes_used[fill] = batch.by_node(batch.wait_for_tasks(client, job).values())

    spread, packed = nodes_used.values()
    assert sorted(len(tasks) for tasks in spread.values()) == [2, 2]
    assert [len(tasks) for tasks in packed.values()] == [4]
