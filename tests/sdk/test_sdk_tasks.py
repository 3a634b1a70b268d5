"""Tasks through the official client: rows SA-40 … SA-49 of the source article, and counts."""

import itertools
import platform

from azure.batch import models

from tests import batch
from tests.batch import sh
from tests.waiting import wait_until


def test_sa_40_a_task_belongs_to_a_job_and_runs_on_a_node(client, wide, create_job):
    job = create_job(wide)

    done = batch.run_task(client, job, batch.task("t", "true"))

    assert done.url.endswith(f"/jobs/{job}/tasks/t")
    assert done.node_info is not None
    assert done.node_info.pool_id == wide
    assert batch.node_of(done) in {one.id for one in client.list_nodes(wide)}
    assert done.node_info.affinity_id == f"TVM:{batch.node_of(done)}"
    assert done.node_info.task_root_directory == f"workitems/{job}/job-1/t"


def test_sa_41_a_task_is_queued_until_a_slot_is_free(client, narrow, create_job):
    job = create_job(narrow)
    batch.add_tasks(client, job, [batch.task(f"t{n}", sh("sleep 0.5")) for n in range(3)])
    running_at_once: list[int] = []

    def completed() -> bool:
        states = [one.state for one in client.list_tasks(job)]
        running_at_once.append(states.count("running"))
        return states.count("completed") == 3

    wait_until(completed, 20, "three tasks completed one after the other")

    assert max(running_at_once) == 1
    runs = sorted((batch.start_of(one), batch.end_of(one)) for one in client.list_tasks(job))
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(runs))


def test_sa_42_a_task_may_run_more_than_one_program(client, wide, create_job):
    job = create_job(wide)
    script = "echo a; uname -n; echo text > f.txt; cat f.txt"

    batch.run_task(client, job, batch.task("t", sh(script)))

    assert batch.stdout(client, job, "t").splitlines() == ["a", platform.node(), "text"]


def test_sa_43_a_command_line_runs_its_program_on_the_node(client, wide, create_job):
    job = create_job(wide)

    done = batch.run_task(client, job, batch.task("t", "uname -n"))

    assert batch.execution_of(done).exit_code == 0
    assert batch.execution_of(done).result == "success"
    assert batch.stdout(client, job, "t") == f"{platform.node()}\n"


def test_sa_44_without_a_shell_nothing_is_expanded_or_redirected(client, wide, create_job):
    job = create_job(wide)
    lines = {
        "variable": "echo $AZ_BATCH_TASK_ID",
        "redirect": "echo a > b",
        "pattern": "echo *",
        "chain": "echo a && echo b; echo c | cat",
    }

    batch.add_tasks(client, job, [batch.task(name, line) for name, line in lines.items()])
    batch.wait_for_tasks(client, job)

    for name, line in lines.items():
        assert batch.stdout(client, job, name) == line.removeprefix("echo ") + "\n"


def test_sa_45_a_shell_gives_the_features_of_a_shell(client, wide, create_job):
    job = create_job(wide)
    wish = batch.task(
        "t",
        sh("echo $MY_ENV_VAR > out.txt && cat out.txt"),
        environment_settings=[models.EnvironmentSetting(name="MY_ENV_VAR", value="my value")],
    )

    batch.run_task(client, job, wish)

    assert batch.stdout(client, job, "t") == "my value\n"


def test_sa_46_a_program_that_does_not_exist_fails_the_task(client, wide, create_job):
    job = create_job(wide)

    done = batch.run_task(client, job, batch.task("t", "no_such_program --help"))

    info = batch.execution_of(done)
    assert info.failure_info is not None
    assert info.failure_info.code == "CommandProgramNotFound"
    assert info.failure_info.category == "UserError"
    assert info.exit_code is None
    assert info.result == "failure"
    assert batch.stdout(client, job, "t") == ""


def test_sa_49_environment_variables_can_be_given_for_each_task(client, wide, create_job):
    common = [
        models.EnvironmentSetting(name="SHARED", value="of the job"),
        models.EnvironmentSetting(name="OWN", value="of the job"),
    ]
    job = create_job(wide, common_environment_settings=common)
    script = sh('echo "$SHARED, $OWN, $AZ_BATCH_JOB_ID, $AZ_BATCH_TASK_ID"')
    own = [models.EnvironmentSetting(name="OWN", value="of the task")]

    batch.run_task(client, job, batch.task("t", script, environment_settings=own))

    assert batch.stdout(client, job, "t") == f"of the job, of the task, {job}, t\n"
    echoed = client.get_task(job, "t").environment_settings or []
    assert [(one.name, one.value) for one in echoed] == [("OWN", "of the task")]


def test_an_exit_code_other_than_zero_is_a_failure_with_its_reason(client, wide, create_job):
    job = create_job(wide)

    info = batch.execution_of(batch.run_task(client, job, batch.task("t", sh("exit 9"))))

    assert (info.exit_code, info.result, info.retry_count) == (9, "failure", 0)
    assert info.failure_info is not None
    assert info.failure_info.code == "FailureExitCode"


def test_a_task_that_a_signal_killed_has_a_negative_exit_code(client, wide, create_job):
    job = create_job(wide)

    info = batch.execution_of(batch.run_task(client, job, batch.task("t", sh("kill -9 $$"))))

    assert (info.exit_code, info.result) == (-9, "failure")


def test_counts_tell_how_far_a_job_is(client, wide, create_job):
    job = create_job(wide)
    wishes = [batch.task("good", "true"), batch.task("bad", "false")]
    batch.add_tasks(client, job, wishes)
    batch.wait_for_tasks(client, job)
    batch.add_tasks(client, job, [batch.task(f"long{n}", sh("sleep 60")) for n in range(5)])

    def four_run() -> models.BatchTaskCounts | None:
        counts = client.get_job_task_counts(job).task_counts
        return counts if counts.running == 4 else None

    counts = wait_until(four_run, 20, "four tasks run")

    assert counts is not None
    assert (counts.active, counts.running, counts.completed) == (1, 4, 2)
    assert (counts.succeeded, counts.failed) == (1, 1)


def test_no_task_waits_behind_one_that_takes_long_while_a_node_is_idle(
    client, make_pool, create_job, gate
):
    """A node is given a few short tasks more than it has slots for, and cannot know which are."""
    pool = make_pool(nodes=2)
    job = create_job(pool)
    batch.run_task(client, job, batch.task("known", "true"))
    tasks = [
        batch.task("long", f"cat {gate.path}"),
        *(batch.task(f"t{number}", "true") for number in range(6)),
    ]
    client.create_task_collection(job, models.BatchTaskGroup(task_values=tasks))

    def others() -> bool:
        found = batch.tasks_of(client, job)
        return all(found[one.id].state == "completed" for one in tasks[1:])

    wait_until(others, 20, "all others have run")
    assert client.get_task(job, "long").state == "running"


def test_a_deleted_task_is_gone_with_its_process_and_its_directory(client, wide, create_job):
    job = create_job(wide)
    client.create_task(job, batch.task("t", sh("sleep 60")))
    node = batch.node_of(batch.wait_for_task(client, job, "t", "running"))

    client.delete_task(job, "t")

    assert batch.tasks_of(client, job) == {}
    directory = f"workitems/{job}/job-1/t"
    wait_until(
        lambda: directory not in _node_files(client, wide, node), 10, "its directory is gone"
    )
    wait_until(lambda: client.get_node(wide, node).running_tasks_count == 0, 10, "its slot is free")


def _node_files(client, pool: str, node: str) -> set[str]:
    return {one.name or "" for one in client.list_node_files(pool, node, recursive=True)}
