"""What time brings.

The lifetime of tasks is walked through in the order of their keys, each of them once. Keys are
given in the order of time, so no index of times is needed: nothing is written for a task but what
says how far the walk has come, once for many of them, 180 days later.
"""

from datetime import datetime
from itertools import takewhile
from typing import Final

from batchyard.core.keys import JobScheduleKey
from batchyard.core.model import Job, JobSchedule, Task
from batchyard.store import schema
from batchyard.store.statements.base import Statements
from batchyard.store.statements.rows import JOB_SCHEDULES, JOBS, TASKS
from batchyard.store.values import from_microseconds, to_json, to_microseconds

#: Name of the counter that holds the first key that is yet to be looked at.
_WALK: Final = "task_lifetime"

_FROM_NEXT: Final = (
    "SELECT key, creation_time FROM task_spec "
    "WHERE key >= coalesce((SELECT next_key FROM counter WHERE name = ?), 0) ORDER BY key LIMIT ?"
)


class DueStatements(Statements):
    """What is due by an instant, and when something is next."""

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
        due = self._one("SELECT min(due_time) FROM job_schedule WHERE due_time IS NOT NULL")
        return None if due is None else from_microseconds(due)

    def job_schedules_ahead(self, now: datetime) -> list[JobScheduleKey]:
        """Return the job schedules of which nothing is due for more than two intervals."""
        sql = (
            "SELECT key FROM job_schedule "
            "WHERE due_time > ?1 AND due_time - 2 * recurrence_interval > ?1 ORDER BY due_time"
        )
        return [JobScheduleKey(row[0]) for row in self._execute(sql, to_microseconds(now))]

    def take_outlived_tasks(self, added_before: datetime, limit: int) -> list[Task]:
        """Return what is open of the next tasks that were added by then, each of them once."""
        keys = self._pass_tasks(to_microseconds(added_before), limit)
        where = "key IN (SELECT value FROM json_each(?)) AND state <> 'completed' ORDER BY key"
        return self._query(schema.task, TASKS, where, to_json(keys)) if keys else []

    def next_lifetime_start(self) -> datetime | None:
        """Return when the first task was added that is yet to be looked at, None without one."""
        row = self._execute(_FROM_NEXT, _WALK, 1).fetchone()
        return None if row is None else from_microseconds(row[1])

    def _pass_tasks(self, added_before: int, limit: int) -> list[int]:
        """Return the keys of the next tasks that were added by then, and pass them.

        A task that was added later ends the walk, even if one behind it is older because the clock
        was set back: that one waits with it.
        """
        rows = self._execute(_FROM_NEXT, _WALK, limit).fetchall()
        keys = [key for key, _ in takewhile(lambda row: row[1] <= added_before, rows)]
        if keys:
            sql = (
                "INSERT INTO counter (name, next_key) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET next_key = excluded.next_key"
            )
            self._execute(sql, _WALK, keys[-1] + 1)
        return keys
