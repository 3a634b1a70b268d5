"""Tasks that run on several nodes at once, through the official client."""

from collections.abc import Iterator
from typing import Any

import pytest
from azure.batch import BatchClient, models
from azure.core.exceptions import HttpResponseError

from tests import batch
from tests.batch import sh
from tests.sdk.conftest import CreateJob
from tests.waiting import wait_until
from tests.web import Web
from tests.yard import Gate


@pytest.fixture(scope="module")
def together(client: BatchClient) -> Iterator[str]:
    """A pool of three nodes that may work together."""
    batch.create_pool(client, "together", 3, 1, enable_inter_node_communication=True)
    batch.wait_for_nodes(client, "together", 3)
    yield "together"
    client.begin_delete_pool("together", polling_interval=1)


def gang(
    task_id: str, command: str, coordination: str = "true", instances: int = 3, **options: Any
) -> models.BatchTaskCreateOptions:
    common = options.pop("common_resource_files", None)
    settings = models.MultiInstanceSettings(
        number_of_instances=instances,
        coordination_command_line=sh(coordination),
        common_resource_files=common,
    )
    return batch.task(task_id, sh(command), multi_instance_settings=settings, **options)


def subtasks(client: BatchClient, job: str, task: str = "t") -> list[models.BatchSubtask]:
    return list(client.list_subtasks(job, task))


def test_sa_97_a_multi_instance_task_runs_on_several_nodes_at_once(
    client: BatchClient, together: str, create_job: CreateJob, gate: Gate
) -> None:
    job = create_job(together)
    batch.add_tasks(client, job, [gang("t", f"cat {gate.path}; echo done")])
    batch.wait_for_task(client, job, "t", "running")
    wait_until(
        lambda: [one.state for one in subtasks(client, job)] == ["running", "running"],
        10,
        "both subtasks run",
    )
    gate.open()
    task = batch.wait_for_task(client, job, "t", "completed")
    found = wait_until_over(client, job)
    nodes = {one.node_info.node_id for one in found if one.node_info is not None}
    assert [one.id for one in found] == [1, 2]
    assert len(nodes | {batch.node_of(task)}) == 3
    for one in found:
        assert (one.exit_code, one.result, one.failure_info) == (0, "success", None)
        assert one.start_time is not None
        assert one.end_time is not None
        assert one.start_time < batch.end_of(task)
        assert one.end_time > batch.start_of(task)
    assert batch.stdout(client, job, "t") == "done\n"


def wait_until_over(client: BatchClient, job: str) -> list[models.BatchSubtask]:
    """Return the subtasks of the task once nothing of them runs."""

    def over() -> list[models.BatchSubtask]:
        found = subtasks(client, job)
        return found if all(one.state == "completed" for one in found) else []

    return wait_until(over, 10, "subtasks are over")


def test_sa_98_a_task_waits_for_all_of_its_nodes_and_knows_them(
    client: BatchClient, create_job: CreateJob
) -> None:
    batch.create_pool(client, "growing", 2, 1, enable_inter_node_communication=True)
    batch.wait_for_nodes(client, "growing", 2)
    job = create_job("growing")
    script = "echo $AZ_BATCH_NODE_LIST; echo $AZ_BATCH_HOST_LIST; echo $AZ_BATCH_MASTER_NODE"
    batch.add_tasks(client, job, [gang("t", script), batch.task("single", "true")])
    batch.resize(client, "growing", 3)
    task = batch.wait_for_task(client, job, "t", "completed")
    assert batch.execution_of(task).result == "success"
    nodes, hosts, master = batch.stdout(client, job, "t").split("\n")[:3]
    known = {node.ip_address for node in client.list_nodes("growing")}
    assert set(nodes.split(";")) == known
    assert hosts == nodes.replace(";", ",")
    assert master.partition(":")[0] == nodes.split(";")[0]
    assert len(known) == 3
    client.begin_delete_pool("growing", polling_interval=1)


