"""What displacing tasks asks of the store: job manager tasks, and who could make room for them.

The manager of a job has an index of its own: however many tasks a job has, it is found at once.
"""

from collections.abc import Iterable
from sqlite3 import Connection
from typing import Final

from batchyard.core.keys import JobKey, NodeKey, PoolKey, TaskKey
from batchyard.engine.ports import OpenTask
from batchyard.store.values import from_microseconds, to_json

#: The `Task.is_restarted_manager` of a task that waits for a place.
_WAITS_AGAIN: Final = (
    "state = 'active' AND is_placed = 0 AND retry_count + requeue_count + recovery_count > 0"
)


def preemptible_jobs(connection: Connection, pool: PoolKey) -> list[tuple[JobKey, int]]:
    """Return the active jobs of a pool that allow preemption, and their priorities."""
    sql = (
        "SELECT key, priority FROM job "
        "WHERE pool = ? AND state = 'active' AND allows_preemption = 1 ORDER BY key"
    )
    return [(JobKey(row[0]), row[1]) for row in connection.execute(sql, (pool,))]


def restarted(connection: Connection, jobs: Iterable[JobKey]) -> set[JobKey]:
    """Return those of the jobs whose manager ran before and waits to run again."""
    return _jobs_with_manager(connection, jobs, _WAITS_AGAIN)


def placed(connection: Connection, jobs: Iterable[JobKey]) -> set[JobKey]:
    """Return those of the jobs whose manager runs or is to run on a node."""
    return _jobs_with_manager(connection, jobs, "is_placed = 1")


def _jobs_with_manager(connection: Connection, jobs: Iterable[JobKey], where: str) -> set[JobKey]:
    sql = (
        "SELECT job FROM task "  # noqa: S608  # One of the two conditions above.
        f"WHERE is_manager = 1 AND job IN (SELECT value FROM json_each(?)) AND {where}"
    )
    return {JobKey(row[0]) for row in connection.execute(sql, (to_json(list(jobs)),))}


def open_tasks(connection: Connection, nodes: Iterable[NodeKey]) -> list[OpenTask]:
    """Return the tasks on nodes: those that run, queue, or are being stopped."""
    sql = (
        "SELECT execution.task, execution.job, execution.node, slots, execution.attempt, "
        "execution.state = 'stopping', execution.is_manager, task.start_time FROM execution "
        "JOIN task ON task.key = execution.task "
        "WHERE execution.node IN (SELECT value FROM json_each(?)) AND kind IN ('task', 'subtask') "
        "ORDER BY execution.task, execution.attempt"
    )
    return [
        OpenTask(
            key=TaskKey(row[0]),
            job=JobKey(row[1]),
            node=NodeKey(row[2]),
            slots=row[3],
            attempt=row[4],
            is_stopping=bool(row[5]),
            is_manager=bool(row[6]),
            start_time=None if row[7] is None else from_microseconds(row[7]),
        )
        for row in connection.execute(sql, (to_json(list(nodes)),))
    ]
