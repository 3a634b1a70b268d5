"""Sizes of pools, nodes that leave and nodes that restart, through the official client."""

import pytest
from azure.batch import BatchClient, models
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests import batch
from tests.batch import sh
from tests.waiting import wait_until
from tests.yard import Gate


def test_a_pool_shrinks_to_its_new_target(client, make_pool):
    pool = make_pool(nodes=3)

    batch.resize(client, pool, 1)

    assert client.get_pool(pool).target_dedicated_nodes == 1
    batch.wait_until_steady(client, pool, 1)
    assert len(list(client.list_nodes(pool))) == 1


def test_a_pool_has_low_priority_nodes_too(client, make_pool, create_job):
    pool = make_pool(nodes=0, is_ready=False)
    options = models.BatchPoolResizeOptions(target_low_priority_nodes=1)

    client.begin_resize_pool(pool, options, polling_interval=1)

    (node,) = batch.wait_for_nodes(client, pool, 1)
    assert node.is_dedicated is False
    found = client.get_pool(pool)
    assert (found.target_dedicated_nodes, found.target_low_priority_nodes) == (0, 1)
    job = create_job(pool)
    batch.run_task(client, job, batch.task("t", "printenv AZ_BATCH_NODE_IS_DEDICATED"))
    assert batch.stdout(client, job, "t") == "false\n"


def test_nodes_without_tasks_go_first(client, make_pool, create_job):
    pool = make_pool(nodes=3)
    job = create_job(pool)
    client.create_task(job, batch.task("t", sh("sleep 60")))
    busy = batch.node_of(batch.wait_for_task(client, job, "t", "running"))

    batch.resize(client, pool, 1)

    batch.wait_until_steady(client, pool, 1)
    assert batch.the_node(client, pool) == busy
    one = client.get_task(job, "t")
    assert one.state == "running"
    assert batch.execution_of(one).requeue_count == 0


def test_requeue_gives_the_tasks_of_a_removed_node_to_another(client, make_pool, create_job):
    pool = make_pool(nodes=2)
    job, node = _running_task(client, create_job, pool)

    batch.remove_nodes(client, pool, [node], "requeue")

    def moved() -> models.BatchTask | None:
        one = client.get_task(job, "t")
        return one if one.state == "running" and batch.node_of(one) != node else None

    one = wait_until(moved, 20, "the task runs on the other node")
    assert one is not None
    info = batch.execution_of(one)
    assert (info.requeue_count, info.retry_count) == (1, 0)
    assert info.last_requeue_time is not None
    pool_after = batch.wait_until_steady(client, pool, 1)
    assert pool_after.target_dedicated_nodes == 1
    assert node not in {one.id for one in client.list_nodes(pool)}


def test_terminate_ends_the_tasks_of_a_removed_node(client, make_pool, create_job):
    pool = make_pool()
    job, node = _running_task(client, create_job, pool)

    batch.remove_nodes(client, pool, [node], "terminate")

    info = batch.execution_of(batch.wait_for_task(client, job, "t", "completed"))
    assert (info.result, info.requeue_count) == ("failure", 0)
    assert batch.failure_of(info) == "TaskEnded"
    batch.wait_until_steady(client, pool, 0)


def test_taskcompletion_lets_the_tasks_of_a_removed_node_end(client, make_pool, create_job, gate):
    pool = make_pool(slots=2)
    job, node = _running_task(client, create_job, pool, _waiting(gate))

    batch.remove_nodes(client, pool, [node], "taskcompletion")

    batch.wait_for_node(client, pool, node, "leavingpool")
    client.create_task(job, batch.task("late", "true"))
    assert client.get_task(job, "t").state == "running"
    assert client.get_pool(pool).allocation_state == "resizing"
    gate.open()
    info = batch.execution_of(batch.wait_for_task(client, job, "t", "completed"))
    assert (info.exit_code, info.requeue_count) == (0, 0)
    batch.wait_until_steady(client, pool, 0)
    assert client.get_task(job, "late").state == "active"


