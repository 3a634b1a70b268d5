"""What a round of placement asks."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final

from batchyard.core import placement
from batchyard.core.keys import JobKey, NodeKey, PoolKey, TaskKey
from batchyard.core.model import Execution, Task
from batchyard.engine.ports import OpenJob, OpenTask, UsableNode
from batchyard.store.schema import TASK_SIZE
from batchyard.store.statements.base import Statements
from batchyard.store.statements.rows import EXECUTIONS, TASKS, select_list
from batchyard.store.values import from_microseconds, to_json
from batchyard.store.waiting import IS_READY, IS_WAITING

#: See `placement.takes_tasks`.
_TAKING: Final = ", ".join(f"'{state}'" for state in placement.TAKING)

_BY_KEY: Final = attrgetter("key")

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
SELECT {select_list(TASKS, "task.")} FROM size JOIN task ON task.key IN (
  SELECT key FROM task
  WHERE job = size.job AND {IS_READY} AND {TASK_SIZE} = size.number
  ORDER BY key LIMIT ?
)
WHERE number IS NOT NULL
"""

#: The `Task.is_restarted_manager` of a task that waits for a place.
_WAITS_AGAIN: Final = (
    "state = 'active' AND is_placed = 0 AND retry_count + requeue_count + recovery_count > 0"
)


class PlacingStatements(Statements):
    """Who waits, who has room, and who could make room."""

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
        sql = (
            "SELECT key, priority FROM job "
            "WHERE pool = ? AND state = 'active' AND allows_preemption = 1 ORDER BY key"
        )
        return [(JobKey(row[0]), row[1]) for row in self._execute(sql, pool)]

    def restarted_managers(self, jobs: Iterable[JobKey]) -> set[JobKey]:
        """Return those of the jobs whose manager ran before and waits to run again."""
        return self._jobs_with_manager(jobs, _WAITS_AGAIN)

    def open_managers(self, jobs: Iterable[JobKey]) -> set[JobKey]:
        """Return those of the jobs whose manager runs or is to run on a node."""
        return self._jobs_with_manager(jobs, "is_placed = 1")

    def open_tasks(self, nodes: Iterable[NodeKey]) -> list[OpenTask]:
        """Return the tasks on nodes: those that run, queue, or are being stopped."""
        sql = (
            "SELECT execution.task, execution.job, execution.node, slots, execution.attempt, "
            "execution.state = 'stopping', execution.is_manager, task.start_time FROM execution "
            "JOIN task ON task.key = execution.task "
            "WHERE execution.node IN (SELECT value FROM json_each(?)) "
            "AND kind IN ('task', 'subtask') ORDER BY execution.task, execution.attempt"
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
            for row in self._execute(sql, to_json(list(nodes)))
        ]

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
            f"SELECT {select_list(EXECUTIONS)} FROM execution "
            "WHERE node IN (SELECT value FROM json_each(?)) "
            "AND job IN (SELECT value FROM json_each(?)) "
            "AND state = 'assigned' AND kind = 'task' ORDER BY task"
        )
        rows = self._execute(sql, to_json(nodes), to_json(jobs))
        return [EXECUTIONS.decode(row) for row in rows]

    def _jobs_with_manager(self, jobs: Iterable[JobKey], where: str) -> set[JobKey]:
        """Return jobs by their managers, which have an index of their own: found at once."""
        sql = (
            "SELECT job FROM task WHERE is_manager = 1 "
            f"AND job IN (SELECT value FROM json_each(?)) AND {where}"
        )
        return {JobKey(row[0]) for row in self._execute(sql, to_json(list(jobs)))}
