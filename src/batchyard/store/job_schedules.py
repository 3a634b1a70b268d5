"""Which job schedules have something to do, and when."""

from sqlite3 import Connection


def next_due(connection: Connection) -> int | None:
    """Return when something of a job schedule is due next, None for never."""
    sql = "SELECT min(due_time) FROM job_schedule WHERE due_time IS NOT NULL"
    row = connection.execute(sql).fetchone()
    due: int | None = row[0]
    return due


def ahead(connection: Connection, now: int) -> list[int]:
    """Return the job schedules of which nothing is due for more than two intervals."""
    sql = (
        "SELECT key FROM job_schedule "
        "WHERE due_time > ? AND due_time - 2 * recurrence_interval > ? ORDER BY due_time"
    )
    return [key for (key,) in connection.execute(sql, (now, now))]


def ending(connection: Connection) -> list[int]:
    """Return the job schedules that are being deleted."""
    sql = "SELECT key FROM job_schedule WHERE state = 'deleting' ORDER BY key"
    return [key for (key,) in connection.execute(sql)]


def has_jobs(connection: Connection, schedule: int) -> bool:
    """Return whether a schedule has any jobs, completed ones included."""
    sql = "SELECT EXISTS (SELECT 1 FROM job WHERE schedule = ?)"
    return bool(connection.execute(sql, (schedule,)).fetchone()[0])