@pytest.mark.parametrize("option", ["requeue", "terminate", "taskcompletion"])
def test_a_resize_treats_the_tasks_of_the_nodes_that_go_as_it_is_told(
    client, make_pool, create_job, gate, option: str
):
    pool = make_pool()
    job, _ = _running_task(client, create_job, pool, _waiting(gate))

    batch.resize(client, pool, 0, option)
    if option == "taskcompletion":
        gate.open()
    batch.wait_until_steady(client, pool, 0)

    one = client.get_task(job, "t")
    info = batch.execution_of(one)
    if option == "requeue":
        assert (one.state, info.requeue_count) == ("active", 1)
    elif option == "terminate":
        assert (one.state, batch.failure_of(info)) == ("completed", "TaskEnded")
    else:
        assert (one.state, info.exit_code) == ("completed", 0)


def test_the_files_of_tasks_go_with_their_node(client, make_pool, create_job):
    pool = make_pool()
    job = create_job(pool)
    node = batch.node_of(batch.run_task(client, job, batch.task("t", "true")))

    batch.remove_nodes(client, pool, [node])
    batch.wait_until_steady(client, pool, 0)

    refusal = batch.refusal_of(client.download_task_file, job, "t", "stdout.txt")
    assert refusal == (409, "TaskFilesUnavailable")
    assert batch.refusal_of(client.download_node_file, pool, node, "startup/stdout.txt") == (
        404,
        "NodeNotFound",
    )


def test_preparation_and_release_are_told_of_nodes_that_have_left(client, make_pool, create_job):
    pool = make_pool()
    job = create_job(
        pool,
        job_preparation_task=models.BatchJobPreparationTask(command_line="true"),
        job_release_task=models.BatchJobReleaseTask(command_line="true"),
    )
    node = batch.node_of(batch.run_task(client, job, batch.task("t", "true")))

    batch.remove_nodes(client, pool, [node])
    batch.wait_until_steady(client, pool, 0)
    batch.end_job(client, job)

    status = batch.statuses(client, job)[node]
    assert batch.preparation_of(status).exit_code == 0
    assert status.job_release_task_execution_info is None


def test_a_node_that_is_none_of_the_pool_cannot_be_removed(client, trio):
    with pytest.raises(ResourceNotFoundError) as caught:
        batch.remove_nodes(client, trio, ["tvm-of-nobody"])

    assert batch.code_of(caught.value) == "NodeNotFound"
    assert client.get_pool(trio).target_dedicated_nodes == 3


@pytest.mark.parametrize("count", [0, 101])
def test_a_request_removes_one_to_a_hundred_nodes(client, trio, count: int):
    with pytest.raises(HttpResponseError) as caught:
        batch.remove_nodes(client, trio, [f"tvm-{number}" for number in range(count)])

    assert caught.value.status_code == 400
    assert client.get_pool(trio).allocation_state == "steady"


def test_a_restart_gives_the_tasks_of_the_node_back(client, make_pool, create_job):
    pool = make_pool()
    job, node = _running_task(client, create_job, pool)
    before = client.get_node(pool, node)

    batch.ask_reboot(client, pool, node)

    # What polls for the end of the restart must not take it for over before it has begun.
    assert client.get_node(pool, node).state != "running"

    def again() -> models.BatchTask | None:
        one = client.get_task(job, "t")
        is_again = one.state == "running" and batch.execution_of(one).requeue_count == 1
        return one if is_again else None

    one = wait_until(again, 20, "the task runs again")
    assert one is not None
    assert batch.node_of(one) == node
    assert batch.execution_of(one).retry_count == 0
    after = client.get_node(pool, node)
    assert after.last_boot_time > before.last_boot_time
    assert after.allocation_time == before.allocation_time


