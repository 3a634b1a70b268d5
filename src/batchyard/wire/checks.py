"""What requests have in common: reading a body, and the rules of single properties.

Every refusal names the property, the value and the cure. `name` is the property's path as on the
wire. Source: 08 L-1 ... L-37, E-3; F-17; J-55.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, NoReturn, TypeVar

import msgspec

from batchyard.core import limits
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.model import ElevationLevel, EnvironmentSetting, MetadataItem
from batchyard.wire import model, values
from batchyard.wire.coverage import shorten

Value = TypeVar("Value")
Body = TypeVar("Body", bound=msgspec.Struct)

_ID: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{limits.ID_CHARS_MAX}}}", re.ASCII)
#: What a decoder raises for a body that is no JSON.
_MALFORMED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_UNKNOWN_FIELD: Final = re.compile(
    r"Object contains unknown field `(?P<name>.*?)`(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL
)
_WRONG_VALUE: Final = re.compile(r"(?P<reason>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)", re.DOTALL)


def decode(body: bytes, decoder: "msgspec.json.Decoder[Body]") -> Body:
    """Return the request in `body`; an empty body is an empty object (wire section 1).

    Raises:
        Refused: ``InvalidRequestBody``, ``UnsupportedProperty`` (a property that does not exist),
            ``InvalidPropertyValue`` (of a wrong type).
    """
    try:
        return decoder.decode(body or b"{}")
    except msgspec.ValidationError as error:
        message = str(error)
    except _MALFORMED as error:
        raise _no_json(error) from None
    try:
        content = msgspec.json.decode(body)
    except _MALFORMED as error:
        raise _no_json(error) from None
    raise _wrong_shape(content, message)


def _no_json(error: Exception) -> Refused:
    return Refused(ErrorCode.INVALID_REQUEST_BODY, Reason=f"send one JSON object in UTF-8: {error}")


def _wrong_shape(content: object, message: str) -> Refused:
    """Return what a decoder's message means; `content` is the body without any types."""
    unknown = _UNKNOWN_FIELD.fullmatch(message)
    if unknown is not None:
        name = f"{unknown['path']}.{unknown['name']}" if unknown["path"] else unknown["name"]
        return Refused(
            ErrorCode.UNSUPPORTED_PROPERTY,
            PropertyName=shorten(name),
            PropertyValue=_value_at(content, name),
            Reason="there is no such property here; check its spelling, or leave it out",
        )
    wrong = _WRONG_VALUE.fullmatch(message)
    if wrong is None:
        return Refused(ErrorCode.INVALID_REQUEST_BODY, Reason=message)
    return Refused.of_property(wrong["path"], _value_at(content, wrong["path"]), wrong["reason"])


def _value_at(content: Any, path: str) -> str:  # noqa: ANN401  # JSON
    """Return what stands at ``a.b[2].c``, shortened."""
    value = content
    for step in re.findall(r"[^.\[\]]+", path):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            return ""
    return shorten(value)


def required(value: Value | None, name: str) -> Value:
    """Return `value`.

    Raises:
        Refused: ``MissingRequiredProperty`` when it is absent.
    """
    if value is None:
        raise Refused(
            ErrorCode.MISSING_REQUIRED_PROPERTY,
            PropertyName=name,
            Reason=f"give {name}",
        )
    return value


def text(value: str, name: str) -> str:
    """Return `value`, which may become an argument, a variable or a file name."""
    if "\0" in value:
        raise Refused.of_property(name, shorten(value), "remove the NUL character")
    return value


def command_line(value: str | None, name: str) -> str:
    """Return a command line; there is no container whose own command an empty one could mean."""
    line = text(required(value, name), name)
    if not line or line.isspace():
        raise Refused.of_property(name, line, "give the program to run and its arguments")
    return line


def identifier(value: str | None, name: str) -> str:
    """Return an id. Source: L-1."""
    wanted = required(value, name)
    if _ID.fullmatch(wanted) is None:
        raise Refused.of_property(
            name,
            shorten(wanted),
            f"use 1 to {limits.ID_CHARS_MAX} letters, digits, hyphens and underscores",
        )
    return wanted


def display_name(value: str | None) -> str | None:
    """Return a display name. Source: L-2."""
    if value is not None and len(text(value, "displayName")) > limits.DISPLAY_NAME_CHARS_MAX:
        raise Refused.of_property(
            "displayName",
            shorten(value),
            f"use at most {limits.DISPLAY_NAME_CHARS_MAX} characters",
        )
    return value


def number(value: int, name: str, least: int, most: int) -> int:
    """Return `value` when it lies within its bounds."""
    if not least <= value <= most:
        raise Refused.of_property(name, value, f"give a number from {least} to {most}")
    return value


def retry_count(value: int, name: str) -> int:
    """Return a retry count: -1 for no limit. Source: L-16."""
    if value < limits.RETRY_COUNT_UNLIMITED:
        raise Refused.of_property(
            name, value, f"give {limits.RETRY_COUNT_UNLIMITED} for no limit, 0 or more"
        )
    return value


def duration(value: str, name: str) -> timedelta | None:
    """Return a time span, None for no limit."""
    try:
        return values.read_duration(value)
    except ValueError as error:
        raise Refused.of_property(name, shorten(value), str(error)) from None


def environment(
    settings: Sequence[model.EnvironmentSetting] | None, name: str
) -> tuple[EnvironmentSetting, ...]:
    """Return environment settings; an absent value is the empty string. Source: F-17."""
    if not settings:
        return ()
    found = []
    for index, setting in enumerate(settings):
        variable, value = setting.name, setting.value or ""
        # One test for all faults: there are many settings, and nearly always none has any.
        if not variable or "=" in variable or "\0" in variable or "\0" in value:
            _refuse_setting(setting, f"{name}[{index}]")
        found.append(EnvironmentSetting(variable, value))
    return tuple(found)


def _refuse_setting(setting: model.EnvironmentSetting, place: str) -> NoReturn:
    variable = text(required(setting.name, f"{place}.name"), f"{place}.name")
    text(setting.value or "", f"{place}.value")
    raise Refused.of_property(
        f"{place}.name", shorten(variable), "give a name without an equals sign"
    )


def metadata(items: Sequence[model.BatchMetadataItem] | None) -> tuple[MetadataItem, ...] | None:
    """Return metadata items. Source: J-55.

    Raises:
        Refused: ``EmptyMetadataKey``.
    """
    if not items:
        return None
    found = []
    for index, item in enumerate(items):
        place = f"metadata[{index}]"
        name = text(required(item.name, f"{place}.name"), f"{place}.name")
        if not name:
            raise Refused(
                ErrorCode.EMPTY_METADATA_KEY,
                PropertyName=f"{place}.name",
                PropertyValue="",
                Reason="give every metadata item a name",
            )
        value = text(required(item.value, f"{place}.value"), f"{place}.value")
        found.append(MetadataItem(name, value))
    return tuple(found)


def elevation_level(identity: model.UserIdentity | None) -> ElevationLevel:
    """Return whether a task runs as administrator; not unless it says so. Source: T-38, T-39."""
    if identity is None or identity.auto_user is None:
        return ElevationLevel.NON_ADMIN
    level = identity.auto_user.elevation_level
    return ElevationLevel.ADMIN if level is model.ElevationLevel.ADMIN else ElevationLevel.NON_ADMIN
