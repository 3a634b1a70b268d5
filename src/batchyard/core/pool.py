"""The life of a pool, and which nodes it should have.

Two machines side by side: ``active -> deleting`` and, for its size, ``steady <-> resizing``. `step`
moves them; `plan_nodes` says which nodes to make and which to let go so that the target is met.
Source: 01 Pool.state and Pool.allocationState, P-1 ... P-22, S-7 ... S-9.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, assert_never

from batchyard.core.errors import ErrorCode, InvalidTransition, Refused
from batchyard.core.messages import (
    DeletePool,
    NodesCounted,
    PoolEvent,
    ResizeFailed,
    Step,
    WakeResize,
)
from batchyard.core.model import (
    AllocationState,
    Node,
    NodeKey,
    NodeState,
    Pool,
    PoolState,
    ResizeError,
)

PoolMode = tuple[PoolState, AllocationState]

STEADY: Final = (PoolState.ACTIVE, AllocationState.STEADY)
RESIZING: Final = (PoolState.ACTIVE, AllocationState.RESIZING)
DELETING: Final = (PoolState.DELETING, AllocationState.RESIZING)

MOVES: Final[Mapping[tuple[PoolMode, type[PoolEvent]], frozenset[PoolMode | None]]] = {
    (STEADY, NodesCounted): frozenset({STEADY}),
    (STEADY, ResizeFailed): frozenset({STEADY}),
    (STEADY, DeletePool): frozenset({DELETING}),
    (RESIZING, NodesCounted): frozenset({RESIZING, STEADY}),
    (RESIZING, ResizeFailed): frozenset({STEADY}),
    (RESIZING, DeletePool): frozenset({DELETING}),
    (DELETING, NodesCounted): frozenset({DELETING, None}),
    (DELETING, ResizeFailed): frozenset({DELETING}),
}

REFUSALS: Final[Mapping[tuple[PoolMode, type[PoolEvent]], ErrorCode]] = {
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
        Refused: ``PoolBeingDeleted``.
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
        case DeletePool():
            result = _deleting(pool, now)
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


def _deleting(pool: Pool, now: datetime) -> Step[Pool]:
    deleting = replace(
        _allocation_moved(pool, AllocationState.RESIZING, now),
        state=PoolState.DELETING,
        state_time=now,
        target_dedicated_nodes=0,
        target_low_priority_nodes=0,
        resize_errors=(),
        revision=pool.revision + 1,
        last_modified=now,
    )
    return Step(deleting, (WakeResize(pool.key),))


def _allocation_moved(pool: Pool, state: AllocationState, now: datetime) -> Pool:
    if state is pool.allocation_state:
        return pool
    return replace(pool, allocation_state=state, allocation_state_time=now)


@dataclass(frozen=True, slots=True)
class NodeChanges:
    """Nodes to make, by whether each is dedicated, and nodes to let go."""

    add: tuple[bool, ...] = ()
    leave: tuple[NodeKey, ...] = ()


def plan_nodes(pool: Pool, nodes: Iterable[Node]) -> NodeChanges:
    """Return what brings the pool to its target. Nodes that leave already do not count.

    What goes first when there are too many (P-18): nodes that are not usable yet, then those with
    the fewest tasks, the youngest first.
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


def _worth(node: Node) -> tuple[bool, int, int]:
    is_usable = node.state in (NodeState.IDLE, NodeState.RUNNING)
    return (is_usable, node.tasks_running, -node.key)
