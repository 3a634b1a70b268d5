"""The work that nobody asks for: each loop looks at the rows and does what is due, step by step.

A loop runs in the writer's transaction, after the commands, for what was woken. Running one twice
equals running it once; a loop that is not done wakes itself.
"""

from collections.abc import Sequence
from datetime import datetime

from batchyard.core import job as job_cycle
from batchyard.core import limits
from batchyard.core import pool as pool_cycle
from batchyard.core.effects import (
    CountNodes,
    WakeFleet,
    WakeSweep,
)
from batchyard.core.job_events import (
    DismissJobNode,
    JobDue,
    JobEnding,
    JobEndTold,
    JobQuiet,
    JobSwept,
)
from batchyard.core.keys import JobKey, NodeKey, PoolKey, task_execution_id
from batchyard.core.messages import Event
from batchyard.core.model import Job, JobNode, Node, Pool, Task
from batchyard.core.pool_events import LeavePool, ResizeFailed
from batchyard.core.states import (
    AllocationState,
    DisableTasks,
    JobState,
    NodeOption,
    NodeState,
    PoolState,
    TaskState,
)
from batchyard.core.task_events import (
    RecallExecution,
    RequeueTask,
    StopExecution,
    TaskFilesRemoved,
    TaskGivenBack,
    TaskOutlived,
    TerminateAttempt,
    TerminateTask,
)
from batchyard.engine.cascade import Cascade
from batchyard.engine.directories import job_directory, task_directory
from batchyard.engine.ports import Transaction
from batchyard.engine.removals import nodes_of_task, remove_directories
from batchyard.link import messages


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
    """Carry on with the end of a job: tell its nodes, end its tasks, at last delete its rows.

    Of one that is being disabled only the tasks are taken from the nodes.
    """
    job = cascade.jobs.get(job_key)
    if job is not None and job.state is JobState.DISABLING:
        _quieten(cascade, job)
    if job is None or job.state not in job_cycle.ENDING:
        return
    limit = limits.SWEEP_ENTITIES_MAX
    to_end = _job_nodes_to_end(cascade, job, limit)
    running = cascade.transaction.placed_tasks(job_key, limit)
    cascade.job_nodes.known(((item.job, item.node), item) for item in to_end)
    cascade.tasks.known((item.key, item) for item in running)
    told = DismissJobNode if _dismisses(job) else JobEnding
    cascade.run(told(key=(item.job, item.node)) for item in to_end)
    cascade.run(event for item in running for event in _ended_with_job(item))
    if len(to_end) == limit or len(running) == limit:
        cascade.run([WakeSweep(job_key)])
        return
    cascade.run([JobEndTold(key=job_key)])
    job = cascade.jobs.get(job_key)
    if job is not None and job.state is JobState.DELETING and job.nodes_unsettled == 0:
        _delete_rows(cascade, job)


def _dismisses(job: Job) -> bool:
    """Whether a job goes without waiting for what its nodes have left to do (J-42)."""
    return job.is_forced and job.state is JobState.DELETING


def _job_nodes_to_end(cascade: Cascade, job: Job, limit: int) -> list[JobNode]:
    if _dismisses(job):
        return cascade.transaction.unsettled_job_nodes(job.key, limit)
    return cascade.transaction.job_nodes_to_end(job.key, limit)


def _quieten(cascade: Cascade, job: Job) -> None:
    """Take the tasks of a job from its nodes, or wait for those that run (J-35, J-36)."""
    limit = limits.SWEEP_ENTITIES_MAX
    if job.disable_tasks is DisableTasks.WAIT:
        queued = cascade.transaction.queued_executions(job.key, limit)
        cascade.executions.known((execution.id, execution) for execution in queued)
        cascade.run(RecallExecution(key=execution.id) for execution in queued)
        found = len(queued)
    else:
        placed = cascade.transaction.placed_tasks(job.key, limit)
        cascade.tasks.known((task.key, task) for task in placed)
        event = RequeueTask if job.disable_tasks is DisableTasks.REQUEUE else TerminateAttempt
        cascade.run(event(key=task.key, attempt=task.attempt) for task in placed)
        found = len(placed)
    if found == limit:
        cascade.run([WakeSweep(job.key)])
    cascade.flush()
    if not cascade.transaction.has_task_executions(job.key):
        cascade.run([JobQuiet(key=job.key)])


