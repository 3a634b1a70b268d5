"""``$filter``: which properties a list can be filtered by, how, and what a filter asks for.

The tables follow from those of `engine.filters`: instants and numbers take all six comparisons, an
id and a job's pool also ``startswith``, everything else ``eq`` and ``ne``. Source: O-1 ... O-8.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from batchyard.core import limits
from batchyard.engine import filters
from batchyard.engine.filters import (
    AllOf,
    AnyOf,
    Comparison,
    Filter,
    Not,
    Operator,
    StartsWith,
)

if TYPE_CHECKING:
    from batchyard.wire import filter_syntax

_ALL: Final = frozenset(Operator)
_EQUALITY: Final = frozenset({Operator.EQ, Operator.NE})

#: Bounds of the numbers that a property can have.
_NUMBER_MIN: Final = -(2**31)
_NUMBER_MAX: Final = 2**31 - 1

_KINDS: Final[Mapping[type, str]] = {
    str: "a text in single quotes",
    int: "a whole number of 32 bits",
    bool: "true or false",
    datetime: "an instant such as DateTime'2025-01-31T08:00:00Z'",
}


@dataclass(frozen=True, slots=True)
class FilterProperty:
    """A property that a list can be filtered by: its domain's name, its type, what it takes."""

    field: str
    kind: type
    operators: frozenset[Operator]
    has_prefixes: bool = False

    @property
    def uses(self) -> list[str]:
        """What the property takes, for example ``eq`` and ``ne``."""
        operators = [operator.value for operator in Operator if operator in self.operators]
        return operators + ["startswith"] * self.has_prefixes


Table = Mapping[str, FilterProperty]


def _table(fields: Mapping[str, type], *ordered: str) -> Table:
    """Return the table of a list; texts are compared for equality unless they are `ordered`."""
    rows = {}
    for field, kind in fields.items():
        has_prefixes = field in ordered
        operators = _ALL if kind in (datetime, int) or has_prefixes else _EQUALITY
        rows[_wire_name(field)] = FilterProperty(field, kind, operators, has_prefixes)
    return rows


def _wire_name(field: str) -> str:
    """Return ``executionInfo/startTime`` for ``execution_info.start_time``."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), field).replace(".", "/")


POOLS: Final = _table(filters.POOL_FIELDS, "id")
NODES: Final = _table(filters.NODE_FIELDS)
JOBS: Final = _table(filters.JOB_FIELDS, "id", "execution_info.pool_id")
#: Of the jobs of a schedule: their ids are known.
SCHEDULED_JOBS: Final = {name: row for name, row in JOBS.items() if name != "id"}
JOB_SCHEDULES: Final = _table(filters.JOB_SCHEDULE_FIELDS, "id")
_TASK_ROWS: Final = _table(filters.TASK_FIELDS, "id")
#: The official page says ``lastModifiedTime``, the resource ``lastModified``.
TASKS: Final = {**_TASK_ROWS, "lastModifiedTime": _TASK_ROWS["lastModified"]}
JOB_NODES: Final = _table(filters.JOB_NODE_FIELDS)
NODE_COUNTS: Final = {"poolId": FilterProperty("pool_id", str, frozenset({Operator.EQ}))}
SUPPORTED_IMAGES: Final = {
    "osType": FilterProperty("os_type", str, _EQUALITY),
    "verificationType": FilterProperty("verification_type", str, _EQUALITY),
    "nodeAgentSKUId": FilterProperty("node_agent_sku_id", str, _EQUALITY),
}
FILES: Final = {"name": FilterProperty("name", str, frozenset(), has_prefixes=True)}


def read(text: str, table: Table) -> Filter:
    """Return what a filter asks of a list.

    Raises:
        ValueError: It is no filter, or none that the list has; the text says the cure.
    """
    from batchyard.wire import filter_syntax  # noqa: PLC0415  # lark is not quick to load

    if len(text) > limits.FILTER_CHARS_MAX:
        raise ValueError(f"use at most {limits.FILTER_CHARS_MAX} characters")
    return _Reader(table).read(filter_syntax.parse(text), 1)


class _Reader:
    """Turns conditions of the wire into those of one list's domain."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, condition: "filter_syntax.Condition", depth: int) -> Filter:
        """Return a condition that stands `depth` levels deep."""
        from batchyard.wire import filter_syntax as syntax  # noqa: PLC0415  # as above

        if depth > limits.FILTER_DEPTH_MAX:
            raise ValueError(f"use at most {limits.FILTER_DEPTH_MAX} levels of nesting")
        match condition:
            case syntax.Compared(name, operator, literal):
                return self._comparison(name, operator, literal)
            case syntax.Prefix(name, text):
                return self._prefix(name, text)
            case syntax.Negation(part):
                return Not(self.read(part, depth + 1))
            case syntax.Every(parts):
                return AllOf(tuple(self.read(part, depth + 1) for part in parts))
            case syntax.Some(parts):
                return AnyOf(tuple(self.read(part, depth + 1) for part in parts))

    def _property(self, name: str) -> FilterProperty:
        found = self._table.get(name)
        if found is None:
            raise ValueError(f"this list has no filter by {name}, but by {', '.join(self._table)}")
        return found

    def _comparison(
        self, name: str, operator: Operator, literal: "filter_syntax.Literal"
    ) -> Comparison:
        known = self._property(name)
        if operator not in known.operators:
            raise ValueError(f"{name} does not take {operator}, but {', '.join(known.uses)}")
        if (
            isinstance(literal, float)
            or type(literal) is not known.kind
            or (type(literal) is int and not _NUMBER_MIN <= literal <= _NUMBER_MAX)
        ):
            raise ValueError(f"compare {name} with {_KINDS[known.kind]}")
        return Comparison(known.field, operator, literal)

    def _prefix(self, name: str, text: str) -> StartsWith:
        known = self._property(name)
        if not known.has_prefixes:
            raise ValueError(f"{name} does not take startswith, but {', '.join(known.uses)}")
        return StartsWith(known.field, text)


def holds(condition: Filter, item: Mapping[str, str]) -> bool:
    """Whether a condition on texts holds for an item that is no row of the store (O-2)."""
    match condition:
        case Comparison(field, operator, value):
            is_equal = item[field].lower() == str(value).lower()
            return is_equal is (operator is Operator.EQ)
        case StartsWith(field, text):
            return item[field].lower().startswith(text.lower())
        case AllOf(parts):
            return all(holds(part, item) for part in parts)
        case AnyOf(parts):
            return any(holds(part, item) for part in parts)
        case Not(part):
            return not holds(part, item)
