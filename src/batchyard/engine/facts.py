"""The facts that reasons are made from: of jobs, with their pools and nodes, in one look."""

from collections.abc import Iterable, Iterator, Sequence

from batchyard.core import limits, placement, waiting
from batchyard.core.keys import NodeKey, PoolKey
from batchyard.core.model import Job, Node, Task
from batchyard.engine.ports import Transaction
from batchyard.engine.waits import Held


def as_waiting(job: Job, task: Task, affinity: NodeKey | None = None) -> placement.WaitingTask:
    """Return what placement wants to know of a task; a manager goes where it may (J-61, J-62)."""
    if task.instances:
        return placement.WaitingTask(
            task.key,
            task.required_slots,
            affinity,
            nodes=task.instances,
            is_multi_instance=True,
        )
    if not task.is_manager:
        return placement.WaitingTask(task.key, task.required_slots, affinity)
    return placement.WaitingTask(
        task.key,
        task.required_slots,
        is_exclusive=job.manager_is_exclusive,
        needs_dedicated=job.manager_needs_dedicated,
        goes_first=True,
        is_restarted_manager=task.is_restarted_manager,
    )


def by_kind(job: Job, tasks: Iterable[Task]) -> dict[waiting.Kind, list[Task]]:
    """Return tasks by their classes, in their order."""
    found: dict[waiting.Kind, list[Task]] = {}
    for task in tasks:
        found.setdefault(waiting.kind(as_waiting(job, task)), []).append(task)
    return found


def gather(
    transaction: Transaction, jobs: Sequence[Job], held: Held
) -> Iterator[tuple[Job, waiting.Facts]]:
    """Yield jobs with what placement would decide from; each pool is read once."""
    pools = transaction.pools({job.pool for job in jobs if job.pool is not None})
    nodes: dict[PoolKey, list[Node]] = {key: transaction.nodes_of_pool(key) for key in pools}
    prepared = [job.key for job in jobs if job.has_preparation]
    failed = transaction.waits.failed_preparations(prepared) if prepared else {}
    limited = [job.key for job in jobs if _is_limited(job)]
    placed = transaction.open_task_counts(limited)
    led = [job.key for job in jobs if _is_limited(job) and job.has_manager]
    managed = transaction.open_managers(led) if led else set()
    for job in jobs:
        pool = None if job.pool is None else pools.get(job.pool)
        here = [] if pool is None else nodes[pool.key]
        most = None
        if _is_limited(job):
            most = job.max_parallel_tasks - placed.get(job.key, 0) + (job.key in managed)
        kept = frozenset() if pool is None else held.get(pool.key, frozenset())
        yield (
            job,
            waiting.Facts(
                job=job,
                pool=pool,
                nodes=here,
                unfit=failed.get(job.key, {}),
                tasks_max=most,
                held=kept.intersection(node.key for node in here),
            ),
        )


def _is_limited(job: Job) -> bool:
    return job.max_parallel_tasks != limits.PARALLEL_TASKS_UNLIMITED
