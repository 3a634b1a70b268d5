"""The life of a job: ``active -> terminating -> completed``, and ``deleting`` from any of them.

One that is disabled runs nothing: it is ``disabling`` until its tasks have left every node, then
``disabled``. Enabling takes no time, so ``enabling`` is a state in passing (J-35 ... J-37).

A terminating or deleting job is its own to-do note: a sweep tells its nodes and ends its running
tasks. Once nothing is left to do on any node the job is ``completed``; a deleting one then loses
its tasks and at last its own row. Tasks that were ``active`` stay so for ever (S-14).

A job whose end is forced does not wait for its nodes: it is completed as soon as the sweep has told
them, and they do what is left by themselves; one that is deleted dismisses them. The auto pool of a
job goes with it, in the step that ends it.

A job with a job manager task lets its other tasks wait until that one has begun (J-57), and ends
with it unless it was told not to (J-60).
Source: 01 Job.state, J-39 ... J-60.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, assert_never

from msgspec.structs import replace

from batchyard.core import limits
from batchyard.core.effects import (
    Effect,
    Step,
    WakeJobs,
    WakePlacement,
    WakeSweep,
)
from batchyard.core.errors import ErrorCode, InvalidTransition, Refused
from batchyard.core.job_events import (
    DeleteJob,
    DisableJob,
    EnableJob,
    EndScheduledJob,
    ForceJobEnd,
    JobDue,
    JobEnabled,
    JobEndTold,
    JobEvent,
    JobNodeOpened,
    JobNodeSettled,
    JobOutOfTasks,
    JobQuiet,
    JobSwept,
    ManagerBegan,
    ManagerEnded,
    PerformJobAction,
    ScheduledJobOver,
    SchedulingFailed,
    TerminateJob,
    UpdateJob,
)
from batchyard.core.model import Job
from batchyard.core.pool_events import AutoPoolOver
from batchyard.core.states import DisableTasks, JobAction, JobState

ACTIVE = JobState.ACTIVE
DISABLING = JobState.DISABLING
DISABLED = JobState.DISABLED
ENABLING = JobState.ENABLING
TERMINATING = JobState.TERMINATING
COMPLETED = JobState.COMPLETED
DELETING = JobState.DELETING

#: States in which the job's nodes and tasks are being ended.
ENDING: Final = frozenset({TERMINATING, DELETING})

#: States of a job that has ended or is being ended.
OVER: Final = frozenset({TERMINATING, COMPLETED, DELETING})

MOVES: Final[Mapping[tuple[JobState, type[JobEvent]], frozenset[JobState | None]]] = {
    (ACTIVE, TerminateJob): frozenset({TERMINATING, COMPLETED}),
    (ACTIVE, EndScheduledJob): frozenset({TERMINATING, COMPLETED}),
    (ACTIVE, UpdateJob): frozenset({ACTIVE}),
    (ACTIVE, SchedulingFailed): frozenset({COMPLETED}),
    (ACTIVE, DeleteJob): frozenset({DELETING}),
    (ACTIVE, DisableJob): frozenset({DISABLING}),
    (ACTIVE, EnableJob): frozenset({ACTIVE}),
    (ACTIVE, PerformJobAction): frozenset({ACTIVE, DISABLING, TERMINATING, COMPLETED}),
    (ACTIVE, JobOutOfTasks): frozenset({ACTIVE}),
    (ACTIVE, ManagerBegan): frozenset({ACTIVE}),
    (ACTIVE, ManagerEnded): frozenset({ACTIVE, TERMINATING, COMPLETED}),
    (ACTIVE, JobDue): frozenset({ACTIVE, TERMINATING, COMPLETED}),
    (ACTIVE, JobNodeOpened): frozenset({ACTIVE}),
    (ACTIVE, JobNodeSettled): frozenset({ACTIVE}),
    (DISABLING, TerminateJob): frozenset({TERMINATING, COMPLETED}),
    (DISABLING, EndScheduledJob): frozenset({TERMINATING, COMPLETED}),
    (DISABLING, UpdateJob): frozenset({DISABLING}),
    (DISABLING, DeleteJob): frozenset({DELETING}),
    (DISABLING, DisableJob): frozenset({DISABLING}),
    (DISABLING, JobQuiet): frozenset({DISABLED}),
    (DISABLING, EnableJob): frozenset({ENABLING}),
    (DISABLING, PerformJobAction): frozenset({DISABLING, TERMINATING, COMPLETED}),
    (DISABLING, JobOutOfTasks): frozenset({DISABLING}),
    (DISABLING, ManagerBegan): frozenset({DISABLING}),
    (DISABLING, ManagerEnded): frozenset({DISABLING, TERMINATING, COMPLETED}),
    (DISABLING, JobDue): frozenset({DISABLING, TERMINATING, COMPLETED}),
    (DISABLING, JobNodeSettled): frozenset({DISABLING}),
    (DISABLED, TerminateJob): frozenset({TERMINATING, COMPLETED}),
    (DISABLED, EndScheduledJob): frozenset({TERMINATING, COMPLETED}),
    (DISABLED, UpdateJob): frozenset({DISABLED}),
    (DISABLED, DeleteJob): frozenset({DELETING}),
    (DISABLED, DisableJob): frozenset({DISABLED}),
    (DISABLED, EnableJob): frozenset({ENABLING}),
    (DISABLED, PerformJobAction): frozenset({DISABLED, TERMINATING, COMPLETED}),
    (DISABLED, JobOutOfTasks): frozenset({DISABLED}),
    (DISABLED, ManagerBegan): frozenset({DISABLED}),
    (DISABLED, ManagerEnded): frozenset({DISABLED, TERMINATING, COMPLETED}),
    (DISABLED, JobDue): frozenset({DISABLED, TERMINATING, COMPLETED}),
    (DISABLED, JobNodeSettled): frozenset({DISABLED}),
    (ENABLING, JobEnabled): frozenset({ACTIVE}),
    (TERMINATING, ForceJobEnd): frozenset({TERMINATING}),
    (TERMINATING, DeleteJob): frozenset({DELETING}),
    (TERMINATING, JobNodeSettled): frozenset({TERMINATING, COMPLETED}),
    (TERMINATING, JobEndTold): frozenset({COMPLETED}),
    (COMPLETED, DeleteJob): frozenset({DELETING}),
    (COMPLETED, JobNodeSettled): frozenset({COMPLETED}),
    (DELETING, ForceJobEnd): frozenset({DELETING}),
    (DELETING, JobNodeSettled): frozenset({DELETING}),
    (DELETING, JobSwept): frozenset({DELETING, None}),
}

REFUSALS: Final[Mapping[tuple[JobState, type[JobEvent]], ErrorCode]] = {
    (TERMINATING, TerminateJob): ErrorCode.JOB_BEING_TERMINATED,
    (COMPLETED, TerminateJob): ErrorCode.JOB_COMPLETED,
    (DELETING, TerminateJob): ErrorCode.JOB_BEING_DELETED,
    (TERMINATING, UpdateJob): ErrorCode.JOB_BEING_TERMINATED,
    (COMPLETED, UpdateJob): ErrorCode.JOB_COMPLETED,
    (DELETING, UpdateJob): ErrorCode.JOB_BEING_DELETED,
    (DELETING, DeleteJob): ErrorCode.JOB_BEING_DELETED,
    (TERMINATING, DisableJob): ErrorCode.JOB_BEING_TERMINATED,
    (COMPLETED, DisableJob): ErrorCode.JOB_COMPLETED,
    (DELETING, DisableJob): ErrorCode.JOB_BEING_DELETED,
    (TERMINATING, EnableJob): ErrorCode.JOB_BEING_TERMINATED,
    (COMPLETED, EnableJob): ErrorCode.JOB_COMPLETED,
    (DELETING, EnableJob): ErrorCode.JOB_BEING_DELETED,
}

#: Why no task can be added any more. Source: 01, Calls refused by state.
ADD_TASK_REFUSALS: Final[Mapping[JobState, ErrorCode]] = {
    TERMINATING: ErrorCode.JOB_BEING_TERMINATED,
    COMPLETED: ErrorCode.JOB_COMPLETED,
    DELETING: ErrorCode.JOB_BEING_DELETED,
}

#: Reasons of a termination: one that a client asks for without naming one, and our own.
#: Source: J-22, J-39, J-41, J-60.
USER_TERMINATE: Final = "UserTerminate"
ALL_TASKS_COMPLETE: Final = "AllTasksComplete"
TASK_FAILED: Final = "TaskFailed"
MANAGER_COMPLETE: Final = "JMComplete"
EXPIRED: Final = "MaxWallClockTimeExpiry"
SCHEDULE_TERMINATED: Final = "TerminateJobSchedule"


def step(job: Job, event: JobEvent, now: datetime) -> Step[Job]:
    """Apply one event to one job.

    Raises:
        Refused: ``JobBeingTerminated``, ``JobCompleted``, ``JobBeingDeleted``.
        InvalidTransition: The job's state cannot take this event.
    """
    if is_stale(job, event):
        return Step(job)
    if (job.state, type(event)) in REFUSALS:
        raise Refused(REFUSALS[job.state, type(event)])
    moves = MOVES.get((job.state, type(event)))
    if moves is None:
        raise InvalidTransition(f"job {job.id} is {job.state} and cannot take {event}")
    match event:
        case TerminateJob():
            result = _terminated(job, event.reason, now)
        case EndScheduledJob():
            result = _terminated(job, SCHEDULE_TERMINATED, now)
        case UpdateJob():
            result = _updated(job, event, now)
        case SchedulingFailed():
            result = _completed(replace(job, scheduling_error=event.error), now)
        case DeleteJob():
            result = _settle(replace(_moved(job, DELETING, now), is_forced=False), now)
        case ForceJobEnd():
            result = Step(replace(job, is_forced=True), (WakeSweep(job.key),))
        case DisableJob():
            result = _disabled(job, event.tasks, now)
        case JobQuiet():
            result = Step(replace(_moved(job, DISABLED, now), disable_tasks=None))
        case EnableJob():
            result = _enabled(job, now)
        case JobEnabled():
            result = Step(_moved(job, ACTIVE, now), _placement(job))
        case PerformJobAction():
            result = _acted(job, event, now)
        case JobOutOfTasks():
            result = _out_of_tasks(job, now)
        case ManagerBegan():
            result = _manager_began(job)
        case ManagerEnded():
            result = _manager_ended(job, now)
        case JobDue():
            result = _due(job, event, now)
        case JobNodeOpened():
            result = Step(replace(job, nodes_unsettled=job.nodes_unsettled + 1))
        case JobNodeSettled():
            result = _settle(replace(job, nodes_unsettled=job.nodes_unsettled - 1), now)
        case JobEndTold():
            result = _completed(job, now)
        case JobSwept():
            result = _swept(job, event)
        case _:
            assert_never(event)
    state = None if result.entity is None else result.entity.state
    assert state in moves, (job, event, result)
    return result


def is_stale(job: Job, event: JobEvent) -> bool:
    """Return whether `event` is news that has come too late for the state of the job."""
    match event:
        case (
            JobOutOfTasks()
            | ManagerBegan()
            | ManagerEnded()
            | JobDue()
            | PerformJobAction()
            | EndScheduledJob()
        ):
            return job.state in OVER
        case JobQuiet():
            return job.state is not DISABLING
        case ForceJobEnd():
            return job.state is COMPLETED
        case JobEndTold():
            return job.state is not TERMINATING or not job.is_forced
        case _:
            return False


def check(job: Job) -> None:
    """Assert what is true of every stored job."""
    assert job.nodes_unsettled >= 0, job
    assert job.state is not COMPLETED or job.nodes_unsettled == 0 or job.is_forced, job
    assert (job.end_time is None) == (job.state is not COMPLETED) or job.state is DELETING, job
    assert job.has_preparation or not job.has_release, job  # J-76
    assert job.due_time is None or job.state not in OVER, job
    assert (job.disable_tasks is None) == (job.state is not DISABLING), job
    assert not job.is_forced or job.state in OVER, job
    assert job.scheduling_error is None or job.state in (COMPLETED, DELETING), job
    assert job.has_manager or not (job.awaits_manager or job.ends_with_manager), job


def _settle(job: Job, now: datetime) -> Step[Job]:
    """What follows from the state of things, by whichever way it came about (checked last)."""
    if job.state not in ENDING:
        return Step(job)
    if job.nodes_unsettled > 0 or job.state is DELETING:
        return Step(job, (WakeSweep(job.key),))
    return _completed(job, now)


def _terminated(job: Job, reason: str, now: datetime) -> Step[Job]:
    return _settle(replace(_moved(job, TERMINATING, now), terminate_reason=reason), now)


def _completed(job: Job, now: datetime) -> Step[Job]:
    return Step(replace(_moved(job, COMPLETED, now), end_time=now), _over(job))


def _over(job: Job) -> tuple[Effect, ...]:
    """The pool that was made for a job goes with it, unless it is to stay (J-46, J-49).

    The schedule that made the job may make the next one.
    """
    effects: list[Effect] = []
    if job.auto_pool is not None and not job.keeps_pool:
        effects.append(AutoPoolOver(key=job.auto_pool))
    if job.schedule is not None:
        effects.append(ScheduledJobOver(key=job.schedule, job=job.key))
    return tuple(effects)


def begun(job: Job) -> Step[Job]:
    """Return a new job with what is due of it: one without tasks is given time for its first."""
    check_time = job.creation_time + limits.EMPTY_JOB_GRACE if job.ends_with_tasks else None
    return _awaiting(replace(job, tasks_check_time=check_time))


def _updated(job: Job, event: UpdateJob, now: datetime) -> Step[Job]:
    updated = replace(
        job,
        priority=event.priority,
        allows_preemption=event.allows_preemption,
        max_parallel_tasks=event.max_parallel_tasks,
        ends_with_tasks=event.ends_with_tasks,
        expiry_time=event.expiry_time,
        keeps_pool=event.keeps_pool,
        revision=job.revision + 1,
        last_modified=now,
    )
    if event.pool_id is not None:
        updated = replace(updated, pool_id=event.pool_id, pool=event.pool)
    if updated.ends_with_tasks and not job.ends_with_tasks:
        updated = replace(updated, tasks_check_time=now + limits.OUT_OF_TASKS_GRACE)
    awaiting = _awaiting(updated)
    return Step(awaiting.entity, (*awaiting.effects, *_placement(updated)))


def _placement(job: Job) -> tuple[WakePlacement, ...]:
    return () if job.pool is None else (WakePlacement(job.pool),)


def _disabled(job: Job, tasks: DisableTasks, now: datetime) -> Step[Job]:
    """Another option than before counts for what runs still."""
    if job.state is DISABLED:
        return Step(job)
    disabling = job if job.state is DISABLING else _moved(job, DISABLING, now)
    return Step(replace(disabling, disable_tasks=tasks), (WakeSweep(job.key),))


def _acted(job: Job, event: PerformJobAction, now: datetime) -> Step[Job]:
    """A task acts on its job as a client does, with requeue where it disables it (J-24)."""
    if not job.performs_job_actions:
        return Step(job)
    match event.action:
        case JobAction.NONE:
            return Step(job)
        case JobAction.DISABLE:
            return _disabled(job, DisableTasks.REQUEUE, now)
        case JobAction.TERMINATE:
            return _terminated(job, TASK_FAILED, now)
        case _:
            assert_never(event.action)


def _enabled(job: Job, now: datetime) -> Step[Job]:
    if job.state is ACTIVE:
        return Step(job)
    enabling = replace(_moved(job, ENABLING, now), disable_tasks=None)
    return Step(enabling, (JobEnabled(key=job.key),))


def _out_of_tasks(job: Job, now: datetime) -> Step[Job]:
    if not job.ends_with_tasks:
        return Step(job)
    return _awaiting(replace(job, tasks_check_time=now + limits.OUT_OF_TASKS_GRACE))


def _manager_began(job: Job) -> Step[Job]:
    if not job.awaits_manager:
        return Step(job)
    return Step(replace(job, awaits_manager=False), _placement(job))


def _manager_ended(job: Job, now: datetime) -> Step[Job]:
    """J-60. One that never began, because it was terminated, is not waited for either."""
    if job.ends_with_manager:
        return _terminated(job, MANAGER_COMPLETE, now)
    return _manager_began(job)


def _due(job: Job, event: JobDue, now: datetime) -> Step[Job]:
    """The clock may have been set back since the job was looked for: then it is awaited again."""
    if job.expiry_time is not None and job.expiry_time <= now:
        return _terminated(job, EXPIRED, now)
    if job.tasks_check_time is not None and job.tasks_check_time <= now:
        if not event.has_open_tasks:
            return _terminated(job, ALL_TASKS_COMPLETE, now)
        job = replace(job, tasks_check_time=None)
    return _awaiting(job)


def _awaiting(job: Job) -> Step[Job]:
    """Note when something of the job is due next."""
    times = [time for time in (job.expiry_time, job.tasks_check_time) if time is not None]
    due_time = min(times, default=None)
    awaiting = job if due_time == job.due_time else replace(job, due_time=due_time)
    return Step(awaiting, () if due_time is None else (WakeJobs(due_time),))


def _swept(job: Job, event: JobSwept) -> Step[Job]:
    if event.tasks_left == 0 and job.nodes_unsettled == 0:
        return Step(None, _over(job))
    return Step(job, (WakeSweep(job.key),) if job.nodes_unsettled == 0 else ())


def _moved(job: Job, state: JobState, now: datetime) -> Job:
    """A change of state is a change of the resource: it moves the ETag (S-4)."""
    return replace(
        job,
        state=state,
        due_time=None if state in OVER else job.due_time,
        disable_tasks=None if state in OVER else job.disable_tasks,
        state_time=now,
        previous_state=job.state,
        previous_state_time=job.state_time,
        revision=job.revision + 1,
        last_modified=now,
    )
