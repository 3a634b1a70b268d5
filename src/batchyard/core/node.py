"""The life of a compute node: ``creating -> starting -> idle <-> running -> leavingpool``.

A node lives in epochs. When the fleet knows that one is over, everything that ran in it is lost,
the node is ``unknown`` and the fleet is asked for the next epoch under the same id. A node whose
agent is merely out of reach keeps its state and its executions: detection is not proof of death.
News of another epoch are ignored. Source: 01 Compute node.state, P-31 ... P-46.

The states that no event leads to here belong to operations that are not built yet.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from batchyard.core.errors import InvalidTransition
from batchyard.core.messages import (
    CountNodes,
    DismissNode,
    LeavePool,
    LoseExecutions,
    NodeAllocated,
    NodeDied,
    NodeEvent,
    NodeGone,
    NodeNotAllocated,
    NodeWelcomed,
    ResizeFailed,
    SlotsFreed,
    SlotsTaken,
    Step,
    WakeFleet,
    WakePlacement,
)
from batchyard.core.model import Node, NodeState, ResizeError, TaskResult

CREATING = NodeState.CREATING
STARTING = NodeState.STARTING
IDLE = NodeState.IDLE
RUNNING = NodeState.RUNNING
UNKNOWN = NodeState.UNKNOWN
LEAVING_POOL = NodeState.LEAVING_POOL

#: States in which a node takes tasks. Source: T-33.
USABLE: Final = frozenset({IDLE, RUNNING})

MOVES: Final[Mapping[tuple[NodeState, type[NodeEvent]], frozenset[NodeState | None]]] = {
    (CREATING, NodeAllocated): frozenset({STARTING}),
    (CREATING, NodeNotAllocated): frozenset({None}),
    (CREATING, NodeDied): frozenset({UNKNOWN}),
    (CREATING, LeavePool): frozenset({LEAVING_POOL}),
    (STARTING, NodeAllocated): frozenset({STARTING}),
    (STARTING, NodeNotAllocated): frozenset({LEAVING_POOL}),
    (STARTING, NodeWelcomed): frozenset({IDLE}),
    (STARTING, NodeDied): frozenset({UNKNOWN}),
    (STARTING, LeavePool): frozenset({LEAVING_POOL}),
    (IDLE, NodeAllocated): frozenset({IDLE}),
    (IDLE, NodeNotAllocated): frozenset({IDLE}),  # It was there; it may be there again.
    (IDLE, NodeWelcomed): frozenset({IDLE}),
    (IDLE, SlotsTaken): frozenset({RUNNING}),
    (IDLE, NodeDied): frozenset({UNKNOWN}),
    (IDLE, LeavePool): frozenset({LEAVING_POOL}),
    (RUNNING, NodeAllocated): frozenset({RUNNING}),
    (RUNNING, NodeNotAllocated): frozenset({RUNNING}),  # Its tasks may still run.
    (RUNNING, NodeWelcomed): frozenset({RUNNING}),
    (RUNNING, SlotsTaken): frozenset({RUNNING}),
    (RUNNING, SlotsFreed): frozenset({RUNNING, IDLE}),
    (RUNNING, NodeDied): frozenset({UNKNOWN}),
    (RUNNING, LeavePool): frozenset({LEAVING_POOL}),
    (UNKNOWN, NodeAllocated): frozenset({STARTING}),
    (UNKNOWN, NodeNotAllocated): frozenset({LEAVING_POOL}),
    (UNKNOWN, SlotsFreed): frozenset({UNKNOWN}),
    (UNKNOWN, NodeDied): frozenset({UNKNOWN}),
    (UNKNOWN, LeavePool): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, NodeAllocated): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, NodeNotAllocated): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, NodeWelcomed): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, SlotsFreed): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, NodeDied): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, LeavePool): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, NodeGone): frozenset({None}),
}


def step(node: Node, event: NodeEvent, now: datetime) -> Step[Node]:
    """Apply one event to one node.

    Raises:
        InvalidTransition: The node's state cannot take this event.
    """
    if is_stale(node, event):
        return Step(node)
    moves = MOVES.get((node.state, type(event)))
    if moves is None:
        raise InvalidTransition(f"node {node.id} is {node.state} and cannot take {event}")
    match event:
        case NodeAllocated():
            result = _allocated(node, now)
        case NodeNotAllocated():
            result = _not_allocated(node, event, now)
        case NodeWelcomed():
            result = _welcomed(node, event, now)
        case NodeDied():
            result = _died(node, now)
        case SlotsTaken():
            result = _taken(node, event, now)
        case SlotsFreed():
            result = _freed(node, event, now)
        case LeavePool():
            result = _leaving(node, now)
        case NodeGone():
            result = Step(None, (CountNodes(node.pool),))
        case _:
            assert_never(event)
    state = None if result.entity is None else result.entity.state
    assert state in moves, (node, event, result)
    return result


def is_stale(node: Node, event: NodeEvent) -> bool:
    """Return whether `event` is news of another life of the node."""
    match event:
        case NodeAllocated() | NodeNotAllocated() | NodeWelcomed() | NodeDied():
            return event.epoch != node.epoch
        case _:
            return False


def check(node: Node) -> None:
    """Assert what is true of every stored node."""
    assert 0 <= node.slots_used <= node.slots, node
    assert 0 <= node.tasks_running <= node.slots_used, node
    assert node.state is not RUNNING or node.tasks_running > 0, node
    assert node.state is not IDLE or node.tasks_running == 0, node
    assert node.tasks_succeeded <= node.tasks_run, node


def _allocated(node: Node, now: datetime) -> Step[Node]:
    if node.state not in (CREATING, UNKNOWN):
        return Step(node)
    return Step(_moved(node, STARTING, now), (CountNodes(node.pool),))


def _not_allocated(node: Node, event: NodeNotAllocated, now: datetime) -> Step[Node]:
    if node.state in (IDLE, RUNNING, LEAVING_POOL):
        return Step(node)
    values = (("Reason", event.reason),)
    error = ResizeError("AllocationFailed", "A node could not be started", values)
    failed = ResizeFailed(key=node.pool, error=error)
    if node.state is CREATING:
        return Step(None, (failed, CountNodes(node.pool)))
    leaving = _leaving(node, now)
    return Step(leaving.entity, (failed, *leaving.effects))


def _welcomed(node: Node, event: NodeWelcomed, now: datetime) -> Step[Node]:
    if node.state is not STARTING:
        return Step(node)
    booted = replace(_moved(node, IDLE, now), last_boot_time=event.boot_time)
    return Step(booted, (WakePlacement(node.pool),))


def _died(node: Node, now: datetime) -> Step[Node]:
    effects = (LoseExecutions(node.key), WakeFleet(node.key))
    if node.state is LEAVING_POOL:
        return Step(node, effects)
    return Step(
        replace(_moved(node, UNKNOWN, now), epoch=node.epoch + 1, log_acknowledged=0), effects
    )


def _taken(node: Node, event: SlotsTaken, now: datetime) -> Step[Node]:
    taken = replace(
        node, slots_used=node.slots_used + event.slots, tasks_running=node.tasks_running + 1
    )
    return Step(_moved(taken, RUNNING, now))


def _freed(node: Node, event: SlotsFreed, now: datetime) -> Step[Node]:
    freed = replace(
        node,
        slots_used=node.slots_used - event.slots,
        tasks_running=node.tasks_running - 1,
        tasks_run=node.tasks_run + (event.result is not None),
        tasks_succeeded=node.tasks_succeeded + (event.result is TaskResult.SUCCESS),
    )
    if freed.state is RUNNING and freed.tasks_running == 0:
        freed = _moved(freed, IDLE, now)
    return Step(freed, (WakePlacement(node.pool),))


def _leaving(node: Node, now: datetime) -> Step[Node]:
    if node.state is LEAVING_POOL:
        return Step(node, (WakeFleet(node.key),))
    effects = (DismissNode(node.key), WakeFleet(node.key), CountNodes(node.pool))
    return Step(_moved(node, LEAVING_POOL, now), effects)


def _moved(node: Node, state: NodeState, now: datetime) -> Node:
    return node if state is node.state else replace(node, state=state, state_time=now)
