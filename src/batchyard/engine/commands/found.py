"""Things found by the names that callers give them, or refused.

A *guard* looks at a resource as it is, in the writer's transaction, before it is changed; it raises
`Refused` if the caller's conditions are not met (S-21).
"""

from collections.abc import Callable

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import JobKey, JobScheduleKey, TaskKey
from batchyard.core.model import Job, JobSchedule, Node, Pool, Task
from batchyard.core.states import NodeState
from batchyard.engine.cascade import Cascade
from batchyard.engine.views import JobScheduleView, JobView, NodeName, PoolView, TaskView

PoolGuard = Callable[[PoolView], None] | None
JobGuard = Callable[[JobView], None] | None
JobScheduleGuard = Callable[[JobScheduleView], None] | None
TaskGuard = Callable[[TaskView], None] | None


def pool(cascade: Cascade, account: str, pool_id: str, guard: PoolGuard = None) -> Pool:
    """Return a pool.

    Raises:
        Refused: ``PoolNotFound``, and what the guard says.
    """
    key = cascade.transaction.pool_key(account, pool_id)
    found = None if key is None else cascade.pools.get(key)
    if found is None:
        raise Refused(ErrorCode.POOL_NOT_FOUND)
    if guard is not None:
        guard(pool_view(cascade, found))
    return found


def nodes(cascade: Cascade, of_pool: Pool, node_ids: list[str]) -> list[Node]:
    """Return nodes of a pool by their ids, in any case.

    Raises:
        Refused: ``NodeNotFound`` if one of them is not there.
    """
    present = cascade.transaction.nodes_of_pool(of_pool.key)
    cascade.nodes.known((node.key, node) for node in present)
    by_id = {node.id.lower(): node for node in present}
    for node_id in node_ids:
        if node_id.lower() not in by_id:
            raise Refused(ErrorCode.NODE_NOT_FOUND, NodeId=node_id)
    return [by_id[node_id] for node_id in dict.fromkeys(map(str.lower, node_ids))]


def job(cascade: Cascade, account: str, job_id: str, guard: JobGuard = None) -> Job:
    """Return a job.

    Raises:
        Refused: ``JobNotFound``, and what the guard says.
    """
    key = cascade.transaction.job_key(account, job_id)
    found = None if key is None else cascade.jobs.get(key)
    if found is None:
        raise Refused(ErrorCode.JOB_NOT_FOUND)
    if guard is not None:
        guard(job_view(cascade, found.key))
    return found


def job_schedule(
    cascade: Cascade, account: str, schedule_id: str, guard: JobScheduleGuard = None
) -> JobSchedule:
    """Return a job schedule.

    Raises:
        Refused: ``JobScheduleNotFound``, and what the guard says.
    """
    key = cascade.transaction.job_schedule_key(account, schedule_id)
    found = None if key is None else cascade.job_schedules.get(key)
    if found is None:
        raise Refused(ErrorCode.JOB_SCHEDULE_NOT_FOUND)
    if guard is not None:
        guard(job_schedule_view(cascade, found.key))
    return found


def task(
    cascade: Cascade, account: str, job_id: str, task_id: str, guard: TaskGuard = None
) -> tuple[Job, Task]:
    """Return a task and its job.

    Raises:
        Refused: ``JobNotFound``, ``TaskNotFound``, and what the guard says.
    """
    of_job = job(cascade, account, job_id)
    key = cascade.transaction.task_keys(of_job.key, [task_id]).get(task_id.lower())
    found = None if key is None else cascade.tasks.get(key)
    if found is None:
        raise Refused(ErrorCode.TASK_NOT_FOUND)
    if guard is not None:
        guard(task_view(cascade, of_job, found.key))
    return of_job, found


def pool_view(cascade: Cascade, of: Pool) -> PoolView:
    """Return a pool as it is shown."""
    present = [
        node
        for node in cascade.transaction.nodes_of_pool(of.key)
        if node.state is not NodeState.CREATING
    ]
    return PoolView(
        pool=of,
        spec=cascade.transaction.pool_spec(of.key),
        current_dedicated_nodes=sum(node.is_dedicated for node in present),
        current_low_priority_nodes=sum(not node.is_dedicated for node in present),
    )


def job_view(cascade: Cascade, key: JobKey) -> JobView:
    """Return a job, which is there, as it is shown."""
    found = cascade.jobs.get(key)
    assert found is not None, key
    return JobView(job=found, spec=cascade.transaction.job_spec(key))


def job_schedule_view(cascade: Cascade, key: JobScheduleKey) -> JobScheduleView:
    """Return a job schedule, which is there, as it is shown."""
    found = cascade.job_schedules.get(key)
    assert found is not None, key
    return JobScheduleView(schedule=found, spec=cascade.transaction.job_schedule_spec(key))


def task_view(cascade: Cascade, of_job: Job, key: TaskKey) -> TaskView:
    """Return a task, which is there, as it is shown."""
    found = cascade.tasks.get(key)
    assert found is not None, key
    place = None if found.node is None else cascade.nodes.get(found.node)
    return TaskView(
        task=found,
        spec=cascade.transaction.task_specs([key])[key],
        job_id=of_job.id,
        creation_time=cascade.transaction.task_creation_time(key),
        node=(
            None
            if place is None
            else NodeName(key=place.key, pool_id=place.pool_id, node_id=place.id)
        ),
    )
