"""What the token of a task opens, and what it does not (J-64)."""

import asyncio
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from batchyard.engine.tokens import JobTokens
from batchyard.wire.operations import OPERATIONS, Operation
from tests.api.asgi import ACCOUNT, KEY, Answer
from tests.api.bench import Bench
from tests.waiting import wait_until

MANAGER = {"id": "manager", "commandLine": "manage"}

BUILT = [operation for operation in OPERATIONS if operation.is_built]
OF_A_JOB = [one for one in BUILT if one.path.startswith("/jobs/{jobId}")]
OTHERS = [one for one in BUILT if one not in OF_A_JOB]


def managed(bench: Bench, **manager: Any) -> str:
    """A job with a manager that was given to a node; return its token."""
    bench.create_pool(nodes=1)
    bench.bring_node_up()
    bench.create_job(jobManagerTask=MANAGER | manager)
    token = bench.take_execution().authentication_token
    assert token is not None
    return token


def ask(bench: Bench, token: str, method: str, path: str, body: object = None) -> Answer:
    headers = {"authorization": f"Bearer {token}"}
    return bench.client.request(method, path, body, headers=headers)


def filled(operation: Operation, job: str) -> str:
    path = operation.path.replace("{jobId}", job).replace("{taskId}", "manager")
    for name in ("poolId", "nodeId", "filePath", "jobScheduleId"):
        path = path.replace(f"{{{name}}}", "some")
    return path


def test_a_manager_adds_tasks_with_the_token_it_was_given(bench: Bench) -> None:
    """Whether it asked for it or not."""
    token = managed(bench)
    task = {"id": "a", "commandLine": "true"}
    assert ask(bench, token, "POST", "/jobs/job/tasks", task).status == 201
    assert ask(bench, token, "POST", "/jobs/JOB/addtaskcollection", {"value": []}).status == 200
    listed = ask(bench, token, "GET", "/jobs/job/tasks")
    assert [item["id"] for item in listed.json["value"]] == ["manager", "a"]


def test_a_manager_may_ask_why_tasks_of_its_job_wait(bench: Bench) -> None:
    token = managed(bench)
    bench.create_job("other")
    answer = ask(bench, token, "GET", "/-/jobs/job/tasks/manager/waiting")
    assert (answer.status, answer.json["code"]) == (200, "QueuedOnNode")
    assert ask(bench, token, "GET", "/-/jobs/other/waiting").status == 403


def test_a_task_gets_a_token_if_it_asks_for_one(bench: Bench) -> None:
    bench.create_pool(nodes=1)
    bench.bring_node_up()
    bench.create_job()
    bench.add_task("with", authenticationTokenSettings={"access": ["job"]})
    token = bench.take_execution().authentication_token
    assert token is not None
    assert ask(bench, token, "GET", "/jobs/job").status == 200
    shown = bench.client.get("/jobs/job/tasks/with").json
    assert shown["authenticationTokenSettings"] == {"access": ["job"]}


def test_other_tasks_get_none(bench: Bench) -> None:
    bench.create_pool(nodes=1)
    bench.bring_node_up()
    bench.create_job(jobPreparationTask={"commandLine": "prepare"})
    bench.add_task()
    for _ in range(2):
        assert bench.take_execution().authentication_token is None


@pytest.mark.parametrize("operation", OF_A_JOB, ids=lambda one: one.name)
def test_every_operation_of_the_job_is_open(bench: Bench, operation: Operation) -> None:
    """What it then says is its own affair."""
    answer = ask(bench, managed(bench), operation.method, filled(operation, "job"))
    assert answer.status != 403


@pytest.mark.parametrize("operation", OF_A_JOB, ids=lambda one: one.name)
@pytest.mark.parametrize("job", ["second", "missing"])
def test_no_operation_of_another_job_is_open(bench: Bench, operation: Operation, job: str) -> None:
    token = managed(bench)
    bench.create_job("second")
    answer = ask(bench, token, operation.method, filled(operation, job))
    assert answer.status == 403
    if operation.method != "HEAD":
        assert answer.code == "InsufficientAccountPermissions"


@pytest.mark.parametrize("operation", OTHERS, ids=lambda one: one.name)
def test_nothing_beside_the_job_is_open(bench: Bench, operation: Operation) -> None:
    answer = ask(bench, managed(bench), operation.method, filled(operation, "job"))
    assert answer.status == 403
    if operation.method != "HEAD":
        assert answer.code == "InsufficientAccountPermissions"


def token_of(bench: Bench, job_id: str) -> str:
    job = asyncio.run(bench.service.get_job(ACCOUNT, job_id)).job
    return JobTokens({ACCOUNT: KEY}).mint(job)


def test_a_token_dies_with_its_job(bench: Bench) -> None:
    token = managed(bench)
    assert bench.client.delete("/jobs/job/tasks/manager").status == 200
    bench.client.post("/jobs/job/terminate?force=true")
    assert bench.client.get("/jobs/job").json["state"] == "completed"
    answer = ask(bench, token, "GET", "/jobs/job")
    assert (answer.status, answer.code) == (403, "AuthenticationFailed")


def test_a_token_is_no_good_for_a_later_job_of_the_same_id(bench: Bench) -> None:
    bench.create_pool(nodes=0)
    bench.create_job("job", jobManagerTask=MANAGER)
    token = token_of(bench, "job")
    assert ask(bench, token, "GET", "/jobs/job").status == 200
    assert bench.client.delete("/jobs/job").status == 202
    wait_until(lambda: bench.client.get("/jobs/job").status == 404, 10, "the job is gone")
    bench.create_job("job")
    assert ask(bench, token, "GET", "/jobs/job").status == 403


def test_atoken_of_another_key_or_content_is_none_of_ours(bench: Bench) -> None:
    token = managed(bench)
    content, _, signature = token.partition(".")
    other = urlsafe_b64encode(json.dumps([ACCOUNT, 2, 0.0]).encode()).decode()
    foreign = JobTokens({ACCOUNT: "QUJD"}).read(token)
    assert foreign is None
    for wrong in (
        f"{other}.{signature}",
        content,
        f"{content}.",
        "",
        ".",
        "ä.ö",
        f"e30=.{signature}",
    ):
        sent = wrong.encode().decode("latin-1")
        answer = ask(bench, sent, "GET", "/jobs/job")
        assert (answer.status, answer.code) == (403, "AuthenticationFailed"), wrong


def test_no_token_is_good_for_an_account_that_is_not_served(bench: Bench) -> None:
    token = managed(bench)
    nobodys = JobTokens({})
    assert nobodys.read(token) is None
    assert JobTokens({ACCOUNT: KEY}).read(token) is not None
