"""Reads for callers: pages and single resources, each in one consistent state of the database."""

import dataclasses
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.engine import Row

from batchyard.core import execution as execution_cycle
from batchyard.core.counts import USAGE
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import NodeKey
from batchyard.core.model import Usage
from batchyard.core.states import ExecutionKind, NodeState
from batchyard.engine.filters import Filter
from batchyard.engine.views import (
    JobNodeView,
    JobScheduleView,
    JobStatistics,
    JobView,
    NodeCounts,
    NodeName,
    NodeView,
    Page,
    PoolView,
    RunningTasks,
    SubtaskView,
    TaskCounts,
    TaskView,
)
from batchyard.store import filters, schema, task_lists
from batchyard.store.statements.rows import (
    GANGS,
    GONE,
    JOB_NODES,
    JOB_SCHEDULES,
    JOBS,
    NODES,
    POOLS,
    TASKS,
)
from batchyard.store.statements.specs import JOB_SCHEDULE_SPEC, JOB_SPEC, POOL_SPEC, TASK_SPEC
from batchyard.store.transaction import SqlTransaction
from batchyard.store.values import Codec, from_microseconds

Item = TypeVar("Item")
AnyRow = Row[*tuple[Any, ...]]


_COUNTED: Final = tuple(field.name for field in dataclasses.fields(TaskCounts))

#: What statistics are made of, in the order of a select.
_STATISTICS: Final = ("succeeded", "failed", "retries", *USAGE)

_NO_STATISTICS: Final[Mapping[int, JobStatistics]] = {}

#: What clients that wait for their tasks ask for over and over: put together once.
_TASK_COUNTS: Final = (
    select(*(schema.job_counts.c[name] for name in _COUNTED))
    .join(schema.job, schema.job.c.key == schema.job_counts.c.job)
    .where(schema.job.c.account == bindparam("account"), schema.job.c.id_folded == bindparam("id"))
)

#: Spelt as in the indexes of nodes that are gone and that are not: the database sees which serves.
_IS_HERE: Final = schema.node.c.state != literal_column(f"'{GONE}'")
_IS_GONE: Final = schema.node.c.state == literal_column(f"'{GONE}'")


