"""Pools, and how many nodes of each kind they have."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, select

from batchyard.core.states import NodeState
from batchyard.engine.filters import Filter
from batchyard.engine.views import NodeCounts, Page, PoolView
from batchyard.store import filters, schema
from batchyard.store.reading.base import AnyRow, Reading, columns, conditions, page
from batchyard.store.reading.named import pool_row
from batchyard.store.reading.nodes import IS_HERE
from batchyard.store.statements.rows import POOLS
from batchyard.store.statements.specs import POOL_SPEC


class PoolReads(Reading):
    """Reads of pools."""

    def get_pool(self, account: str, pool_id: str) -> PoolView:
        """Return a pool."""
        with self._begin() as connection:
            row = pool_row(connection, account, pool_id)
            return _pool_view(row, _current_nodes(connection, [row.key]))

    def list_pools(
        self, account: str, after: int, limit: int, filter_: Filter | None = None
    ) -> Page[PoolView]:
        """Return the pools of an account whose keys follow `after`."""
        pool = schema.pool
        query = (
            select(*columns(pool, POOLS), pool.c.spec)
            .where(
                pool.c.account == account, pool.c.key > after, *conditions(filter_, filters.POOLS)
            )
            .order_by(pool.c.key)
            .limit(limit + 1)
        )
        with self._begin() as connection:
            rows = connection.execute(query).all()
            current = _current_nodes(connection, [row.key for row in rows])
            return page(rows, limit, lambda row: _pool_view(row, current))

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
                .where(node.c.pool.in_([row.key for row in rows]), IS_HERE)
                .group_by(node.c.pool, node.c.is_dedicated, node.c.state)
            ).all()
        by_pool: dict[int, dict[tuple[bool, str], int]] = {}
        for key, is_dedicated, state, number in counted:
            by_pool.setdefault(key, {})[bool(is_dedicated), state] = number
        return page(
            rows, limit, lambda row: NodeCounts(pool_id=row.id, counts=by_pool.get(row.key, {}))
        )


def _current_nodes(connection: Connection, pools: Sequence[int]) -> Mapping[tuple[int, bool], int]:
    """Return how many nodes pools have that the fleet has brought up: (pool, is dedicated)."""
    node = schema.node
    query = (
        select(node.c.pool, node.c.is_dedicated, func.count())
        .where(node.c.pool.in_(pools), IS_HERE, node.c.state != NodeState.CREATING)
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
