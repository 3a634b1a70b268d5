"""Jobs: requests to specifications, views to JSON. Source: 02 J-1 ... J-9, J-67 ... J-82; SB-53."""

from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from batchyard.core import limits
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.model import Failure
from batchyard.core.specs import JobConstraints, JobPreparationSpec, JobReleaseSpec, JobSpec
from batchyard.core.states import DisableTasks, JobState, OnAllTasksComplete, OnTaskFailure
from batchyard.engine.views import JobView
from batchyard.wire import (
    auto_pools,
    bodies,
    checks,
    coverage,
    links,
    managers,
    model,
    old_names,
    pools,
    resource_files,
    tasks,
    values,
)
from batchyard.wire.versions import LATEST, ApiVersion

#: Source: J-68, J-79.
PREPARATION_ID: Final = "jobpreparation"
RELEASE_ID: Final = "jobrelease"

_DECODER: Final = msgspec.json.Decoder(model.BatchJobCreateOptions)
_DISABLE_DECODER: Final = msgspec.json.Decoder(model.BatchJobDisableOptions)
_TERMINATE_DECODER: Final = msgspec.json.Decoder(model.BatchJobTerminateOptions)


def read_job(body: bytes, version: ApiVersion = LATEST) -> JobSpec:
    """Return the specification in the body of Jobs_CreateJob.

    Raises:
        Refused: ``InvalidRequestBody``, ``MissingRequiredProperty``, ``UnsupportedProperty``,
            ``InvalidPropertyValue``, ``OutOfRangePriority``, ``EmptyMetadataKey``.
    """
    request = bodies.decode(old_names.modernised(body, version, old_names.JOB), _DECODER)
    coverage.check(request)
    return replace(read_specification(request), id=checks.identifier(request.id, "id"))


def read_specification(
    request: model.BatchJobCreateOptions | model.BatchJobSpecification,
    *,
    is_scheduled: bool = False,
    has_secrets: bool = True,
) -> JobSpec:
    """Return what a new job, or the jobs of a job schedule, are made from (SC-2), without an id.

    What was sent back has no secrets any more (P-7).

    Raises:
        Refused: As `read_job`.
    """
    preparation = _preparation(request.job_preparation_task)
    release = _release(request.job_release_task)
    if release is not None:
        _check_release(release, preparation)
    manager = managers.read_manager(request.job_manager_task)
    if manager is not None:
        managers.check_id(manager, preparation, release)
    pool_info = auto_pools.check_pool_info(request.pool_info)
    auto_pool = auto_pools.read_auto_pool(
        pool_info.auto_pool_specification, is_scheduled=is_scheduled, has_secrets=has_secrets
    )
    given = constraints(request.constraints)
    return JobSpec(
        id="",
        pool_id=""
        if auto_pool is not None
        else checks.identifier(pool_info.pool_id, "poolInfo.poolId"),
        auto_pool=auto_pool,
        display_name=checks.display_name(request.display_name),
        priority=priority(request.priority),
        max_wall_clock_time=given.max_wall_clock_time,
        max_task_retry_count=given.max_task_retry_count,
        on_all_tasks_complete=on_all_tasks_complete(request.on_all_tasks_complete),
        on_task_failure=OnTaskFailure(
            request.on_task_failure or model.BatchTaskFailureMode.NOACTION
        ),
        max_parallel_tasks=max_parallel_tasks(request.max_parallel_tasks),
        uses_task_dependencies=bool(request.uses_task_dependencies),
        allow_task_preemption=bool(request.allow_task_preemption),
        common_environment_settings=checks.environment(
            request.common_environment_settings, "commonEnvironmentSettings"
        ),
        manager=manager,
        preparation=preparation,
        release=release,
        metadata=checks.metadata(request.metadata),
    )


def constraints(given: model.BatchJobConstraints | None) -> JobConstraints:
    """Return the constraints of a job: no limit and no retries unless they say more (J-28)."""
    if given is None:
        return JobConstraints()
    return JobConstraints(
        max_wall_clock_time=checks.wall_clock_time(
            given.max_wall_clock_time, "constraints.maxWallClockTime"
        ),
        max_task_retry_count=checks.retry_count(
            given.max_task_retry_count or 0, "constraints.maxTaskRetryCount"
        ),
    )


def max_parallel_tasks(given: int | None) -> int:
    """Return how many tasks of a job may run at once; no limit unless it says so (J-13)."""
    if given is None or given == limits.PARALLEL_TASKS_UNLIMITED:
        return limits.PARALLEL_TASKS_UNLIMITED
    if given < 1:
        raise Refused.of_property(
            "maxParallelTasks", given, "give a number from 1 on, or -1 for no limit"
        )
    return given