class SqlReads:
    """See `batchyard.engine.read_ports.Reads`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get_pool(self, account: str, pool_id: str) -> PoolView:
        """Return a pool."""
        with self._begin() as connection:
            row = _pool(connection, account, pool_id)
            return _pool_view(row, _current_nodes(connection, [row.key]))

    def list_pools(
        self, account: str, after: int, limit: int, filter_: Filter | None = None
    ) -> Page[PoolView]:
        """Return the pools of an account whose keys follow `after`."""
        pool = schema.pool
        query = (
            select(*_columns(pool, POOLS), pool.c.spec)
            .where(
                pool.c.account == account, pool.c.key > after, *_conditions(filter_, filters.POOLS)
            )
            .order_by(pool.c.key)
            .limit(limit + 1)
        )
        with self._begin() as connection:
            rows = connection.execute(query).all()
            current = _current_nodes(connection, [row.key for row in rows])
            return _page(rows, limit, lambda row: _pool_view(row, current))

    def node_counts(
        self, account: str, pool_id: str | None, after: int, limit: int
    ) -> Page[NodeCounts]:
        """Return the node counts of pools; a pool without nodes has none (P-47)."""
        pool, node = schema.pool, schema.node
        query = (
            select(pool.c.key, pool.c.id)
            .where(pool.c.account == account, pool.c.key > after)
            .order_by(pool.c.key)
            .limit(limit + 1)
        )
        if pool_id is not None:
            query = query.where(pool.c.id_folded == pool_id.lower())
        with self._begin() as connection:
            rows = connection.execute(query).all()
            counted = connection.execute(
                select(node.c.pool, node.c.is_dedicated, node.c.state, func.count())
                .where(node.c.pool.in_([row.key for row in rows]), _IS_HERE)
                .group_by(node.c.pool, node.c.is_dedicated, node.c.state)
            ).all()
        by_pool: dict[int, dict[tuple[bool, str], int]] = {}
        for key, is_dedicated, state, number in counted:
            by_pool.setdefault(key, {})[bool(is_dedicated), state] = number
        return _page(
            rows, limit, lambda row: NodeCounts(pool_id=row.id, counts=by_pool.get(row.key, {}))
        )

    def get_node(self, account: str, pool_id: str, node_id: str) -> NodeView:
        """Return a node."""
        node = schema.node
        with self._begin() as connection:
            pool = _pool(connection, account, pool_id)
            query = select(*_columns(node, NODES)).where(
                node.c.pool == pool.key,
                func.lower(node.c.id) == node_id.lower(),
                _IS_HERE,
            )
            row = connection.execute(query).first()
            if row is None:
                raise Refused(ErrorCode.NODE_NOT_FOUND)
            running = _running_tasks(connection, [row.key])
            return _node_view(row, pool, _first_node(connection, pool.key), running)

    def list_nodes(
        self, account: str, pool_id: str, after: int, limit: int, filter_: Filter | None = None
    ) -> Page[NodeView]:
        """Return the nodes of a pool."""
        node = schema.node
        with self._begin() as connection:
            pool = _pool(connection, account, pool_id)
            query = (
                select(*_columns(node, NODES))
                .where(node.c.pool == pool.key, node.c.key > after, _IS_HERE)
                .where(*_conditions(filter_, filters.NODES))
                .order_by(node.c.key)
                .limit(limit + 1)
            )
            rows = connection.execute(query).all()
            first = _first_node(connection, pool.key)
            running = _running_tasks(connection, [row.key for row in rows])
        return _page(rows, limit, lambda row: _node_view(row, pool, first, running))

    def get_job(self, account: str, job_id: str, *, with_statistics: bool = False) -> JobView:
        """Return a job."""
        with self._begin() as connection:
            row = _job(connection, account, job_id)
            return _job_view(row, _statistics(connection, [row], is_wanted=with_statistics))

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
        job = schema.job
        query = (
            select(*_columns(job, JOBS), job.c.spec)
            .where(job.c.key > after, *_conditions(filter_, filters.JOBS))
            .order_by(job.c.key)
            .limit(limit + 1)
        )
        with self._begin() as connection:
            if schedule_id is None:
                query = query.where(job.c.account == account)
            else:
                schedule = _job_schedule(connection, account, schedule_id)
                query = query.where(job.c.schedule == schedule.key)
            rows = connection.execute(query).all()
            found = _statistics(connection, rows, is_wanted=with_statistics)
            return _page(rows, limit, lambda row: _job_view(row, found))

    def get_job_schedule(
        self, account: str, schedule_id: str, *, with_statistics: bool = False
    ) -> JobScheduleView:
        """Return a job schedule."""
        with self._begin() as connection:
            row = _job_schedule(connection, account, schedule_id)
            found = _schedule_statistics(connection, [row], is_wanted=with_statistics)
            return _job_schedule_view(row, found)

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
        schedule = schema.job_schedule
        query = (
            select(*_columns(schedule, JOB_SCHEDULES), schedule.c.spec)
            .where(schedule.c.account == account, schedule.c.key > after)
            .where(*_conditions(filter_, filters.JOB_SCHEDULES))
            .order_by(schedule.c.key)
            .limit(limit + 1)
        )
        with self._begin() as connection:
            rows = connection.execute(query).all()
            found = _schedule_statistics(connection, rows, is_wanted=with_statistics)
            return _page(rows, limit, lambda row: _job_schedule_view(row, found))

    def task_counts(self, account: str, job_id: str) -> TaskCounts:
        """Return the task counts of a job."""
        names = {"account": account, "id": job_id.lower()}
        with self._begin() as connection:
            row = connection.execute(_TASK_COUNTS, names).first()
        if row is None:
            raise Refused(ErrorCode.JOB_NOT_FOUND)
        return TaskCounts(**dict(zip(_COUNTED, row, strict=True)))

    def list_job_nodes(
        self, account: str, job_id: str, after: int, limit: int, filter_: Filter | None = None
    ) -> Page[JobNodeView]:
        """Return the preparation and release of a job, node by node, gone nodes included."""
        job_node, node = schema.job_node, schema.node
        with self._begin() as connection:
            job = _job_view(_job(connection, account, job_id))
            if job.spec.preparation is None and job.spec.release is None:
                raise Refused(ErrorCode.JOB_PREPARATION_TASK_NOT_SPECIFIED)
            query = (
                select(*_columns(job_node, JOB_NODES), node.c.pool_id, node.c.id, node.c.key)
                .join(node, node.c.key == job_node.c.node)
                .where(job_node.c.job == job.job.key, job_node.c.node > after)
                .where(*_conditions(filter_, filters.JOB_NODES))
                .order_by(job_node.c.node)
                .limit(limit + 1)
            )
            rows = connection.execute(query).all()

        def view(row: AnyRow) -> JobNodeView:
            return JobNodeView(
                job_id=job.job.id,
                node=NodeName(key=NodeKey(row.key), pool_id=row.pool_id, node_id=row.id),
                job_node=JOB_NODES.decode(row),
                preparation_id=None if job.spec.preparation is None else job.spec.preparation.id,
                release_id=None if job.spec.release is None else job.spec.release.id,
            )

        return _page(rows, limit, view)

    def get_task(self, account: str, job_id: str, task_id: str) -> TaskView:
        """Return a task."""
        spec = schema.task_spec
        with self._begin() as connection:
            job = _job(connection, account, job_id)
            query = _tasks().where(spec.c.job == job.key, spec.c.id_folded == task_id.lower())
            row = connection.execute(query).first()
        if row is None:
            raise Refused(ErrorCode.TASK_NOT_FOUND)
        return _task_view(row, job.id)

    def list_tasks(
        self, account: str, job_id: str, after: int, limit: int, filter_: Filter | None = None
    ) -> Page[TaskView]:
        """Return the tasks of a job."""
        with self._begin() as connection:
            job = _job(connection, account, job_id)
            found = task_lists.page(
                connection, _tasks(), job=job.key, after=after, limit=limit, condition=filter_
            )
        items = [_task_view(row, job.id) for row in found.rows]
        return Page(items=items, next_after=found.next_after)

    @contextmanager
    def look(self) -> Iterator[SqlTransaction]:
        """Return a context in which all that deciding asks can be asked, and nothing be written."""
        with self._begin() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection), driver
            yield SqlTransaction(driver)

    def list_subtasks(self, account: str, job_id: str, task_id: str) -> list[SubtaskView]:
        """Return the subtasks of a multi-instance task but for the primary's (T-62)."""
        spec, gang, node = schema.task_spec, schema.gang, schema.node
        with self._begin() as connection:
            job = _job(connection, account, job_id)
            key = connection.execute(
                select(spec.c.key).where(spec.c.job == job.key, spec.c.id_folded == task_id.lower())
            ).scalar()
            if key is None:
                raise Refused(ErrorCode.TASK_NOT_FOUND)
            query = select(*_columns(gang, GANGS)).where(gang.c.key == key)
            row = connection.execute(query).first()
            subtasks = () if row is None else GANGS.decode(row).subtasks[1:]
            nodes = select(node.c.key, node.c.pool_id, node.c.id)
            rows = connection.execute(nodes.where(node.c.key.in_([one.node for one in subtasks])))
            names = {
                row.key: NodeName(key=NodeKey(row.key), pool_id=row.pool_id, node_id=row.id)
                for row in rows
            }
        return [
            SubtaskView(job_id=job.id, task_id=task_id, subtask=one, node=names[one.node])
            for one in subtasks
        ]

    def node_state(self, node: NodeKey) -> NodeState | None:
        """Return the state of a node, None if it is gone."""
        query = select(schema.node.c.state).where(schema.node.c.key == node)
        with self._begin() as connection:
            state = connection.execute(query).scalar()
        return None if state in (None, GONE) else NodeState(state)

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection


