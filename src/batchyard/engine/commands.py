"""What a caller may ask to be changed: admit it or refuse it, then let the life cycles decide.

Every command runs in the writer's transaction, in a savepoint of its own. It returns what the
caller wants to know, and the caller hears of it after the commit. Refusals are `Refused`.
"""

from collections.abc import Sequence
from dataclasses import replace

from batchyard.core import job as job_cycle
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.messages import (
    DeleteJob,
    DeletePool,
    DeleteTask,
    TerminateJob,
    WakePlacement,
    WakeResize,
)
from batchyard.core.model import (
    AllocationState,
    Job,
    JobKey,
    JobSpec,
    JobState,
    NodeKey,
    Pool,
    PoolKey,
    PoolSpec,
    PoolState,
    Task,
    TaskKey,
    TaskSpec,
    TaskState,
)
from batchyard.engine.cascade import Cascade
from batchyard.engine.orders import task_directory
from batchyard.engine.views import JobView, PoolView, TaskAdded, TaskView
from batchyard.link import messages


def create_pool(cascade: Cascade, account: str, spec: PoolSpec) -> PoolView:
    """Create a pool; its first sizing counts as a resize (S-9).

    Raises:
        Refused: ``PoolExists``.
    """
    if cascade.transaction.pool_key(account, spec.id) is not None:
        raise Refused(ErrorCode.POOL_EXISTS)
    now = cascade.now
    is_resizing = spec.target_dedicated_nodes + spec.target_low_priority_nodes > 0
    pool = Pool(
        key=PoolKey(cascade.transaction.reserve("pool", 1)),
        account=account,
        id=spec.id,
        revision=1,
        creation_time=now,
        last_modified=now,
        state=PoolState.ACTIVE,
        state_time=now,
        allocation_state=AllocationState.RESIZING if is_resizing else AllocationState.STEADY,
        allocation_state_time=now,
        target_dedicated_nodes=spec.target_dedicated_nodes,
        target_low_priority_nodes=spec.target_low_priority_nodes,
        task_slots_per_node=spec.task_slots_per_node,
        node_fill_type=spec.node_fill_type,
        is_windows=spec.is_windows,
        resize_timeout=spec.resize_timeout,
    )
    cascade.transaction.add_pool(pool, spec)
    cascade.pools.added(pool.key, pool)
    cascade.run([WakeResize(pool.key)])
    return PoolView(pool=pool, spec=spec, current_dedicated_nodes=0, current_low_priority_nodes=0)


def delete_pool(cascade: Cascade, account: str, pool_id: str) -> None:
    """Delete a pool: its nodes leave, their tasks are requeued (S-7), then it is gone.

    Raises:
        Refused: ``PoolNotFound``, ``PoolBeingDeleted``.
    """
    key = cascade.transaction.pool_key(account, pool_id)
    if key is None:
        raise Refused(ErrorCode.POOL_NOT_FOUND)
    cascade.run([DeletePool(key=key)])


def create_job(cascade: Cascade, account: str, spec: JobSpec) -> JobView:
    """Create a job; its pool need not exist yet (J-8).

    Raises:
        Refused: ``JobExists``.
    """
    if cascade.transaction.job_key(account, spec.id) is not None:
        raise Refused(ErrorCode.JOB_EXISTS)
    now = cascade.now
    preparation = spec.preparation
    job = Job(
        key=JobKey(cascade.transaction.reserve("job", 1)),
        account=account,
        id=spec.id,
        pool_id=spec.pool_id,
        pool=cascade.transaction.pool_key(account, spec.pool_id),
        priority=spec.priority,
        revision=1,
        creation_time=now,
        last_modified=now,
        state=JobState.ACTIVE,
        state_time=now,
        start_time=now,
        has_preparation=preparation is not None,
        has_release=spec.release is not None,
        preparation_retry_count_max=0 if preparation is None else preparation.max_task_retry_count,
    )
    cascade.transaction.add_job(job, spec)
    cascade.jobs.added(job.key, job)
    return JobView(job=job, spec=spec)


def terminate_job(cascade: Cascade, account: str, job_id: str, reason: str | None) -> JobView:
    """Terminate a job: its running tasks end, then its release tasks run (J-39, J-40).

    Raises:
        Refused: ``JobNotFound``, ``JobBeingTerminated``, ``JobCompleted``, ``JobBeingDeleted``.
    """
    key = _job_key(cascade, account, job_id)
    cascade.run([TerminateJob(key=key, reason=reason or job_cycle.USER_TERMINATE)])
    return JobView(job=_job(cascade, key), spec=cascade.transaction.job_spec(key))


