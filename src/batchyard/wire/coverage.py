"""The check of a request against the table of `properties`: nothing is passed over in silence."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, get_args

import msgspec
from msgspec import Struct

from batchyard.core.errors import ErrorCode, Refused
from batchyard.wire.properties import PROPERTIES, Fate, Support

#: Characters of a value that an error repeats. Source: ours.
VALUE_CHARS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Nested:
    """A property whose value is a model, or a list of them."""

    attribute: str
    wire_name: str
    model: type[Struct]
    is_list: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to look at in a value of one model; made once."""

    refused: tuple[tuple[str, str, Support], ...]
    nested: tuple[Nested, ...]

    @property
    def has_work(self) -> bool:
        """Whether there is anything to look at."""
        return bool(self.refused or self.nested)


def nested_models(owner: type[Struct]) -> Iterator[Nested]:
    """Yield the properties of a model that are models themselves, or lists of them."""
    for field in msgspec.structs.fields(owner):
        for option in get_args(field.type):
            items = get_args(option)
            inner = items[0] if items else option
            if isinstance(inner, type) and issubclass(inner, Struct):
                yield Nested(field.name, field.encode_name, inner, is_list=bool(items))


@cache
def _plan(owner: type[Struct]) -> _Plan:
    rows = PROPERTIES[owner]
    return _Plan(
        refused=tuple(
            (field.name, field.encode_name, rows[field.encode_name])
            for field in msgspec.structs.fields(owner)
            if rows[field.encode_name].fate in (Fate.REFUSED, Fate.FIXED)
        ),
        nested=tuple(
            nested
            for nested in nested_models(owner)
            if rows[nested.wire_name].fate is Fate.HONOURED and _plan(nested.model).has_work
        ),
    )


def check(request: Struct, path: str = "") -> None:
    """Refuse the first property that asks for something that is not built, or cannot be changed.

    An empty list or object counts as absent, and so does a property's documented default.

    Raises:
        Refused: ``UnsupportedProperty``.
    """
    plan = _plan(type(request))
    for attribute, wire_name, support in plan.refused:
        value = getattr(request, attribute)
        if value is not None and not _is_empty(value) and not _is_default(value, support):
            raise _refusal(path + wire_name, value, support)
    for nested in plan.nested:
        value = getattr(request, nested.attribute)
        if value is None:
            continue
        if nested.is_list:
            for index, item in enumerate(value):
                check(item, f"{path}{nested.wire_name}[{index}].")
        else:
            check(value, f"{path}{nested.wire_name}.")


def _refusal(name: str, value: object, support: Support) -> Refused:
    reason = f"not supported yet; {support.note}"
    if support.fate is Fate.FIXED:
        reason = f"it cannot be changed, since it was {support.note}; leave it out"
    return Refused(
        ErrorCode.UNSUPPORTED_PROPERTY,
        PropertyName=name,
        PropertyValue=shorten(value),
        Reason=reason,
    )


def shorten(value: object) -> str:
    """Return a value as an error repeats it."""
    if isinstance(value, str):
        text = value.replace("\0", "\\0")
    else:
        text = msgspec.json.encode(value).decode()
    return text if len(text) <= VALUE_CHARS_MAX else f"{text[: VALUE_CHARS_MAX - 3]}..."


def _is_empty(value: object) -> bool:
    if isinstance(value, Struct):
        parts = (getattr(value, name) for name in value.__struct_fields__)
        return all(part is None or _is_empty(part) for part in parts)
    return isinstance(value, list) and not value


def _is_default(value: object, support: Support) -> bool:
    if support.default is None:
        return False
    return value == support.default
