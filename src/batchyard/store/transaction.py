"""The engine's transaction on SQL: entities as sets, and the questions that deciding asks."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from operator import attrgetter
from sqlite3 import Connection, Cursor
from typing import Any, Final, TypeVar

import msgspec
from msgspec.structs import fields
from sqlalchemy import Table

from batchyard.core import counts, placement
from batchyard.core.keys import ExecutionId, JobKey, JobScheduleKey, NodeKey, PoolKey, TaskKey
from batchyard.core.model import Execution, Gang, Job, JobNode, JobSchedule, Node, Pool, Task
from batchyard.core.specs import JobScheduleSpec, JobSpec, PoolSpec, TaskDependencies, TaskSpec
from batchyard.engine.ports import Changes, OpenJob, OpenTask, UsableNode
from batchyard.store import dependencies, job_schedules, lifetimes, managers, schema, sets
from batchyard.store.schema import TASK_SIZE
from batchyard.store.values import Codec, Column, from_microseconds, to_json, to_microseconds
from batchyard.store.waiting import IS_READY, IS_WAITING, SqlWaits

Key = TypeVar("Key", bound=int | str)
Entity = TypeVar("Entity")

POOLS: Final = Codec(Pool)
NODES: Final = Codec(Node)
JOBS: Final = Codec(Job)
TASKS: Final = Codec(Task)
JOB_NODES: Final = Codec(JobNode)
JOB_SCHEDULES: Final = Codec(JobSchedule)
EXECUTIONS: Final = Codec(Execution)
GANGS: Final = Codec(Gang)

_TASK_SPEC: Final = msgspec.json.Decoder(TaskSpec)
_POOL_SPEC: Final = msgspec.json.Decoder(PoolSpec)
_JOB_SPEC: Final = msgspec.json.Decoder(JobSpec)
_JOB_SCHEDULE_SPEC: Final = msgspec.json.Decoder(JobScheduleSpec)
COUNTS: Final = tuple(field.name for field in fields(counts.CountsChange))


class SqlTransaction:
    """See `batchyard.engine.ports.Transaction`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo the writes inside if it raises."""
        self._execute("SAVEPOINT command")
        try:
            yield
        except BaseException:
            self._execute("ROLLBACK TO command")
            self._execute("RELEASE command")
            raise
        self._execute("RELEASE command")

    def reserve(self, kind: str, count: int) -> int:
        """Return the first of `count` keys that were never given away."""
        sql = (
            "INSERT INTO counter (name, next_key) VALUES (?, 1 + ?) "
            "ON CONFLICT (name) DO UPDATE SET next_key = next_key + ? RETURNING next_key"
        )
        next_key: int = self._one(sql, kind, count, count)
        return next_key - count

    # Entities by key.

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
            f"SELECT {_names(JOB_NODES, 'job_node.')} FROM json_each(?) AS pair JOIN job_node "
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
        self._count(changes.tasks)

    # Entities by name, and new ones.

    def pool_key(self, account: str, pool_id: str) -> PoolKey | None:
        """Return the key of a pool by its id in any case."""
        sql = "SELECT key FROM pool WHERE account = ? AND id_folded = ?"
        row = self._execute(sql, account, pool_id.lower()).fetchone()
        return None if row is None else PoolKey(row[0])

    def job_key(self, account: str, job_id: str) -> JobKey | None:
        """Return the key of a job by its id in any case."""
        sql = "SELECT key FROM job WHERE account = ? AND id_folded = ?"
        row = self._execute(sql, account, job_id.lower()).fetchone()
        return None if row is None else JobKey(row[0])

    def job_schedule_key(self, account: str, schedule_id: str) -> JobScheduleKey | None:
        """Return the key of a job schedule by its id in any case."""
        sql = "SELECT key FROM job_schedule WHERE account = ? AND id_folded = ?"
        row = self._execute(sql, account, schedule_id.lower()).fetchone()
        return None if row is None else JobScheduleKey(row[0])

    def task_keys(self, job: JobKey, task_ids: Iterable[str]) -> dict[str, TaskKey]:
        """Return the keys of tasks by their ids, folded to lower case."""
        sql = (
            "SELECT id_folded, key FROM task_spec "
            "WHERE job = ? AND id_folded IN (SELECT value FROM json_each(?))"
        )
        batch = to_json([task_id.lower() for task_id in task_ids])
        return {row[0]: TaskKey(row[1]) for row in self._execute(sql, job, batch)}

    def add_pool(self, pool: Pool, spec: PoolSpec) -> None:
        """Insert a pool; jobs that wait for one of its name get it."""
        columns = (*POOLS.columns, "id_folded", "vm_size", "spec")
        row = [*POOLS.encode(pool), pool.id.lower(), spec.vm_size, to_json(spec)]
        sets.insert(self._connection, schema.pool, columns, [row])
        sql = "UPDATE job SET pool = ? WHERE account = ? AND pool_id_folded = ? AND pool IS NULL"
        self._execute(sql, pool.key, pool.account, pool.id.lower())

    def add_job(self, job: Job, spec: JobSpec) -> None:
        """Insert a job with counts of zero."""
        columns = (*JOBS.columns, "id_folded", "pool_id_folded", "spec")
        row = [*JOBS.encode(job), job.id.lower(), job.pool_id.lower(), to_json(spec)]
        sets.insert(self._connection, schema.job, columns, [row])
        self._execute("INSERT INTO job_counts (job) VALUES (?)", job.key)

    def add_job_schedule(self, schedule: JobSchedule, spec: JobScheduleSpec) -> None:
        """Insert a job schedule."""
        columns = (*JOB_SCHEDULES.columns, "id_folded", "spec")
        row = [*JOB_SCHEDULES.encode(schedule), schedule.id.lower(), to_json(spec)]
        sets.insert(self._connection, schema.job_schedule, columns, [row])

    def add_tasks(self, job: JobKey, tasks: Sequence[tuple[Task, TaskSpec]]) -> None:
        """Insert tasks of one job and add them to its counts."""
        columns = ("key", "job", "id", "id_folded", "creation_time", "spec")
        specs: list[list[Column]] = [
            [
                task.key,
                job,
                spec.id,
                spec.id.lower(),
                to_microseconds(task.state_time),
                to_json(spec),
            ]
            for task, spec in tasks
        ]
        sets.insert(self._connection, schema.task_spec, columns, specs)
        rows = [TASKS.encode(task) for task, _ in tasks]
        sets.insert(self._connection, schema.task, TASKS.columns, rows)
        self._count([(None, task) for task, _ in tasks])

    def add_dependencies(
        self, job: JobKey, dependents: Sequence[tuple[TaskKey, TaskDependencies]]
    ) -> dict[TaskKey, int]:
        """Write down what new tasks wait for; return how much of that is not satisfied yet."""
        return dependencies.add(self._connection, job, dependents)

    def satisfy_dependents(self, job: JobKey, tasks: Iterable[TaskKey], now: datetime) -> set[int]:
        """Count completed tasks off from what waits for them; return slots of what may run."""
        return dependencies.satisfy(self._connection, job, tasks, now)

    @property
    def waits(self) -> SqlWaits:
        """The questions that only the answer to "why does it wait" asks."""
        return SqlWaits(self._connection)

    # What belongs together.

    def nodes_of_pool(self, pool: PoolKey) -> list[Node]:
        """Return the nodes of a pool that are not gone, the oldest first."""
        return self._query(schema.node, NODES, "pool = ? AND state <> 'gone' ORDER BY key", pool)

    def executions_of_node(self, node: NodeKey) -> list[Execution]:
        """Return what a node has to run or to stop, the oldest first."""
        return self._query(schema.execution, EXECUTIONS, "node = ? ORDER BY job, task, id", node)

    def job_nodes_of_node(self, node: NodeKey) -> list[JobNode]:
        """Return the jobs of a node that are not settled there."""
        where = "node = ? AND state NOT IN ('released', 'dismissed') ORDER BY job"
        return self._query(schema.job_node, JOB_NODES, where, node)

    def job_nodes_to_end(self, job: JobKey, limit: int) -> list[JobNode]:
        """Return nodes of a job that have not heard that it ends."""
        where = (
            "job = ? AND is_ending = 0 AND state NOT IN ('released', 'dismissed') "
            "ORDER BY node LIMIT ?"
        )
        return self._query(schema.job_node, JOB_NODES, where, job, limit)

    def unsettled_job_nodes(self, job: JobKey, limit: int) -> list[JobNode]:
        """Return nodes on which something of a job is left to do."""
        where = "job = ? AND state NOT IN ('released', 'dismissed') ORDER BY node LIMIT ?"
        return self._query(schema.job_node, JOB_NODES, where, job, limit)

    def placed_tasks(self, job: JobKey, limit: int) -> list[Task]:
        """Return tasks of a job that have an open execution, each once.

        A task that was requeued may run again before its former run is over.
        """
        sql = (
            f"SELECT {_names(TASKS, 'task.')} FROM execution "
            "JOIN task ON task.key = execution.task "
            "WHERE execution.job = ? AND execution.kind IN ('task', 'subtask') "
            "AND execution.number = 0 AND task.is_placed = 1 "
            "GROUP BY task.key ORDER BY task.key LIMIT ?"
        )
        return [TASKS.decode(row) for row in self._execute(sql, job, limit)]

    def queued_executions(self, job: JobKey, limit: int) -> list[Execution]:
        """Return executions of tasks of a job that no node has started, nor is to give back.

        Of a multi-instance task it is the primary's that says whether the task runs.
        """
        where = (
            "job = ? AND kind IN ('task', 'subtask') AND number = 0 AND state = 'assigned' "
            "ORDER BY id LIMIT ?"
        )
        return self._query(schema.execution, EXECUTIONS, where, job, limit)

    def has_task_executions(self, job: JobKey) -> bool:
        """Return whether executions of tasks of a job are not known to be over."""
        sql = (
            "SELECT EXISTS (SELECT 1 FROM execution "
            "WHERE job = ? AND kind IN ('task', 'subtask', 'primary'))"
        )
        return bool(self._one(sql, job))

    def task_specs(self, tasks: Iterable[TaskKey]) -> dict[TaskKey, TaskSpec]:
        """Return what clients asked for."""
        rows = sets.select(self._connection, schema.task_spec, ("key", "spec"), "key", tasks)
        return {TaskKey(key): _TASK_SPEC.decode(spec) for key, spec in rows}

    def task_creation_time(self, task: TaskKey) -> datetime:
        """Return when a task was added."""
        return from_microseconds(
            self._one("SELECT creation_time FROM task_spec WHERE key = ?", task)
        )

    def pool_spec(self, pool: PoolKey) -> PoolSpec:
        """Return what a client asked for."""
        return _POOL_SPEC.decode(self._one("SELECT spec FROM pool WHERE key = ?", pool))

    def job_schedule_spec(self, schedule: JobScheduleKey) -> JobScheduleSpec:
        """Return what a client asked for."""
        spec = self._one("SELECT spec FROM job_schedule WHERE key = ?", schedule)
        return _JOB_SCHEDULE_SPEC.decode(spec)

    def update_job_schedule_spec(self, schedule: JobScheduleKey, spec: JobScheduleSpec) -> None:
        """Replace what a client asked for."""
        sql = "UPDATE job_schedule SET spec = ? WHERE key = ?"
        self._execute(sql, to_json(spec), schedule)

    def update_task_spec(self, task: TaskKey, spec: TaskSpec) -> None:
        """Replace what a client asked for."""
        self._execute("UPDATE task_spec SET spec = ? WHERE key = ?", to_json(spec), task)

    def update_job_spec(self, job: JobKey, spec: JobSpec) -> None:
        """Replace what a client asked for; the job waits for a pool of the name that it gives."""
        sql = "UPDATE job SET spec = ?, pool_id_folded = ? WHERE key = ?"
        self._execute(sql, to_json(spec), spec.pool_id.lower(), job)

    def update_pool_spec(self, pool: PoolKey, spec: PoolSpec) -> None:
        """Replace what a client asked for."""
        self._execute("UPDATE pool SET spec = ? WHERE key = ?", to_json(spec), pool)

    def job_spec(self, job: JobKey) -> JobSpec:
        """Return what a client asked for."""
        return _JOB_SPEC.decode(self._one("SELECT spec FROM job WHERE key = ?", job))

    # Placement.

    def ready_jobs(self, pool: PoolKey) -> list[tuple[JobKey, int]]:
        """Return the active jobs of a pool with active tasks and their priorities, oldest first."""
        sql = (
            "SELECT job.key, job.priority FROM job "
            "JOIN job_counts ON job_counts.job = job.key "
            "WHERE job.pool = ? AND job.state = 'active' AND job_counts.active > 0 ORDER BY job.key"
        )
        return [(JobKey(row[0]), row[1]) for row in self._execute(sql, pool)]

    def waiting_tasks(self, jobs: Sequence[JobKey], limit: int) -> dict[JobKey, list[Task]]:
        """Return the first waiting tasks of jobs, oldest first: of each size at most `limit`.

        One statement finds the sizes that there are, each by a look behind the one before, and the
        tasks of each: it costs nothing to pass many of a size.
        """
        found: dict[JobKey, list[Task]] = {job: [] for job in jobs}
        for row in self._execute(_WAITING_TASKS, to_json(jobs), limit):
            task = TASKS.decode(row)
            found[task.job].append(task)
        for tasks in found.values():
            tasks.sort(key=_BY_KEY)
        return found

    def open_task_counts(self, jobs: Sequence[JobKey]) -> dict[JobKey, int]:
        """Return how many tasks of jobs run or queue, several instances as one (J-13)."""
        if not jobs:
            return {}
        sql = (
            "SELECT job, sum(tasks_open) - (SELECT count(*) FROM execution "
            "WHERE execution.job = job_node.job AND number > 0) "
            "FROM job_node WHERE job IN (SELECT value FROM json_each(?)) GROUP BY job"
        )
        return {JobKey(row[0]): row[1] for row in self._execute(sql, to_json(list(jobs)))}

    def usable_nodes(self, pool: PoolKey) -> list[UsableNode]:
        """Return the nodes of a pool that take tasks, whether they have room or not."""
        sql = (
            "SELECT key, id, slots, slots_used, is_dedicated, managers_running "
            "FROM node WHERE pool = ? "
            f"AND state <> 'gone' AND state IN ({_TAKING}) AND plan = 'stay' ORDER BY key"
        )
        return [UsableNode(*row) for row in self._execute(sql, pool)]

    def preemptible_jobs(self, pool: PoolKey) -> list[tuple[JobKey, int]]:
        """Return the active jobs of a pool that allow preemption, and their priorities."""
        return managers.preemptible_jobs(self._connection, pool)

    def restarted_managers(self, jobs: Iterable[JobKey]) -> set[JobKey]:
        """Return those of the jobs whose manager ran before and waits to run again."""
        return managers.restarted(self._connection, jobs)

    def open_managers(self, jobs: Iterable[JobKey]) -> set[JobKey]:
        """Return those of the jobs whose manager runs or is to run on a node."""
        return managers.placed(self._connection, jobs)

    def open_tasks(self, nodes: Iterable[NodeKey]) -> list[OpenTask]:
        """Return the tasks on nodes: those that run, queue, or are being stopped."""
        return managers.open_tasks(self._connection, nodes)

    def open_jobs(self, nodes: Iterable[NodeKey]) -> list[OpenJob]:
        """Return which jobs have tasks on these nodes that run or queue."""
        sql = (
            "SELECT node, job FROM job_node "
            "WHERE node IN (SELECT value FROM json_each(?)) AND tasks_open > 0 ORDER BY node, job"
        )
        rows = self._execute(sql, to_json(list(nodes)))
        return [OpenJob(NodeKey(row[0]), JobKey(row[1])) for row in rows]

    def prepared_job_nodes(self, jobs: Sequence[JobKey]) -> list[tuple[JobKey, NodeKey]]:
        """Return on which nodes jobs are prepared, or have nothing to prepare."""
        if not jobs:
            return []
        sql = (
            "SELECT job, node FROM job_node "
            "WHERE job IN (SELECT value FROM json_each(?)) AND state = 'prepared'"
        )
        return [(JobKey(row[0]), NodeKey(row[1])) for row in self._execute(sql, to_json(jobs))]

    def failed_job_nodes(self, jobs: Sequence[JobKey]) -> dict[JobKey, list[NodeKey]]:
        """Return the nodes on which the preparation of jobs failed."""
        found: dict[JobKey, list[NodeKey]] = {}
        if jobs:
            sql = (
                "SELECT job, node FROM job_node "
                "WHERE job IN (SELECT value FROM json_each(?)) AND state = 'failed'"
            )
            for row in self._execute(sql, to_json(jobs)):
                found.setdefault(JobKey(row[0]), []).append(NodeKey(row[1]))
        return found

    def assigned_executions(
        self, nodes: Sequence[NodeKey], jobs: Sequence[JobKey]
    ) -> list[Execution]:
        """Return the tasks of jobs that nodes have not started and are not asked to give back."""
        sql = (
            f"SELECT {_names(EXECUTIONS)} FROM execution "
            "WHERE node IN (SELECT value FROM json_each(?)) "
            "AND job IN (SELECT value FROM json_each(?)) "
            "AND state = 'assigned' AND kind = 'task' ORDER BY task"
        )
        rows = self._execute(sql, to_json(nodes), to_json(jobs))
        return [EXECUTIONS.decode(row) for row in rows]

    # The end of things.

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

    def nodes_of_job(self, job: JobKey) -> list[NodeKey]:
        """Return the nodes, not gone, on which tasks of a job ran."""
        sql = (
            "SELECT node.key FROM job_node JOIN node ON node.key = job_node.node "
            "WHERE job_node.job = ? AND node.state <> 'gone' ORDER BY node.key"
        )
        return [NodeKey(row[0]) for row in self._execute(sql, job)]

    def detach_jobs(self, pool: PoolKey) -> None:
        """Let the jobs of a pool that goes wait for another one of its name."""
        self._execute("UPDATE job SET pool = NULL WHERE pool = ?", pool)

    def remove_directories(
        self, directories: Sequence[tuple[NodeKey, str]], due_time: datetime | None
    ) -> list[tuple[NodeKey, int, str]]:
        """Insert orders to remove directories, now or at `due_time`; return them with keys."""
        if not directories:
            return []
        due = None if due_time is None else to_microseconds(due_time)
        first = self.reserve("directory_removal", len(directories))
        orders = [(node, first + i, path) for i, (node, path) in enumerate(directories)]
        columns = ("node", "key", "path", "due_time")
        rows = [(*order, due) for order in orders]
        sets.insert(self._connection, schema.directory_removal, columns, rows)
        return orders

    def keep_directory(self, node: NodeKey, path: str) -> None:
        """Take back orders for a directory that are not due yet."""
        sql = "DELETE FROM directory_removal WHERE node = ? AND path = ? AND due_time IS NOT NULL"
        self._execute(sql, node, path)

    def directory_removals(self, node: NodeKey, now: datetime) -> list[tuple[int, str]]:
        """Return the orders of a node that are due: key and path."""
        sql = (
            "SELECT key, path FROM directory_removal "
            "WHERE node = ? AND (due_time IS NULL OR due_time <= ?) ORDER BY key"
        )
        rows = self._execute(sql, node, to_microseconds(now))
        return [(row[0], row[1]) for row in rows]

    def tasks_with_files_due(self, now: datetime, limit: int) -> list[Task]:
        """Return completed tasks whose files have to go."""
        where = "files_due_time <= ? ORDER BY files_due_time LIMIT ?"
        return self._query(schema.task, TASKS, where, to_microseconds(now), limit)

    def take_due_removals(self, now: datetime, limit: int) -> list[tuple[NodeKey, int, str]]:
        """Make orders that have become due orders for now, and return them."""
        sql = (
            "UPDATE directory_removal SET due_time = NULL WHERE key IN "
            "(SELECT key FROM directory_removal WHERE due_time <= ? ORDER BY due_time LIMIT ?) "
            "RETURNING node, key, path"
        )
        rows = self._execute(sql, to_microseconds(now), limit).fetchall()
        return [(NodeKey(row[0]), row[1], row[2]) for row in rows]

    def next_files_due(self) -> datetime | None:
        """Return when the next files have to go, None for never."""
        sql = (
            "SELECT min(due) FROM (SELECT min(files_due_time) AS due FROM task "
            "WHERE files_due_time IS NOT NULL UNION ALL "
            "SELECT min(due_time) FROM directory_removal WHERE due_time IS NOT NULL)"
        )
        due = self._one(sql)
        return None if due is None else from_microseconds(due)

    def take_outlived_tasks(self, added_before: datetime, limit: int) -> list[Task]:
        """Return what is open of the next tasks that were added by then, each of them once."""
        keys = lifetimes.take(self._connection, to_microseconds(added_before), limit)
        where = "key IN (SELECT value FROM json_each(?)) AND state <> 'completed' ORDER BY key"
        return self._query(schema.task, TASKS, where, to_json(keys)) if keys else []

    def next_lifetime_start(self) -> datetime | None:
        """Return when the first task was added that is yet to be looked at, None without one."""
        start = lifetimes.next_start(self._connection)
        return None if start is None else from_microseconds(start)

    def jobs_due(self, now: datetime, limit: int) -> list[Job]:
        """Return jobs of which something is due."""
        where = "due_time <= ? ORDER BY due_time LIMIT ?"
        return self._query(schema.job, JOBS, where, to_microseconds(now), limit)

    def next_job_due(self) -> datetime | None:
        """Return when something of a job is due next, None for never."""
        due = self._one("SELECT min(due_time) FROM job WHERE due_time IS NOT NULL")
        return None if due is None else from_microseconds(due)

    def job_schedules_due(self, now: datetime, limit: int) -> list[JobSchedule]:
        """Return job schedules of which something is due."""
        where = "due_time <= ? ORDER BY due_time, key LIMIT ?"
        microseconds = to_microseconds(now)
        return self._query(schema.job_schedule, JOB_SCHEDULES, where, microseconds, limit)

    def next_job_schedule_due(self) -> datetime | None:
        """Return when something of a job schedule is due next, None for never."""
        due = job_schedules.next_due(self._connection)
        return None if due is None else from_microseconds(due)

    def job_schedules_ahead(self, now: datetime) -> list[JobScheduleKey]:
        """Return the job schedules of which nothing is due for more than two intervals."""
        keys = job_schedules.ahead(self._connection, to_microseconds(now))
        return [JobScheduleKey(key) for key in keys]

    def jobs_to_delete(
        self, schedule: JobScheduleKey, limit: int, *, are_forced: bool
    ) -> list[Job]:
        """Return jobs of a schedule that have not heard that they are deleted, or forced to."""
        is_told = "state = 'deleting' AND is_forced = 1" if are_forced else "state = 'deleting'"
        where = f"schedule = ? AND NOT ({is_told}) ORDER BY key LIMIT ?"
        return self._query(schema.job, JOBS, where, schedule, limit)

    def has_jobs(self, schedule: JobScheduleKey) -> bool:
        """Return whether a schedule has any jobs, completed ones included."""
        return job_schedules.has_jobs(self._connection, schedule)

    def jobs_with_open_tasks(self, jobs: Iterable[JobKey]) -> set[JobKey]:
        """Return those of the jobs that have tasks which are not completed."""
        sql = (
            "SELECT job FROM job_counts "
            "WHERE job IN (SELECT value FROM json_each(?)) AND active + running > 0"
        )
        return {JobKey(row[0]) for row in self._execute(sql, to_json(list(jobs)))}

    def directories_removed(self, keys: Iterable[int]) -> None:
        """Delete orders that were carried out."""
        sets.delete(self._connection, schema.directory_removal, "key", keys)

    # What a start has to look at.

    def pools_of_interest(self) -> list[PoolKey]:
        """Return every pool."""
        return [PoolKey(row[0]) for row in self._execute("SELECT key FROM pool ORDER BY key")]

    def jobs_ending(self) -> list[JobKey]:
        """Return the jobs that are terminating, deleting or disabling."""
        sql = (
            "SELECT key FROM job WHERE state IN ('terminating', 'deleting', 'disabling') "
            "ORDER BY key"
        )
        return [JobKey(row[0]) for row in self._execute(sql)]

    def job_schedules_ending(self) -> list[JobScheduleKey]:
        """Return the job schedules that are being deleted."""
        return [JobScheduleKey(key) for key in job_schedules.ending(self._connection)]

    # Below: how it is done.

    def _execute(self, sql: str, *parameters: str | int | None) -> Cursor:
        return self._connection.execute(sql, parameters)

    def _one(self, sql: str, *parameters: str | int | None) -> Any:  # noqa: ANN401  # A column.
        return self._execute(sql, *parameters).fetchone()[0]

    def _select(
        self, table: Table, codec: Codec[Entity], key: str, values: Iterable[Key]
    ) -> list[Entity]:
        rows = sets.select(self._connection, table, codec.columns, key, values)
        return [codec.decode(row) for row in rows]

    def _query(
        self, table: Table, codec: Codec[Entity], where: str, *parameters: str | int | None
    ) -> list[Entity]:
        sql = f"SELECT {_names(codec)} FROM {table.name} WHERE {where}"
        return [codec.decode(row) for row in self._execute(sql, *parameters)]

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

    def _count(self, changes: Sequence[tuple[Task | None, Task | None]]) -> None:
        if not changes:
            return
        by_job = counts.of_changes(changes)
        names = [name for name in COUNTS if any(map(attrgetter(name), by_job.values()))]
        if names:
            gains = [(job, [getattr(gain, name) for name in names]) for job, gain in by_job.items()]
            rows = [[job, *numbers] for job, numbers in gains if any(numbers)]
            sets.add(self._connection, schema.job_counts, ("job",), names, rows)


#: See `placement.takes_tasks`.
_TAKING: Final = ", ".join(f"'{state}'" for state in placement.TAKING)

_BY_KEY: Final = attrgetter("key")

_NODE_STATE: Final = NODES.columns.index("state")

#: State of a node's row that stays for the tasks that ran there.
GONE: Final = "gone"


@cache
def _names(codec: Codec[Any], prefix: str = "") -> str:
    return ", ".join(prefix + name for name in codec.columns)


_WAITING_TASKS: Final = f"""
WITH RECURSIVE size(job, number) AS (
  SELECT value, (SELECT min({TASK_SIZE}) FROM task WHERE job = value AND {IS_WAITING})
  FROM json_each(?)
  UNION ALL
  SELECT job, (
    SELECT min({TASK_SIZE}) FROM task
    WHERE task.job = size.job AND {IS_WAITING} AND {TASK_SIZE} > size.number
  )
  FROM size WHERE number IS NOT NULL
)
SELECT {_names(TASKS, "task.")} FROM size JOIN task ON task.key IN (
  SELECT key FROM task
  WHERE job = size.job AND {IS_READY} AND {TASK_SIZE} = size.number
  ORDER BY key LIMIT ?
)
WHERE number IS NOT NULL
"""
