"""Which tasks a node tells of: the last that ended there, and those that run. Source: P-33."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, func, select

from batchyard.core import execution as execution_cycle
from batchyard.core import limits
from batchyard.core.keys import NodeKey, TaskKey
from batchyard.core.model import Gang, Node, Subtask
from batchyard.core.states import ExecutionKind
from batchyard.engine.views import RecentTask
from batchyard.store import schema
from batchyard.store.reading.base import AnyRow, columns
from batchyard.store.statements.rows import GANGS, TASKS


def of_nodes(
    connection: Connection, nodes: Sequence[Node]
) -> Mapping[NodeKey, Sequence[RecentTask]]:
    """Return the recent tasks of nodes, the latest last; of each node no more than a few."""
    running = _running(connection, [node.key for node in nodes])
    wanted = {node.key: _latest(node, running.get(node.key, ())) for node in nodes}
    keys = {key for found in wanted.values() for key in found}
    if not keys:
        return {}
    tasks, gangs = _tasks(connection, keys), _gangs(connection, keys)
    return {
        node: [
            _view(tasks[key], gangs.get(key), node)
            for key in found
            if key in tasks and _was_here(gangs.get(key), node)
        ]
        for node, found in wanted.items()
    }


def _latest(node: Node, running: Sequence[TaskKey]) -> Sequence[TaskKey]:
    """Return what has ended, then what runs; a task that runs again once."""
    ended = [key for key in node.recent_tasks if key not in running]
    return [*ended, *running][-limits.RECENT_TASKS_MAX :]


def _running(connection: Connection, nodes: Iterable[NodeKey]) -> dict[NodeKey, list[TaskKey]]:
    execution = schema.execution
    place = func.row_number().over(partition_by=execution.c.node, order_by=execution.c.task.desc())
    ranked = (
        select(execution.c.node, execution.c.task, place.label("place"))
        .where(
            execution.c.node.in_(nodes),
            execution.c.kind.in_((ExecutionKind.TASK, ExecutionKind.SUBTASK)),
            execution.c.state.not_in(execution_cycle.WAITING),
        )
        .subquery()
    )
    query = select(ranked.c.node, ranked.c.task).where(ranked.c.place <= limits.RECENT_TASKS_MAX)
    found: dict[NodeKey, list[TaskKey]] = {}
    for node, task in connection.execute(query.order_by(ranked.c.task)):
        found.setdefault(NodeKey(node), []).append(TaskKey(task))
    return found


def _tasks(connection: Connection, keys: Iterable[TaskKey]) -> dict[TaskKey, AnyRow]:
    task, spec, job = schema.task, schema.task_spec, schema.job
    query = (
        select(*columns(task, TASKS), spec.c.id.label("task_id"), job.c.id.label("job_id"))
        .join(spec, spec.c.key == task.c.key)
        .join(job, job.c.key == task.c.job)
        .where(task.c.key.in_(keys))
    )
    return {TaskKey(row.key): row for row in connection.execute(query)}


def _gangs(connection: Connection, keys: Iterable[TaskKey]) -> dict[TaskKey, Gang]:
    query = select(*columns(schema.gang, GANGS)).where(schema.gang.c.key.in_(keys))
    return {gang.key: gang for gang in map(GANGS.decode, connection.execute(query))}


def _was_here(gang: Gang | None, node: NodeKey) -> bool:
    """Return whether a node is one of a task's latest attempt, or the task is for one node."""
    return gang is None or _subtask(gang, node) is not None


def _view(row: AnyRow, gang: Gang | None, node: NodeKey) -> RecentTask:
    return RecentTask(
        job_id=row.job_id,
        task_id=row.task_id,
        task=TASKS.decode(row),
        subtask=None if gang is None else _subtask(gang, node),
    )


def _subtask(gang: Gang, node: NodeKey) -> Subtask | None:
    return next((one for one in gang.subtasks if one.node == node), None)
