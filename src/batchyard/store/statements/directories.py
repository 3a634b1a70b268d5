"""Directories on nodes that have to go."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from batchyard.core.keys import NodeKey
from batchyard.core.model import Task
from batchyard.store import schema, sets
from batchyard.store.statements.base import Statements
from batchyard.store.statements.rows import TASKS
from batchyard.store.values import from_microseconds, to_microseconds


class DirectoryStatements(Statements):
    """Orders to remove directories, and when they are due."""

    def remove_directories(
        self, directories: Sequence[tuple[NodeKey, str]], due_time: datetime | None
    ) -> list[tuple[NodeKey, int, str]]:
        """Insert orders to remove directories, now or at `due_time`; return them with keys."""
        if not directories:
            return []
        due = None if due_time is None else to_microseconds(due_time)
        first = self.reserve("directory_removal", len(directories))
        orders = [(node, first + i, path) for i, (node, path) in enumerate(directories)]
        columns = ("node", "key", "path", "due_time")
        rows = [(*order, due) for order in orders]
        sets.insert(self._connection, schema.directory_removal, columns, rows)
        return orders

    def keep_directory(self, node: NodeKey, path: str) -> None:
        """Take back orders for a directory that are not due yet."""
        sql = "DELETE FROM directory_removal WHERE node = ? AND path = ? AND due_time IS NOT NULL"
        self._execute(sql, node, path)

    def directory_removals(self, node: NodeKey, now: datetime) -> list[tuple[int, str]]:
        """Return the orders of a node that are due: key and path."""
        sql = (
            "SELECT key, path FROM directory_removal "
            "WHERE node = ? AND (due_time IS NULL OR due_time <= ?) ORDER BY key"
        )
        rows = self._execute(sql, node, to_microseconds(now))
        return [(row[0], row[1]) for row in rows]

    def take_due_removals(self, now: datetime, limit: int) -> list[tuple[NodeKey, int, str]]:
        """Make orders that have become due orders for now, and return them."""
        sql = (
            "UPDATE directory_removal SET due_time = NULL WHERE key IN "
            "(SELECT key FROM directory_removal WHERE due_time <= ? ORDER BY due_time LIMIT ?) "
            "RETURNING node, key, path"
        )
        rows = self._execute(sql, to_microseconds(now), limit).fetchall()
        return [(NodeKey(row[0]), row[1], row[2]) for row in rows]

    def directories_removed(self, keys: Iterable[int]) -> None:
        """Delete orders that were carried out."""
        sets.delete(self._connection, schema.directory_removal, "key", keys)

    def tasks_with_files_due(self, now: datetime, limit: int) -> list[Task]:
        """Return completed tasks whose files have to go."""
        where = "files_due_time <= ? ORDER BY files_due_time LIMIT ?"
        return self._query(schema.task, TASKS, where, to_microseconds(now), limit)

    def next_files_due(self) -> datetime | None:
        """Return when the next files have to go, None for never."""
        sql = (
            "SELECT min(due) FROM (SELECT min(files_due_time) AS due FROM task "
            "WHERE files_due_time IS NOT NULL UNION ALL "
            "SELECT min(due_time) FROM directory_removal WHERE due_time IS NOT NULL)"
        )
        due = self._one(sql)
        return None if due is None else from_microseconds(due)
