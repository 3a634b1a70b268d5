"""The work that nobody asks for: each loop looks at the rows and does what is due, step by step.

A loop runs in the writer's transaction, after the commands, for what was woken. Running one twice
equals running it once; a loop that is not done wakes itself.
"""

from datetime import datetime
from typing import Final

from batchyard.core import job as job_cycle
from batchyard.core import limits, placement
from batchyard.core import node as node_cycle
from batchyard.core import pool as pool_cycle
from batchyard.core.effects import (
    CountNodes,
    WakeFleet,
    WakePlacement,
    WakeSweep,
)
from batchyard.core.messages import (
    Event,
    JobEnding,
    JobNodeOpened,
    JobSwept,
    LeavePool,
    PrepareJobNode,
    ResizeFailed,
    TaskFilesRemoved,
    TaskPlaced,
    TerminateTask,
)
from batchyard.core.model import (
    AllocationState,
    Job,
    JobKey,
    JobNode,
    JobNodeState,
    JobState,
    Node,
    NodeKey,
    NodeOption,
    NodePlan,
    NodeState,
    Pool,
    PoolKey,
    PoolState,
)
from batchyard.engine.cascade import Cascade
from batchyard.engine.directories import job_directory, task_directory
from batchyard.engine.orders import must_wait
from batchyard.engine.removals import remove_directories
from batchyard.link import messages

#: Jobs that one round of placement looks at, at least. Source: ours.
_JOBS_A_LOOK: Final = 64


def place(cascade: Cascade, pool_key: PoolKey) -> None:
    """Give waiting tasks of a pool to nodes with free slots, in rounds until nothing fits."""
    pool = cascade.pools.get(pool_key)
    if pool is None or pool.state is not PoolState.ACTIVE:
        return
    offset = 0
    while offset < limits.PLACEMENTS_PER_ROUND_MAX:
        cascade.flush()
        nodes = [
            node
            for node in cascade.transaction.nodes_of_pool(pool_key)
            if node.state in node_cycle.USABLE
            and node.plan is NodePlan.STAY
            and node.slots_used < node.slots
        ]
        slots_free = sum(node.slots - node.slots_used for node in nodes)
        if slots_free == 0:
            return
        limit = min(max(slots_free, _JOBS_A_LOOK), limits.PLACEMENTS_PER_ROUND_MAX)
        jobs = cascade.transaction.waiting_jobs(pool_key, offset, limit)
        cascade.nodes.known((node.key, node) for node in nodes)
        cascade.jobs.known((job.key, job) for job in jobs)
        plan = placement.plan(_snapshot(cascade, pool, nodes, jobs, limit))
        cascade.tasks.read(item.task for item in plan)
        for item in plan:
            _carry_out(cascade, item)
        if len(jobs) < limit:
            if len(plan) >= limit:
                cascade.run([WakePlacement(pool_key)])
            return
        offset += len(jobs)


def _snapshot(
    cascade: Cascade, pool: Pool, nodes: list[Node], jobs: list[Job], limit: int
) -> placement.PoolSnapshot:
    places = [(job.key, node.key) for job in jobs if job.has_preparation for node in nodes]
    cascade.job_nodes.read(places)
    by_affinity = {affinity_id(node): node.key for node in nodes}
    slots_max = max(node.slots - node.slots_used for node in nodes)
    return placement.PoolSnapshot(
        fill_type=pool.node_fill_type,
        nodes=[placement.FreeNode(node.key, node.slots - node.slots_used) for node in nodes],
        jobs=[
            placement.WaitingJob(
                key=job.key,
                priority=job.priority,
                tasks=[
                    placement.WaitingTask(key, slots, by_affinity.get(wanted or ""))
                    for key, slots, wanted in cascade.transaction.waiting_tasks(
                        job.key, slots_max, limit
                    )
                ],
                unfit=frozenset(
                    node.key for node in nodes if _is_unfit(cascade, job.key, node.key)
                ),
            )
            for job in jobs
        ],
    )


def affinity_id(node: Node) -> str:
    """Return the name under which a task may prefer this node. Source: P-31, T-35."""
    return f"TVM:{node.id}"


def _is_unfit(cascade: Cascade, job: JobKey, node: NodeKey) -> bool:
    job_node = cascade.job_nodes.get((job, node))
    return job_node is not None and job_node.state is JobNodeState.FAILED


def _carry_out(cascade: Cascade, item: placement.Placement) -> None:
    """Prepare the node for the job if need be, then place the task."""
    key = (item.job, item.node)
    if cascade.job_nodes.get(key) is None:
        job = cascade.jobs.get(item.job)
        assert job is not None, item
        new = JobNode(
            job=item.job,
            node=item.node,
            state=JobNodeState.UNPREPARED,
            has_preparation=job.has_preparation,
            has_release=job.has_release,
            preparation_retry_count_max=job.preparation_retry_count_max,
            waits_for_preparation=job.waits_for_preparation,
            reruns_preparation=job.reruns_preparation,
        )
        cascade.job_nodes.put(key, new)
        cascade.run([JobNodeOpened(key=item.job)])
    cascade.run([PrepareJobNode(key=key)])
    job_node = cascade.job_nodes.get(key)
    assert job_node is not None, item
    needs_preparation = must_wait(job_node)
    cascade.run([TaskPlaced(key=item.task, node=item.node, needs_preparation=needs_preparation)])


