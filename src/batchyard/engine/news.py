"""What fleets and nodes tell, turned into events.

Everything here may come twice, late or never (architecture.md section 5): what is about an
execution without a row, about another life of its node, or numbered as known already changes
nothing.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, assert_never

from msgspec.structs import replace

from batchyard.core import execution as execution_cycle
from batchyard.core.keys import ExecutionId, NodeKey
from batchyard.core.messages import Event
from batchyard.core.model import Ending, Execution, Node, Usage
from batchyard.core.pool_events import (
    NodeAllocated,
    NodeDied,
    NodeGone,
    NodeNotAllocated,
    NodeWelcomed,
)
from batchyard.core.states import OF_TASKS, EndCause, ExecutionKind, ExecutionState
from batchyard.core.task_events import (
    ExecutionCoordinated,
    ExecutionEnded,
    ExecutionLost,
    ExecutionStarted,
)
from batchyard.engine.cascade import Cascade
from batchyard.engine.fleet_ports import (
    FleetEvent,
    NodeJoined,
    NodeLost,
    NodeReleased,
    NodeReported,
    NodeUnavailable,
    NodeUp,
)
from batchyard.link import messages

_MICROSECOND: Final = timedelta(microseconds=1)


def take(cascade: Cascade, event: FleetEvent) -> int | None:
    """Apply one event of a fleet; return up to which number the node's log is taken over.

    None says that earlier reports are missing, so that these have to be told again after them.
    """
    match event:
        case NodeUp():
            cascade.run([NodeAllocated(key=event.node, epoch=event.epoch)])
        case NodeUnavailable():
            cascade.run([NodeNotAllocated(key=event.node, epoch=event.epoch, reason=event.reason)])
        case NodeLost():
            cascade.hints.stalled.discard(event.node)
            cascade.run([NodeDied(key=event.node, epoch=event.epoch)])
        case NodeReleased():
            cascade.hints.stalled.discard(event.node)
            cascade.run([NodeGone(key=event.node)])
        case NodeJoined():
            _joined(cascade, event.node, event.welcome)
        case NodeReported():
            first = event.reports.first_number
            if not _reported(cascade, event.node, event.epoch, first, event.reports.reports):
                return None
        case _:
            assert_never(event)
    node = cascade.nodes.get(event.node)
    return 0 if node is None else node.log_acknowledged


def _joined(cascade: Cascade, key: NodeKey, welcome: messages.Welcome) -> None:
    """Take over what the node knows, then tell it again what it does not.

    A node that is met is up, even if the fleet has yet to say so.
    """
    cascade.run([NodeAllocated(key=key, epoch=welcome.epoch)])
    _reported(cascade, key, welcome.epoch, welcome.first_number, welcome.reports)
    node = cascade.nodes.get(key)
    if node is None:
        return
    start_task = cascade.transaction.pool_spec(node.pool).start_task
    cascade.run(
        [
            NodeWelcomed(
                key=key, epoch=welcome.epoch, boot_time=welcome.boot_time, start_task=start_task
            )
        ]
    )
    node = cascade.nodes.get(key)
    if node is None or node.epoch != welcome.epoch:
        return
    cascade.flush()
    wanted = cascade.transaction.executions_of_node(key)
    # What was opened a moment ago is told as anything that is opened.
    known = {*welcome.known, *(execution.id for execution in cascade.assigned)}
    last = welcome.first_number + len(welcome.reports) - 1
    if last == node.log_acknowledged:
        _retire_unknown(cascade, wanted, known)
    # Else it is late: the node has told of more since, which may have begun since.
    to_assign = [
        execution
        for execution in wanted
        if execution.state is ExecutionState.ASSIGNED and execution.id not in known
    ]
    cascade.assigned.extend(to_assign)
    cascade.stopped.extend(
        execution for execution in wanted if execution.state is ExecutionState.STOPPING
    )
    cascade.recalled.extend(
        execution for execution in wanted if execution.state is ExecutionState.RECALLED
    )
    for removal, path in cascade.transaction.directory_removals(key, cascade.now):
        cascade.removals.append((key, messages.RemoveDirectory(removal, path)))
    rows = {execution.id for execution in wanted}
    cascade.strays.extend((key, name) for name in welcome.known if name not in rows)


def _retire_unknown(cascade: Cascade, wanted: Sequence[Execution], known: set[str]) -> None:
    """What ran by the store and neither runs nor ended by the node's log has to run again.

    What was recalled may have been assigned since, and have run: it is recalled again.
    """
    cascade.executions.known((execution.id, execution) for execution in wanted)
    for execution in wanted:
        if execution.state is ExecutionState.RUNNING and execution.id not in known:
            cascade.run(_shut_down(execution.id, execution))


def _reported(
    cascade: Cascade,
    key: NodeKey,
    epoch: int,
    first_number: int,
    reports: Sequence[messages.Report],
) -> bool:
    """Take over what is new of the log; return False if something before it is missing."""
    node = cascade.nodes.get(key)
    if node is None or node.epoch != epoch:
        return True
    if first_number > node.log_acknowledged + 1:
        return False
    new = reports[node.log_acknowledged + 1 - first_number :]
    if not new:
        return True
    _read_ahead(cascade, node, new)
    removed: list[int] = []
    for report in new:
        match report:
            case messages.Started():
                started = ExecutionStarted(key=ExecutionId(report.execution_id), time=report.time)
                _tell(cascade, epoch, report.execution_id, [started])
            case messages.Coordinated():
                coordinated = ExecutionCoordinated(
                    key=ExecutionId(report.execution_id), time=report.time
                )
                _tell(cascade, epoch, report.execution_id, [coordinated])
            case messages.Ended():
                _tell(cascade, epoch, report.execution_id, _ended(cascade, report))
            case messages.DirectoryRemoved():
                removed.append(report.removal)
            case _:
                assert_never(report)
    cascade.transaction.directories_removed(removed)
    present = cascade.nodes.get(key)
    if present is not None:
        number = first_number + len(reports) - 1
        cascade.nodes.put(key, replace(present, log_acknowledged=number))
    return True


def _tell(cascade: Cascade, epoch: int, execution_id: str, events: Sequence[Event]) -> None:
    execution = cascade.executions.get(ExecutionId(execution_id))
    if execution is not None and execution.epoch == epoch:
        cascade.run(events)


def _ended(cascade: Cascade, report: messages.Ended) -> list[Event]:
    key = ExecutionId(report.execution_id)
    execution = cascade.executions.get(key)
    if report.start_time is None:
        if execution is not None and execution.state is ExecutionState.ASSIGNED:
            cascade.hints.stalled.add(execution.node)
        return [ExecutionEnded(key=key, ending=None)]
    if report.cause is EndCause.STOPPED and not _was_asked_to_stop(execution):
        return _shut_down(key, execution)
    ending = Ending(
        cause=report.cause,
        exit_code=report.exit_code,
        message=report.message,
        start_time=report.start_time,
        end_time=report.end_time,
        usage=_usage(report, report.end_time - report.start_time),
    )
    events: list[Event] = [ExecutionEnded(key=key, ending=ending)]
    if execution is not None and execution.job is not None and execution.kind is ExecutionKind.TASK:
        cascade.hints.run_times.note(execution.job, ending.end_time - ending.start_time)
    if execution is not None:
        cascade.hints.stalled.discard(execution.node)
    if execution is not None and execution.state in execution_cycle.WAITING:
        events.insert(0, ExecutionStarted(key=key, time=report.start_time))
    return events


def _usage(report: messages.Ended, run_time: timedelta) -> Usage:
    user, kernel, read, written = report.used
    return Usage(user, kernel, run_time // _MICROSECOND, read, written)


def _was_asked_to_stop(execution: Execution | None) -> bool:
    return execution is not None and execution.state is ExecutionState.STOPPING


def _shut_down(key: ExecutionId, execution: Execution | None) -> list[Event]:
    """The node was shut down under an execution that should run: it has to run again."""
    if execution is not None and execution.kind in OF_TASKS:
        return [ExecutionLost(key=key)]
    return [ExecutionEnded(key=key, ending=None)]


def _read_ahead(cascade: Cascade, node: Node, reports: Sequence[messages.Report]) -> None:
    """Read in a few statements what the reports are about, however many they are."""
    ids = [
        ExecutionId(report.execution_id)
        for report in reports
        if not isinstance(report, messages.DirectoryRemoved)
    ]
    cascade.executions.read(ids)
    found = [item for item in map(cascade.executions.get, ids) if item is not None]
    cascade.tasks.read(item.task for item in found if item.task is not None)
    cascade.job_nodes.read((item.job, node.key) for item in found if item.job is not None)
