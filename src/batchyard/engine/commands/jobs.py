"""Commands about jobs."""

from msgspec.structs import replace

from batchyard.core import job as job_cycle
from batchyard.core import times
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.job_events import (
    DeleteJob,
    DisableJob,
    EnableJob,
    ForceJobEnd,
    SchedulingFailed,
    TerminateJob,
    UpdateJob,
)
from batchyard.core.keys import JobKey, JobScheduleKey
from batchyard.core.model import Job
from batchyard.core.specs import JobChange, JobSpec
from batchyard.core.states import (
    DisableTasks,
    JobState,
    OnAllTasksComplete,
    OnTaskFailure,
    PoolLifetime,
)
from batchyard.engine.cascade import Cascade
from batchyard.engine.commands import auto_pools, found, managers
from batchyard.engine.commands.found import JobGuard
from batchyard.engine.commands.tasks import add_manager
from batchyard.engine.views import JobView


def create_job(cascade: Cascade, account: str, spec: JobSpec) -> JobView:
    """Create a job, and its auto pool if it asks for one; another pool need not exist yet (J-8).

    Raises:
        Refused: ``JobExists``, ``JobScheduleWithSameIdExists``.
    """
    if cascade.transaction.job_key(account, spec.id) is not None:
        raise Refused(ErrorCode.JOB_EXISTS)
    if cascade.transaction.job_schedule_key(account, spec.id) is not None:
        raise Refused(ErrorCode.JOB_SCHEDULE_WITH_SAME_ID_EXISTS)
    return make_job(cascade, account, JobKey(cascade.transaction.reserve("job", 1)), spec)


def make_job(
    cascade: Cascade,
    account: str,
    key: JobKey,
    spec: JobSpec,
    schedule: JobScheduleKey | None = None,
) -> JobView:
    """Make a job of a new key and id, and its auto pool if it asks for one that is not there."""
    now = cascade.now
    if spec.auto_pool is None or spec.pool_id:
        pool = cascade.transaction.pool_key(account, spec.pool_id)
    else:
        spec, pool = auto_pools.create(cascade, account, key, spec, spec.auto_pool)
    job = Job(
        key=key,
        account=account,
        id=spec.id,
        pool_id=spec.pool_id,
        pool=pool,
        priority=spec.priority,
        revision=1,
        creation_time=now,
        last_modified=now,
        state=JobState.ACTIVE,
        state_time=now,
        start_time=now,
        allows_preemption=spec.allow_task_preemption,
        max_parallel_tasks=spec.max_parallel_tasks,
        performs_job_actions=spec.on_task_failure is not OnTaskFailure.NO_ACTION,
        uses_task_dependencies=spec.uses_task_dependencies,
        ends_with_tasks=spec.on_all_tasks_complete is OnAllTasksComplete.TERMINATE_JOB,
        expiry_time=times.after(now, spec.max_wall_clock_time),
        auto_pool=pool if _owns_pool(spec) else None,
        keeps_pool=_keeps_pool(spec),
        schedule=schedule,
    )
    if spec.preparation is not None:
        job = replace(
            job,
            has_preparation=True,
            has_release=spec.release is not None,
            preparation_retry_count_max=spec.preparation.max_task_retry_count,
            waits_for_preparation=spec.preparation.wait_for_success,
            reruns_preparation=spec.preparation.rerun_on_node_reboot_after_success,
        )
    spec = managers.complete(spec)
    if spec.manager is not None:
        job = managers.led(job, spec.manager)
    begun = job_cycle.begun(job)
    assert begun.entity is not None
    cascade.transaction.add_job(begun.entity, spec)
    cascade.jobs.added(job.key, begun.entity)
    cascade.run(begun.effects)
    if spec.manager is not None:
        add_manager(cascade, begun.entity, spec.manager.task)
    if spec.auto_pool is not None and pool is None:
        failure = auto_pools.id_is_taken(spec.pool_id)
        cascade.run([SchedulingFailed(key=key, error=failure)])
    created = cascade.jobs.get(key)
    assert created is not None
    return JobView(job=created, spec=spec)


def _owns_pool(spec: JobSpec) -> bool:
    return spec.auto_pool is not None and spec.auto_pool.lifetime is PoolLifetime.JOB


def _keeps_pool(spec: JobSpec) -> bool:
    return spec.auto_pool is not None and spec.auto_pool.keep_alive


