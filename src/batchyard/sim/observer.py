"""Shows the judge what the service shows to callers, in the judge's own words."""

from typing import Final

from batchyard.core.model import Usage
from batchyard.engine.views import NodeView, TaskCounts, TaskView
from batchyard.sim.audit.shown import (
    Shown,
    ShownCounts,
    ShownJob,
    ShownNode,
    ShownPool,
    ShownSchedule,
    ShownTask,
)
from batchyard.sim.fleet import node_name
from batchyard.sim.timeline import Timeline
from batchyard.store.store import MemoryStore

#: Everything that a small world has fits on one page.
_LIMIT: Final = 1000


def shown(store: MemoryStore, account: str, timeline: Timeline) -> Shown:
    """Return everything at this instant."""
    reads = store.reads
    views = reads.list_jobs(account, 0, _LIMIT, with_statistics=True).items
    jobs = [view.job for view in views]
    pools = [view.pool for view in reads.list_pools(account, 0, _LIMIT).items]
    return Shown(
        time=timeline.now(),
        tasks=tuple(
            _task(view)
            for job in jobs
            for view in reads.list_tasks(account, job.id, 0, _LIMIT).items
        ),
        jobs=tuple(
            ShownJob(
                job=view.job.id,
                state=str(view.job.state),
                pool=view.job.pool_id,
                counts=_counts(reads.task_counts(account, view.job.id)),
                used_microseconds=_used(None if view.statistics is None else view.statistics.usage),
                reason=view.job.terminate_reason,
                creation_time=view.job.creation_time,
            )
            for view in views
        ),
        schedules=tuple(
            ShownSchedule(
                schedule=view.schedule.id,
                state=str(view.schedule.state),
                creation_time=view.schedule.creation_time,
            )
            for view in reads.list_job_schedules(account, 0, _LIMIT).items
        ),
        nodes=tuple(
            _node(view)
            for pool in pools
            for view in reads.list_nodes(account, pool.id, 0, _LIMIT).items
        ),
        pools=tuple(
            ShownPool(
                pool=pool.id,
                allocation_state=str(pool.allocation_state),
                target_nodes=pool.target_dedicated_nodes + pool.target_low_priority_nodes,
                has_errors=bool(pool.resize_errors),
                state=str(pool.state),
            )
            for pool in pools
        ),
    )


def _task(view: TaskView) -> ShownTask:
    task = view.task
    return ShownTask(
        job=view.job_id,
        task=view.spec.id,
        state=str(task.state),
        result=None if task.result is None else str(task.result),
        exit_code=task.exit_code,
        retry_count=task.retry_count,
        requeue_count=task.requeue_count,
        creation_time=view.creation_time,
        start_time=task.start_time,
        end_time=task.end_time,
        used_microseconds=_used(task.usage),
    )


def _used(usage: Usage | None) -> int:
    return 0 if usage is None else usage.user_microseconds + usage.kernel_microseconds


def _counts(counts: TaskCounts) -> ShownCounts:
    return ShownCounts(
        active=counts.active,
        running=counts.running,
        succeeded=counts.succeeded,
        failed=counts.failed,
        active_slots=counts.active_slots,
        running_slots=counts.running_slots,
        succeeded_slots=counts.succeeded_slots,
        failed_slots=counts.failed_slots,
    )


def _node(view: NodeView) -> ShownNode:
    return ShownNode(node=node_name(view.node.key), pool=view.node.pool_id, state=view.node.state)
