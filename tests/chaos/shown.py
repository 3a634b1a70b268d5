"""What the service shows to a client, in the judge's own words."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from batchyard.sim.audit.shown import Shown, ShownCounts, ShownJob, ShownNode, ShownPool, ShownTask
from tests.chaos.client import PatientClient


def tasks_of(client: PatientClient, job: str) -> list[ShownTask]:
    """Return the tasks of a job, all of them as they were at one instant."""
    answer = client.ask("GET", f"/jobs/{job}/tasks")
    body = answer.json
    assert answer.status == 200, body
    assert "odata.nextLink" not in body, "more tasks than one page holds"
    return [_task(job, one) for one in body["value"]]


def shown_tasks(client: PatientClient, jobs: Iterable[str]) -> Shown:
    """Return jobs and tasks while all is moving.

    Several answers are not of one instant, so the counts are those that the tasks add up to.
    """
    tasks = {job: tasks_of(client, job) for job in jobs}
    return Shown(
        time=datetime.now(UTC),
        tasks=tuple(task for each in tasks.values() for task in each),
        jobs=tuple(ShownJob(job=job, state="", counts=_sum(each)) for job, each in tasks.items()),
    )


def shown(client: PatientClient, jobs: Iterable[str], pool: str) -> Shown:
    """Return everything; it must be at rest."""
    return Shown(
        tasks=tuple(task for job in jobs for task in tasks_of(client, job)),
        jobs=tuple(_job(client, job) for job in jobs),
        nodes=tuple(
            ShownNode(node=one["id"], pool=pool, state=one["state"])
            for one in nodes_of(client, pool)
        ),
        pools=(_pool(client, pool),),
        time=datetime.now(UTC),
    )


def nodes_of(client: PatientClient, pool: str) -> list[Any]:
    """Return the nodes of a pool as they are on the wire."""
    return list(client.ask("GET", f"/pools/{pool}/nodes").json["value"])


def job_state(client: PatientClient, job: str) -> str:
    """Return the state of a job."""
    return str(client.ask("GET", f"/jobs/{job}").json["state"])


def _task(job: str, one: dict[str, Any]) -> ShownTask:
    info = one.get("executionInfo", {})
    return ShownTask(
        job=job,
        task=one["id"],
        state=one["state"],
        result=info.get("result"),
        exit_code=info.get("exitCode"),
        retry_count=info.get("retryCount", 0),
        requeue_count=info.get("requeueCount", 0),
        creation_time=datetime.fromisoformat(one["creationTime"]),
        start_time=_time(info, "startTime"),
        end_time=_time(info, "endTime"),
    )


def _time(info: dict[str, Any], name: str) -> datetime | None:
    return datetime.fromisoformat(info[name]) if name in info else None


def _job(client: PatientClient, job: str) -> ShownJob:
    body = client.ask("GET", f"/jobs/{job}/taskcounts").json
    counts, slots = body["taskCounts"], body["taskSlotCounts"]
    return ShownJob(
        job=job,
        state=job_state(client, job),
        counts=ShownCounts(
            active=counts["active"],
            running=counts["running"],
            succeeded=counts["succeeded"],
            failed=counts["failed"],
            active_slots=slots["active"],
            running_slots=slots["running"],
            succeeded_slots=slots["succeeded"],
            failed_slots=slots["failed"],
        ),
    )


def _pool(client: PatientClient, pool: str) -> ShownPool:
    body = client.ask("GET", f"/pools/{pool}").json
    return ShownPool(
        pool=pool,
        allocation_state=body["allocationState"],
        target_nodes=body["targetDedicatedNodes"] + body["targetLowPriorityNodes"],
        has_errors=bool(body.get("resizeErrors")),
    )


def _sum(tasks: list[ShownTask]) -> ShownCounts:
    active = sum(task.state == "active" for task in tasks)
    succeeded = sum(task.result == "success" and task.state == "completed" for task in tasks)
    failed = sum(task.result != "success" and task.state == "completed" for task in tasks)
    running = len(tasks) - active - succeeded - failed
    return ShownCounts(
        active=active,
        running=running,
        succeeded=succeeded,
        failed=failed,
        active_slots=active,
        running_slots=running,
        succeeded_slots=succeeded,
        failed_slots=failed,
    )
