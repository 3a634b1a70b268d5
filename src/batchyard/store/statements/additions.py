"""Entities by the names that clients gave them, and new ones."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from batchyard.core.keys import JobKey, JobScheduleKey, PoolKey, TaskKey
from batchyard.core.model import Job, JobSchedule, Pool, Task
from batchyard.core.specs import JobScheduleSpec, JobSpec, PoolSpec, TaskDependencies, TaskSpec
from batchyard.store import dependencies, schema, sets
from batchyard.store.statements.base import Statements
from batchyard.store.statements.entities import count
from batchyard.store.statements.rows import JOB_SCHEDULES, JOBS, POOLS, TASKS
from batchyard.store.values import Column, to_json, to_microseconds


class AdditionStatements(Statements):
    """What clients add, under names of their own."""

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
        count(self._connection, [(None, task) for task, _ in tasks])

    def add_dependencies(
        self, job: JobKey, dependents: Sequence[tuple[TaskKey, TaskDependencies]]
    ) -> dict[TaskKey, int]:
        """Write down what new tasks wait for; return how much of that is not satisfied yet."""
        return dependencies.add(self._connection, job, dependents)

    def satisfy_dependents(self, job: JobKey, tasks: Iterable[TaskKey], now: datetime) -> set[int]:
        """Count completed tasks off from what waits for them; return slots of what may run."""
        return dependencies.satisfy(self._connection, job, tasks, now)
