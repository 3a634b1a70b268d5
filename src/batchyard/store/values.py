"""How the values of the core lie in columns, and back."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import compress
from operator import attrgetter, is_not
from typing import Any, Final, Generic, TypeVar, get_args, get_type_hints

import msgspec
from msgspec.structs import fields

from batchyard.core.model import Run

#: Instants that are kept: rows that were written together have the same ones.
_INSTANTS_KEPT: Final = 1024

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Entity = TypeVar("Entity")
Column = str | int | None


def to_microseconds(time: datetime) -> int:
    """Return an instant as whole microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


@lru_cache(_INSTANTS_KEPT)
def from_microseconds(microseconds: int) -> datetime:
    """Return the instant of whole microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


def to_json(value: object) -> str:
    """Return a specification, or a nested value, as JSON."""
    return msgspec.json.encode(value).decode()


def _span_to_microseconds(span: timedelta) -> int:
    return span // _MICROSECOND


def _span_from_microseconds(microseconds: int) -> timedelta:
    return timedelta(microseconds=microseconds)


class Codec(Generic[Entity]):
    """Turns entities of one kind into rows, field by field, and rows into entities.

    Instants and spans become whole microseconds, nested values JSON; enumerations are text and
    truth is 0 or 1 once they are in a column. The columns are named as the fields; a `Run` has a
    column for each of its own.

    Most fields need no change at all, so a row is taken as it is, and only the others are touched.
    """

    def __init__(self, entity: type[Entity]) -> None:
        hints = get_type_hints(entity)
        self._entity = entity
        # mypy does not know that every entity is a struct.
        self._fields = tuple(field.name for field in fields(entity))  # type: ignore[arg-type]
        self._values = attrgetter(*self._fields)
        self._runs: dict[str, Codec[Run]] = {
            name: Codec(Run) for name in self._fields if hints[name] is Run
        }
        plain = {name: hints[name] for name in self._fields if name not in self._runs}
        self._converters = {name: _converters(hint) for name, hint in plain.items()}
        self._writers: dict[tuple[str, ...], _Writer] = {}
        self.columns: tuple[str, ...] = tuple(self.columns_of(self._fields))
        places = {name: place for place, name in enumerate(self.columns)}
        self._to_fields = [
            (places[name], from_column)
            for name, (_, from_column) in self._converters.items()
            if from_column is not None
        ]

    def encode(self, entity: Entity) -> list[Column]:
        """Return the row of `entity`, in the order of `columns`."""
        return self.writer(self._fields)(entity)

    def writer(self, names: Sequence[str]) -> "_Writer":
        """Return what gives the part of a row that holds these fields, from an entity."""
        key = tuple(names)
        writer = self._writers.get(key)
        if writer is None:
            writer = self._writers[key] = self._new_writer(key)
        return writer

    def differing(self, pairs: Sequence[tuple[Entity, Entity]]) -> list[str]:
        """Return the fields that differ between the entities of any of `pairs`."""
        found: set[int] = set()
        every = range(len(self._fields))
        for before, after in pairs:
            old, new = self._values(before), self._values(after)
            for place in compress(every, map(is_not, old, new)):
                if place not in found and old[place] != new[place]:
                    found.add(place)
        return [self._fields[place] for place in sorted(found)]

    def columns_of(self, names: Sequence[str]) -> list[str]:
        """Return the columns of these fields."""
        columns: list[str] = []
        for name in names:
            run = self._runs.get(name)
            columns += [name] if run is None else [f"{name}_{column}" for column in run.columns]
        return columns

    def decode(self, row: Sequence[Any]) -> Entity:
        """Return the entity of a row; columns after the last field are passed over."""
        values = list(row[: len(self.columns)])
        for place, convert in self._to_fields:
            if values[place] is not None:
                values[place] = convert(values[place])
        if self._runs:
            values = self._with_runs(values)
        return self._entity(*values)

    def _with_runs(self, values: list[Any]) -> list[Any]:
        folded: list[Any] = []
        place = 0
        for name in self._fields:
            run = self._runs.get(name)
            width = 1 if run is None else len(run.columns)
            folded.append(values[place] if run is None else run.decode(values[place:][:width]))
            place += width
        return folded

    def _new_writer(self, names: tuple[str, ...]) -> "_Writer":
        if not any(name in self._runs for name in names):
            to_columns = [
                (place, to_column)
                for place, (to_column, _) in enumerate(self._converters[name] for name in names)
                if to_column is not None
            ]
            return _plain_writer(names, to_columns)
        parts = [
            _run_writer(name, self._runs[name]) if name in self._runs else self.writer((name,))
            for name in names
        ]
        return lambda entity: [column for part in parts for column in part(entity)]


_Converter = Callable[[Any], Any] | None
_Writer = Callable[[Any], list[Column]]


def _plain_writer(
    names: tuple[str, ...], to_columns: Sequence[tuple[int, Callable[[Any], Column]]]
) -> _Writer:
    values = attrgetter(*names)
    is_single = len(names) == 1  # Then there is no tuple around the value.

    def write(entity: object) -> list[Column]:
        row: list[Any] = [values(entity)] if is_single else list(values(entity))
        for place, convert in to_columns:
            if row[place] is not None:
                row[place] = convert(row[place])
        return row

    return write


def _run_writer(name: str, codec: Codec[Run]) -> _Writer:
    run = attrgetter(name)
    return lambda entity: codec.encode(run(entity))


def _converters(hint: Any) -> tuple[_Converter, _Converter]:  # noqa: ANN401  # A type hint.
    options = [option for option in get_args(hint) if option is not type(None)]
    kind = options[0] if options and type(None) in get_args(hint) else hint
    kind = getattr(kind, "__supertype__", kind)  # A NewType is its base.
    if kind in (int, str):
        return None, None
    if kind is bool:
        return None, bool
    if kind is datetime:
        return to_microseconds, from_microseconds
    if kind is timedelta:
        return _span_to_microseconds, _span_from_microseconds
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return None, {str(member): member for member in kind}.__getitem__
    decoder = msgspec.json.Decoder(kind)
    return to_json, decoder.decode
