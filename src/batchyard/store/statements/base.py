"""What every group of statements is made with."""

from collections.abc import Iterable
from sqlite3 import Connection, Cursor
from typing import Any, TypeVar

from sqlalchemy import Table

from batchyard.store import sets
from batchyard.store.statements.rows import select_list
from batchyard.store.values import Codec

Key = TypeVar("Key", bound=int | str)
Entity = TypeVar("Entity")


class Statements:
    """Statements on one connection, all of them in the transaction that is open there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def reserve(self, kind: str, count: int) -> int:
        """Return the first of `count` keys that were never given away."""
        sql = (
            "INSERT INTO counter (name, next_key) VALUES (?, 1 + ?) "
            "ON CONFLICT (name) DO UPDATE SET next_key = next_key + ? RETURNING next_key"
        )
        next_key: int = self._one(sql, kind, count, count)
        return next_key - count

    def _execute(self, sql: str, *parameters: str | int | None) -> Cursor:
        return self._connection.execute(sql, parameters)

    def _one(self, sql: str, *parameters: str | int | None) -> Any:  # noqa: ANN401  # A column.
        return self._execute(sql, *parameters).fetchone()[0]

    def _select(
        self, table: Table, codec: Codec[Entity], key: str, values: Iterable[Key]
    ) -> list[Entity]:
        rows = sets.select(self._connection, table, codec.columns, key, values)
        return [codec.decode(row) for row in rows]

    def _query(
        self, table: Table, codec: Codec[Entity], where: str, *parameters: str | int | None
    ) -> list[Entity]:
        sql = f"SELECT {select_list(codec)} FROM {table.name} WHERE {where}"
        return [codec.decode(row) for row in self._execute(sql, *parameters)]