def _columns(table: Table, codec: Codec[Any]) -> list[ColumnElement[Any]]:
    return [table.c[name] for name in codec.columns]


def _conditions(
    condition: Filter | None, columns: filters.Columns
) -> tuple[ColumnElement[bool], ...]:
    return () if condition is None else (filters.to_sql(condition, columns),)


def _page(rows: Sequence[AnyRow], limit: int, view: Callable[[AnyRow], Item]) -> Page[Item]:
    """One row more than the limit was asked for: it says whether there is a next page."""
    shown = rows[:limit]
    next_after = _key(shown[-1]) if len(rows) > limit else None
    return Page(items=[view(row) for row in shown], next_after=next_after)


def _key(row: AnyRow) -> int:
    key: int = row.key
    return key


def _pool(connection: Connection, account: str, pool_id: str) -> AnyRow:
    pool = schema.pool
    query = select(*_columns(pool, POOLS), pool.c.spec).where(
        pool.c.account == account, pool.c.id_folded == pool_id.lower()
    )
    row = connection.execute(query).first()
    if row is None:
        raise Refused(ErrorCode.POOL_NOT_FOUND)
    return row


def _job(connection: Connection, account: str, job_id: str) -> AnyRow:
    job = schema.job
    query = select(*_columns(job, JOBS), job.c.spec).where(
        job.c.account == account, job.c.id_folded == job_id.lower()
    )
    row = connection.execute(query).first()
    if row is None:
        raise Refused(ErrorCode.JOB_NOT_FOUND)
    return row


