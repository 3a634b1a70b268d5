"""The life of a compute node, cell by cell and rule by rule."""

from itertools import product
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from batchyard.core.effects import (
    CountNodes,
    DismissNode,
    LoseExecutions,
    OpenExecution,
    RecallQueue,
    WakeFleet,
    WakePlacement,
)
from batchyard.core.keys import NodeKey, PoolKey, TaskKey
from batchyard.core.model import Node
from batchyard.core.node import MOVES, REFUSALS, check, is_stale, step
from batchyard.core.pool_events import (
    LeavePool,
    NodeAllocated,
    NodeDied,
    NodeEvent,
    NodeGone,
    NodeNotAllocated,
    NodeWelcomed,
    RebootNode,
    ResizeFailed,
    SlotsFreed,
    SlotsTaken,
    StartTaskEnded,
    StartTaskStarted,
)
from batchyard.core.specs import StartTaskSpec
from batchyard.core.states import ExecutionKind, NodeOption, NodePlan, NodeState, TaskResult
from tests.core.exploring import NOW, assert_cell, explore, listed
from tests.core.test_task import LATER, ending

KEY = NodeKey(3)
TASK = TaskKey(17)
POOL = PoolKey(1)


START = StartTaskSpec(command_line="start", max_task_retry_count=1)
START_ALONE = StartTaskSpec(command_line="start", wait_for_success=False)


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
    SlotsFreed(key=KEY, task=TASK, slots=2, result=TaskResult.SUCCESS),
    SlotsFreed(key=KEY, task=TASK, slots=2, result=None),
]


def reachable_events(node: Node) -> list[NodeEvent]:
    """What can come next: the slots of a former life are freed in the transaction of its end."""
    reborn = (NodeState.UNKNOWN, NodeState.REBOOTING)
    if node.state in reborn and node.tasks_running > 0:
        return FREED
    return events(node)


def events(node: Node) -> list[NodeEvent]:
    epoch = node.epoch
    told: list[NodeEvent] = [
        NodeAllocated(key=KEY, epoch=epoch),
        NodeNotAllocated(key=KEY, epoch=epoch, reason="no"),
        *(
            NodeWelcomed(key=KEY, epoch=epoch, boot_time=NOW, start_task=start_task)
            for start_task in (None, START, START_ALONE)
        ),
        NodeDied(key=KEY, epoch=epoch),
        *(RebootNode(key=KEY, option=option) for option in NodeOption),
        *(LeavePool(key=KEY, option=option) for option in NodeOption),
        NodeGone(key=KEY),
    ]
    attempt = node.start_run.attempt
    if attempt > 0:
        told += [
            StartTaskStarted(key=KEY, attempt=attempt, time=NOW),
            StartTaskEnded(key=KEY, attempt=attempt, ending=ending(0)),
            StartTaskEnded(key=KEY, attempt=attempt, ending=ending(1)),
            StartTaskEnded(key=KEY, attempt=attempt, ending=None),
        ]
    if node.slots_used + 2 <= node.slots:
        told.append(SlotsTaken(key=KEY, slots=2))
    if node.tasks_running > 0:
        told += FREED
    return told


UP = NodeAllocated(key=KEY, epoch=1)
WELCOME = NodeWelcomed(key=KEY, epoch=1, boot_time=NOW, start_task=None)
TAKEN = SlotsTaken(key=KEY, slots=2)
LEAVE = LeavePool(key=KEY, option=NodeOption.REQUEUE)
REBOOT = RebootNode(key=KEY, option=NodeOption.REQUEUE)


def welcome(start_task: StartTaskSpec, epoch: int = 1) -> NodeWelcomed:
    return NodeWelcomed(key=KEY, epoch=epoch, boot_time=NOW, start_task=start_task)


def start_ended(exit_code: int, attempt: int = 1) -> StartTaskEnded:
    return StartTaskEnded(key=KEY, attempt=attempt, ending=ending(exit_code))


def a_node(state: NodeState) -> Node:
    """One that reached `state` by the shortest legal path; others are made up."""
    way: dict[NodeState, list[NodeEvent]] = {
        NodeState.CREATING: [],
        NodeState.STARTING: [UP],
        NodeState.IDLE: [UP, WELCOME],
        NodeState.RUNNING: [UP, WELCOME, TAKEN],
        NodeState.UNKNOWN: [UP, WELCOME, TAKEN, NodeDied(key=KEY, epoch=1)],
        NodeState.LEAVING_POOL: [UP, WELCOME, TAKEN, LEAVE],
        NodeState.WAITING_FOR_START_TASK: [UP, welcome(START)],
        NodeState.START_TASK_FAILED: [UP, welcome(START), start_ended(1), start_ended(1, 2)],
        NodeState.REBOOTING: [UP, WELCOME, REBOOT],
    }
    if state not in way:
        return new(state=state)
    return after(new(), *way[state])


@pytest.mark.parametrize(("state", "kind"), list(product(NodeState, get_args(NodeEvent))))
def test_every_cell_is_listed_refused_stale_or_a_defect(state: NodeState, kind: type[Any]) -> None:
    node = a_node(state)
    for event in (event for event in events(node) if type(event) is kind):
        assert_cell(node, event, step, lambda one: one.state, MOVES, REFUSALS, is_stale)


