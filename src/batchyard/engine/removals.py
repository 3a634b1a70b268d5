"""Directories of nodes that are to go: rows first, then orders."""

from collections.abc import Sequence

from batchyard.core.model import NodeKey
from batchyard.engine.cascade import Cascade
from batchyard.link import messages


def remove_directories(cascade: Cascade, directories: Sequence[tuple[NodeKey, str]]) -> None:
    """Have nodes remove directories, now; the orders are rows until the nodes have said so."""
    for node, removal, path in cascade.transaction.remove_directories(directories, None):
        cascade.removals.append((node, messages.RemoveDirectory(removal, path)))
