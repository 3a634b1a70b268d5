"""Tasks: requests to specifications, views to JSON. Source: 03 T-1 ... T-7, T-37, T-64, T-68."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from batchyard.core import limits
from batchyard.core.errors import Refused
from batchyard.core.model import Failure, Task
from batchyard.core.specs import EnvironmentSetting, TaskConstraints, TaskSpec
from batchyard.core.states import ElevationLevel, TaskState
from batchyard.engine.directories import task_directory
from batchyard.engine.views import NodeName, TaskAdded, TaskCounts, TaskView
from batchyard.wire import (
    bodies,
    checks,
    coverage,
    errors,
    links,
    model,
    multi_instance,
    resource_files,
    task_options,
    values,
)

_DECODER: Final = msgspec.json.Decoder(model.BatchTaskCreateOptions)
_GROUP_DECODER: Final = msgspec.json.Decoder(model.BatchTaskGroup)
_UPDATE_DECODER: Final = msgspec.json.Decoder(model.BatchTask)

#: The revision of a task that nobody has updated yet.
_FIRST_REVISION: Final = 1

#: Most slots that a task can ask for: more than any node has, which is accepted (T-32).
_REQUIRED_SLOTS_MAX: Final = 2**31 - 1

_USER_IDENTITIES: Final = {
    level: model.UserIdentity(
        auto_user=model.AutoUserSpecification(
            scope=model.AutoUserScope.POOL, elevation_level=model.ElevationLevel(level)
        )
    )
    for level in ElevationLevel
}


def read_task(body: bytes) -> TaskSpec:
    """Return the specification in the body of Tasks_CreateTask.

    Raises:
        Refused: ``InvalidRequestBody``, ``MissingRequiredProperty``, ``UnsupportedProperty``,
            ``InvalidPropertyValue``.
    """
    return _task_spec(bodies.decode(body, _DECODER))


def read_task_group(body: bytes) -> list[tuple[str, TaskSpec | Refused]]:
    """Return the id and the specification of each task, or why that one is refused (T-3).

    Raises:
        Refused: ``InvalidRequestBody``, ``MissingRequiredProperty``, ``InvalidPropertyValue``,
            ``UnsupportedProperty`` when the body as a whole cannot be understood.
    """
    tasks = checks.required(bodies.decode(body, _GROUP_DECODER).value, "value")
    if len(tasks) > limits.ADD_COLLECTION_TASKS_MAX:
        raise Refused.of_property(
            "value",
            f"{len(tasks)} tasks",
            f"send at most {limits.ADD_COLLECTION_TASKS_MAX} tasks in one request",
        )
    return [(task.id or "", _admit(task)) for task in tasks]


def _admit(task: model.BatchTaskCreateOptions) -> TaskSpec | Refused:
    try:
        return _task_spec(task)
    except Refused as refused:
        return refused


def _task_spec(task: model.BatchTaskCreateOptions) -> TaskSpec:
    coverage.check(task)
    constraints = checks.constraints(task.constraints, "constraints")
    affinity_id = None
    if task.affinity_info is not None:
        name = "affinityInfo.affinityId"
        affinity_id = checks.text(checks.required(task.affinity_info.affinity_id, name), name)
    instances = multi_instance.read_settings(task.multi_instance_settings)
    slots = required_slots(task.required_slots, "requiredSlots")
    if instances is not None:
        multi_instance.check_slots(slots)
    return TaskSpec(
        id=checks.identifier(task.id, "id"),
        command_line=checks.command_line(task.command_line, "commandLine"),
        display_name=checks.display_name(task.display_name),
        environment_settings=checks.environment(task.environment_settings, "environmentSettings"),
        elevation_level=checks.elevation_level(task.user_identity),
        max_wall_clock_time=constraints.max_wall_clock_time,
        max_task_retry_count=constraints.max_task_retry_count,
        retention_time=constraints.retention_time,
        resource_files=checks.resource_files(task.resource_files, "resourceFiles"),
        required_slots=slots,
        affinity_id=affinity_id,
        exit_conditions=task_options.read_exit_conditions(task.exit_conditions),
        depends_on=task_options.read_dependencies(task.depends_on),
        multi_instance=instances,
        accesses_job=task_options.read_token_settings(task.authentication_token_settings),
    )


def required_slots(given: int | None, name: str) -> int:
    """Return how many slots a task takes; one unless it says more (T-32)."""
    return 1 if given is None else checks.number(given, name, 1, _REQUIRED_SLOTS_MAX)


def read_task_update(body: bytes) -> TaskConstraints:
    """Return the constraints in the body of Tasks_ReplaceTask; omitted ones are reset (T-24).

    Raises:
        Refused: ``InvalidRequestBody``, ``UnsupportedProperty`` for all that only the creation of
            a task decides, ``InvalidPropertyValue``.
    """
    request = bodies.decode(body, _UPDATE_DECODER)
    coverage.check(request)
    return checks.constraints(request.constraints, "constraints")


def etag(view: TaskView) -> str:
    """Return the ETag of a task."""
    return links.task_etag(view.task.key, view.creation_time, view.task.revision)


def write_task(view: TaskView, base_url: str) -> model.BatchTask:
    """Return a task with all documented defaults; what is unset is absent (T-6, T-7)."""
    task, spec = view.task, view.spec
    return model.BatchTask(
        id=spec.id,
        display_name=spec.display_name,
        url=links.task(base_url, view.job_id, spec.id),
        etag=etag(view),
        last_modified=values.write_instant(task.last_modified),
        creation_time=values.write_instant(view.creation_time),
        state=model.BatchTaskState(task.state),
        state_transition_time=values.write_instant(task.state_time),
        previous_state=None
        if task.previous_state is None
        else model.BatchTaskState(task.previous_state),
        previous_state_transition_time=_instant(task.previous_state_time),
        command_line=spec.command_line,
        resource_files=resource_files.write_resource_files(spec.resource_files),
        environment_settings=write_environment(spec.environment_settings),
        affinity_info=None
        if spec.affinity_id is None
        else model.BatchAffinityInfo(affinity_id=spec.affinity_id),
        constraints=model.BatchTaskConstraints(
            max_wall_clock_time=values.write_duration(spec.max_wall_clock_time),
            retention_time=values.write_duration(spec.retention_time),
            max_task_retry_count=task.retry_count_max,
        ),
        required_slots=spec.required_slots,
        exit_conditions=task_options.write_exit_conditions(spec.exit_conditions),
        depends_on=task_options.write_dependencies(spec.depends_on),
        multi_instance_settings=multi_instance.write_settings(spec.multi_instance),
        authentication_token_settings=task_options.write_token_settings(
            accesses_job=spec.accesses_job
        ),
        user_identity=user_identity(spec.elevation_level),
        execution_info=write_execution_info(view.task),
        node_info=None
        if view.node is None
        else write_node_info(view.node, view.job_id, spec.id, base_url),
    )


def write_execution_info(task: Task) -> model.BatchTaskExecutionInfo:
    """Return what is known of the task's runs: no start while it waits, no end before (T-68)."""
    is_completed = task.state is TaskState.COMPLETED
    has_started = is_completed or task.state is TaskState.RUNNING
    return model.BatchTaskExecutionInfo(
        start_time=_instant(task.start_time) if has_started else None,
        end_time=_instant(task.end_time) if is_completed else None,
        exit_code=task.exit_code if is_completed else None,
        failure_info=write_failure(task.failure) if is_completed else None,
        retry_count=task.retry_count,
        last_retry_time=_instant(task.last_retry_time),
        requeue_count=task.requeue_count,
        last_requeue_time=_instant(task.last_requeue_time),
        result=model.BatchTaskExecutionResult(task.result)
        if is_completed and task.result is not None
        else None,
    )


