"""Entities by their keys, and their changes."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from sqlite3 import Connection
from typing import Final, TypeVar

from msgspec.structs import fields
from sqlalchemy import Table

from batchyard.core import counts
from batchyard.core.keys import ExecutionId, JobKey, JobScheduleKey, NodeKey, PoolKey, TaskKey
from batchyard.core.model import Execution, Gang, Job, JobNode, JobSchedule, Node, Pool, Task
from batchyard.engine.ports import Changes
from batchyard.store import dependencies, schema, sets
from batchyard.store.statements.base import Statements
from batchyard.store.statements.rows import (
    EXECUTIONS,
    GANGS,
    GONE,
    JOB_NODES,
    JOB_SCHEDULES,
    JOBS,
    NODES,
    POOLS,
    TASKS,
    select_list,
)
from batchyard.store.values import Codec, Column, to_json

Entity = TypeVar("Entity")

_COUNTS: Final = tuple(field.name for field in fields(counts.CountsChange))
_NODE_STATE: Final = NODES.columns.index("state")


class EntityStatements(Statements):
    """Entities as sets: loaded by key, and saved by what changed."""

    def pools(self, keys: Iterable[PoolKey]) -> dict[PoolKey, Pool]:
        """Return pools."""
        return {pool.key: pool for pool in self._select(schema.pool, POOLS, "key", keys)}

    def nodes(self, keys: Iterable[NodeKey]) -> dict[NodeKey, Node]:
        """Return nodes that are not gone."""
        rows = sets.select(self._connection, schema.node, NODES.columns, "key", keys)
        found = (NODES.decode(row) for row in rows if row[_NODE_STATE] != GONE)
        return {node.key: node for node in found}

    def jobs(self, keys: Iterable[JobKey]) -> dict[JobKey, Job]:
        """Return jobs."""
        return {job.key: job for job in self._select(schema.job, JOBS, "key", keys)}

    def tasks(self, keys: Iterable[TaskKey]) -> dict[TaskKey, Task]:
        """Return tasks."""
        return {task.key: task for task in self._select(schema.task, TASKS, "key", keys)}

    def job_nodes(
        self, keys: Iterable[tuple[JobKey, NodeKey]]
    ) -> dict[tuple[JobKey, NodeKey], JobNode]:
        """Return jobs on nodes."""
        batch = to_json(list(keys))
        sql = (
            f"SELECT {select_list(JOB_NODES, 'job_node.')} FROM json_each(?) AS pair JOIN job_node "
            "ON job_node.job = json_extract(pair.value, '$[0]') "
            "AND job_node.node = json_extract(pair.value, '$[1]')"
        )
        found = [JOB_NODES.decode(row) for row in self._execute(sql, batch)]
        return {(job_node.job, job_node.node): job_node for job_node in found}

    def executions(self, keys: Iterable[ExecutionId]) -> dict[ExecutionId, Execution]:
        """Return executions that are not known to be over."""
        found = self._select(schema.execution, EXECUTIONS, "id", keys)
        return {execution.id: execution for execution in found}

    def job_schedules(self, keys: Iterable[JobScheduleKey]) -> dict[JobScheduleKey, JobSchedule]:
        """Return job schedules."""
        found = self._select(schema.job_schedule, JOB_SCHEDULES, "key", keys)
        return {schedule.key: schedule for schedule in found}

    def gangs(self, keys: Iterable[TaskKey]) -> dict[TaskKey, Gang]:
        """Return the gangs of multi-instance tasks."""
        return {gang.key: gang for gang in self._select(schema.gang, GANGS, "key", keys)}

    def save(self, changes: Changes) -> None:
        """Insert, update and delete entities, and change the task counts of their jobs."""
        self._save(schema.pool, POOLS, changes.pools)
        self._save(schema.job, JOBS, changes.jobs)
        self._save(schema.job_schedule, JOB_SCHEDULES, changes.job_schedules)
        self._save(schema.task, TASKS, changes.tasks)
        self._save(schema.execution, EXECUTIONS, changes.executions, key="id")
        self._save(schema.gang, GANGS, changes.gangs)
        self._save_nodes(changes.nodes)
        self._save_job_nodes(changes.job_nodes)
        self._forget_tasks([before.key for before, after in changes.tasks if before and not after])
        self._forget_jobs([before.key for before, after in changes.jobs if before and not after])
        count(self._connection, changes.tasks)

    def delete_tasks(self, job: JobKey, limit: int) -> int:
        """Delete at most `limit` tasks of a job and return how many are left.

        What they wait for goes first, and counts as left.
        """
        forgotten = dependencies.forget(self._connection, job, limit)
        if forgotten:
            return forgotten
        rows = self._execute("SELECT key FROM task_spec WHERE job = ? LIMIT ?", job, limit)
        keys = [TaskKey(row[0]) for row in rows]
        sets.delete(self._connection, schema.task, "key", keys)
        self._forget_tasks(keys)
        sql = "SELECT count(*) FROM (SELECT 1 FROM task_spec WHERE job = ? LIMIT ?)"
        left: int = self._one(sql, job, limit)
        return left

    def _save(
        self,
        table: Table,
        codec: Codec[Entity],
        changes: Sequence[tuple[Entity | None, Entity | None]],
        key: str = "key",
    ) -> None:
        if not changes:
            return
        added = [codec.encode(after) for before, after in changes if before is None and after]
        gone = [getattr(before, key) for before, after in changes if before and after is None]
        sets.insert(self._connection, table, codec.columns, added)
        sets.delete(self._connection, table, key, gone)
        self._update(table, codec, (key,), changes)

    def _update(
        self,
        table: Table,
        codec: Codec[Entity],
        keys: tuple[str, ...],
        changes: Sequence[tuple[Entity | None, Entity | None]],
    ) -> None:
        """Set the columns that differ in any of the changes: a batch is mostly of one kind."""
        pairs = [(before, after) for before, after in changes if before and after]
        if not pairs:
            return
        names = codec.differing(pairs)
        write = codec.writer((*keys, *names))
        rows = [write(after) for before, after in pairs if before != after]
        sets.update(self._connection, table, keys, codec.columns_of(names), rows)

    def _save_nodes(self, changes: Sequence[tuple[Node | None, Node | None]]) -> None:
        if not changes:
            return
        self._save(schema.node, NODES, [(before, after) for before, after in changes if after])
        gone: list[list[Column]] = [
            [before.key, GONE] for before, after in changes if before and after is None
        ]
        sets.update(self._connection, schema.node, ("key",), ("state",), gone)
        keys = [before.key for before, after in changes if before and after is None]
        sets.delete(self._connection, schema.directory_removal, "node", keys)

    def _save_job_nodes(self, changes: Sequence[tuple[JobNode | None, JobNode | None]]) -> None:
        if not changes:
            return
        added = [JOB_NODES.encode(after) for before, after in changes if before is None and after]
        sets.insert(self._connection, schema.job_node, JOB_NODES.columns, added)
        self._update(schema.job_node, JOB_NODES, ("job", "node"), changes)

    def _forget_tasks(self, keys: Sequence[TaskKey]) -> None:
        sets.delete(self._connection, schema.task_spec, "key", keys)
        sets.delete(self._connection, schema.gang, "key", keys)

    def _forget_jobs(self, keys: Sequence[JobKey]) -> None:
        sets.delete(self._connection, schema.job_counts, "job", keys)
        sets.delete(self._connection, schema.job_node, "job", keys)
        sets.delete(self._connection, schema.waiting_reason, "job", keys)


def count(connection: Connection, changes: Sequence[tuple[Task | None, Task | None]]) -> None:
    """Add what changes of tasks mean to the counts of their jobs."""
    if not changes:
        return
    by_job = counts.of_changes(changes)
    names = [name for name in _COUNTS if any(map(attrgetter(name), by_job.values()))]
    if names:
        gains = [(job, [getattr(gain, name) for name in names]) for job, gain in by_job.items()]
        rows = [[job, *numbers] for job, numbers in gains if any(numbers)]
        sets.add(connection, schema.job_counts, ("job",), names, rows)
