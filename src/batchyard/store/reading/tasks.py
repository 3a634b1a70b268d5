"""Tasks and their subtasks."""

from typing import Any

from sqlalchemy import select

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import NodeKey
from batchyard.engine.filters import Filter
from batchyard.engine.views import NodeName, Page, SubtaskView, TaskView
from batchyard.store import schema, task_lists
from batchyard.store.reading.base import AnyRow, Reading, columns
from batchyard.store.reading.named import job_row
from batchyard.store.statements.rows import GANGS, TASKS
from batchyard.store.statements.specs import TASK_SPEC
from batchyard.store.values import from_microseconds


class TaskReads(Reading):
    """Reads of tasks."""

    def get_task(self, account: str, job_id: str, task_id: str) -> TaskView:
        """Return a task."""
        spec = schema.task_spec
        with self._begin() as connection:
            job = job_row(connection, account, job_id)
            query = _tasks().where(spec.c.job == job.key, spec.c.id_folded == task_id.lower())
            row = connection.execute(query).first()
        if row is None:
            raise Refused(ErrorCode.TASK_NOT_FOUND)
        return _task_view(row, job.id)

    def list_tasks(
        self, account: str, job_id: str, after: int, limit: int, filter_: Filter | None = None
    ) -> Page[TaskView]:
        """Return the tasks of a job."""
        with self._begin() as connection:
            job = job_row(connection, account, job_id)
            found = task_lists.page(
                connection, _tasks(), job=job.key, after=after, limit=limit, condition=filter_
            )
        items = [_task_view(row, job.id) for row in found.rows]
        return Page(items=items, next_after=found.next_after)

    def list_subtasks(self, account: str, job_id: str, task_id: str) -> list[SubtaskView]:
        """Return the subtasks of a multi-instance task but for the primary's (T-62)."""
        spec, gang, node = schema.task_spec, schema.gang, schema.node
        with self._begin() as connection:
            job = job_row(connection, account, job_id)
            key = connection.execute(
                select(spec.c.key).where(spec.c.job == job.key, spec.c.id_folded == task_id.lower())
            ).scalar()
            if key is None:
                raise Refused(ErrorCode.TASK_NOT_FOUND)
            query = select(*columns(gang, GANGS)).where(gang.c.key == key)
            row = connection.execute(query).first()
            subtasks = () if row is None else GANGS.decode(row).subtasks[1:]
            nodes = select(node.c.key, node.c.pool_id, node.c.id)
            rows = connection.execute(nodes.where(node.c.key.in_([one.node for one in subtasks])))
            names = {
                row.key: NodeName(key=NodeKey(row.key), pool_id=row.pool_id, node_id=row.id)
                for row in rows
            }
        return [
            SubtaskView(job_id=job.id, task_id=task_id, subtask=one, node=names[one.node])
            for one in subtasks
        ]


def _tasks() -> Any:  # noqa: ANN401  # A select of many columns.
    task, spec, node = schema.task, schema.task_spec, schema.node
    return (
        select(
            *columns(task, TASKS),
            spec.c.spec,
            spec.c.creation_time,
            node.c.pool_id,
            node.c.id.label("node_id"),
        )
        .join(spec, spec.c.key == task.c.key)
        .outerjoin(node, node.c.key == task.c.node)
    )


def _task_view(row: AnyRow, job_id: str) -> TaskView:
    task = TASKS.decode(row)
    node = None
    if task.node is not None:
        node = NodeName(key=task.node, pool_id=row.pool_id, node_id=row.node_id)
    return TaskView(
        task=task,
        spec=TASK_SPEC.decode(row.spec),
        job_id=job_id,
        creation_time=from_microseconds(row.creation_time),
        node=node,
    )
