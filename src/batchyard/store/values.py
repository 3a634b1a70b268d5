"""How the values of the core lie in columns, and back."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar, get_args, get_type_hints

import msgspec

from batchyard.core.model import Run

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Entity = TypeVar("Entity")
Column = str | int | None


def to_microseconds(time: datetime) -> int:
    """Return an instant as whole microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


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
    """Turns entities of one dataclass into rows, field by field, and rows into entities.

    Instants and spans become whole microseconds, enumerations their text, truth 0 or 1, nested
    values JSON. The columns are named as the fields; a `Run` has a column for each of its own.
    """

    def __init__(self, entity: type[Entity]) -> None:
        hints = get_type_hints(entity)
        self._entity = entity
        # mypy does not know that every entity is a dataclass.
        self._fields = tuple(field.name for field in fields(entity))  # type: ignore[arg-type]
        self._values = attrgetter(*self._fields)
        self._runs: dict[str, Codec[Run]] = {
            name: Codec(Run) for name in self._fields if hints[name] is Run
        }
        self.columns: tuple[str, ...] = tuple(self.columns_of(self._fields))
        plain = {name: hints[name] for name in self._fields if name not in self._runs}
        self._converters = {name: _converters(hint) for name, hint in plain.items()}

    def encode(self, entity: Entity) -> list[Column]:
        """Return the row of `entity`, in the order of `columns`."""
        return self.encode_fields(entity, self._fields)

    def encode_fields(self, entity: Entity, names: Sequence[str]) -> list[Column]:
        """Return the part of the row of `entity` that holds these fields."""
        row: list[Column] = []
        for name in names:
            value = getattr(entity, name)
            if name in self._runs:
                row += self._runs[name].encode(value)
                continue
            convert = self._converters[name][0]
            row.append(value if convert is None or value is None else convert(value))
        return row

    def differing(self, pairs: Sequence[tuple[Entity, Entity]]) -> list[str]:
        """Return the fields that differ between the entities of any of `pairs`."""
        found: set[int] = set()
        for before, after in pairs:
            values = zip(self._values(before), self._values(after), strict=True)
            found.update(
                place for place, (old, new) in enumerate(values) if old is not new and old != new
            )
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
        values: dict[str, Any] = {}
        place = 0
        for name in self._fields:
            if name in self._runs:
                values[name] = self._runs[name].decode(row[place:])
                place += len(self._runs[name].columns)
                continue
            value = row[place]
            convert = self._converters[name][1]
            values[name] = value if convert is None or value is None else convert(value)
            place += 1
        return self._entity(**values)


_Converter = Callable[[Any], Any] | None


def _converters(hint: Any) -> tuple[_Converter, _Converter]:  # noqa: ANN401  # A type hint.
    options = [option for option in get_args(hint) if option is not type(None)]
    kind = options[0] if options and type(None) in get_args(hint) else hint
    kind = getattr(kind, "__supertype__", kind)  # A NewType is its base.
    if kind in (int, str):
        return None, None
    if kind is bool:
        return int, bool
    if kind is datetime:
        return to_microseconds, from_microseconds
    if kind is timedelta:
        return _span_to_microseconds, _span_from_microseconds
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return str, kind
    decoder = msgspec.json.Decoder(kind)
    return to_json, decoder.decode
