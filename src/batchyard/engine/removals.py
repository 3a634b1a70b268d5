"""Directories of nodes that are to go: rows first, then orders."""

from collections.abc import Sequence

from batchyard.core.keys import NodeKey
from batchyard.core.model import Task
from batchyard.engine.cascade import Cascade
from batchyard.link import messages


def nodes_of_task(cascade: Cascade, task: Task) -> list[NodeKey]:
    """Return the nodes that are still there and have files of a task's last attempt."""
    gang = cascade.gangs.get(task.key) if task.instances else None
    nodes = [task.node] if gang is None else [one.node for one in gang.subtasks]
    return [node for node in nodes if node is not None and cascade.nodes.get(node) is not None]


def remove_directories(cascade: Cascade, directories: Sequence[tuple[NodeKey, str]]) -> None:
    """Have nodes remove directories, now; the orders are rows until the nodes have said so."""
    for node, removal, path in cascade.transaction.remove_directories(directories, None):
        cascade.removals.append((node, messages.RemoveDirectory(removal, path)))