def _job_schedule(connection: Connection, account: str, schedule_id: str) -> AnyRow:
    schedule = schema.job_schedule
    query = select(*_columns(schedule, JOB_SCHEDULES), schedule.c.spec).where(
        schedule.c.account == account, schedule.c.id_folded == schedule_id.lower()
    )
    row = connection.execute(query).first()
    if row is None:
        raise Refused(ErrorCode.JOB_SCHEDULE_NOT_FOUND)
    return row


def _current_nodes(connection: Connection, pools: Sequence[int]) -> Mapping[tuple[int, bool], int]:
    """Return how many nodes pools have that the fleet has brought up: (pool, is dedicated)."""
    node = schema.node
    query = (
        select(node.c.pool, node.c.is_dedicated, func.count())
        .where(node.c.pool.in_(pools), _IS_HERE, node.c.state != NodeState.CREATING)
        .group_by(node.c.pool, node.c.is_dedicated)
    )
    return {(row[0], bool(row[1])): row[2] for row in connection.execute(query)}


def _pool_view(row: AnyRow, current: Mapping[tuple[int, bool], int]) -> PoolView:
    return PoolView(
        pool=POOLS.decode(row),
        spec=POOL_SPEC.decode(row.spec),
        current_dedicated_nodes=current.get((row.key, True), 0),
        current_low_priority_nodes=current.get((row.key, False), 0),
    )


def _first_node(connection: Connection, pool: int) -> int:
    """Return the oldest node that a pool ever had, 0 if it has had none."""
    first = select(func.min(schema.node.c.key).label("key")).where(schema.node.c.pool == pool)
    firsts = union_all(first.where(_IS_GONE), first.where(_IS_HERE)).subquery()
    return connection.execute(select(func.min(firsts.c.key))).scalar() or 0


