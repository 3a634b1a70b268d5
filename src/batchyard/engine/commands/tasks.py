"""Commands about tasks."""

from collections.abc import Sequence

from msgspec.structs import replace

from batchyard.core import exits, limits
from batchyard.core import job as job_cycle
from batchyard.core.effects import (
    WakePlacement,
)
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import JobKey, TaskKey
from batchyard.core.model import Gang, Job, Task
from batchyard.core.specs import ExitConditions, JobSpec, TaskConstraints, TaskSpec
from batchyard.core.states import TaskResult, TaskState
from batchyard.core.task_events import ConstrainTask, DeleteTask, ReactivateTask, TerminateTask
from batchyard.engine.cascade import Cascade
from batchyard.engine.commands import found
from batchyard.engine.commands.found import TaskGuard
from batchyard.engine.directories import task_directory
from batchyard.engine.removals import nodes_of_task, remove_directories
from batchyard.engine.views import TaskAdded, TaskView
from batchyard.engine.wakes import Dated


def add_task(cascade: Cascade, account: str, job_id: str, spec: TaskSpec) -> TaskView:
    """Add one task.

    Raises:
        Refused: ``JobNotFound``, ``TaskExists``, ``TaskIdSameAsJobPreparationTask``,
            ``TaskIdSameAsJobReleaseTask``, ``TaskDependenciesNotSpecifiedOnJob``,
            ``InvalidPropertyValue`` for a job action in a job that performs none, and why the job
            takes no more tasks.
    """
    job = found.job(cascade, account, job_id)
    (added,) = _add_tasks(cascade, job, [spec])
    if isinstance(added, Refused):
        raise added
    return found.task_view(cascade, job, added.key)


def add_tasks(
    cascade: Cascade, account: str, job_id: str, specs: Sequence[TaskSpec]
) -> list[TaskAdded]:
    """Add tasks, each on its own merits: one that is refused does not hold up the others (T-3).

    Raises:
        Refused: ``JobNotFound``.
    """
    results = _add_tasks(cascade, found.job(cascade, account, job_id), specs)
    return [
        TaskAdded(task_id=spec.id, refused=result)
        if isinstance(result, Refused)
        else TaskAdded(task_id=spec.id, added_time=result.state_time, task=result.key)
        for spec, result in zip(specs, results, strict=True)
    ]


def update_task(
    cascade: Cascade,
    account: str,
    job_id: str,
    task_id: str,
    constraints: TaskConstraints,
    guard: TaskGuard = None,
) -> TaskView:
    """Replace the constraints of a task; they count for its coming decisions (T-24, T-25).

    Raises:
        Refused: ``JobNotFound``, ``TaskNotFound``, ``TaskCompleted``, and what the guard says.
    """
    job, task = found.task(cascade, account, job_id, task_id, guard)
    retry_count = constraints.max_task_retry_count
    if retry_count is None:
        retry_count = cascade.transaction.job_spec(job.key).max_task_retry_count
    event = ConstrainTask(
        key=task.key, retry_count_max=retry_count, retention_time=constraints.retention_time
    )
    cascade.run([event])
    spec = replace(
        cascade.transaction.task_specs([task.key])[task.key],
        max_wall_clock_time=constraints.max_wall_clock_time,
        max_task_retry_count=retry_count,
        retention_time=constraints.retention_time,
    )
    cascade.transaction.update_task_spec(task.key, spec)
    return found.task_view(cascade, job, task.key)


def terminate_task(
    cascade: Cascade, account: str, job_id: str, task_id: str, guard: TaskGuard = None
) -> TaskView:
    """End a task, whether it runs or not: it is completed at once (T-21).

    Raises:
        Refused: ``JobNotFound``, ``TaskNotFound``, ``TaskCompleted``, and what the guard says.
    """
    job, task = found.task(cascade, account, job_id, task_id, guard)
    cascade.run([TerminateTask(key=task.key)])
    return found.task_view(cascade, job, task.key)


def reactivate_task(
    cascade: Cascade, account: str, job_id: str, task_id: str, guard: TaskGuard = None
) -> TaskView:
    """Run a task again that has failed, with all its retries (T-22).

    Raises:
        Refused: ``JobNotFound``, ``TaskNotFound``, ``TaskNotCompleted``, ``TaskSucceeded``, why the
            job runs no more tasks, ``OperationInvalidForCurrentState`` after its lifetime (T-8),
            and what the guard says.
    """
    job, task = found.task(cascade, account, job_id, task_id, guard)
    if job.state in job_cycle.ADD_TASK_REFUSALS:
        raise Refused(job_cycle.ADD_TASK_REFUSALS[job.state])
    if task.result is TaskResult.SUCCESS:
        raise Refused(ErrorCode.TASK_SUCCEEDED)
    added = cascade.transaction.task_creation_time(task.key)
    if added + limits.TASK_LIFETIME_MAX <= cascade.now:
        raise Refused(
            ErrorCode.OPERATION_INVALID_FOR_CURRENT_STATE,
            Reason=(
                f"the task was added more than {limits.TASK_LIFETIME_MAX.days} days ago, and no "
                "task runs longer; add another one"
            ),
        )
    cascade.run([ReactivateTask(key=task.key)])
    if job.pool is not None:
        cascade.run([WakePlacement(job.pool)])
    return found.task_view(cascade, job, task.key)