def on_all_tasks_complete(given: model.BatchAllTasksCompleteMode | None) -> OnAllTasksComplete:
    """Return what becomes of a job with its last task; nothing unless it says so (J-3)."""
    return OnAllTasksComplete(given or model.BatchAllTasksCompleteMode.NOACTION)


def priority(given: int | None) -> int:
    """Return the priority of a job.

    Raises:
        Refused: ``OutOfRangePriority`` (J-9).
    """
    wanted = 0 if given is None else given
    if not limits.JOB_PRIORITY_MIN <= wanted <= limits.JOB_PRIORITY_MAX:
        raise Refused(
            ErrorCode.OUT_OF_RANGE_PRIORITY,
            PropertyName="priority",
            PropertyValue=str(wanted),
            Reason=f"give a number from {limits.JOB_PRIORITY_MIN} to {limits.JOB_PRIORITY_MAX}",
        )
    return wanted


def _preparation(task: model.BatchJobPreparationTask | None) -> JobPreparationSpec | None:
    if task is None:
        return None
    place = "jobPreparationTask"
    constraints = checks.constraints(task.constraints, f"{place}.constraints")
    rerun = task.rerun_on_node_reboot_after_success
    return JobPreparationSpec(
        id=PREPARATION_ID if task.id is None else checks.identifier(task.id, f"{place}.id"),
        command_line=checks.command_line(task.command_line, f"{place}.commandLine"),
        environment_settings=checks.environment(
            task.environment_settings, f"{place}.environmentSettings"
        ),
        elevation_level=checks.elevation_level(task.user_identity),
        max_wall_clock_time=constraints.max_wall_clock_time,
        max_task_retry_count=constraints.max_task_retry_count or 0,
        retention_time=constraints.retention_time,
        resource_files=checks.resource_files(task.resource_files, f"{place}.resourceFiles"),
        wait_for_success=task.wait_for_success is not False,
        rerun_on_node_reboot_after_success=rerun is not False,
    )


def _release(task: model.BatchJobReleaseTask | None) -> JobReleaseSpec | None:
    if task is None:
        return None
    place = "jobReleaseTask"
    limit = limits.RELEASE_WALL_CLOCK_TIME_MAX
    if task.max_wall_clock_time is not None:
        given = checks.duration(task.max_wall_clock_time, f"{place}.maxWallClockTime")
        if given is None or given > limits.RELEASE_WALL_CLOCK_TIME_MAX:
            most = values.write_duration(limits.RELEASE_WALL_CLOCK_TIME_MAX)
            raise Refused.of_property(
                f"{place}.maxWallClockTime",
                coverage.shorten(task.max_wall_clock_time),
                f"give at most {most}",
            )
        limit = given
    return JobReleaseSpec(
        id=RELEASE_ID if task.id is None else checks.identifier(task.id, f"{place}.id"),
        command_line=checks.command_line(task.command_line, f"{place}.commandLine"),
        environment_settings=checks.environment(
            task.environment_settings, f"{place}.environmentSettings"
        ),
        elevation_level=checks.elevation_level(task.user_identity),
        max_wall_clock_time=limit,
        retention_time=checks.retention_time(task.retention_time, f"{place}.retentionTime"),
        resource_files=checks.resource_files(task.resource_files, f"{place}.resourceFiles"),
    )


def _check_release(release: JobReleaseSpec, preparation: JobPreparationSpec | None) -> None:
    """Refuse a release task without a preparation task (J-76), or in the other's directory."""
    if preparation is None:
        raise Refused.of_property(
            "jobReleaseTask", release.id, "give a jobPreparationTask too, or no jobReleaseTask"
        )
    if preparation.id.lower() == release.id.lower():
        raise Refused.of_property(
            "jobReleaseTask.id", release.id, "use another id than that of the jobPreparationTask"
        )


def read_disable(body: bytes) -> DisableTasks:
    """Return what becomes of the running tasks, from the body of Jobs_DisableJob (J-35).

    Raises:
        Refused: ``InvalidRequestBody``, ``MissingRequiredProperty``, ``InvalidPropertyValue``.
    """
    request = bodies.decode(body, _DISABLE_DECODER)
    return DisableTasks(checks.required(request.disable_tasks, "disableTasks"))


def read_terminate_reason(body: bytes) -> str | None:
    """Return the reason in the body of Jobs_TerminateJob, None when it gives none (J-39)."""
    request = bodies.decode(body, _TERMINATE_DECODER)
    coverage.check(request)
    reason = request.terminate_reason
    return None if reason is None else checks.text(reason, "terminateReason")


def etag(view: JobView) -> str:
    """Return the ETag of a job."""
    job = view.job
    return links.etag("job", job.key, job.creation_time.timestamp(), job.revision)


