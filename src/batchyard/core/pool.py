"""The life of a pool, and which nodes it should have.

Two machines side by side: ``active -> deleting`` and, for its size, ``steady <-> resizing``. `step`
moves them; `plan_nodes` says which nodes to make and which to let go so that the target is met.
Source: 01 Pool.state and Pool.allocationState, P-1 ... P-22, S-7 ... S-9.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from batchyard.core.effects import (
    Step,
    WakeResize,
)
from batchyard.core.errors import ErrorCode, InvalidTransition, Refused
from batchyard.core.keys import NodeKey
from batchyard.core.model import Node, Pool, ResizeError
from batchyard.core.pool_events import (
    AutoPoolOver,
    DeletePool,
    NodesCounted,
    PoolEvent,
    RemoveNodes,
    ResizeFailed,
    ResizePool,
    UpdatePool,
)
from batchyard.core.states import AllocationState, NodeOption, NodeState, PoolState

PoolMode = tuple[PoolState, AllocationState]

STEADY: Final = (PoolState.ACTIVE, AllocationState.STEADY)
RESIZING: Final = (PoolState.ACTIVE, AllocationState.RESIZING)
DELETING: Final = (PoolState.DELETING, AllocationState.RESIZING)

MOVES: Final[Mapping[tuple[PoolMode, type[PoolEvent]], frozenset[PoolMode | None]]] = {
    (STEADY, NodesCounted): frozenset({STEADY}),
    (STEADY, ResizeFailed): frozenset({STEADY}),
    (STEADY, ResizePool): frozenset({RESIZING}),
    (STEADY, RemoveNodes): frozenset({RESIZING}),
    (STEADY, UpdatePool): frozenset({STEADY}),
    (STEADY, DeletePool): frozenset({DELETING}),
    (STEADY, AutoPoolOver): frozenset({DELETING}),
    (RESIZING, NodesCounted): frozenset({RESIZING, STEADY}),
    (RESIZING, ResizeFailed): frozenset({STEADY}),
    (RESIZING, UpdatePool): frozenset({RESIZING}),
    (RESIZING, DeletePool): frozenset({DELETING}),
    (RESIZING, AutoPoolOver): frozenset({DELETING}),
    (DELETING, NodesCounted): frozenset({DELETING, None}),
    (DELETING, ResizeFailed): frozenset({DELETING}),
    (DELETING, AutoPoolOver): frozenset({DELETING}),
}

REFUSALS: Final[Mapping[tuple[PoolMode, type[PoolEvent]], ErrorCode]] = {
    (RESIZING, ResizePool): ErrorCode.POOL_BEING_RESIZED,
    (RESIZING, RemoveNodes): ErrorCode.POOL_BEING_RESIZED,
    (DELETING, ResizePool): ErrorCode.POOL_BEING_DELETED,
    (DELETING, RemoveNodes): ErrorCode.POOL_BEING_DELETED,
    (DELETING, UpdatePool): ErrorCode.POOL_BEING_DELETED,
    (DELETING, DeletePool): ErrorCode.POOL_BEING_DELETED,
}

#: Why no node of a Windows image comes up. Source: ours (issue 2: the pool itself stands).
WINDOWS_NOT_AVAILABLE: Final = ResizeError(
    "AllocationFailed",
    "Desired number of nodes could not be allocated: Windows nodes are not to be had here",
    (("Reason", "This service runs Linux nodes only; create the pool with a Linux image"),),
)

#: Source: P-19.
TIMED_OUT: Final = ResizeError(
    "AllocationTimedout",
    "Desired number of nodes could not be allocated as the resize timeout was reached",
)


def step(pool: Pool, event: PoolEvent, now: datetime) -> Step[Pool]:
    """Apply one event to one pool.

    Raises:
        Refused: ``PoolBeingDeleted``, ``PoolBeingResized``.
        InvalidTransition: The pool's state cannot take this event.
    """
    mode = (pool.state, pool.allocation_state)
    if (mode, type(event)) in REFUSALS:
        raise Refused(REFUSALS[mode, type(event)])
    moves = MOVES.get((mode, type(event)))
    if moves is None:
        raise InvalidTransition(f"pool {pool.id} is {mode} and cannot take {event}")
    match event:
        case NodesCounted():
            result = _counted(pool, event, now)
        case ResizeFailed():
            result = _failed(pool, event, now)
        case ResizePool():
            result = _resized(pool, event, now)
        case RemoveNodes():
            result = _shrunk(pool, event, now)
        case UpdatePool():
            result = Step(replace(pool, revision=pool.revision + 1, last_modified=now))
        case DeletePool():
            result = _deleting(pool, now)
        case AutoPoolOver():
            is_going = pool.state is PoolState.DELETING
            result = Step(pool) if is_going else _deleting(pool, now)
        case _:
            assert_never(event)
    after = result.entity
    assert (None if after is None else (after.state, after.allocation_state)) in moves, result
    return result


def check(pool: Pool) -> None:
    """Assert what is true of every stored pool."""
    assert (pool.state, pool.allocation_state) in (STEADY, RESIZING, DELETING), pool
    assert not pool.resize_errors or pool.allocation_state is AllocationState.STEADY, pool


def _counted(pool: Pool, event: NodesCounted, now: datetime) -> Step[Pool]:
    if pool.allocation_state is AllocationState.STEADY:
        return Step(pool)
    if event.changing > 0:
        return Step(pool)
    targets = (pool.target_dedicated_nodes, pool.target_low_priority_nodes)
    if (event.dedicated, event.low_priority) != targets:
        return Step(pool, (WakeResize(pool.key),))
    if pool.state is PoolState.DELETING:
        return Step(None)
    return Step(_allocation_moved(pool, AllocationState.STEADY, now))


def _failed(pool: Pool, event: ResizeFailed, now: datetime) -> Step[Pool]:
    if pool.state is PoolState.DELETING:
        return Step(pool)
    steady = _allocation_moved(pool, AllocationState.STEADY, now)
    return Step(replace(steady, resize_errors=(*pool.resize_errors, event.error)[:1]))


def _resized(pool: Pool, event: ResizePool, now: datetime) -> Step[Pool]:
    resize = event.resize
    dedicated, low_priority = resize.target_dedicated_nodes, resize.target_low_priority_nodes
    return _resizing(
        pool,
        pool.target_dedicated_nodes if dedicated is None else dedicated,
        pool.target_low_priority_nodes if low_priority is None else low_priority,
        resize.timeout,
        resize.option,
        now,
    )


def _shrunk(pool: Pool, event: RemoveNodes, now: datetime) -> Step[Pool]:
    return _resizing(
        pool,
        max(0, pool.target_dedicated_nodes - event.dedicated),
        max(0, pool.target_low_priority_nodes - event.low_priority),
        event.timeout,
        event.option,
        now,
    )


def _resizing(
    pool: Pool,
    dedicated: int,
    low_priority: int,
    timeout: timedelta,
    option: NodeOption,
    now: datetime,
) -> Step[Pool]:
    """Begin a resize: its targets are visible at once, the errors of the last one are gone."""
    resizing = replace(
        _allocation_moved(pool, AllocationState.RESIZING, now),
        target_dedicated_nodes=dedicated,
        target_low_priority_nodes=low_priority,
        resize_timeout=timeout,
        resize_option=option,
        resize_errors=(),
        revision=pool.revision + 1,
        last_modified=now,
    )
    return Step(resizing, (WakeResize(pool.key),))


def _deleting(pool: Pool, now: datetime) -> Step[Pool]:
    """S-7: as a resize to nothing that requeues the tasks."""
    begun = _resizing(pool, 0, 0, pool.resize_timeout, NodeOption.REQUEUE, now)
    assert begun.entity is not None
    deleting = replace(begun.entity, state=PoolState.DELETING, state_time=now)
    return Step(deleting, begun.effects)


def _allocation_moved(pool: Pool, state: AllocationState, now: datetime) -> Pool:
    if state is pool.allocation_state:
        return pool
    return replace(pool, allocation_state=state, allocation_state_time=now)


class NodeChanges(Struct, frozen=True):
    """Nodes to make, by whether each is dedicated, and nodes to let go."""

    add: tuple[bool, ...] = ()
    leave: tuple[NodeKey, ...] = ()


def plan_nodes(pool: Pool, nodes: Iterable[Node]) -> NodeChanges:
    """Return what brings the pool to its target. Nodes that leave already do not count.

    What goes first when there are too many (P-18): nodes that are not usable yet, then those with
    the fewest tasks, the youngest first; nodes with job manager tasks go last (J-59).
    """
    staying = [node for node in nodes if node.state is not NodeState.LEAVING_POOL]
    add: list[bool] = []
    leave: list[NodeKey] = []
    targets = ((True, pool.target_dedicated_nodes), (False, pool.target_low_priority_nodes))
    for is_dedicated, target in targets:
        present = [node for node in staying if node.is_dedicated is is_dedicated]
        add += [is_dedicated] * (target - len(present))
        going = sorted(present, key=_worth)[: max(0, len(present) - target)]
        leave += [node.key for node in going]
    return NodeChanges(tuple(add), tuple(leave))


def _worth(node: Node) -> tuple[int, bool, int, int]:
    is_usable = node.state in (NodeState.IDLE, NodeState.RUNNING)
    return (node.managers_running, is_usable, node.tasks_running, -node.key)