def delete_job(cascade: Cascade, account: str, job_id: str) -> None:
    """Delete a job, running its release tasks first if they have not run (J-44, J-45).

    Raises:
        Refused: ``JobNotFound``, ``JobBeingDeleted``.
    """
    cascade.run([DeleteJob(key=_job_key(cascade, account, job_id))])


def add_task(cascade: Cascade, account: str, job_id: str, spec: TaskSpec) -> TaskView:
    """Add one task.

    Raises:
        Refused: ``JobNotFound``, ``TaskExists``, ``TaskIdSameAsJobPreparationTask``,
            ``TaskIdSameAsJobReleaseTask``, and why the job takes no more tasks.
    """
    key = _job_key(cascade, account, job_id)
    (added,) = _add_tasks(cascade, key, [spec])
    if isinstance(added, Refused):
        raise added
    job = _job(cascade, key)
    return TaskView(task=added, spec=spec, job_id=job.id, creation_time=cascade.now, node=None)


def add_tasks(
    cascade: Cascade, account: str, job_id: str, specs: Sequence[TaskSpec]
) -> list[TaskAdded]:
    """Add tasks, each on its own merits: one that is refused does not hold up the others (T-3).

    Raises:
        Refused: ``JobNotFound``.
    """
    key = _job_key(cascade, account, job_id)
    results = _add_tasks(cascade, key, specs)
    return [
        TaskAdded(task_id=spec.id, refused=result)
        if isinstance(result, Refused)
        else TaskAdded(task_id=spec.id, added_time=result.state_time, task=result.key)
        for spec, result in zip(specs, results, strict=True)
    ]


def delete_task(cascade: Cascade, account: str, job_id: str, task_id: str) -> None:
    """Delete a task, ending it first if it runs, and its files (T-23).

    Raises:
        Refused: ``JobNotFound``, ``TaskNotFound``.
    """
    job = _job(cascade, _job_key(cascade, account, job_id))
    key = cascade.transaction.task_keys(job.key, [task_id]).get(task_id.lower())
    task = None if key is None else cascade.tasks.get(key)
    if task is None:
        raise Refused(ErrorCode.TASK_NOT_FOUND)
    spec = cascade.transaction.task_specs([task.key])[task.key]
    cascade.run([DeleteTask(key=task.key)])
    if task.node is not None and cascade.nodes.get(task.node) is not None:
        remove_directories(cascade, [(task.node, task_directory(job.id, spec.id))])


def remove_directories(cascade: Cascade, directories: Sequence[tuple[NodeKey, str]]) -> None:
    """Have nodes remove directories."""
    for node, removal, path in cascade.transaction.remove_directories(directories):
        cascade.removals.append((node, messages.RemoveDirectory(removal, path)))


def _add_tasks(cascade: Cascade, key: JobKey, specs: Sequence[TaskSpec]) -> list[Task | Refused]:
    job = _job(cascade, key)
    job_spec = cascade.transaction.job_spec(key)
    taken = set(cascade.transaction.task_keys(key, [spec.id for spec in specs]))
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
        task = _new_task(cascade, TaskKey(number), key, complete)
        admitted.append((task, complete))
        results.append(task)
    cascade.transaction.add_tasks(key, admitted)
    if admitted and job.pool is not None:
        cascade.run([WakePlacement(job.pool)])
    return results


def _admit(job: Job, job_spec: JobSpec, spec: TaskSpec, taken: set[str]) -> None:
    if job.state in job_cycle.ADD_TASK_REFUSALS:
        raise Refused(job_cycle.ADD_TASK_REFUSALS[job.state])
    if spec.id.lower() in taken:
        raise Refused(ErrorCode.TASK_EXISTS)
    if job_spec.preparation and spec.id.lower() == job_spec.preparation.id.lower():
        raise Refused(ErrorCode.TASK_ID_SAME_AS_JOB_PREPARATION_TASK)
    if job_spec.release and spec.id.lower() == job_spec.release.id.lower():
        raise Refused(ErrorCode.TASK_ID_SAME_AS_JOB_RELEASE_TASK)


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
        required_slots=spec.required_slots,
        retry_count_max=spec.max_task_retry_count,
    )


def _job_key(cascade: Cascade, account: str, job_id: str) -> JobKey:
    key = cascade.transaction.job_key(account, job_id)
    if key is None:
        raise Refused(ErrorCode.JOB_NOT_FOUND)
    return key


def _job(cascade: Cascade, key: JobKey) -> Job:
    job = cascade.jobs.get(key)
    if job is None:
        raise Refused(ErrorCode.JOB_NOT_FOUND)
    return job
