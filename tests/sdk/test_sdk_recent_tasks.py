"""What a node tells of its tasks, through the official client. Source: P-33, S-10, T-63."""

from azure.batch import BatchClient, models

from batchyard.core import limits
from tests import batch
from tests.batch import sh
from tests.sdk.conftest import CreateJob, MakePool
from tests.waiting import wait_until
from tests.yard import Gate


def recent(client: BatchClient, pool: str, node: str | None = None) -> list[models.BatchTaskInfo]:
    found = client.get_node(pool, node or batch.the_node(client, pool))
    return list(found.recent_tasks or [])


def test_a_node_tells_of_no_tasks_until_one_ran(client: BatchClient, make_pool: MakePool) -> None:
    pool = make_pool()
    (node,) = client.list_nodes(pool)
    assert node.recent_tasks is None


def test_a_node_tells_of_its_last_tasks_and_how_they_went(
    client: BatchClient, make_pool: MakePool, create_job: CreateJob, gate: Gate
) -> None:
    pool = make_pool()
    job = create_job(pool)
    for name, command in (("good", "true"), ("bad", sh("exit 3")), ("waits", f"cat {gate.path}")):
        client.create_task(job, batch.task(name, command))
    batch.wait_for_task(client, job, "waits", "running")

    good, bad, waits = recent(client, pool)

    assert [one.task_id for one in (good, bad, waits)] == ["good", "bad", "waits"]
    assert [one.task_state for one in (good, bad, waits)] == ["completed", "completed", "running"]
    assert (good.job_id, good.subtask_id) == (job, None)
    assert good.task_url == client.get_task(job, "good").url
    assert bad.execution_info == batch.execution_of(client.get_task(job, "bad"))
    assert waits.execution_info is not None
    assert waits.execution_info.start_time is not None
    assert waits.execution_info.end_time is None
    (listed,) = client.list_nodes(pool)
    assert listed.recent_tasks == [good, bad, waits]


def test_a_node_forgets_deleted_tasks_and_those_of_long_ago(
    client: BatchClient, make_pool: MakePool, create_job: CreateJob
) -> None:
    pool = make_pool()
    job = create_job(pool)
    tasks = [batch.task(f"t{number}", "true") for number in range(limits.RECENT_TASKS_MAX + 2)]
    batch.add_tasks(client, job, tasks)
    ended = sorted(batch.wait_for_tasks(client, job).values(), key=batch.end_of)
    latest = [one.id for one in ended[2:]]
    assert [one.task_id for one in recent(client, pool)] == latest
    client.delete_task(job, latest[-1])
    assert [one.task_id for one in recent(client, pool)] == latest[:-1]


def test_a_node_tells_which_subtask_it_had(
    client: BatchClient, make_pool: MakePool, create_job: CreateJob
) -> None:
    pool = make_pool(nodes=2, enable_inter_node_communication=True)
    job = create_job(pool)
    settings = models.MultiInstanceSettings(number_of_instances=2, coordination_command_line="true")
    task = batch.task("t", sh("exit 4"), multi_instance_settings=settings)
    client.create_task(job, task)
    primary = batch.node_of(batch.wait_for_task(client, job, "t", "completed"))

    def subtask() -> models.BatchSubtask | None:
        (one,) = client.list_subtasks(job, "t")
        return one if one.state == "completed" else None

    other = wait_until(subtask, 10, "the subtask is over")
    assert other is not None
    assert other.node_info is not None
    (of_primary,), (of_other,) = (
        recent(client, pool, node) for node in (primary, other.node_info.node_id)
    )
    assert (of_primary.subtask_id, of_other.subtask_id) == (0, 1)
    assert of_primary.execution_info == batch.execution_of(client.get_task(job, "t"))
    assert of_other.task_state == "completed"
    assert of_other.execution_info is not None
    assert of_other.execution_info.exit_code == other.exit_code == 0