def _ended_with_job(task: Task) -> tuple[Event, ...]:
    """Return what becomes of a placed task: one that nobody was told to run stays active (S-14)."""
    if task.state is not TaskState.ACTIVE:
        return (TerminateTask(key=task.key),)
    return (
        TaskGivenBack(key=task.key, attempt=task.attempt),
        StopExecution(key=task_execution_id(task.key, task.attempt)),
    )


def _delete_rows(cascade: Cascade, job: Job) -> None:
    cascade.flush()
    left = cascade.transaction.delete_tasks(job.key, limits.SWEEP_ENTITIES_MAX)
    if left == 0:
        nodes = cascade.transaction.nodes_of_job(job.key)
        remove_directories(cascade, [(node, job_directory(job.id)) for node in nodes])
    cascade.run([JobSwept(key=job.key, tasks_left=left)])


def expire(cascade: Cascade) -> datetime | None:
    """Do what is due of jobs (J-16, J-19); return when to look again."""
    due = cascade.transaction.jobs_due(cascade.now, limits.SWEEP_ENTITIES_MAX)
    cascade.jobs.known((job.key, job) for job in due)
    has_open = cascade.transaction.jobs_with_open_tasks(job.key for job in due)
    cascade.run(JobDue(key=job.key, has_open_tasks=job.key in has_open) for job in due)
    cascade.flush()
    return cascade.transaction.next_job_due()


def retain(cascade: Cascade) -> datetime | None:
    """Have the files removed whose retention is over (F-9); return when to look again."""
    limit = limits.SWEEP_ENTITIES_MAX
    due = cascade.transaction.tasks_with_files_due(cascade.now, limit)
    cascade.tasks.known((item.key, item) for item in due)
    directories = _directories_of(cascade, due)
    cascade.run(TaskFilesRemoved(key=item.key) for item in due)
    remove_directories(cascade, directories)
    for node, removal, path in cascade.transaction.take_due_removals(cascade.now, limit):
        cascade.removals.append((node, messages.RemoveDirectory(removal, path)))
    cascade.flush()
    return cascade.transaction.next_files_due()


def outlive(cascade: Cascade) -> datetime | None:
    """End the tasks that are open at the end of their lifetime (T-8); return when to look again.

    A lifetime ends in the order of keys, as it began: so tasks are walked through by their keys,
    each of them once, and until then its end costs nothing, not even a place in an index.
    """
    added_before = cascade.now - limits.TASK_LIFETIME_MAX
    open_tasks = cascade.transaction.take_outlived_tasks(added_before, limits.SWEEP_ENTITIES_MAX)
    cascade.tasks.known((item.key, item) for item in open_tasks)
    directories = _directories_of(cascade, open_tasks)
    cascade.run(TaskOutlived(key=item.key) for item in open_tasks)
    cascade.flush()
    remove_directories(cascade, directories)
    return lifetime_end(cascade.transaction)


def lifetime_end(transaction: Transaction) -> datetime | None:
    """Return when the lifetime of the next task ends, None if there is no task."""
    added = transaction.next_lifetime_start()
    return None if added is None else added + limits.TASK_LIFETIME_MAX


def _directories_of(cascade: Cascade, tasks: Sequence[Task]) -> list[tuple[NodeKey, str]]:
    """Return the directories of tasks on nodes that are still there."""
    specs = cascade.transaction.task_specs(item.key for item in tasks)
    directories = []
    for item in tasks:
        job = cascade.jobs.get(item.job)
        if job is not None:
            directory = task_directory(job.id, specs[item.key].id)
            directories += [(node, directory) for node in nodes_of_task(cascade, item)]
    return directories
