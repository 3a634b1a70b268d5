"""The life of a compute node, cell by cell and rule by rule."""

from dataclasses import replace
from itertools import product
from typing import Any, get_args

import pytest

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
    WakeFleet,
    WakePlacement,
)
from batchyard.core.model import Node, NodeKey, NodeState, PoolKey, TaskResult
from batchyard.core.node import MOVES, check, is_stale, step
from tests.core.exploring import NOW, assert_cell, explore, listed
from tests.core.test_task import LATER

KEY = NodeKey(3)
POOL = PoolKey(1)


def new(**changes: Any) -> Node:
    node = Node(
        key=KEY,
        pool=POOL,
        pool_id="pool",
        id="node",
        is_dedicated=True,
        state=NodeState.CREATING,
        state_time=NOW,
        allocation_time=NOW,
        slots=4,
    )
    return replace(node, **changes)


def after(node: Node, *events: NodeEvent) -> Node:
    for event in events:
        stepped = step(node, event, LATER).entity
        assert stepped is not None
        node = stepped
    return node


FREED: list[NodeEvent] = [
    SlotsFreed(key=KEY, slots=2, result=TaskResult.SUCCESS),
    SlotsFreed(key=KEY, slots=2, result=None),
]


def reachable_events(node: Node) -> list[NodeEvent]:
    """What can come next: a dead node's slots are freed in the transaction of its death."""
    if node.state is NodeState.UNKNOWN and node.tasks_running > 0:
        return FREED
    return events(node)


def events(node: Node) -> list[NodeEvent]:
    epoch = node.epoch
    told: list[NodeEvent] = [
        NodeAllocated(key=KEY, epoch=epoch),
        NodeNotAllocated(key=KEY, epoch=epoch, reason="no"),
        NodeWelcomed(key=KEY, epoch=epoch, boot_time=NOW),
        NodeDied(key=KEY, epoch=epoch),
        LeavePool(key=KEY),
        NodeGone(key=KEY),
    ]
    if node.slots_used + 2 <= node.slots:
        told.append(SlotsTaken(key=KEY, slots=2))
    if node.tasks_running > 0:
        told += FREED
    return told


UP = NodeAllocated(key=KEY, epoch=1)
WELCOME = NodeWelcomed(key=KEY, epoch=1, boot_time=NOW)
TAKEN = SlotsTaken(key=KEY, slots=2)


def a_node(state: NodeState) -> Node:
    """One that reached `state` by the shortest legal path; others are made up."""
    way: dict[NodeState, list[NodeEvent]] = {
        NodeState.CREATING: [],
        NodeState.STARTING: [UP],
        NodeState.IDLE: [UP, WELCOME],
        NodeState.RUNNING: [UP, WELCOME, TAKEN],
        NodeState.UNKNOWN: [UP, WELCOME, TAKEN, NodeDied(key=KEY, epoch=1)],
        NodeState.LEAVING_POOL: [UP, WELCOME, TAKEN, LeavePool(key=KEY)],
    }
    if state not in way:
        return new(state=state)
    return after(new(), *way[state])


@pytest.mark.parametrize(("state", "kind"), list(product(NodeState, get_args(NodeEvent))))
def test_every_cell_is_listed_stale_or_a_defect(state: NodeState, kind: type[Any]) -> None:
    node = a_node(state)
    for event in (event for event in events(node) if type(event) is kind):
        assert_cell(node, event, step, lambda one: one.state, MOVES, {}, is_stale)


def test_the_table_lists_exactly_what_can_happen() -> None:
    moves = explore(
        [new()],
        reachable_events,
        step,
        lambda node: node.state,
        check,
        is_stale,
        lambda node: node.epoch < 4 and node.tasks_run < 4,
    )
    assert moves == listed(MOVES)


def test_a_node_takes_tasks_once_its_agent_answers() -> None:
    result = step(a_node(NodeState.STARTING), WELCOME, LATER)
    assert result.entity is not None
    assert (result.entity.state, result.entity.last_boot_time) == (NodeState.IDLE, NOW)
    assert list(result.effects) == [WakePlacement(POOL)]


def test_a_node_whose_agent_is_met_again_keeps_its_state() -> None:
    """A restart of the server is none of the node."""
    running = a_node(NodeState.RUNNING)
    assert step(running, WELCOME, LATER).entity is running


def test_slots_and_tasks_are_counted() -> None:
    running = a_node(NodeState.RUNNING)
    assert (running.slots_used, running.tasks_running) == (2, 1)
    idle = after(running, SlotsFreed(key=KEY, slots=2, result=TaskResult.FAILURE))
    assert (idle.state, idle.slots_used, idle.tasks_run, idle.tasks_succeeded) == (
        NodeState.IDLE,
        0,
        1,
        0,
    )


def test_a_dead_node_starts_a_new_life_and_loses_what_ran() -> None:
    result = step(a_node(NodeState.RUNNING), NodeDied(key=KEY, epoch=1), LATER)
    assert result.entity is not None
    assert (result.entity.state, result.entity.epoch) == (NodeState.UNKNOWN, 2)
    assert list(result.effects) == [LoseExecutions(KEY), WakeFleet(KEY)]


def test_news_of_a_former_life_are_ignored() -> None:
    """They would end a life that has only begun."""
    reborn = a_node(NodeState.UNKNOWN)
    assert step(reborn, NodeDied(key=KEY, epoch=1), LATER).entity is reborn


def test_a_node_that_cannot_be_had_tells_its_pool() -> None:
    event = NodeNotAllocated(key=KEY, epoch=1, reason="no memory")
    result = step(new(), event, LATER)
    assert result.entity is None
    failed, counted = result.effects
    assert isinstance(failed, ResizeFailed)
    assert failed.error.values == (("Reason", "no memory"),)
    assert counted == CountNodes(POOL)


def test_a_node_that_cannot_be_had_again_leaves_its_pool() -> None:
    event = NodeNotAllocated(key=KEY, epoch=2, reason="no memory")
    result = step(a_node(NodeState.UNKNOWN), event, LATER)
    assert result.entity is not None
    assert result.entity.state is NodeState.LEAVING_POOL
    assert isinstance(result.effects[0], ResizeFailed)


@pytest.mark.parametrize("state", [NodeState.IDLE, NodeState.RUNNING])
def test_a_node_that_was_there_is_not_given_up(state: NodeState) -> None:
    """Its agent does not start for now, but its tasks may still run."""
    node = a_node(state)
    assert step(node, NodeNotAllocated(key=KEY, epoch=1, reason="full"), LATER).entity is node


def test_a_leaving_node_gives_everything_back() -> None:
    result = step(a_node(NodeState.RUNNING), LeavePool(key=KEY), LATER)
    assert list(result.effects) == [DismissNode(KEY), WakeFleet(KEY), CountNodes(POOL)]