def resize(cascade: Cascade, pool_key: PoolKey) -> None:
    """Make or let go the nodes that bring a pool to its target."""
    pool = cascade.pools.get(pool_key)
    if pool is None or pool.allocation_state is not AllocationState.RESIZING:
        return
    nodes = cascade.transaction.nodes_of_pool(pool_key)
    changes = pool_cycle.plan_nodes(pool, nodes)
    if changes.add and pool.is_windows:
        cascade.run([ResizeFailed(key=pool_key, error=pool_cycle.WINDOWS_NOT_AVAILABLE)])
        return
    cascade.nodes.known((node.key, node) for node in nodes)
    cascade.run(LeavePool(key=key, option=pool.resize_option) for key in changes.leave)
    first = cascade.transaction.reserve("node", len(changes.add)) if changes.add else 0
    for number, is_dedicated in enumerate(changes.add, first):
        node = _new_node(cascade, pool, NodeKey(number), is_dedicated=is_dedicated)
        cascade.nodes.put(node.key, node)
        cascade.run([WakeFleet(node.key)])
    cascade.run([CountNodes(pool_key)])


def _new_node(cascade: Cascade, pool: Pool, key: NodeKey, *, is_dedicated: bool) -> Node:
    kind = "d" if is_dedicated else "p"
    return Node(
        key=key,
        pool=pool.key,
        pool_id=pool.id,
        id=f"tvmps_{key:064x}_{kind}",
        is_dedicated=is_dedicated,
        state=NodeState.CREATING,
        state_time=cascade.now,
        allocation_time=cascade.now,
        slots=pool.task_slots_per_node,
    )


def resize_deadline(pool: Pool) -> datetime | None:
    """Return when a resize has to be given up (P-19), None while there is none."""
    if pool.state is not PoolState.ACTIVE or pool.allocation_state is AllocationState.STEADY:
        return None
    return pool.allocation_state_time + pool.resize_timeout


def give_up_resize(cascade: Cascade, pool_key: PoolKey) -> None:
    """End a resize whose time is over: the pool keeps the nodes that came up."""
    pool = cascade.pools.get(pool_key)
    deadline = None if pool is None else resize_deadline(pool)
    if deadline is None or deadline > cascade.now:
        return
    events: list[Event] = [ResizeFailed(key=pool_key, error=pool_cycle.TIMED_OUT)]
    events += [
        LeavePool(key=node.key, option=NodeOption.REQUEUE)
        for node in cascade.transaction.nodes_of_pool(pool_key)
        if node.state is NodeState.CREATING
    ]
    cascade.run(events)


def sweep(cascade: Cascade, job_key: JobKey) -> None:
    """Carry on with the end of a job: tell its nodes, end its tasks, at last delete its rows."""
    job = cascade.jobs.get(job_key)
    if job is None or job.state not in job_cycle.ENDING:
        return
    limit = limits.SWEEP_ENTITIES_MAX
    to_end = cascade.transaction.job_nodes_to_end(job_key, limit)
    running = cascade.transaction.placed_tasks(job_key, limit)
    cascade.job_nodes.known(((item.job, item.node), item) for item in to_end)
    cascade.tasks.known((item.key, item) for item in running)
    cascade.run(JobEnding(key=(item.job, item.node)) for item in to_end)
    cascade.run(TerminateTask(key=item.key) for item in running)
    if len(to_end) == limit or len(running) == limit:
        cascade.run([WakeSweep(job_key)])
        return
    job = cascade.jobs.get(job_key)
    if job is not None and job.state is JobState.DELETING and job.nodes_unsettled == 0:
        _delete_rows(cascade, job)


def _delete_rows(cascade: Cascade, job: Job) -> None:
    cascade.flush()
    left = cascade.transaction.delete_tasks(job.key, limits.SWEEP_ENTITIES_MAX)
    if left == 0:
        nodes = cascade.transaction.nodes_of_job(job.key)
        remove_directories(cascade, [(node, job_directory(job.id)) for node in nodes])
    cascade.run([JobSwept(key=job.key, tasks_left=left)])


def retain(cascade: Cascade) -> datetime | None:
    """Have the files removed whose retention is over (F-9); return when to look again."""
    limit = limits.SWEEP_ENTITIES_MAX
    due = cascade.transaction.tasks_with_files_due(cascade.now, limit)
    cascade.tasks.known((item.key, item) for item in due)
    directories = []
    specs = cascade.transaction.task_specs(item.key for item in due)
    for item in due:
        job = cascade.jobs.get(item.job)
        if job is not None and item.node is not None and cascade.nodes.get(item.node) is not None:
            directories.append((item.node, task_directory(job.id, specs[item.key].id)))
    cascade.run(TaskFilesRemoved(key=item.key) for item in due)
    remove_directories(cascade, directories)
    for node, removal, path in cascade.transaction.take_due_removals(cascade.now, limit):
        cascade.removals.append((node, messages.RemoveDirectory(removal, path)))
    cascade.flush()
    return cascade.transaction.next_files_due()
