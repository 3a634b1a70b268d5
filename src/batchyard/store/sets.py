"""Rows written and read as sets, one statement each, whatever their number.

A batch travels as one JSON parameter: the driver gives the interpreter's lock away once a statement
instead of once a row, which under load is the difference between 3 ms and half a second
(architecture.md section 9). The statements are those of SQLite; another database has its own
module. They go to the driver itself: SQLAlchemy's share of a statement is as large as SQLite's own,
and there is nothing for it to compile here (decision 0005).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from sqlite3 import Connection
from typing import Any, Final

import msgspec
from sqlalchemy import Table

_ENCODER: Final = msgspec.json.Encoder()

Row = Sequence[str | int | None]


def insert(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]
) -> None:
    """Insert `rows`. Columns that are null in all of them are left to the database."""
    if not rows:
        return
    common, own, batch = _parted(columns, rows)
    common = {name: value for name, value in common.items() if value is not None}
    sql = _insert_sql(table.name, tuple(common), own)
    connection.execute(sql, (*common.values(), _json(batch)))


def update(
    connection: Connection,
    table: Table,
    keys: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[Row],
) -> None:
    """Set `columns` of the rows whose keys stand first in each of `rows`."""
    if not rows or not columns:
        return
    common, own, batch = _parted(columns, [row[len(keys) :] for row in rows])
    batch = [(*row[: len(keys)], *rest) for row, rest in zip(rows, batch, strict=True)]
    sql = _update_sql(table.name, tuple(keys), tuple(common), own)
    connection.execute(sql, (*common.values(), _json(batch)))


def add(
    connection: Connection,
    table: Table,
    keys: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[Row],
) -> None:
    """Add to `columns` of the rows whose keys stand first in each of `rows`."""
    if not rows:
        return
    sql = _add_sql(table.name, tuple(keys), tuple(columns))
    connection.execute(sql, (_json(rows),))


def delete(connection: Connection, table: Table, key: str, values: Iterable[str | int]) -> None:
    """Delete the rows whose `key` is one of `values`."""
    batch = list(values)
    if batch:
        sql = f"DELETE FROM {table.name} WHERE {key} IN (SELECT value FROM json_each(?))"
        connection.execute(sql, (_json(batch),))


def select(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    key: str,
    values: Iterable[str | int],
) -> Sequence[Any]:
    """Return `columns` of the rows whose `key` is one of `values`."""
    batch = list(values)
    if not batch:
        return ()
    sql = _select_sql(table.name, tuple(columns), key)
    return connection.execute(sql, (_json(batch),)).fetchall()


def _parted(
    columns: Sequence[str], rows: Sequence[Row]
) -> tuple[dict[str, str | int | None], tuple[str, ...], Sequence[Row]]:
    """Part what all rows have in common, by column, from the other columns and what is in them.

    A hundred new tasks differ in their keys: everything else travels once.
    """
    common: dict[str, str | int | None] = {}
    own: dict[str, Row] = {}
    for name, values in zip(columns, zip(*rows, strict=True), strict=True):
        if values.count(values[0]) == len(values):
            common[name] = values[0]
        else:
            own[name] = values
    batch = list(zip(*own.values(), strict=True)) if own else [()] * len(rows)
    return common, tuple(own), batch


def _json(value: object) -> str:
    return _ENCODER.encode(value).decode()


# The names below come from our own tables, never from a request.


@lru_cache
def _insert_sql(table: str, common: tuple[str, ...], own: tuple[str, ...]) -> str:
    values = ["?" for _ in common]
    if own:
        values.append(_extracts(own))
    names = ", ".join((*common, *own))
    return f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM json_each(?)"


@lru_cache
def _update_sql(
    table: str, keys: tuple[str, ...], common: tuple[str, ...], own: tuple[str, ...]
) -> str:
    sets = [f"{name} = ?" for name in common] + [f"{name} = batch.{name}_new" for name in own]
    return f"UPDATE {table} SET {', '.join(sets)} FROM {_batch(table, keys, own)}"


@lru_cache
def _add_sql(table: str, keys: tuple[str, ...], columns: tuple[str, ...]) -> str:
    sets = ", ".join(f"{name} = {name} + batch.{name}_new" for name in columns)
    return f"UPDATE {table} SET {sets} FROM {_batch(table, keys, columns)}"


@lru_cache
def _select_sql(table: str, columns: tuple[str, ...], key: str) -> str:
    return (
        f"SELECT {', '.join(columns)} FROM {table} "
        f"WHERE {key} IN (SELECT value FROM json_each(?)) ORDER BY {key}"
    )


def _batch(table: str, keys: tuple[str, ...], columns: tuple[str, ...]) -> str:
    """Return the batch as a table of its own, materialised so that each key is looked up once."""
    names = tuple(f"{name}_key" for name in keys) + tuple(f"{name}_new" for name in columns)
    match = " AND ".join(f"{table}.{name} = batch.{name}_key" for name in keys)
    return f"(SELECT {_extracts(names)} FROM json_each(?)) AS batch WHERE {match}"


def _extracts(names: Sequence[str]) -> str:
    return ", ".join(f"json_extract(value, '$[{i}]') AS {name}" for i, name in enumerate(names))