def test_the_table_lists_exactly_what_can_happen() -> None:
    moves = explore(
        [new()],
        reachable_events,
        step,
        lambda node: node.state,
        check,
        is_stale,
        lambda node: node.epoch < 3 and node.tasks_run < 3 and node.start_run.attempt < 4,
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
    idle = after(running, SlotsFreed(key=KEY, task=TASK, slots=2, result=TaskResult.FAILURE))
    assert (idle.state, idle.slots_used, idle.tasks_run, idle.tasks_succeeded) == (
        NodeState.IDLE,
        0,
        1,
        0,
    )


def test_the_last_tasks_that_ran_to_an_end_are_remembered_each_once() -> None:
    """P-33."""
    node = a_node(NodeState.RUNNING)
    for number in (*range(1, 14), 7):
        end = SlotsFreed(key=KEY, task=TaskKey(number), slots=0, result=TaskResult.SUCCESS)
        node = after(replace(node, tasks_running=2), end)
    assert node.recent_tasks == (4, 5, 6, 8, 9, 10, 11, 12, 13, 7)
    lost = SlotsFreed(key=KEY, task=TaskKey(1), slots=0, result=None)
    assert after(replace(node, tasks_running=2), lost).recent_tasks == node.recent_tasks


def test_a_dead_node_starts_a_new_life_and_loses_what_ran() -> None:
    result = step(a_node(NodeState.RUNNING), NodeDied(key=KEY, epoch=1), LATER)
    assert result.entity is not None
    assert (result.entity.state, result.entity.epoch) == (NodeState.UNKNOWN, 2)
    assert list(result.effects) == [LoseExecutions(KEY, None), WakeFleet(KEY)]


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
    result = step(a_node(NodeState.RUNNING), LEAVE, LATER)
    assert list(result.effects) == [
        DismissNode(KEY, NodeOption.REQUEUE),
        WakeFleet(KEY),
        CountNodes(POOL),
    ]


def test_a_node_may_leave_when_its_tasks_are_over() -> None:
    """P-17: ``taskcompletion``; it takes no more of them meanwhile."""
    event = LeavePool(key=KEY, option=NodeOption.TASK_COMPLETION)
    leaving = step(a_node(NodeState.RUNNING), event, LATER)
    assert leaving.entity is not None
    assert (leaving.entity.state, leaving.entity.plan) == (
        NodeState.LEAVING_POOL,
        NodePlan.LEAVE,
    )
    assert list(leaving.effects) == [RecallQueue(KEY), CountNodes(POOL)]
    left = step(leaving.entity, FREED[0], LATER)
    assert DismissNode(KEY, NodeOption.REQUEUE) in left.effects


def test_a_node_waits_for_its_start_task() -> None:
    """P-26."""
    result = step(a_node(NodeState.STARTING), welcome(START), LATER)
    assert result.entity is not None
    assert result.entity.state is NodeState.WAITING_FOR_START_TASK
    (order,) = result.effects
    assert isinstance(order, OpenExecution)
    assert (order.id, order.kind, order.job) == ("start-3-1", ExecutionKind.START, None)
    ready = step(result.entity, start_ended(0), LATER)
    assert ready.entity is not None
    assert (ready.entity.state, list(ready.effects)) == (NodeState.IDLE, [WakePlacement(POOL)])


def test_a_start_task_is_retried_and_then_has_failed() -> None:
    """P-28."""
    waiting = a_node(NodeState.WAITING_FOR_START_TASK)
    retried = after(waiting, start_ended(1))
    assert (retried.state, retried.start_run.retry_count) == (
        NodeState.WAITING_FOR_START_TASK,
        1,
    )
    failed = after(retried, start_ended(3, attempt=2))
    assert (failed.state, failed.start_run.exit_code) == (NodeState.START_TASK_FAILED, 3)


def test_a_start_task_that_nobody_waits_for_may_fail() -> None:
    """P-29."""
    idle = after(a_node(NodeState.STARTING), welcome(START_ALONE))
    assert idle.state is NodeState.IDLE
    ended = after(idle, start_ended(1))
    assert (ended.state, ended.start_run.result) == (NodeState.IDLE, TaskResult.FAILURE)


def test_a_reboot_begins_a_new_life_with_the_start_task_of_then() -> None:
    """P-14, P-38."""
    rebooting = step(a_node(NodeState.RUNNING), REBOOT, LATER)
    assert rebooting.entity is not None
    assert (rebooting.entity.state, rebooting.entity.epoch) == (NodeState.REBOOTING, 2)
    assert list(rebooting.effects) == [
        LoseExecutions(KEY, NodeOption.REQUEUE),
        WakeFleet(KEY),
    ]
    booted = after(
        rebooting.entity, FREED[1], NodeAllocated(key=KEY, epoch=2), welcome(START, epoch=2)
    )
    assert booted.start_task == START


def test_a_reboot_may_wait_for_the_tasks() -> None:
    event = RebootNode(key=KEY, option=NodeOption.TASK_COMPLETION)
    waiting = after(a_node(NodeState.RUNNING), event)
    assert (waiting.state, waiting.plan) == (NodeState.RUNNING, NodePlan.REBOOT)
    assert after(waiting, FREED[0]).state is NodeState.REBOOTING
