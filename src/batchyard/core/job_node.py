"""The life of a job on one node: its preparation there, its tasks, its release.

``unprepared -> preparing -> prepared -> releasing -> released``. The first task that placement
gives to the node has the job preparation task run; tasks wait for it on the node. If it fails for
good, the tasks go back and the job has nothing to do there any more (``failed``, J-69). When the
job ends and its tasks on the node are over, the job release task runs once where the preparation
had succeeded (J-77, J-78). ``released`` and ``dismissed`` are settled: the job waits for this node
no longer. A job whose deletion is forced waits for none, and has none released (J-42).

A job without a preparation task goes the same way; it has nothing to run at the two ends.
Source: J-67 ... J-86, S-19.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, assert_never

from msgspec.structs import replace

from batchyard.core import runs
from batchyard.core.effects import (
    Effect,
    GiveBackTasks,
    KeepDirectory,
    OpenExecution,
    Step,
)
from batchyard.core.errors import InvalidTransition
from batchyard.core.job_events import (
    DismissJobNode,
    JobEnding,
    JobNodeEvent,
    JobNodeSettled,
    JobTaskClosed,
    JobTaskOpened,
    NodeLeft,
    NodeRestarted,
    PreparationEnded,
    PreparationStarted,
    PrepareJobNode,
    ReleaseEnded,
    ReleaseStarted,
)
from batchyard.core.keys import ExecutionId, job_node_execution_id
from batchyard.core.model import Ending, JobNode
from batchyard.core.states import ExecutionKind, JobNodeState, TaskResult
from batchyard.core.task_events import StopExecution

UNPREPARED, PREPARING, PREPARED, FAILED, RELEASING, RELEASED, DISMISSED = JobNodeState

#: States in which the job has nothing left to do on the node.
SETTLED: Final = frozenset({RELEASED, DISMISSED})

MOVES: Final[Mapping[tuple[JobNodeState, type[JobNodeEvent]], frozenset[JobNodeState | None]]] = {
    (UNPREPARED, PrepareJobNode): frozenset({PREPARING, PREPARED}),
    # Its tasks of the former life of the node are told after the end of that life.
    (UNPREPARED, JobTaskClosed): frozenset({UNPREPARED, RELEASING, RELEASED, DISMISSED}),
    (UNPREPARED, JobEnding): frozenset({UNPREPARED, RELEASING, RELEASED, DISMISSED}),
    (UNPREPARED, NodeRestarted): frozenset({UNPREPARED}),
    (UNPREPARED, NodeLeft): frozenset({DISMISSED}),
    (UNPREPARED, DismissJobNode): frozenset({DISMISSED}),
    (PREPARING, PrepareJobNode): frozenset({PREPARING}),
    (PREPARING, JobTaskOpened): frozenset({PREPARING}),
    (PREPARING, JobTaskClosed): frozenset({PREPARING}),
    (PREPARING, PreparationStarted): frozenset({PREPARING}),
    (PREPARING, PreparationEnded): frozenset(
        {PREPARING, PREPARED, FAILED, RELEASING, RELEASED, DISMISSED}
    ),
    (PREPARING, JobEnding): frozenset({PREPARING}),
    (PREPARING, NodeRestarted): frozenset({UNPREPARED, DISMISSED}),
    (PREPARING, NodeLeft): frozenset({DISMISSED}),
    (PREPARING, DismissJobNode): frozenset({DISMISSED}),
    (PREPARED, PrepareJobNode): frozenset({PREPARED}),
    (PREPARED, JobTaskOpened): frozenset({PREPARED}),
    (PREPARED, JobTaskClosed): frozenset({PREPARED, RELEASING, RELEASED}),
    (PREPARED, JobEnding): frozenset({PREPARED, RELEASING, RELEASED}),
    (PREPARED, NodeRestarted): frozenset({UNPREPARED, PREPARED}),
    (PREPARED, NodeLeft): frozenset({DISMISSED}),
    (PREPARED, DismissJobNode): frozenset({DISMISSED}),
    (FAILED, JobTaskClosed): frozenset({FAILED, DISMISSED}),
    (FAILED, JobEnding): frozenset({FAILED, DISMISSED}),
    (FAILED, NodeRestarted): frozenset({FAILED}),
    (FAILED, NodeLeft): frozenset({DISMISSED}),
    (FAILED, DismissJobNode): frozenset({DISMISSED}),
    (RELEASING, ReleaseStarted): frozenset({RELEASING}),
    (RELEASING, ReleaseEnded): frozenset({RELEASING, RELEASED}),
    (RELEASING, JobEnding): frozenset({RELEASING}),  # Deleted after it was terminated.
    (RELEASING, NodeRestarted): frozenset({RELEASING}),
    (RELEASING, NodeLeft): frozenset({DISMISSED}),
    (RELEASING, DismissJobNode): frozenset({DISMISSED}),
    (RELEASED, JobEnding): frozenset({RELEASED}),
    (RELEASED, NodeRestarted): frozenset({RELEASED}),
    (RELEASED, NodeLeft): frozenset({RELEASED}),
    (RELEASED, DismissJobNode): frozenset({RELEASED}),
    (DISMISSED, JobEnding): frozenset({DISMISSED}),
    (DISMISSED, NodeRestarted): frozenset({DISMISSED}),
    (DISMISSED, NodeLeft): frozenset({DISMISSED}),
    (DISMISSED, DismissJobNode): frozenset({DISMISSED}),
}


def step(job_node: JobNode, event: JobNodeEvent, now: datetime) -> Step[JobNode]:
    """Apply one event to one job on one node.

    Raises:
        InvalidTransition: Its state cannot take this event.
    """
    if is_stale(job_node, event):
        return Step(job_node)
    moves = MOVES.get((job_node.state, type(event)))
    if moves is None:
        place = f"job {job_node.job} on node {job_node.node}"
        raise InvalidTransition(f"{place} is {job_node.state} and cannot take {event}")
    if job_node.state in SETTLED:
        return Step(job_node)
    match event:
        case PrepareJobNode():
            result = _prepare(job_node)
        case JobTaskOpened():
            result = Step(replace(job_node, tasks_open=job_node.tasks_open + 1))
        case JobTaskClosed():
            result = _finish(replace(job_node, tasks_open=job_node.tasks_open - 1))
        case PreparationStarted():
            run = runs.started(job_node.preparation, event.time)
            result = Step(replace(job_node, preparation=run))
        case PreparationEnded():
            result = _preparation_ended(job_node, event.ending)
        case ReleaseStarted():
            run = runs.started(job_node.release, event.time)
            result = Step(replace(job_node, release=run))
        case ReleaseEnded():
            result = _release_ended(job_node, event.ending)
        case JobEnding():
            result = _ending(job_node)
        case DismissJobNode():
            result = _dismissed(job_node)
        case NodeRestarted():
            result = _node_restarted(job_node)
        case NodeLeft():
            result = _settled(job_node, DISMISSED)
        case _:
            assert_never(event)
    state = None if result.entity is None else result.entity.state
    assert state in moves, (job_node, event, result)
    return result


def is_stale(job_node: JobNode, event: JobNodeEvent) -> bool:
    """Return whether `event` is news of an attempt that is over for the job."""
    match event:
        case PreparationStarted() | PreparationEnded():
            return job_node.state is not PREPARING or event.attempt != job_node.preparation.attempt
        case ReleaseStarted() | ReleaseEnded():
            return job_node.state is not RELEASING or event.attempt != job_node.release.attempt
        case JobTaskClosed():
            # A node that left took its tasks with it; the last of them may be told afterwards.
            return job_node.state in SETTLED or job_node.tasks_open == 0
        case _:
            return False


def check(job_node: JobNode) -> None:
    """Assert what is true of every stored job on a node."""
    assert job_node.tasks_open >= 0, job_node
    assert job_node.has_preparation or not job_node.has_release, job_node  # J-76
    assert job_node.state not in (PREPARING, FAILED) or job_node.has_preparation, job_node
    assert job_node.state is not RELEASING or (job_node.has_release and job_node.is_ending)


def _prepare(job_node: JobNode) -> Step[JobNode]:
    if job_node.state is not UNPREPARED:
        return Step(job_node)
    if not job_node.has_preparation:
        return Step(replace(job_node, state=PREPARED))
    return _run_preparation(replace(job_node, state=PREPARING), retry_count=0)


def _run_preparation(job_node: JobNode, retry_count: int) -> Step[JobNode]:
    run = runs.again(job_node.preparation, retry_count)
    prepared = replace(job_node, preparation=run)
    return Step(prepared, (_open(prepared, ExecutionKind.PREPARATION, run.attempt),))


def _preparation_ended(job_node: JobNode, ending: Ending | None) -> Step[JobNode]:
    if ending is None:  # It never started.
        if job_node.is_ending:
            return _finish(replace(job_node, state=FAILED))
        return _run_preparation(job_node, job_node.preparation.retry_count)
    run = runs.ended(job_node.preparation, ending)
    after = replace(job_node, preparation=run)
    if runs.may_retry(run, ending, after.preparation_retry_count_max) and not after.is_ending:
        return _run_preparation(after, run.retry_count + 1)
    kept = KeepDirectory(job_node.job, job_node.node, ExecutionKind.PREPARATION, ending.end_time)
    if run.result is TaskResult.SUCCESS or not (after.waits_for_preparation or after.is_ending):
        prepared = _finish(replace(after, state=PREPARED))  # J-69: a failure may not matter.
        return Step(prepared.entity, (kept, *prepared.effects))
    failed = _finish(replace(after, state=FAILED))
    given_back = GiveBackTasks(job_node.job, job_node.node)
    return Step(failed.entity, (kept, given_back, *failed.effects))


def _release_ended(job_node: JobNode, ending: Ending | None) -> Step[JobNode]:
    if ending is None:  # It never started.
        return _run_release(job_node)
    run = runs.ended(job_node.release, ending)
    kept = KeepDirectory(job_node.job, job_node.node, ExecutionKind.RELEASE, ending.end_time)
    settled = _settled(replace(job_node, release=run), RELEASED)
    return Step(settled.entity, (kept, *settled.effects))


def _ending(job_node: JobNode) -> Step[JobNode]:
    if job_node.state is RELEASING:
        return Step(job_node)
    ending = replace(job_node, is_ending=True)
    if job_node.state is PREPARING:
        return Step(ending, (StopExecution(key=_preparation_id(job_node)),))
    return _finish(ending)


def _dismissed(job_node: JobNode) -> Step[JobNode]:
    settled = _settled(job_node, DISMISSED)
    match job_node.state:
        case JobNodeState.PREPARING:
            running = _preparation_id(job_node)
        case JobNodeState.RELEASING:
            running = _release_id(job_node)
        case _:
            return settled
    return Step(settled.entity, (StopExecution(key=running), *settled.effects))


def _node_restarted(job_node: JobNode) -> Step[JobNode]:
    match job_node.state:
        case JobNodeState.RELEASING:
            return _run_release(job_node)  # J-83
        case JobNodeState.PREPARING if job_node.is_ending:
            return _settled(job_node, DISMISSED)
        case JobNodeState.PREPARED if not _has_to_rerun(job_node):
            return Step(job_node)
        case JobNodeState.PREPARING | JobNodeState.PREPARED:
            return Step(replace(job_node, state=UNPREPARED))
        case _:
            return Step(job_node)


def _has_to_rerun(job_node: JobNode) -> bool:
    """Whether the preparation runs again after a reboot (J-70)."""
    has_succeeded = job_node.preparation.result is TaskResult.SUCCESS
    return job_node.reruns_preparation or not has_succeeded


def _finish(job_node: JobNode) -> Step[JobNode]:
    """Go on to the release if the job ends and no task of it is left here (checked last)."""
    if not job_node.is_ending or job_node.tasks_open > 0 or job_node.state is PREPARING:
        return Step(job_node)
    if job_node.state is FAILED:
        return _settled(job_node, DISMISSED)
    if not job_node.has_preparation:
        return _settled(job_node, RELEASED)
    if not _was_prepared(job_node):
        return _settled(job_node, DISMISSED)
    if not job_node.has_release:
        return _settled(job_node, RELEASED)
    return _run_release(replace(job_node, state=RELEASING))


def _was_prepared(job_node: JobNode) -> bool:
    """Whether a release is due: the preparation succeeded, or did not have to (J-78)."""
    run = job_node.preparation
    return run.result is TaskResult.SUCCESS or (
        not job_node.waits_for_preparation and run.end_time is not None
    )


def _run_release(job_node: JobNode) -> Step[JobNode]:
    run = runs.again(job_node.release, retry_count=0)
    releasing = replace(job_node, release=run)
    return Step(releasing, (_open(releasing, ExecutionKind.RELEASE, run.attempt),))


def _settled(job_node: JobNode, state: JobNodeState) -> Step[JobNode]:
    settled = replace(job_node, state=state, tasks_open=0)
    return Step(settled, (JobNodeSettled(key=job_node.job),))


def _open(job_node: JobNode, kind: ExecutionKind, attempt: int) -> Effect:
    return OpenExecution(
        id=job_node_execution_id(kind, job_node.job, job_node.node, attempt),
        kind=kind,
        job=job_node.job,
        node=job_node.node,
        attempt=attempt,
    )


def _preparation_id(job_node: JobNode) -> ExecutionId:
    return job_node_execution_id(
        ExecutionKind.PREPARATION, job_node.job, job_node.node, job_node.preparation.attempt
    )


def _release_id(job_node: JobNode) -> ExecutionId:
    return job_node_execution_id(
        ExecutionKind.RELEASE, job_node.job, job_node.node, job_node.release.attempt
    )
