"""Whose lifetime ends next: tasks are walked through in the order of their keys, each of them once.

Keys are given in the order of time, so no index of times is needed: nothing is written for a task
but what says how far the walk has come, once for many of them, 180 days later.
"""

from itertools import takewhile
from sqlite3 import Connection
from typing import Final

#: Name of the counter that holds the first key that is yet to be looked at.
_WALK: Final = "task_lifetime"

_FROM_NEXT: Final = (
    "SELECT key, creation_time FROM task_spec "
    "WHERE key >= coalesce((SELECT next_key FROM counter WHERE name = ?), 0) ORDER BY key LIMIT ?"
)


def take(connection: Connection, added_before: int, limit: int) -> list[int]:
    """Return the keys of the next tasks that were added by then, and pass them.

    A task that was added later ends the walk, even if one behind it is older because the clock
    was set back: that one waits with it.
    """
    rows = connection.execute(_FROM_NEXT, (_WALK, limit)).fetchall()
    keys = [key for key, _ in takewhile(lambda row: row[1] <= added_before, rows)]
    if keys:
        connection.execute(
            "INSERT INTO counter (name, next_key) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET next_key = excluded.next_key",
            (_WALK, keys[-1] + 1),
        )
    return keys


def next_start(connection: Connection) -> int | None:
    """Return when the first task was added that is yet to be looked at, None without one."""
    row = connection.execute(_FROM_NEXT, (_WALK, 1)).fetchone()
    return None if row is None else row[1]