def test_the_application_runs_where_all_coordination_commands_have_succeeded(
    client: BatchClient, together: str, create_job: CreateJob, web: Web
) -> None:
    """T-59: what they leave running and what they brought is there."""
    job = create_job(together)
    coordination = (
        "cat $AZ_BATCH_TASK_SHARED_DIR/common.txt;"
        " echo coordinated $AZ_BATCH_IS_CURRENT_NODE_MASTER;"
        " sleep 600 & echo $! > $AZ_BATCH_TASK_SHARED_DIR/pid"
    )
    application = "kill -0 $(cat $AZ_BATCH_TASK_SHARED_DIR/pid) && echo alive"
    common = [batch.file(web.serve("/common.txt", "for all\n"), "common.txt")]
    batch.add_tasks(
        client, job, [gang("t", application, coordination, common_resource_files=common)]
    )
    batch.wait_for_task(client, job, "t", "completed")
    assert batch.stdout(client, job, "t") == "for all\ncoordinated true\nalive\n"
    found = wait_until_over(client, job)
    for one in found:
        assert one.node_info is not None
        assert one.node_info.node_id is not None
        path = f"{one.node_info.task_root_directory}/stdout.txt"
        text = batch.node_text(client, together, one.node_info.node_id, path)
        assert text == "for all\ncoordinated false\n"


def test_a_subtask_that_fails_fails_the_task_which_is_retried(
    client: BatchClient, together: str, create_job: CreateJob
) -> None:
    """T-60."""
    job = create_job(together)
    fails_once = (
        "test $AZ_BATCH_IS_CURRENT_NODE_MASTER = true || test -e $AZ_BATCH_TASK_SHARED_DIR/again"
        " || { touch $AZ_BATCH_TASK_SHARED_DIR/again; exit 3; }"
    )
    constraints = models.BatchTaskConstraints(max_task_retry_count=4)
    batch.add_tasks(
        client,
        job,
        [
            gang("t", "true", fails_once, constraints=constraints),
            gang("u", "true", "exit 7"),
        ],
    )
    retried = batch.execution_of(batch.wait_for_task(client, job, "t", "completed"))
    assert retried.result == "success"
    assert retried.retry_count is not None
    assert 1 <= retried.retry_count <= 2
    failed = batch.execution_of(batch.wait_for_task(client, job, "u", "completed"))
    assert (failed.result, failed.exit_code) == ("failure", 7)


def test_a_terminated_task_leaves_no_process_on_any_node(
    client: BatchClient, together: str, create_job: CreateJob, gate: Gate
) -> None:
    job = create_job(together)
    batch.add_tasks(client, job, [gang("t", f"cat {gate.path}", f"cat {gate.path} &")])
    batch.wait_for_task(client, job, "t", "running")
    client.terminate_task(job, "t")
    wait_until_over(client, job)
    wait_until(
        lambda: all(node.running_tasks_count == 0 for node in client.list_nodes(together)),
        10,
        "nodes are idle",
    )
    batch.run_task(client, job, batch.task("next", "true"))


def test_a_task_on_a_pool_whose_nodes_do_not_work_together_waits_for_ever(
    client: BatchClient, trio: str, create_job: CreateJob
) -> None:
    """T-57."""
    job = create_job(trio)
    batch.add_tasks(client, job, [gang("t", "true"), batch.task("other", "true")])
    batch.wait_for_task(client, job, "other", "completed")
    assert client.get_task(job, "t").state == "active"
    assert subtasks(client, job) == []
    assert subtasks(client, job, "other") == []


def test_settings_are_echoed_and_bad_ones_are_refused(
    client: BatchClient, together: str, create_job: CreateJob
) -> None:
    job = create_job(together)
    client.create_task(job, gang("t", "true", instances=9))
    settings = client.get_task(job, "t").multi_instance_settings
    assert settings is not None
    assert (settings.number_of_instances, settings.coordination_command_line) == (9, sh("true"))
    assert client.get_pool(together).enable_inter_node_communication is True
    for bad, name in (
        (gang("u", "true", instances=0), "multiInstanceSettings.numberOfInstances"),
        (gang("u", "true", required_slots=2), "requiredSlots"),
    ):
        with pytest.raises(HttpResponseError) as refused:
            client.create_task(job, bad)
        assert batch.code_of(refused.value) == "InvalidPropertyValue"
        assert name in str(refused.value)
