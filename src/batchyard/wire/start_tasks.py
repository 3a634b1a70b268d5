"""Start tasks: of a pool in requests, and of a node in answers. Source: P-26 ... P-30, S-10."""

from datetime import datetime

import msgspec

from batchyard.core import limits
from batchyard.core.errors import Refused
from batchyard.core.model import Run
from batchyard.core.specs import StartTaskSpec
from batchyard.wire import checks, model, resource_files, tasks, values


def read_start_task(task: model.BatchStartTask | None) -> StartTaskSpec | None:
    """Return the start task of a pool's request.

    Raises:
        Refused: ``MissingRequiredProperty``, ``InvalidPropertyValue``, also when the whole of it
            is too long (L-8).
    """
    if task is None:
        return None
    place = "startTask"
    retries = 0
    if task.max_task_retry_count is not None:
        retries = checks.retry_count(task.max_task_retry_count, f"{place}.maxTaskRetryCount")
    spec = StartTaskSpec(
        command_line=checks.command_line(task.command_line, f"{place}.commandLine"),
        resource_files=checks.resource_files(task.resource_files, f"{place}.resourceFiles"),
        environment_settings=checks.environment(
            task.environment_settings, f"{place}.environmentSettings"
        ),
        elevation_level=checks.elevation_level(task.user_identity),
        max_task_retry_count=retries,
        wait_for_success=task.wait_for_success is not False,
    )
    size = len(msgspec.json.encode(task).decode())
    if size > limits.START_TASK_CHARS_MAX:
        raise Refused.of_property(
            place,
            f"{size} characters",
            f"use at most {limits.START_TASK_CHARS_MAX} characters in all; "
            "let resource files carry what is long",
        )
    return spec


def write_start_task(spec: StartTaskSpec | None) -> model.BatchStartTask | None:
    """Return a start task with all documented defaults (P-26)."""
    if spec is None:
        return None
    return model.BatchStartTask(
        command_line=spec.command_line,
        resource_files=resource_files.write_resource_files(spec.resource_files),
        environment_settings=tasks.write_environment(spec.environment_settings),
        user_identity=tasks.user_identity(spec.elevation_level),
        max_task_retry_count=spec.max_task_retry_count,
        wait_for_success=spec.wait_for_success,
    )


def write_start_task_info(run: Run) -> model.BatchStartTaskInfo | None:
    """Return the latest run of a node's start task; absent until it began (P-28, S-10, S-13)."""
    if run.start_time is None:
        return None
    is_over = run.result is not None
    return model.BatchStartTaskInfo(
        state=model.BatchStartTaskState.COMPLETED if is_over else model.BatchStartTaskState.RUNNING,
        start_time=values.write_instant(run.start_time),
        end_time=_instant(run.end_time) if is_over else None,
        exit_code=run.exit_code if is_over else None,
        failure_info=tasks.write_failure(run.failure) if is_over else None,
        retry_count=run.retry_count,
        last_retry_time=_instant(run.last_retry_time),
        result=None if run.result is None else model.BatchTaskExecutionResult(run.result),
    )


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else values.write_instant(instant)