def write_job(view: JobView, base_url: str) -> model.BatchJob:
    """Return a job with all documented defaults (J-3, J-4)."""
    job, spec = view.job, view.spec
    is_completed = job.state is JobState.COMPLETED
    return model.BatchJob(
        id=spec.id,
        display_name=spec.display_name,
        uses_task_dependencies=spec.uses_task_dependencies,
        url=links.job(base_url, spec.id),
        etag=etag(view),
        last_modified=values.write_instant(job.last_modified),
        creation_time=values.write_instant(job.creation_time),
        state=model.BatchJobState(job.state),
        state_transition_time=values.write_instant(job.state_time),
        previous_state=None
        if job.previous_state is None
        else model.BatchJobState(job.previous_state),
        previous_state_transition_time=_instant(job.previous_state_time),
        priority=job.priority,
        allow_task_preemption=spec.allow_task_preemption,
        max_parallel_tasks=spec.max_parallel_tasks,
        constraints=_write_constraints(spec),
        job_manager_task=managers.write_manager(spec.manager),
        job_preparation_task=_write_preparation(spec.preparation),
        job_release_task=_write_release(spec.release),
        common_environment_settings=tasks.write_environment(spec.common_environment_settings),
        pool_info=auto_pools.write_pool_info(spec),
        on_all_tasks_complete=model.BatchAllTasksCompleteMode(spec.on_all_tasks_complete),
        on_task_failure=model.BatchTaskFailureMode(spec.on_task_failure),
        metadata=pools.write_metadata(spec.metadata),
        execution_info=model.BatchJobExecutionInfo(
            start_time=values.write_instant(job.start_time),
            end_time=_instant(job.end_time) if is_completed else None,
            pool_id=job.pool_id,
            scheduling_error=_write_scheduling_error(job.scheduling_error),
            terminate_reason=job.terminate_reason if is_completed else None,
        ),
    )


def write_specification(spec: JobSpec) -> model.BatchJobSpecification:
    """Return what a job schedule makes its jobs from, with all documented defaults (SC-3)."""
    return model.BatchJobSpecification(
        priority=spec.priority,
        allow_task_preemption=spec.allow_task_preemption,
        max_parallel_tasks=spec.max_parallel_tasks,
        display_name=spec.display_name,
        uses_task_dependencies=spec.uses_task_dependencies,
        on_all_tasks_complete=model.BatchAllTasksCompleteMode(spec.on_all_tasks_complete),
        on_task_failure=model.BatchTaskFailureMode(spec.on_task_failure),
        constraints=_write_constraints(spec),
        job_manager_task=managers.write_manager(spec.manager),
        job_preparation_task=_write_preparation(spec.preparation),
        job_release_task=_write_release(spec.release),
        common_environment_settings=tasks.write_environment(spec.common_environment_settings),
        pool_info=auto_pools.write_pool_info(spec),
        metadata=pools.write_metadata(spec.metadata),
    )


def _write_constraints(spec: JobSpec) -> model.BatchJobConstraints:
    return model.BatchJobConstraints(
        max_wall_clock_time=values.write_duration(spec.max_wall_clock_time),
        max_task_retry_count=spec.max_task_retry_count,
    )


def _write_scheduling_error(failure: Failure | None) -> model.BatchJobSchedulingError | None:
    """Return why the job will never run (J-51)."""
    info = tasks.write_failure(failure)
    if info is None:
        return None
    return model.BatchJobSchedulingError(
        category=info.category, code=info.code, message=info.message, details=info.details
    )


def _write_preparation(spec: JobPreparationSpec | None) -> model.BatchJobPreparationTask | None:
    if spec is None:
        return None
    return model.BatchJobPreparationTask(
        id=spec.id,
        command_line=spec.command_line,
        resource_files=resource_files.write_resource_files(spec.resource_files),
        environment_settings=tasks.write_environment(spec.environment_settings),
        constraints=model.BatchTaskConstraints(
            max_wall_clock_time=values.write_duration(spec.max_wall_clock_time),
            retention_time=values.write_duration(spec.retention_time),
            max_task_retry_count=spec.max_task_retry_count,
        ),
        wait_for_success=spec.wait_for_success,
        user_identity=tasks.user_identity(spec.elevation_level),
        rerun_on_node_reboot_after_success=spec.rerun_on_node_reboot_after_success,
    )


def _write_release(spec: JobReleaseSpec | None) -> model.BatchJobReleaseTask | None:
    if spec is None:
        return None
    return model.BatchJobReleaseTask(
        id=spec.id,
        command_line=spec.command_line,
        resource_files=resource_files.write_resource_files(spec.resource_files),
        environment_settings=tasks.write_environment(spec.environment_settings),
        max_wall_clock_time=values.write_duration(spec.max_wall_clock_time),
        retention_time=values.write_duration(spec.retention_time),
        user_identity=tasks.user_identity(spec.elevation_level),
    )


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else values.write_instant(instant)
