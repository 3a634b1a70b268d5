"""The life of a compute node: ``creating -> starting -> idle <-> running -> leavingpool``.

A node lives in epochs. When the fleet knows that one is over, everything that ran in it is lost,
the node is ``unknown`` and the fleet is asked for the next epoch under the same id; a reboot ends
an epoch on purpose. A node whose agent is merely out of reach keeps its state and its executions:
detection is not proof of death. News of another epoch are ignored.

Every epoch begins with the start task that the pool has by then (P-14). A node that has to wait for
it is ``waitingforstarttask``, and takes tasks once it has succeeded (P-26 ... P-29).
Source: 01 Compute node.state, P-31 ... P-46.

The states that no event leads to here belong to operations that are not built yet.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, assert_never

from msgspec.structs import replace

from batchyard.core import limits, runs
from batchyard.core.effects import (
    CountNodes,
    DismissNode,
    LoseExecutions,
    OpenExecution,
    RecallQueue,
    Step,
    WakeFleet,
    WakePlacement,
)
from batchyard.core.errors import ErrorCode, InvalidTransition, Refused
from batchyard.core.keys import TaskKey, start_execution_id
from batchyard.core.model import Ending, Node, ResizeError, Run
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
from batchyard.core.states import ExecutionKind, NodeOption, NodePlan, NodeState, TaskResult

CREATING = NodeState.CREATING
STARTING = NodeState.STARTING
WAITING = NodeState.WAITING_FOR_START_TASK
START_TASK_FAILED = NodeState.START_TASK_FAILED
IDLE = NodeState.IDLE
RUNNING = NodeState.RUNNING
REBOOTING = NodeState.REBOOTING
UNKNOWN = NodeState.UNKNOWN
LEAVING_POOL = NodeState.LEAVING_POOL

#: States in which a node takes tasks. Source: T-33.
USABLE: Final = frozenset({IDLE, RUNNING})

#: States in which the agent of a node was met in this epoch.
_MET: Final = frozenset({WAITING, START_TASK_FAILED, IDLE, RUNNING})

MOVES: Final[Mapping[tuple[NodeState, type[NodeEvent]], frozenset[NodeState | None]]] = {
    (CREATING, NodeAllocated): frozenset({STARTING}),
    (CREATING, NodeNotAllocated): frozenset({None}),
    (CREATING, NodeDied): frozenset({UNKNOWN}),
    (CREATING, LeavePool): frozenset({LEAVING_POOL}),
    (STARTING, NodeAllocated): frozenset({STARTING}),
    (STARTING, NodeNotAllocated): frozenset({LEAVING_POOL}),
    (STARTING, NodeWelcomed): frozenset({IDLE, WAITING}),
    (STARTING, NodeDied): frozenset({UNKNOWN}),
    (STARTING, LeavePool): frozenset({LEAVING_POOL}),
    (WAITING, NodeAllocated): frozenset({WAITING}),
    (WAITING, NodeNotAllocated): frozenset({WAITING}),
    (WAITING, NodeWelcomed): frozenset({WAITING}),
    (WAITING, StartTaskStarted): frozenset({WAITING}),
    (WAITING, StartTaskEnded): frozenset({WAITING, IDLE, START_TASK_FAILED}),
    (WAITING, NodeDied): frozenset({UNKNOWN}),
    (WAITING, LeavePool): frozenset({LEAVING_POOL}),
    (START_TASK_FAILED, NodeAllocated): frozenset({START_TASK_FAILED}),
    (START_TASK_FAILED, NodeNotAllocated): frozenset({START_TASK_FAILED}),
    (START_TASK_FAILED, NodeWelcomed): frozenset({START_TASK_FAILED}),
    (START_TASK_FAILED, NodeDied): frozenset({UNKNOWN}),
    (START_TASK_FAILED, RebootNode): frozenset({REBOOTING}),
    (START_TASK_FAILED, LeavePool): frozenset({LEAVING_POOL}),
    (IDLE, NodeAllocated): frozenset({IDLE}),
    (IDLE, NodeNotAllocated): frozenset({IDLE}),  # It was there; it may be there again.
    (IDLE, NodeWelcomed): frozenset({IDLE}),
    (IDLE, StartTaskStarted): frozenset({IDLE}),
    (IDLE, StartTaskEnded): frozenset({IDLE}),
    (IDLE, SlotsTaken): frozenset({RUNNING}),
    (IDLE, NodeDied): frozenset({UNKNOWN}),
    (IDLE, RebootNode): frozenset({REBOOTING}),
    (IDLE, LeavePool): frozenset({LEAVING_POOL}),
    (RUNNING, NodeAllocated): frozenset({RUNNING}),
    (RUNNING, NodeNotAllocated): frozenset({RUNNING}),  # Its tasks may still run.
    (RUNNING, NodeWelcomed): frozenset({RUNNING}),
    (RUNNING, StartTaskStarted): frozenset({RUNNING}),
    (RUNNING, StartTaskEnded): frozenset({RUNNING}),
    (RUNNING, SlotsTaken): frozenset({RUNNING}),
    (RUNNING, SlotsFreed): frozenset({RUNNING, IDLE, REBOOTING}),
    (RUNNING, NodeDied): frozenset({UNKNOWN}),
    (RUNNING, RebootNode): frozenset({REBOOTING, RUNNING}),
    (RUNNING, LeavePool): frozenset({LEAVING_POOL}),
    (REBOOTING, NodeAllocated): frozenset({STARTING}),
    (REBOOTING, NodeNotAllocated): frozenset({LEAVING_POOL}),
    (REBOOTING, SlotsFreed): frozenset({REBOOTING}),
    (REBOOTING, NodeDied): frozenset({UNKNOWN}),
    (REBOOTING, LeavePool): frozenset({LEAVING_POOL}),
    (UNKNOWN, NodeAllocated): frozenset({STARTING}),
    (UNKNOWN, NodeNotAllocated): frozenset({LEAVING_POOL}),
    (UNKNOWN, SlotsFreed): frozenset({UNKNOWN}),
    (UNKNOWN, NodeDied): frozenset({UNKNOWN}),
    (UNKNOWN, LeavePool): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, NodeAllocated): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, NodeNotAllocated): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, NodeWelcomed): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, StartTaskStarted): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, StartTaskEnded): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, SlotsFreed): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, NodeDied): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, LeavePool): frozenset({LEAVING_POOL}),
    (LEAVING_POOL, NodeGone): frozenset({None}),
}

#: Source: 01, Calls refused by state.
REFUSALS: Final[Mapping[tuple[NodeState, type[NodeEvent]], ErrorCode]] = {
    (CREATING, RebootNode): ErrorCode.NODE_BEING_CREATED,
    (STARTING, RebootNode): ErrorCode.NODE_BEING_STARTED,
    (WAITING, RebootNode): ErrorCode.NODE_BEING_STARTED,
    (REBOOTING, RebootNode): ErrorCode.NODE_BEING_REBOOTED,
    (UNKNOWN, RebootNode): ErrorCode.OPERATION_INVALID_FOR_CURRENT_STATE,
    (LEAVING_POOL, RebootNode): ErrorCode.OPERATION_INVALID_FOR_CURRENT_STATE,
}


def step(node: Node, event: NodeEvent, now: datetime) -> Step[Node]:
    """Apply one event to one node.

    Raises:
        Refused: Why the node cannot be rebooted now.
        InvalidTransition: The node's state cannot take this event.
    """
    if is_stale(node, event):
        return Step(node)
    if (node.state, type(event)) in REFUSALS:
        raise Refused(REFUSALS[node.state, type(event)])
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
        case StartTaskStarted():
            run = runs.started(node.start_run, event.time)
            result = Step(replace(node, start_run=run))
        case StartTaskEnded():
            result = _start_task_ended(node, event.ending, now)
        case RebootNode():
            result = _reboot(node, event.option, now)
        case LeavePool():
            result = _leave(node, event.option, now)
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
        case StartTaskStarted() | StartTaskEnded():
            return event.attempt != node.start_run.attempt
        case _:
            return False


def check(node: Node) -> None:
    """Assert what is true of every stored node."""
    assert 0 <= node.managers_running <= node.tasks_running <= node.slots_used, node
    assert node.state is not RUNNING or node.tasks_running > 0, node
    assert node.state is not IDLE or node.tasks_running == 0, node
    assert node.tasks_succeeded <= node.tasks_run, node
    assert node.plan is NodePlan.STAY or node.tasks_running > 0, node
    assert node.state not in (WAITING, START_TASK_FAILED) or node.start_task is not None, node


def _allocated(node: Node, now: datetime) -> Step[Node]:
    if node.state not in (CREATING, REBOOTING, UNKNOWN):
        return Step(node)
    return Step(_moved(node, STARTING, now), (CountNodes(node.pool),))


def _not_allocated(node: Node, event: NodeNotAllocated, now: datetime) -> Step[Node]:
    if node.state in _MET or node.state is LEAVING_POOL:
        return Step(node)
    values = (("Reason", event.reason),)
    error = ResizeError("AllocationFailed", "A node could not be started", values)
    failed = ResizeFailed(key=node.pool, error=error)
    if node.state is CREATING:
        return Step(None, (failed, CountNodes(node.pool)))
    leaving = _leave(node, NodeOption.REQUEUE, now)
    return Step(leaving.entity, (failed, *leaving.effects))


def _welcomed(node: Node, event: NodeWelcomed, now: datetime) -> Step[Node]:
    if node.state is not STARTING:
        return Step(node)
    booted = replace(node, last_boot_time=event.boot_time, start_task=event.start_task)
    ready = WakePlacement(node.pool)
    if event.start_task is None:
        return Step(replace(_moved(booted, IDLE, now), start_run=Run()), (ready,))
    if event.start_task.wait_for_success:
        return _run_start_task(_moved(booted, WAITING, now), retry_count=0)
    running = _run_start_task(_moved(booted, IDLE, now), retry_count=0)
    return Step(running.entity, (*running.effects, ready))


def _run_start_task(node: Node, retry_count: int) -> Step[Node]:
    run = runs.again(node.start_run, retry_count)
    order = OpenExecution(
        id=start_execution_id(node.key, run.attempt),
        kind=ExecutionKind.START,
        node=node.key,
        attempt=run.attempt,
    )
    return Step(replace(node, start_run=run), (order,))


def _start_task_ended(node: Node, ending: Ending | None, now: datetime) -> Step[Node]:
    if node.state is LEAVING_POOL:
        return Step(node)
    if ending is None:  # It never started.
        return _run_start_task(node, node.start_run.retry_count)
    run = runs.ended(node.start_run, ending)
    ended = replace(node, start_run=run)
    retry_count_max = 0 if node.start_task is None else node.start_task.max_task_retry_count
    if runs.may_retry(run, ending, retry_count_max):
        return _run_start_task(ended, run.retry_count + 1)
    if node.state is not WAITING:
        return Step(ended)  # P-29: nobody waits for it, and its failure does not matter.
    if run.result is TaskResult.SUCCESS:
        return Step(_moved(ended, IDLE, now), (WakePlacement(node.pool),))
    return Step(_moved(ended, START_TASK_FAILED, now))


def _died(node: Node, now: datetime) -> Step[Node]:
    if node.state is LEAVING_POOL:
        return _left_alone(node, option=None)  # There is no next life that its jobs could wait for.
    return _next_life(_moved(node, UNKNOWN, now), option=None)


def _reboot(node: Node, option: NodeOption, now: datetime) -> Step[Node]:
    if option is NodeOption.TASK_COMPLETION and node.tasks_running > 0:
        return Step(replace(node, plan=NodePlan.REBOOT), (RecallQueue(node.key),))
    return _next_life(_moved(node, REBOOTING, now), option)


def _next_life(node: Node, option: NodeOption | None) -> Step[Node]:
    reborn = replace(node, epoch=node.epoch + 1, log_acknowledged=0, plan=NodePlan.STAY)
    return Step(reborn, (LoseExecutions(node.key, option), WakeFleet(node.key)))


def _taken(node: Node, event: SlotsTaken, now: datetime) -> Step[Node]:
    return Step(
        replace(
            node,
            state=RUNNING,
            state_time=node.state_time if node.state is RUNNING else now,
            slots_used=node.slots_used + event.slots,
            tasks_running=node.tasks_running + 1,
            managers_running=node.managers_running + event.is_manager,
        )
    )


def _freed(node: Node, event: SlotsFreed, now: datetime) -> Step[Node]:
    has_run = event.result is not None
    freed = replace(
        node,
        slots_used=node.slots_used - event.slots,
        tasks_running=node.tasks_running - 1,
        managers_running=node.managers_running - event.is_manager,
        tasks_run=node.tasks_run + has_run,
        tasks_succeeded=node.tasks_succeeded + (event.result is TaskResult.SUCCESS),
        recent_tasks=_recent(node, event.task) if has_run else node.recent_tasks,
    )
    if freed.tasks_running == 0:
        if freed.plan is NodePlan.REBOOT:
            return _next_life(_moved(freed, REBOOTING, now), NodeOption.REQUEUE)
        if freed.plan is NodePlan.LEAVE:
            return _left_alone(freed, NodeOption.REQUEUE)
        if freed.state is RUNNING:
            freed = _moved(freed, IDLE, now)
    return Step(freed, (WakePlacement(node.pool),))


def _recent(node: Node, task: TaskKey) -> tuple[TaskKey, ...]:
    others = [key for key in node.recent_tasks if key != task]
    return (*others, task)[-limits.RECENT_TASKS_MAX :]


def _leave(node: Node, option: NodeOption, now: datetime) -> Step[Node]:
    if node.state is LEAVING_POOL and node.plan is NodePlan.STAY:
        return Step(node, (WakeFleet(node.key),))
    leaving = _moved(node, LEAVING_POOL, now)
    if option is NodeOption.TASK_COMPLETION and node.tasks_running > 0:
        effects = (RecallQueue(node.key), CountNodes(node.pool))
        return Step(replace(leaving, plan=NodePlan.LEAVE), effects)
    return _left_alone(leaving, option)


def _left_alone(node: Node, option: NodeOption | None) -> Step[Node]:
    effects = (DismissNode(node.key, option), WakeFleet(node.key), CountNodes(node.pool))
    return Step(replace(node, plan=NodePlan.STAY), effects)


def _moved(node: Node, state: NodeState, now: datetime) -> Node:
    return node if state is node.state else replace(node, state=state, state_time=now)
