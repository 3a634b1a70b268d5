"""The JSON of "why does it wait": ours, in the manner of Azure Batch's."""

from datetime import datetime
from typing import Any

from batchyard.core.reasons import Reason
from batchyard.engine.waited import Wait
from batchyard.engine.why import Group, JobWait, TaskWait
from batchyard.wire.values import write_instant


def write_task(found: TaskWait) -> dict[str, Any]:
    """Return why one task waits; one that does not has no code."""
    answer: dict[str, Any] = {
        "taskId": found.task_id,
        "state": found.state,
        "waiting": found.reason is not None,
    }
    if found.reason is not None:
        answer |= _reason(found.reason)
        answer["since"] = _instant(found.since)
        answer["details"] = found.reason.details
    answer["history"] = [_wait(one) for one in found.history]
    answer["moments"] = {name: write_instant(time) for name, time in found.moments}
    return answer


def write_job(found: JobWait) -> dict[str, Any]:
    """Return why the tasks of a job wait."""
    return {
        "jobId": found.job_id,
        "state": found.state,
        "waitingTasks": found.count,
        "reasons": [_group(group) for group in found.groups],
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "message": reason.message,
        "cure": reason.cure,
        "canEverRun": reason.can_ever_run,
    }


def _group(group: Group) -> dict[str, Any]:
    return _reason(group.reason) | {
        "count": group.count,
        "isCountExact": group.is_exact,
        "taskIds": group.task_ids,
    }


def _wait(one: Wait) -> dict[str, Any]:
    return {
        "code": one.code,
        "message": one.message,
        "since": _instant(one.since),
        "until": _instant(one.until),
    }


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else write_instant(instant)
