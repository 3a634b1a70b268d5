"""Commands about pools and their nodes."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from batchyard.core.effects import (
    WakeResize,
)
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import PoolKey
from batchyard.core.model import Node, Pool
from batchyard.core.pool_events import (
    DeletePool,
    LeavePool,
    RebootNode,
    RemoveNodes,
    ResizePool,
    UpdatePool,
)
from batchyard.core.specs import PoolChange, PoolSpec, Resize
from batchyard.core.states import AllocationState, NodeOption, PoolState
from batchyard.engine.cascade import Cascade
from batchyard.engine.commands import found
from batchyard.engine.commands.found import PoolGuard
from batchyard.engine.views import PoolView


def create_pool(cascade: Cascade, account: str, spec: PoolSpec) -> PoolView:
    """Create a pool; its first sizing counts as a resize (S-9).

    Raises:
        Refused: ``PoolExists``.
    """
    if cascade.transaction.pool_key(account, spec.id) is not None:
        raise Refused(ErrorCode.POOL_EXISTS)
    pool = add_pool(cascade, account, spec)
    return PoolView(pool=pool, spec=spec, current_dedicated_nodes=0, current_low_priority_nodes=0)


def add_pool(cascade: Cascade, account: str, spec: PoolSpec) -> Pool:
    """Add a pool whose id is free."""
    now = cascade.now
    is_resizing = spec.target_dedicated_nodes + spec.target_low_priority_nodes > 0
    pool = Pool(
        key=PoolKey(cascade.transaction.reserve("pool", 1)),
        account=account,
        id=spec.id,
        revision=1,
        creation_time=now,
        last_modified=now,
        state=PoolState.ACTIVE,
        state_time=now,
        allocation_state=AllocationState.RESIZING if is_resizing else AllocationState.STEADY,
        allocation_state_time=now,
        target_dedicated_nodes=spec.target_dedicated_nodes,
        target_low_priority_nodes=spec.target_low_priority_nodes,
        task_slots_per_node=spec.task_slots_per_node,
        node_fill_type=spec.node_fill_type,
        job_default_order=spec.job_default_order,
        has_inter_node_communication=spec.has_inter_node_communication,
        is_windows=spec.is_windows,
        resize_timeout=spec.resize_timeout,
    )
    cascade.transaction.add_pool(pool, spec)
    cascade.noted.pools.add(pool.key)  # Jobs may have waited for a pool of its name.
    cascade.pools.added(pool.key, pool)
    cascade.run([WakeResize(pool.key)])
    return pool


def update_pool(
    cascade: Cascade, account: str, pool_id: str, change: PoolChange, guard: PoolGuard = None
) -> PoolView:
    """Change what nodes take over when they start; the present ones keep theirs (P-12 ... P-14).

    Raises:
        Refused: ``PoolNotFound``, ``PoolBeingDeleted``, and what the guard says.
    """
    pool = found.pool(cascade, account, pool_id, guard)
    cascade.run([UpdatePool(key=pool.key)])
    spec = cascade.transaction.pool_spec(pool.key)
    if change.start_task is not None or change.removes_start_task:
        spec = replace(spec, start_task=change.start_task)
    if change.metadata is not None:
        spec = replace(spec, metadata=change.metadata or None)
    cascade.transaction.update_pool_spec(pool.key, spec)
    return _view(cascade, pool)


def resize_pool(
    cascade: Cascade, account: str, pool_id: str, resize: Resize, guard: PoolGuard = None
) -> PoolView:
    """Give a pool another size (P-16).

    Raises:
        Refused: ``PoolNotFound``, ``PoolBeingResized``, ``PoolBeingDeleted``, and what the guard
            says.
    """
    pool = found.pool(cascade, account, pool_id, guard)
    cascade.run([ResizePool(key=pool.key, resize=resize)])
    return _view(cascade, pool)


def remove_nodes(
    cascade: Cascade,
    account: str,
    pool_id: str,
    node_ids: Sequence[str],
    timeout: timedelta,
    option: NodeOption,
    guard: PoolGuard = None,
) -> PoolView:
    """Take nodes away; the targets of the pool follow (P-21).

    Raises:
        Refused: ``PoolNotFound``, ``NodeNotFound``, ``PoolBeingResized``, ``PoolBeingDeleted``, and
            what the guard says.
    """
    pool = found.pool(cascade, account, pool_id, guard)
    nodes = found.nodes(cascade, pool, list(node_ids))
    dedicated = sum(node.is_dedicated for node in nodes)
    removal = RemoveNodes(
        key=pool.key,
        dedicated=dedicated,
        low_priority=len(nodes) - dedicated,
        timeout=timeout,
        option=option,
    )
    cascade.run([removal, *(LeavePool(key=node.key, option=option) for node in nodes)])
    return _view(cascade, pool)


def delete_pool(cascade: Cascade, account: str, pool_id: str, guard: PoolGuard = None) -> None:
    """Delete a pool: its nodes leave, their tasks are requeued (S-7), then it is gone.

    Raises:
        Refused: ``PoolNotFound``, ``PoolBeingDeleted``, and what the guard says.
    """
    pool = found.pool(cascade, account, pool_id, guard)
    cascade.run([DeletePool(key=pool.key)])


def reboot_node(
    cascade: Cascade, account: str, pool_id: str, node_id: str, option: NodeOption
) -> Node:
    """Reboot a node, at once or when its tasks are over (P-38).

    Raises:
        Refused: ``PoolNotFound``, ``NodeNotFound``, and why the node cannot be rebooted now.
    """
    pool = found.pool(cascade, account, pool_id)
    (node,) = found.nodes(cascade, pool, [node_id])
    cascade.run([RebootNode(key=node.key, option=option)])
    after = cascade.nodes.get(node.key)
    assert after is not None, node
    return after


def _view(cascade: Cascade, pool: Pool) -> PoolView:
    after = cascade.pools.get(pool.key)
    assert after is not None, pool
    return found.pool_view(cascade, after)
