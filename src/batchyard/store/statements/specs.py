"""What clients asked for, as they did."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from batchyard.core.keys import JobKey, JobScheduleKey, PoolKey, TaskKey
from batchyard.core.specs import JobScheduleSpec, JobSpec, PoolSpec, TaskSpec
from batchyard.store import schema, sets
from batchyard.store.statements.base import Statements
from batchyard.store.values import from_microseconds, to_json

TASK_SPEC: Final = msgspec.json.Decoder(TaskSpec)
POOL_SPEC: Final = msgspec.json.Decoder(PoolSpec)
JOB_SPEC: Final = msgspec.json.Decoder(JobSpec)
JOB_SCHEDULE_SPEC: Final = msgspec.json.Decoder(JobScheduleSpec)


class SpecStatements(Statements):
    """Specifications, which only clients change."""

    def task_specs(self, tasks: Iterable[TaskKey]) -> dict[TaskKey, TaskSpec]:
        """Return what clients asked for."""
        rows = sets.select(self._connection, schema.task_spec, ("key", "spec"), "key", tasks)
        return {TaskKey(key): TASK_SPEC.decode(spec) for key, spec in rows}

    def task_creation_time(self, task: TaskKey) -> datetime:
        """Return when a task was added."""
        return from_microseconds(
            self._one("SELECT creation_time FROM task_spec WHERE key = ?", task)
        )

    def pool_spec(self, pool: PoolKey) -> PoolSpec:
        """Return what a client asked for."""
        return POOL_SPEC.decode(self._one("SELECT spec FROM pool WHERE key = ?", pool))

    def job_spec(self, job: JobKey) -> JobSpec:
        """Return what a client asked for."""
        return JOB_SPEC.decode(self._one("SELECT spec FROM job WHERE key = ?", job))

    def job_schedule_spec(self, schedule: JobScheduleKey) -> JobScheduleSpec:
        """Return what a client asked for."""
        spec = self._one("SELECT spec FROM job_schedule WHERE key = ?", schedule)
        return JOB_SCHEDULE_SPEC.decode(spec)

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