def test_a_restart_may_end_the_tasks_of_the_node(client, make_pool, create_job):
    pool = make_pool()
    job, node = _running_task(client, create_job, pool)

    batch.ask_reboot(client, pool, node, "terminate")

    info = batch.execution_of(batch.wait_for_task(client, job, "t", "completed"))
    assert (batch.failure_of(info), info.requeue_count) == ("TaskEnded", 0)
    batch.wait_for_node(client, pool, node, "idle")


def test_a_restart_may_wait_for_the_tasks_of_the_node(client, make_pool, create_job, gate):
    pool = make_pool(slots=2)
    job, node = _running_task(client, create_job, pool, _waiting(gate))
    before = client.get_node(pool, node)

    batch.ask_reboot(client, pool, node, "taskcompletion")

    client.create_task(job, batch.task("late", "true"))
    assert client.get_task(job, "t").state == "running"
    gate.open()
    info = batch.execution_of(batch.wait_for_task(client, job, "t", "completed"))
    assert (info.exit_code, info.requeue_count) == (0, 0)
    late = batch.wait_for_task(client, job, "late", "completed")
    after = batch.wait_for_node(client, pool, node, "idle")
    assert after.last_boot_time > before.last_boot_time
    assert batch.start_of(late) >= after.last_boot_time


def test_files_survive_a_restart(client, make_pool, create_job):
    pool = make_pool()
    job = create_job(pool)
    script = sh("echo shared > $AZ_BATCH_NODE_SHARED_DIR/kept.txt; echo text")
    node = batch.node_of(batch.run_task(client, job, batch.task("t", script)))

    batch.reboot(client, pool, node)

    assert batch.node_text(client, pool, node, "shared/kept.txt") == "shared\n"
    assert batch.stdout(client, job, "t") == "text\n"


def test_a_node_that_restarts_cannot_be_restarted(client, make_pool):
    slow = models.BatchStartTask(command_line=sh("sleep 1"))
    pool = make_pool(start_task=slow)
    node = batch.the_node(client, pool)
    batch.ask_reboot(client, pool, node)

    with pytest.raises(HttpResponseError) as caught:
        batch.ask_reboot(client, pool, node)

    assert caught.value.status_code == 409
    assert batch.code_of(caught.value) in ("NodeBeingRebooted", "NodeBeingStarted")
    batch.wait_for_node(client, pool, node, "idle")


def test_a_restart_runs_a_release_task_that_it_has_ended_again(client, make_pool, create_job):
    pool = make_pool()
    marks = "$AZ_BATCH_NODE_SHARED_DIR/marks.txt"
    job = create_job(
        pool,
        job_preparation_task=models.BatchJobPreparationTask(command_line="true"),
        job_release_task=models.BatchJobReleaseTask(
            command_line=sh(f"echo mark >> {marks}; test $(wc -l < {marks}) -ge 2 || sleep 60")
        ),
    )
    node = batch.node_of(batch.run_task(client, job, batch.task("t", "true")))
    batch.terminate(client, job)
    wait_until(
        lambda: "shared/marks.txt" in batch.node_files(client, pool, node), 10, "release runs"
    )

    batch.reboot(client, pool, node)

    batch.wait_for_job(client, job)
    assert batch.release_of(batch.statuses(client, job)[node]).exit_code == 0
    assert batch.node_text(client, pool, node, "shared/marks.txt") == "mark\n" * 2


def _running_task(
    client: BatchClient, create_job, pool: str, command_line: str = sh("sleep 60")
) -> tuple[str, str]:
    """The job of a task ``t`` that runs, and its node."""
    job = create_job(pool)
    client.create_task(job, batch.task("t", command_line))
    return job, batch.node_of(batch.wait_for_task(client, job, "t", "running"))


def _waiting(gate: Gate) -> str:
    """A command that ends when the gate is opened."""
    return sh(f"cat {gate.path}")
