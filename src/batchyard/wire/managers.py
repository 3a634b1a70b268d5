"""Job manager tasks: requests to specifications, and back. Source: J-18, J-57 ... J-65."""

from batchyard.core.errors import Refused
from batchyard.core.specs import JobManagerSpec, JobPreparationSpec, JobReleaseSpec, TaskSpec
from batchyard.wire import checks, model, resource_files, task_options, tasks, values

_PLACE = "jobManagerTask"


def read_manager(task: model.BatchJobManagerTask | None) -> JobManagerSpec | None:
    """Return the job manager task of a job.

    Raises:
        Refused: ``MissingRequiredProperty``, ``InvalidPropertyValue``.
    """
    if task is None:
        return None
    constraints = checks.constraints(task.constraints, f"{_PLACE}.constraints")
    return JobManagerSpec(
        task=TaskSpec(
            id=checks.identifier(task.id, f"{_PLACE}.id"),
            command_line=checks.command_line(task.command_line, f"{_PLACE}.commandLine"),
            display_name=checks.display_name(task.display_name, f"{_PLACE}.displayName"),
            environment_settings=checks.environment(
                task.environment_settings, f"{_PLACE}.environmentSettings"
            ),
            elevation_level=checks.elevation_level(task.user_identity),
            max_wall_clock_time=constraints.max_wall_clock_time,
            max_task_retry_count=constraints.max_task_retry_count,
            retention_time=constraints.retention_time,
            resource_files=checks.resource_files(task.resource_files, f"{_PLACE}.resourceFiles"),
            required_slots=tasks.required_slots(task.required_slots, f"{_PLACE}.requiredSlots"),
            accesses_job=task_options.read_token_settings(task.authentication_token_settings),
        ),
        kill_job_on_completion=task.kill_job_on_completion is not False,
        run_exclusive=task.run_exclusive is not False,
        allow_low_priority_node=task.allow_low_priority_node is not False,
    )


def check_id(
    manager: JobManagerSpec,
    preparation: JobPreparationSpec | None,
    release: JobReleaseSpec | None,
) -> None:
    """Refuse a manager whose directory would be that of another task of its job."""
    wanted = manager.task.id
    for other, name in ((preparation, "jobPreparationTask"), (release, "jobReleaseTask")):
        if other is not None and other.id.lower() == wanted.lower():
            raise Refused.of_property(
                f"{_PLACE}.id", wanted, f"use another id than that of the {name}"
            )


def write_manager(manager: JobManagerSpec | None) -> model.BatchJobManagerTask | None:
    """Return the job manager task of a job with all documented defaults (J-65)."""
    if manager is None:
        return None
    spec = manager.task
    return model.BatchJobManagerTask(
        id=spec.id,
        display_name=spec.display_name,
        command_line=spec.command_line,
        resource_files=resource_files.write_resource_files(spec.resource_files),
        environment_settings=tasks.write_environment(spec.environment_settings),
        constraints=model.BatchTaskConstraints(
            max_wall_clock_time=values.write_duration(spec.max_wall_clock_time),
            retention_time=values.write_duration(spec.retention_time),
            max_task_retry_count=spec.max_task_retry_count,
        ),
        required_slots=spec.required_slots,
        kill_job_on_completion=manager.kill_job_on_completion,
        user_identity=tasks.user_identity(spec.elevation_level),
        run_exclusive=manager.run_exclusive,
        allow_low_priority_node=manager.allow_low_priority_node,
        authentication_token_settings=task_options.write_token_settings(
            accesses_job=spec.accesses_job
        ),
    )
