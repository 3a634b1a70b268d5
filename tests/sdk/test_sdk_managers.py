"""Job manager tasks, through the official client. Named by the rows of the checklist."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from azure.batch import BatchClient, models
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import AzureKeyCredentialPolicy

from tests import batch
from tests.batch import sh
from tests.sdk.managing import manager, program
from tests.service import FIRST
from tests.waiting import wait_until

TERMINATE = models.BatchAllTasksCompleteMode.TERMINATE_JOB

SHARED = "$AZ_BATCH_NODE_SHARED_DIR"


def waiting(gate) -> str:
    return sh(f"cat {gate.path}")


def reason_of(job: models.BatchJob) -> str | None:
    assert job.execution_info is not None
    return job.execution_info.termination_reason


def managed(client: BatchClient, job: str) -> None:
    """Wait until the manager of a job has ended well."""
    info = batch.execution_of(batch.wait_for_task(client, job, "manager", "completed"))
    said = b"".join(client.download_task_file(job, "manager", "stderr.txt")).decode()
    assert info.exit_code == 0, said


def runs_on_another(client: BatchClient, job: str, task_id: str, node: str) -> models.BatchTask:
    def moved() -> models.BatchTask | None:
        one = client.get_task(job, task_id)
        return one if one.state == "running" and batch.node_of(one) != node else None

    found = wait_until(moved, 20, f"{task_id} runs on another node than {node}")
    assert found is not None
    return found


def test_sa_24_25_a_manager_makes_the_tasks_of_its_job(client, wide, create_job, web):
    source = "for number in range(3): add(f't{number}', 'true')"
    options = program(web, "sa24", source)
    job = create_job(
        wide,
        job_manager_task=manager(run_exclusive=False, kill_job_on_completion=False, **options),
    )
    managed(client, job)

    tasks = batch.wait_for_tasks(client, job)

    assert set(tasks) == {"manager", "t0", "t1", "t2"}
    assert {batch.execution_of(one).exit_code for one in tasks.values()} == {0}
    assert batch.node_of(tasks["manager"]) == batch.the_node(client, wide)
    assert client.get_job(job).state == "active"


def test_sa_26_84_a_manager_is_queued_as_soon_as_its_job_exists(client, create_job):
    job = create_job("no-such-pool", job_manager_task=manager())
    (task,) = client.list_tasks(job)
    assert (task.id, task.state) == ("manager", "active")
    counts = client.get_job_task_counts(job).task_counts
    assert (counts.active, counts.running, counts.completed) == (1, 0, 0)
    shown = client.get_job(job).job_manager_task
    assert shown is not None
    assert (shown.run_exclusive, shown.kill_job_on_completion, shown.required_slots) == (
        True,
        True,
        1,
    )


def test_another_task_cannot_have_the_id_of_the_manager(client, create_job):
    """J-66."""
    job = create_job("no-such-pool", job_manager_task=manager())
    with pytest.raises(HttpResponseError) as refused:
        client.create_task(job, batch.task("Manager", "true"))
    assert (refused.value.status_code, batch.code_of(refused.value)) == (409, "TaskExists")


def test_sa_27_a_manager_that_fails_is_restarted(client, wide, create_job):
    again = sh(
        f"test -e {SHARED}/$AZ_BATCH_JOB_ID || {{ touch {SHARED}/$AZ_BATCH_JOB_ID; exit 3; }}"
    )
    constraints = models.BatchTaskConstraints(max_task_retry_count=2)
    job = create_job(wide, job_manager_task=manager(again, constraints=constraints))
    batch.wait_for_job(client, job)
    info = batch.execution_of(client.get_task(job, "manager"))
    assert (info.retry_count, info.result) == (1, "success")


def test_sa_27_a_manager_whose_node_reboots_runs_again(client, make_pool, create_job, gate):
    pool = make_pool()
    job = create_job(pool, job_manager_task=manager(waiting(gate)))
    batch.wait_for_task(client, job, "manager", "running")
    batch.ask_reboot(client, pool, batch.the_node(client, pool))

    gate.open()

    ended = batch.wait_for_job(client, job)
    assert reason_of(ended) == "JMComplete"
    info = batch.execution_of(client.get_task(job, "manager"))
    assert (info.retry_count, info.requeue_count, info.exit_code) == (0, 1, 0)


def test_sa_33_a_job_ends_with_its_tasks_of_which_the_manager_is_one(
    client, wide, create_job, web, gate
):
    source = f"for name in 'ab': add(name, 'cat {gate.path}')"
    options = program(web, "sa33", source)
    job = create_job(
        wide,
        all_tasks_complete_mode=TERMINATE,
        job_manager_task=manager(run_exclusive=False, kill_job_on_completion=False, **options),
    )
    managed(client, job)
    batch.wait_for_task(client, job, "b", "running")
    assert client.get_job(job).state == "active"

    gate.open()

    assert reason_of(batch.wait_for_job(client, job)) == "AllTasksComplete"
    tasks = batch.tasks_of(client, job)
    assert {one.state for one in tasks.values()} == {"completed"}
    assert len(tasks) == 3


def test_sa_80_a_manager_decides_step_by_step(server, make_pool):
    """The example: it uses the official client inside the task."""
    pool = make_pool(nodes=2, slots=2)
    example = Path(__file__).parents[2] / "examples" / "job_manager.py"
    result = subprocess.run(
        [
            sys.executable,
            example,
            *("--endpoint", server.endpoint, "--account", FIRST.name, "--key", FIRST.key),
            *("--pool", pool, "--job", "JobManagerSample"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    with server.client(FIRST) as client:
        client.begin_delete_job("JobManagerSample", polling_interval=1)
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert lines[1] == "manager: counted 20 letters in 5 words"
    assert lines[-2:] == ["total: 20 letters", "The job ended: JMComplete"]


def test_sa_81_a_manager_is_a_whole_task(client, wide, create_job, web):
    web.files["/sa81.txt"] = b"from a file\n"
    script = "cat given.txt; echo $COMMON $OWN; echo $AZ_BATCH_TASK_ID; id -u"
    job = create_job(
        wide,
        constraints=models.BatchJobConstraints(max_task_retry_count=3),
        common_environment_settings=[batch.setting("COMMON", "common")],
        job_manager_task=manager(
            sh(script),
            display_name="The manager",
            resource_files=[batch.file(f"{web.url}/sa81.txt", "given.txt")],
            environment_settings=[batch.setting("OWN", "own")],
        ),
    )
    batch.wait_for_job(client, job)
    text = batch.stdout(client, job, "manager").splitlines()
    assert text[:3] == ["from a file", "common own", "manager"]
    task = client.get_task(job, "manager")
    assert task.display_name == "The manager"
    assert task.constraints is not None
    assert task.constraints.max_task_retry_count == 3
    shown = client.get_job(job).job_manager_task
    assert shown is not None
    assert shown.constraints is not None
    assert shown.constraints.max_task_retry_count == 3


def test_a_manager_that_runs_too_long_is_ended_and_its_job_with_it(client, wide, create_job):
    constraints = models.BatchTaskConstraints(max_wall_clock_time=timedelta(seconds=1))
    job = create_job(wide, job_manager_task=manager(sh("sleep 600"), constraints=constraints))
    assert reason_of(batch.wait_for_job(client, job)) == "JMComplete"
    info = batch.execution_of(client.get_task(job, "manager"))
    assert info.result == "failure"


def test_sa_82_a_manager_makes_tasks_of_what_a_file_says(client, wide, create_job, web):
    web.files["/sa82.txt"] = b"echo one\necho two\n"
    source = "for i, line in enumerate(open('commands.txt'), 1): add(f'line-{i}', line.strip())"
    options = program(web, "sa82", source)
    options["resource_files"].append(batch.file(f"{web.url}/sa82.txt", "commands.txt"))
    job = create_job(
        wide,
        job_manager_task=manager(run_exclusive=False, kill_job_on_completion=False, **options),
    )
    managed(client, job)
    batch.wait_for_tasks(client, job)
    assert [batch.stdout(client, job, f"line-{number}") for number in (1, 2)] == ["one\n", "two\n"]


@pytest.mark.parametrize(("nodes", "slots"), [(1, 1), (2, 2)])
def test_sa_83_85_a_manager_starts_before_all_other_tasks(
    client, make_pool, create_job, nodes, slots
):
    pool = make_pool(nodes=0, slots=slots, is_ready=False)
    job = create_job(pool, job_manager_task=manager("true", kill_job_on_completion=False))
    batch.add_tasks(client, job, [batch.task(f"t{number}", "true") for number in range(3)])

    batch.resize(client, pool, nodes)

    batch.wait_until_steady(client, pool, nodes)
    tasks = batch.wait_for_tasks(client, job)
    first = min(tasks.values(), key=lambda one: (batch.start_of(one), one.id != "manager"))
    assert first.id == "manager"


def test_sa_86_the_node_of_a_manager_leaves_last(client, make_pool, create_job, gate):
    pool = make_pool(nodes=3, slots=2)
    job = create_job(pool, job_manager_task=manager(waiting(gate)))
    batch.add_tasks(client, job, [batch.task(f"t{number}", waiting(gate)) for number in range(4)])
    node = batch.node_of(batch.wait_for_task(client, job, "manager", "running"))
    for number in range(4):
        batch.wait_for_task(client, job, f"t{number}", "running")

    batch.resize(client, pool, 1)

    batch.wait_until_steady(client, pool, 1)
    assert batch.the_node(client, pool) == node
    task = client.get_task(job, "manager")
    assert (task.state, batch.execution_of(task).requeue_count) == ("running", 0)


def test_sa_87_the_end_of_a_manager_ends_its_job_unless_told_not_to(
    client, make_pool, create_job, gate
):
    pool = make_pool(nodes=2)
    job = create_job(pool, job_manager_task=manager(waiting(gate)))
    client.create_task(job, batch.task("long", sh("sleep 600")))
    batch.wait_for_task(client, job, "long", "running")

    gate.open()

    assert reason_of(batch.wait_for_job(client, job)) == "JMComplete"
    info = batch.execution_of(client.get_task(job, "long"))
    assert (info.result, batch.failure_of(info)) == ("failure", "TaskEnded")

    other = create_job(pool, job_manager_task=manager(kill_job_on_completion=False))
    batch.wait_for_task(client, other, "manager", "completed")
    batch.run_task(client, other, batch.task("later", "true"))
    assert client.get_job(other).state == "active"


def test_sa_88_a_restarted_manager_takes_the_place_of_a_running_task(
    client, make_pool, create_job, gate
):
    pool = make_pool(nodes=2)
    job = create_job(pool, job_manager_task=manager(waiting(gate)))
    client.create_task(job, batch.task("long", sh("sleep 600")))
    node = batch.node_of(batch.wait_for_task(client, job, "manager", "running"))
    batch.wait_for_task(client, job, "long", "running")

    batch.remove_nodes(client, pool, [node], "requeue")

    runs_on_another(client, job, "manager", node)
    task = client.get_task(job, "long")
    assert (task.state, batch.execution_of(task).requeue_count) == ("active", 1)


def test_sa_89_a_manager_has_no_priority_over_tasks_of_other_jobs(
    client, make_pool, create_job, gate
):
    pool = make_pool()
    blocker = create_job(pool, priority=100)
    client.create_task(blocker, batch.task("blocker", waiting(gate)))
    batch.wait_for_task(client, blocker, "blocker", "running")
    low = create_job(pool, job_manager_task=manager("true"))
    high = create_job(pool, priority=10)
    batch.add_tasks(client, high, [batch.task(name, sh("sleep 0.2")) for name in "ab"])

    gate.open()

    batch.wait_for_job(client, low)
    begun = batch.start_of(client.get_task(low, "manager"))
    assert all(batch.start_of(one) < begun for one in batch.wait_for_tasks(client, high).values())


def test_sa_89_a_restarted_manager_displaces_no_task_of_a_higher_priority(
    client, make_pool, create_job, gate
):
    pool = make_pool(nodes=2)
    low = create_job(pool, job_manager_task=manager(waiting(gate)))
    node = batch.node_of(batch.wait_for_task(client, low, "manager", "running"))
    high = create_job(pool, priority=10)
    client.create_task(high, batch.task("long", waiting(gate)))
    batch.wait_for_task(client, high, "long", "running")

    batch.remove_nodes(client, pool, [node], "requeue")

    batch.wait_until_steady(client, pool, 1)
    assert client.get_task(low, "manager").state == "active"
    long = client.get_task(high, "long")
    assert (long.state, batch.execution_of(long).requeue_count) == ("running", 0)
    gate.open()
    batch.wait_for_job(client, low)


def test_sb_21_the_preparation_runs_before_the_manager_and_before_all(client, wide, create_job):
    job = create_job(
        wide,
        job_preparation_task=models.BatchJobPreparationTask(command_line=sh("sleep 0.1")),
        job_manager_task=manager("true", kill_job_on_completion=False),
    )
    client.create_task(job, batch.task("t", "true"))
    tasks = batch.wait_for_tasks(client, job)
    prepared = batch.prepared_time(batch.statuses(client, job)[batch.the_node(client, wide)])
    assert prepared <= batch.start_of(tasks["manager"]) <= batch.start_of(tasks["t"])


def test_a_manager_has_its_node_for_itself_unless_it_shares(client, wide, create_job, gate):
    """J-61."""
    alone = create_job(wide, job_manager_task=manager(waiting(gate)))
    batch.wait_for_task(client, alone, "manager", "running")
    other = create_job(wide)
    client.create_task(other, batch.task("t", "true"))
    assert client.get_task(other, "t").state == "active"

    gate.open()

    batch.wait_for_task(client, other, "t", "completed")
    assert batch.end_of(client.get_task(alone, "manager")) <= batch.start_of(
        client.get_task(other, "t")
    )


def test_tasks_of_a_job_that_allows_preemption_leave_for_a_higher_priority(
    client, narrow, create_job
):
    """J-12."""
    low = create_job(narrow, allow_task_preemption=True)
    client.create_task(low, batch.task("long", sh("test -e once && exit 0; touch once; sleep 600")))
    batch.wait_for_task(client, low, "long", "running")
    assert client.get_job(low).allow_task_preemption is True
    high = create_job(narrow, priority=1)
    client.create_task(high, batch.task("now", "true"))

    batch.wait_for_task(client, high, "now", "completed")

    info = batch.execution_of(client.get_task(low, "long"))
    assert (info.requeue_count, info.retry_count) == (1, 0)
    client.update_job(low, models.BatchJobUpdateOptions(allow_task_preemption=False))
    assert client.get_job(low).allow_task_preemption is False


def test_the_token_of_a_manager_opens_its_job_and_nothing_else(
    client, server, wide, create_job, gate
):
    """J-64."""
    script = f"printenv AZ_BATCH_AUTHENTICATION_TOKEN; cat {gate.path}"
    job = create_job(wide, job_manager_task=manager(sh(script)))
    other = create_job(wide)
    batch.wait_for_task(client, job, "manager", "running")
    text = wait_until(lambda: batch.stdout(client, job, "manager"), 10, "the token is told")
    token = AzureKeyCredential(text.strip())
    policy = AzureKeyCredentialPolicy(token, "Authorization", prefix="Bearer")
    with BatchClient(
        server.endpoint,
        token,  # type: ignore[arg-type]  # The policy is what is used.
        authentication_policy=policy,
    ) as inside:
        inside.create_task(job, batch.task("t", "true"))
        assert {one.id for one in inside.list_tasks(job)} == {"manager", "t"}
        for forbidden in (
            lambda: list(inside.list_pools()),
            lambda: list(inside.list_jobs()),
            lambda: inside.get_job(other),
            lambda: inside.create_task(other, batch.task("t", "true")),
            lambda: inside.get_pool(wide),
        ):
            with pytest.raises(HttpResponseError) as refused:
                forbidden()
            assert (refused.value.status_code, batch.code_of(refused.value)) == (
                403,
                "InsufficientAccountPermissions",
            )
        gate.open()
        batch.wait_for_job(client, job)
        with pytest.raises(HttpResponseError) as refused:
            inside.get_job(job)
        assert (refused.value.status_code, batch.code_of(refused.value)) == (
            403,
            "AuthenticationFailed",
        )


def test_a_task_of_an_ordinary_job_is_given_no_token(client, wide, create_job):
    job = create_job(wide)
    one = batch.run_task(client, job, batch.task("t", "env"))
    assert batch.execution_of(one).exit_code == 0
    assert "AZ_BATCH_AUTHENTICATION_TOKEN=" not in batch.stdout(client, job, "t")


def test_sc_4_the_jobs_of_a_schedule_have_managers_that_make_their_tasks(client, wide, web):
    """SC-4: there is no other way to say beforehand what they run."""
    options = program(web, "sc4", "add('made', 'true'); wait_for('made')")
    specification = models.BatchJobSpecification(
        pool_info=models.BatchPoolInfo(pool_id=wide),
        job_manager_task=manager(run_exclusive=False, **options),
    )
    client.create_job_schedule(
        models.BatchJobScheduleCreateOptions(
            id="led",
            schedule=models.BatchJobScheduleConfiguration(),
            job_specification=specification,
        )
    )
    try:
        ended = batch.wait_for_job(client, "led:job-1")
        assert reason_of(ended) == "JMComplete"
        tasks = batch.tasks_of(client, "led:job-1")
        assert {name: one.state for name, one in tasks.items()} == {
            "manager": "completed",
            "made": "completed",
        }
    finally:
        client.begin_delete_job_schedule("led", polling_interval=1)