def update_job(
    cascade: Cascade, account: str, job_id: str, change: JobChange, guard: JobGuard = None
) -> JobView:
    """Change what may change of a job (J-27 ... J-34); tasks that exist keep their retry counts.

    Raises:
        Refused: ``JobNotFound``, ``JobBeingTerminated``, ``JobCompleted``, ``JobBeingDeleted``,
            ``OperationInvalidForCurrentState`` for another pool, ``InvalidPropertyValue`` for
            ``noaction`` after ``terminatejob`` and for another auto pool, and what the guard says.
    """
    job = found.job(cascade, account, job_id, guard)
    spec = cascade.transaction.job_spec(job.key)
    if change.auto_pool is not None:
        spec = auto_pools.change(spec, change.auto_pool)
    new_pool = _new_pool(job, spec, change)
    if new_pool is not None:
        spec = replace(spec, pool_id=new_pool)
    if change.priority is not None:
        spec = replace(spec, priority=change.priority)
    if change.allow_task_preemption is not None:
        spec = replace(spec, allow_task_preemption=change.allow_task_preemption)
    if change.max_parallel_tasks is not None:
        spec = replace(spec, max_parallel_tasks=change.max_parallel_tasks)
    if change.constraints is not None:
        spec = replace(
            spec,
            max_wall_clock_time=change.constraints.max_wall_clock_time,
            max_task_retry_count=change.constraints.max_task_retry_count,
        )
    if change.on_all_tasks_complete is not None:
        _check_on_all_tasks_complete(spec.on_all_tasks_complete, change.on_all_tasks_complete)
        spec = replace(spec, on_all_tasks_complete=change.on_all_tasks_complete)
    if change.metadata is not None:
        spec = replace(spec, metadata=change.metadata or None)
    update = UpdateJob(
        key=job.key,
        priority=spec.priority,
        pool_id=new_pool,
        pool=None if new_pool is None else cascade.transaction.pool_key(account, new_pool),
        allows_preemption=spec.allow_task_preemption,
        max_parallel_tasks=spec.max_parallel_tasks,
        ends_with_tasks=spec.on_all_tasks_complete is OnAllTasksComplete.TERMINATE_JOB,
        expiry_time=times.after(job.creation_time, spec.max_wall_clock_time),
        keeps_pool=_keeps_pool(spec),
    )
    cascade.run([update])
    cascade.transaction.update_job_spec(job.key, spec)
    return found.job_view(cascade, job.key)


def _new_pool(job: Job, spec: JobSpec, change: JobChange) -> str | None:
    """Return the id of another pool that the job is to run in (J-30 ... J-33)."""
    if change.pool_id is None:
        return None
    if spec.auto_pool is not None:
        reason = "the job has an auto pool and keeps it; leave poolId out"
        raise Refused.of_property("poolInfo.poolId", change.pool_id, reason)
    if change.pool_id.lower() == job.pool_id.lower():
        return None
    if job.state not in job_cycle.OVER and job.state is not JobState.DISABLED:
        raise Refused(
            ErrorCode.OPERATION_INVALID_FOR_CURRENT_STATE,
            PropertyName="poolInfo",
            Reason="the pool of a job changes only while the job is disabled",
        )
    return change.pool_id


def _check_on_all_tasks_complete(before: OnAllTasksComplete, after: OnAllTasksComplete) -> None:
    """Refuse to let a job go on that was to end with its tasks (J-21)."""
    if before is OnAllTasksComplete.TERMINATE_JOB and after is not before:
        raise Refused.of_property(
            "onAllTasksComplete",
            after,
            "it is terminatejob by now, and stays so: give terminatejob again",
        )


def terminate_job(
    cascade: Cascade,
    account: str,
    job_id: str,
    reason: str | None,
    guard: JobGuard = None,
    *,
    is_forced: bool = False,
) -> JobView:
    """Terminate a job: its running tasks end, then its release tasks run (J-39, J-40).

    One that is forced does not wait for its nodes; a termination that waits may be forced (J-42).

    Raises:
        Refused: ``JobNotFound``, ``JobBeingTerminated``, ``JobCompleted``, ``JobBeingDeleted``, and
            what the guard says.
    """
    job = found.job(cascade, account, job_id, guard)
    if not (is_forced and job.state is JobState.TERMINATING):
        cascade.run([TerminateJob(key=job.key, reason=reason or job_cycle.USER_TERMINATE)])
    if is_forced:
        cascade.run([ForceJobEnd(key=job.key)])
    return found.job_view(cascade, job.key)


def disable_job(
    cascade: Cascade, account: str, job_id: str, tasks: DisableTasks, guard: JobGuard = None
) -> JobView:
    """Disable a job: nothing more of it runs; `tasks` says what becomes of what does (J-35).

    Raises:
        Refused: ``JobNotFound``, ``JobBeingTerminated``, ``JobCompleted``, ``JobBeingDeleted``, and
            what the guard says.
    """
    job = found.job(cascade, account, job_id, guard)
    cascade.run([DisableJob(key=job.key, tasks=tasks)])
    return found.job_view(cascade, job.key)


def enable_job(cascade: Cascade, account: str, job_id: str, guard: JobGuard = None) -> JobView:
    """Enable a job: its tasks run again (J-37). One that is active stays so.

    Raises:
        Refused: As `disable_job`.
    """
    job = found.job(cascade, account, job_id, guard)
    cascade.run([EnableJob(key=job.key)])
    return found.job_view(cascade, job.key)


def delete_job(
    cascade: Cascade, account: str, job_id: str, guard: JobGuard = None, *, is_forced: bool = False
) -> None:
    """Delete a job, running its release tasks first if they have not run (J-44, J-45).

    One that is forced goes at once, and what runs of it is ended when its nodes are met; a deletion
    that waits may be forced (J-42).

    Raises:
        Refused: ``JobNotFound``, ``JobBeingDeleted``, and what the guard says.
    """
    job = found.job(cascade, account, job_id, guard)
    if not (is_forced and job.state is JobState.DELETING):
        cascade.run([DeleteJob(key=job.key)])
    if is_forced:
        cascade.run([ForceJobEnd(key=job.key)])
