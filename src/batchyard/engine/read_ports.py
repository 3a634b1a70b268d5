"""What callers read, as a protocol; the store of ``batchyard.store`` is plugged in by ``main``."""

from contextlib import AbstractContextManager
from typing import Protocol

from batchyard.core.keys import NodeKey
from batchyard.core.states import NodeState
from batchyard.engine.filters import Filter
from batchyard.engine.ports import Transaction
from batchyard.engine.views import (
    JobNodeView,
    JobScheduleView,
    JobView,
    NodeCounts,
    NodeView,
    Page,
    PoolView,
    SubtaskView,
    TaskCounts,
    TaskView,
)


class Reads(Protocol):
    """Reads for callers: each sees one consistent state of everything committed before it.

    Raises (all of them): `Refused` with the code of the thing that is not there.
    """

    def get_pool(self, account: str, pool_id: str) -> PoolView:
        """Return a pool."""
        ...

    def list_pools(
        self, account: str, after: int, limit: int, filter_: Filter | None = None
    ) -> Page[PoolView]:
        """Return the pools of an account whose keys follow `after`."""
        ...

    def node_counts(
        self, account: str, pool_id: str | None, after: int, limit: int
    ) -> Page[NodeCounts]:
        """Return the node counts of pools."""
        ...

    def get_node(
        self, account: str, pool_id: str, node_id: str, *, with_recent_tasks: bool = False
    ) -> NodeView:
        """Return a node."""
        ...

    def list_nodes(
        self,
        account: str,
        pool_id: str,
        after: int,
        limit: int,
        filter_: Filter | None = None,
        *,
        with_recent_tasks: bool = False,
    ) -> Page[NodeView]:
        """Return the nodes of a pool."""
        ...

    def get_job(self, account: str, job_id: str, *, with_statistics: bool = False) -> JobView:
        """Return a job."""
        ...

    def list_jobs(
        self,
        account: str,
        after: int,
        limit: int,
        filter_: Filter | None = None,
        *,
        schedule_id: str | None = None,
        with_statistics: bool = False,
    ) -> Page[JobView]:
        """Return the jobs of an account, or those that a job schedule made."""
        ...

    def get_job_schedule(
        self, account: str, schedule_id: str, *, with_statistics: bool = False
    ) -> JobScheduleView:
        """Return a job schedule."""
        ...

    def list_job_schedules(
        self,
        account: str,
        after: int,
        limit: int,
        filter_: Filter | None = None,
        *,
        with_statistics: bool = False,
    ) -> Page[JobScheduleView]:
        """Return the job schedules of an account."""
        ...

    def task_counts(self, account: str, job_id: str) -> TaskCounts:
        """Return the task counts of a job."""
        ...

    def list_job_nodes(
        self, account: str, job_id: str, after: int, limit: int, filter_: Filter | None = None
    ) -> Page[JobNodeView]:
        """Return the preparation and release of a job, node by node (J-86)."""
        ...

    def get_task(self, account: str, job_id: str, task_id: str) -> TaskView:
        """Return a task."""
        ...

    def list_tasks(
        self, account: str, job_id: str, after: int, limit: int, filter_: Filter | None = None
    ) -> Page[TaskView]:
        """Return the tasks of a job."""
        ...

    def look(self) -> AbstractContextManager[Transaction]:
        """Return a context in which all that deciding asks can be asked, and nothing be written."""
        ...

    def list_subtasks(self, account: str, job_id: str, task_id: str) -> list[SubtaskView]:
        """Return the subtasks of a multi-instance task but for the primary's (T-62)."""
        ...

    def node_state(self, node: NodeKey) -> NodeState | None:
        """Return the state of a node, None if it is gone."""
        ...
