"""Nodes, and what runs on them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, func, literal_column, select, union_all

from batchyard.core import execution as execution_cycle
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import NodeKey
from batchyard.core.states import ExecutionKind, NodeState
from batchyard.engine.filters import Filter
from batchyard.engine.views import NodeView, Page, RunningTasks
from batchyard.store import filters, schema
from batchyard.store.reading import recent_tasks
from batchyard.store.reading.base import AnyRow, Reading, columns, conditions, page
from batchyard.store.reading.named import pool_row
from batchyard.store.statements.rows import GONE, NODES
from batchyard.store.statements.specs import POOL_SPEC

#: Spelt as in the indexes of nodes that are gone and that are not: the database sees which serves.
IS_HERE: Final = schema.node.c.state != literal_column(f"'{GONE}'")
_IS_GONE: Final = schema.node.c.state == literal_column(f"'{GONE}'")


class NodeReads(Reading):
    """Reads of nodes that are not gone."""

    def get_node(
        self, account: str, pool_id: str, node_id: str, *, with_recent_tasks: bool = False
    ) -> NodeView:
        """Return a node."""
        node = schema.node
        with self._begin() as connection:
            pool = pool_row(connection, account, pool_id)
            query = select(*columns(node, NODES)).where(
                node.c.pool == pool.key,
                func.lower(node.c.id) == node_id.lower(),
                IS_HERE,
            )
            row = connection.execute(query).first()
            if row is None:
                raise Refused(ErrorCode.NODE_NOT_FOUND)
            return next(_node_views(connection, pool, [row], with_recent_tasks=with_recent_tasks))

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
        node = schema.node
        with self._begin() as connection:
            pool = pool_row(connection, account, pool_id)
            query = (
                select(*columns(node, NODES))
                .where(node.c.pool == pool.key, node.c.key > after, IS_HERE)
                .where(*conditions(filter_, filters.NODES))
                .order_by(node.c.key)
                .limit(limit + 1)
            )
            rows = connection.execute(query).all()
            views = _node_views(connection, pool, rows[:limit], with_recent_tasks=with_recent_tasks)
            return page(rows, limit, lambda _row: next(views))

    def node_state(self, node: NodeKey) -> NodeState | None:
        """Return the state of a node, None if it is gone."""
        query = select(schema.node.c.state).where(schema.node.c.key == node)
        with self._begin() as connection:
            state = connection.execute(query).scalar()
        return None if state in (None, GONE) else NodeState(state)


def _first_node(connection: Connection, pool: int) -> int:
    """Return the oldest node that a pool ever had, 0 if it has had none."""
    first = select(func.min(schema.node.c.key).label("key")).where(schema.node.c.pool == pool)
    firsts = union_all(first.where(_IS_GONE), first.where(IS_HERE)).subquery()
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


def _node_views(
    connection: Connection, pool: AnyRow, rows: Sequence[AnyRow], *, with_recent_tasks: bool
) -> Iterator[NodeView]:
    """Yield nodes of one pool, in the order of their rows."""
    nodes = [NODES.decode(row) for row in rows]
    first = _first_node(connection, pool.key)
    running = _running_tasks(connection, [node.key for node in nodes])
    recent = recent_tasks.of_nodes(connection, nodes) if with_recent_tasks else {}
    spec = POOL_SPEC.decode(pool.spec)
    for node in nodes:
        yield NodeView(
            node=node,
            pool_spec=spec,
            ordinal=node.key - first,
            running=running.get(node.key, RunningTasks(0, 0)),
            recent_tasks=recent.get(node.key, ()),
        )
