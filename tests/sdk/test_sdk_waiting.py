"""Why tasks wait, asked of a real server: within one round of placement the reason is right."""

from collections.abc import Callable
from typing import Any

import pytest
from azure.batch import models
from azure.batch.models._models import BatchJobDisableOptions

from tests import batch
from tests.batch import sh
from tests.raw import Answer, RawClient
from tests.service import FIRST, OTHER, Service
from tests.waiting import wait_until

Ask = Callable[..., Answer]


@pytest.fixture
def ask(server: Service) -> Ask:
    """Ask of a path below ``/-/jobs``, without an api-version."""

    def asking(path: str, method: str = "GET", account: Any = FIRST) -> Answer:
        return RawClient(server, account).request(method, f"/-/jobs/{path}")

    return asking


def waits_for(ask: Ask, job: str, task: str, code: str) -> Any:
    """Return the answer about a task once its reason is this one."""

    def reached() -> Any:
        found = ask(f"{job}/tasks/{task}/waiting").json
        return found if found.get("code") == code else None

    return wait_until(reached, 10, f"task {task} of {job} waits for {code}")


def test_a_task_larger_than_any_node_can_never_run(client, narrow, create_job, ask):
    job = create_job(narrow)
    batch.add_tasks(client, job, [batch.task("large", "true", required_slots=2)])

    found = ask(f"{job}/tasks/LARGE/waiting").json

    assert (found["taskId"], found["state"], found["waiting"]) == ("large", "active", True)
    assert found["code"] == "NeedsMoreSlots"
    assert found["message"] == "It needs 2 slots; a node of pool narrow has 1."
    assert found["canEverRun"] is False
    assert "requiredSlots" in found["cure"]
    assert found["details"] == {"requiredSlots": 2, "nodeSlots": 1}
    assert found["history"][-1]["code"] == "NeedsMoreSlots"
    assert found["history"][-1]["until"] is None
    assert found["since"] == found["history"][-1]["since"]


def test_a_task_whose_parent_failed_can_never_run(client, narrow, create_job, ask):
    job = create_job(narrow, uses_task_dependencies=True)
    after = models.BatchTaskDependencies(task_ids=["parent"])
    batch.add_tasks(
        client,
        job,
        [batch.task("parent", sh("exit 1")), batch.task("child", "true", depends_on=after)],
    )

    found = waits_for(ask, job, "child", "DependencyFailed")

    assert found["details"]["failed"] == ["parent"]
    assert found["canEverRun"] is False
    done = ask(f"{job}/tasks/parent/waiting").json
    assert (done["state"], done["waiting"]) == ("completed", False)
    assert "code" not in done


def test_a_disabled_job_says_so(client, narrow, create_job, ask):
    job = create_job(narrow)
    client.begin_disable_job(
        job, BatchJobDisableOptions(disable_tasks="requeue"), polling_interval=1
    ).wait()
    batch.add_tasks(client, job, [batch.task("one", "true")])
    assert ask(f"{job}/tasks/one/waiting").json["code"] == "JobDisabled"


def test_a_job_of_a_pool_that_does_not_exist_says_so(client, create_job, ask):
    job = create_job("nowhere")
    batch.add_tasks(client, job, [batch.task("one", "true")])
    found = ask(f"{job}/tasks/one/waiting").json
    assert (found["code"], found["message"]) == ("NoPool", "There is no pool nowhere.")


def test_a_pool_without_nodes_says_so(client, make_pool, create_job, ask):
    job = create_job(make_pool(nodes=0, is_ready=False))
    batch.add_tasks(client, job, [batch.task(name, "true") for name in ("one", "two")])

    assert ask(f"{job}/tasks/one/waiting").json["code"] == "NoNodes"
    found = ask(f"{job}/waiting").json
    (reason,) = found.pop("reasons")
    assert found == {"jobId": job, "state": "active", "waitingTasks": 2}
    assert (reason["code"], reason["count"]) == ("NoNodes", 2)
    assert sorted(reason["taskIds"]) == ["one", "two"]
    assert reason["isCountExact"] is True


def test_a_start_task_that_fails_is_named_with_node_and_exit_code(
    client, make_pool, create_job, ask
):
    pool = make_pool(start_task=models.BatchStartTask(command_line=sh("exit 5")), is_ready=False)
    job = create_job(pool)
    batch.add_tasks(client, job, [batch.task("one", "true")])

    found = waits_for(ask, job, "one", "StartTaskFailed")

    assert found["details"]["exitCode"] == 5
    assert found["details"]["nodeId"] == batch.the_node(client, pool)


def test_a_gang_that_is_too_large_for_its_pool_says_so(client, make_pool, trio, create_job, ask):
    pool = make_pool(1, enable_inter_node_communication=True)
    job, apart = create_job(pool), create_job(trio)
    settings = models.MultiInstanceSettings(number_of_instances=2, coordination_command_line="true")
    gang = batch.task("gang", "true", multi_instance_settings=settings)
    batch.add_tasks(client, job, [gang])
    batch.add_tasks(client, apart, [gang])

    found = waits_for(ask, job, "gang", "NeedsMoreNodes")

    assert (found["canEverRun"], found["details"]) == (False, {"requiredNodes": 2, "poolNodes": 1})
    assert found["message"] == f"It needs 2 nodes at once; pool {pool} has 1."
    assert waits_for(ask, apart, "gang", "NeedsInterNodeCommunication")["canEverRun"] is False
    batch.resize(client, pool, 2)
    batch.wait_for_task(client, job, "gang", "completed")


def test_a_task_behind_others_tells_how_many_come_first(client, narrow, create_job, gate, ask):
    job = create_job(narrow)
    waiting = sh(f"cat {gate.path}")
    for name in ("a", "b", "c"):
        batch.add_tasks(client, job, [batch.task(name, waiting)])

    found = waits_for(ask, job, "c", "NoFreeSlots")

    assert found["details"]["olderTasks"] == 1
    assert found["details"]["tasksOfHigherPriority"] == 0
    assert found["details"]["freeSlots"] == 0


def test_questions_want_a_signature_and_answer_the_errors_of_the_batch_api(
    client, narrow, create_job, ask
):
    job = create_job(narrow)
    assert ask("nobody/waiting").code == "JobNotFound"
    missing = ask(f"{job}/tasks/nobody/waiting")
    assert (missing.status, missing.code) == (404, "TaskNotFound")
    assert ask(f"{job}/waiting", account=OTHER).code == "JobNotFound"
    assert ask(f"{job}/waiting?what=1").code == "UnsupportedQueryParameter"
    assert ask(f"{job}/waiting", method="DELETE").status == 405