def _running_tasks(connection: Connection, nodes: Sequence[int]) -> Mapping[int, RunningTasks]:
    """Return what runs on nodes; those where nothing does are absent."""
    execution = schema.execution
    rows = connection.execute(
        select(execution.c.node, func.count(), func.sum(execution.c.slots))
        .where(
            execution.c.node.in_(nodes),
            execution.c.kind.in_((ExecutionKind.TASK, ExecutionKind.SUBTASK)),
            execution.c.state.not_in(execution_cycle.WAITING),
        )
        .group_by(execution.c.node)
    )
    return {row[0]: RunningTasks(row[1], row[2]) for row in rows}


def _node_view(
    row: AnyRow, pool: AnyRow, first_node: int, running: Mapping[int, RunningTasks]
) -> NodeView:
    node = NODES.decode(row)
    spec = POOL_SPEC.decode(pool.spec)
    return NodeView(
        node=node,
        pool_spec=spec,
        ordinal=node.key - first_node,
        running=running.get(node.key, RunningTasks(0, 0)),
    )


def _job_view(row: AnyRow, statistics: Mapping[int, JobStatistics] = _NO_STATISTICS) -> JobView:
    return JobView(
        job=JOBS.decode(row),
        spec=JOB_SPEC.decode(row.spec),
        statistics=statistics.get(row.key),
    )


def _statistics(
    connection: Connection, jobs: Sequence[AnyRow], *, is_wanted: bool
) -> Mapping[int, JobStatistics]:
    """Return what the tasks of jobs add up to, by the keys of the jobs."""
    if not is_wanted:
        return _NO_STATISTICS
    counts = schema.job_counts
    query = select(counts.c.job, *(counts.c[name] for name in _STATISTICS))
    rows = connection.execute(query.where(counts.c.job.in_([row.key for row in jobs])))
    return _statistics_of(rows)


def _schedule_statistics(
    connection: Connection, schedules: Sequence[AnyRow], *, is_wanted: bool
) -> Mapping[int, JobStatistics]:
    """Return what the tasks of all jobs of schedules add up to, by the keys of the schedules."""
    if not is_wanted:
        return _NO_STATISTICS
    counts, job = schema.job_counts, schema.job
    query = (
        select(job.c.schedule, *(func.sum(counts.c[name]) for name in _STATISTICS))
        .join(job, job.c.key == counts.c.job)
        .where(job.c.schedule.in_([row.key for row in schedules]))
        .group_by(job.c.schedule)
    )
    nothing = JobStatistics(succeeded=0, failed=0, retries=0, usage=Usage())
    without_jobs = {row.key: nothing for row in schedules}
    return {**without_jobs, **_statistics_of(connection.execute(query))}


def _statistics_of(rows: Iterable[Any]) -> dict[int, JobStatistics]:
    return {
        key: JobStatistics(succeeded=succeeded, failed=failed, retries=retries, usage=Usage(*used))
        for key, succeeded, failed, retries, *used in rows
    }


def _job_schedule_view(row: AnyRow, statistics: Mapping[int, JobStatistics]) -> JobScheduleView:
    return JobScheduleView(
        schedule=JOB_SCHEDULES.decode(row),
        spec=JOB_SCHEDULE_SPEC.decode(row.spec),
        statistics=statistics.get(row.key),
    )


def _tasks() -> Any:  # noqa: ANN401  # A select of many columns.
    task, spec, node = schema.task, schema.task_spec, schema.node
    return (
        select(
            *_columns(task, TASKS),
            spec.c.spec,
            spec.c.creation_time,
            node.c.pool_id,
            node.c.id.label("node_id"),
        )
        .join(spec, spec.c.key == task.c.key)
        .outerjoin(node, node.c.key == task.c.node)
    )


def _task_view(row: AnyRow, job_id: str) -> TaskView:
    task = TASKS.decode(row)
    node = None
    if task.node is not None:
        node = NodeName(key=task.node, pool_id=row.pool_id, node_id=row.node_id)
    return TaskView(
        task=task,
        spec=TASK_SPEC.decode(row.spec),
        job_id=job_id,
        creation_time=from_microseconds(row.creation_time),
        node=node,
    )
