"""What belongs together: nodes of a pool, executions of a node, jobs that end."""

from collections.abc import Iterable

from batchyard.core.keys import JobKey, JobScheduleKey, NodeKey, PoolKey
from batchyard.core.model import Execution, Job, JobNode, Node, Task
from batchyard.store import schema
from batchyard.store.statements.base import Statements
from batchyard.store.statements.rows import EXECUTIONS, JOB_NODES, JOBS, NODES, TASKS, select_list
from batchyard.store.values import to_json


class RelationStatements(Statements):
    """Questions from one entity to others; each is led by an index."""

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
            f"SELECT {select_list(TASKS, 'task.')} FROM execution "
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

    def jobs_to_delete(
        self, schedule: JobScheduleKey, limit: int, *, are_forced: bool
    ) -> list[Job]:
        """Return jobs of a schedule that have not heard that they are deleted, or forced to."""
        is_told = "state = 'deleting' AND is_forced = 1" if are_forced else "state = 'deleting'"
        where = f"schedule = ? AND NOT ({is_told}) ORDER BY key LIMIT ?"
        return self._query(schema.job, JOBS, where, schedule, limit)

    def has_jobs(self, schedule: JobScheduleKey) -> bool:
        """Return whether a schedule has any jobs, completed ones included."""
        sql = "SELECT EXISTS (SELECT 1 FROM job WHERE schedule = ?)"
        return bool(self._one(sql, schedule))

    def jobs_with_open_tasks(self, jobs: Iterable[JobKey]) -> set[JobKey]:
        """Return those of the jobs that have tasks which are not completed."""
        sql = (
            "SELECT job FROM job_counts "
            "WHERE job IN (SELECT value FROM json_each(?)) AND active + running > 0"
        )
        return {JobKey(row[0]) for row in self._execute(sql, to_json(list(jobs)))}

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
        sql = "SELECT key FROM job_schedule WHERE state = 'deleting' ORDER BY key"
        return [JobScheduleKey(row[0]) for row in self._execute(sql)]