def write_node_info(
    node: NodeName, job_id: str, task_id: str, base_url: str
) -> model.BatchNodeInfo:
    """Return where a task, or a subtask, runs or ran (T-37)."""
    node_url = links.node(base_url, node.pool_id, node.node_id)
    directory = task_directory(job_id, task_id)
    return model.BatchNodeInfo(
        affinity_id=links.affinity_id(node.node_id),
        node_url=node_url,
        pool_id=node.pool_id,
        node_id=node.node_id,
        task_root_directory=directory,
        task_root_directory_url=links.file(node_url, directory),
    )


def write_failure(failure: Failure | None) -> model.BatchTaskFailureInfo | None:
    """Return ``failureInfo``. Source: 03, failure codes; S-1 for the category's spelling."""
    if failure is None:
        return None
    return model.BatchTaskFailureInfo(
        category=model.BatchErrorSourceCategory(failure.category),
        code=failure.code,
        message=failure.message,
        details=[model.NameValuePair(name=name, value=value) for name, value in failure.details]
        or None,
    )


def user_identity(level: ElevationLevel) -> model.UserIdentity:
    """Return the identity that a task runs as (T-38)."""
    return _USER_IDENTITIES[level]


def write_environment(
    settings: Sequence[EnvironmentSetting],
) -> list[model.EnvironmentSetting] | None:
    """Return the user's own environment settings, and those only (F-14)."""
    if not settings:
        return None
    return [
        model.EnvironmentSetting(name=setting.name, value=setting.value) for setting in settings
    ]


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else values.write_instant(instant)


def write_added(
    result: TaskAdded, *, job_id: str, base_url: str, request_id: str, now: datetime
) -> model.BatchTaskCreateResult:
    """Return one result of Tasks_CreateTaskCollection.

    What a client did wrong is never ``servererror``: clients send such a task again for ever (T-4).
    """
    if result.refused is not None:
        return model.BatchTaskCreateResult(
            status=model.BatchTaskAddStatus.CLIENTERROR,
            task_id=result.task_id,
            error=errors.render(result.refused, request_id=request_id, now=now),
        )
    assert result.task is not None
    assert result.added_time is not None
    return model.BatchTaskCreateResult(
        status=model.BatchTaskAddStatus.SUCCESS,
        task_id=result.task_id,
        etag=links.task_etag(result.task, result.added_time, _FIRST_REVISION),
        last_modified=values.write_instant(result.added_time),
        location=links.task(base_url, job_id, result.task_id),
    )


def write_task_counts(counts: TaskCounts) -> model.BatchTaskCountsResult:
    """Return the tasks of a job and their slots by state. Source: T-64, T-65."""
    return model.BatchTaskCountsResult(
        task_counts=model.BatchTaskCounts(
            active=counts.active,
            running=counts.running,
            completed=counts.succeeded + counts.failed,
            succeeded=counts.succeeded,
            failed=counts.failed,
        ),
        task_slot_counts=model.BatchTaskSlotCounts(
            active=counts.active_slots,
            running=counts.running_slots,
            completed=counts.succeeded_slots + counts.failed_slots,
            succeeded=counts.succeeded_slots,
            failed=counts.failed_slots,
        ),
    )