def delete_task(
    cascade: Cascade, account: str, job_id: str, task_id: str, guard: TaskGuard = None
) -> None:
    """Delete a task, ending it first if it runs, and its files (T-23).

    Raises:
        Refused: ``JobNotFound``, ``TaskNotFound``, and what the guard says.
    """
    job, task = found.task(cascade, account, job_id, task_id, guard)
    spec = cascade.transaction.task_specs([task.key])[task.key]
    nodes = nodes_of_task(cascade, task)
    cascade.run([DeleteTask(key=task.key)])
    directory = task_directory(job.id, spec.id)
    remove_directories(cascade, [(node, directory) for node in nodes])


def _add_tasks(cascade: Cascade, job: Job, specs: Sequence[TaskSpec]) -> list[Task | Refused]:
    job_spec = cascade.transaction.job_spec(job.key)
    taken = set(cascade.transaction.task_keys(job.key, [spec.id for spec in specs]))
    first = cascade.transaction.reserve("task", len(specs))
    results: list[Task | Refused] = []
    admitted: list[tuple[Task, TaskSpec]] = []
    for number, spec in enumerate(specs, first):
        try:
            _admit(job, job_spec, spec, taken)
        except Refused as refused:
            results.append(refused)
            continue
        taken.add(spec.id.lower())
        complete = _with_defaults(spec, job_spec)
        task = _new_task(cascade, TaskKey(number), job.key, complete)
        admitted.append((task, complete))
        results.append(task)
    _insert(cascade, job, _with_dependencies(cascade, job.key, admitted))
    return results


def _insert(cascade: Cascade, job: Job, admitted: Sequence[tuple[Task, TaskSpec]]) -> None:
    cascade.transaction.add_tasks(job.key, admitted)
    for task, _ in admitted:
        if task.instances:
            cascade.gangs.put(task.key, Gang(key=task.key, job=job.key))
    for task, _ in admitted:
        cascade.tasks.added(task.key, task)
    cascade.ready.add(job.key)
    cascade.noted.waiting.update(
        (job.key, task.required_slots, task.is_manager)
        for task, _ in admitted
        if not task.dependencies_left
    )
    if admitted:
        cascade.wakes.is_due(Dated.LIFETIME, cascade.now + limits.TASK_LIFETIME_MAX)
    if admitted and job.pool is not None:
        cascade.run([WakePlacement(job.pool)])


def add_manager(cascade: Cascade, job: Job, spec: TaskSpec) -> None:
    """Add the job manager task of a new job, which has nothing yet that it could collide with."""
    key = TaskKey(cascade.transaction.reserve("task", 1))
    manager = replace(_new_task(cascade, key, job.key, spec), is_manager=True)
    _insert(cascade, job, [(manager, spec)])


def _with_dependencies(
    cascade: Cascade, job: JobKey, admitted: list[tuple[Task, TaskSpec]]
) -> list[tuple[Task, TaskSpec]]:
    """Have new tasks wait for what they depend on."""
    dependents = [(task.key, spec.depends_on) for task, spec in admitted if spec.depends_on]
    if not dependents:
        return admitted
    left = cascade.transaction.add_dependencies(job, dependents)
    return [
        (replace(task, dependencies_left=left.get(task.key, 0)), spec) for task, spec in admitted
    ]


def _admit(job: Job, job_spec: JobSpec, spec: TaskSpec, taken: set[str]) -> None:
    if job.state in job_cycle.ADD_TASK_REFUSALS:
        raise Refused(job_cycle.ADD_TASK_REFUSALS[job.state])
    if spec.id.lower() in taken:
        raise Refused(ErrorCode.TASK_EXISTS)
    if job_spec.preparation and spec.id.lower() == job_spec.preparation.id.lower():
        raise Refused(ErrorCode.TASK_ID_SAME_AS_JOB_PREPARATION_TASK)
    if job_spec.release and spec.id.lower() == job_spec.release.id.lower():
        raise Refused(ErrorCode.TASK_ID_SAME_AS_JOB_RELEASE_TASK)
    if spec.depends_on is not None and not job_spec.uses_task_dependencies:
        raise Refused(
            ErrorCode.TASK_DEPENDENCIES_NOT_SPECIFIED_ON_JOB,
            PropertyName="dependsOn",
            Reason="create the job with usesTaskDependencies true, or leave dependsOn out",
        )
    if spec.exit_conditions is not None and not job.performs_job_actions:
        _refuse_job_actions(spec.exit_conditions)


def _refuse_job_actions(conditions: ExitConditions) -> None:
    """Refuse what would act on a job that does not perform it. Source: J-25."""
    if exits.has_job_actions(conditions):
        raise Refused.of_property(
            "exitConditions.jobAction",
            "",
            "create the job with onTaskFailure performexitoptionsjobaction, or leave jobAction out",
        )


def _with_defaults(spec: TaskSpec, job_spec: JobSpec) -> TaskSpec:
    """A task without a retry count of its own takes its job's, once and for all (J-17, J-33)."""
    if spec.max_task_retry_count is not None:
        return spec
    return replace(spec, max_task_retry_count=job_spec.max_task_retry_count)


def _new_task(cascade: Cascade, key: TaskKey, job: JobKey, spec: TaskSpec) -> Task:
    assert spec.max_task_retry_count is not None, spec
    return Task(
        key=key,
        job=job,
        state=TaskState.ACTIVE,
        state_time=cascade.now,
        last_modified=cascade.now,
        required_slots=spec.required_slots,
        retry_count_max=spec.max_task_retry_count,
        retention_time=spec.retention_time,
        affinity_id=spec.affinity_id,
        exit_conditions=spec.exit_conditions,
        instances=0 if spec.multi_instance is None else spec.multi_instance.instances,
    )
