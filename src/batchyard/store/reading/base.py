"""What every group of reads is made with."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Table
from sqlalchemy.engine import Row

from batchyard.engine.filters import Filter
from batchyard.engine.views import Page
from batchyard.store import filters
from batchyard.store.values import Codec

Item = TypeVar("Item")
AnyRow = Row[*tuple[Any, ...]]


class Reading:
    """Reads of one database, each in one consistent state of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection


def columns(table: Table, codec: Codec[Any]) -> list[ColumnElement[Any]]:
    """Return the columns of an entity."""
    return [table.c[name] for name in codec.columns]


def conditions(
    condition: Filter | None, columns: filters.Columns
) -> tuple[ColumnElement[bool], ...]:
    """Return a filter as conditions of a query, none without one."""
    return () if condition is None else (filters.to_sql(condition, columns),)


def page(rows: Sequence[AnyRow], limit: int, view: Callable[[AnyRow], Item]) -> Page[Item]:
    """Return a page; one row more than it holds was asked for, which says whether one follows."""
    shown = rows[:limit]
    next_after = _key(shown[-1]) if len(rows) > limit else None
    return Page(items=[view(row) for row in shown], next_after=next_after)


def _key(row: AnyRow) -> int:
    key: int = row.key
    return key
