"""Reading the body of a request: JSON to a message, or why that cannot be.

Every refusal names the property, the value and the cure. Source: 08 E-3; wire section 1.
"""

import re
from typing import Any, Final, TypeVar, get_args

import msgspec

from batchyard.core.errors import ErrorCode, Refused
from batchyard.wire import model
from batchyard.wire.coverage import shorten

Body = TypeVar("Body", bound=msgspec.Struct)

#: How the names of annotations begin, which are no properties.
_ANNOTATION: Final = "odata."

#: What a decoder raises for a body that is no JSON.
_MALFORMED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_UNKNOWN_FIELD: Final = re.compile(
    r"Object contains unknown field `(?P<name>.*?)`(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL
)
_WRONG_VALUE: Final = re.compile(r"(?P<reason>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)", re.DOTALL)
#: What `az batch` sends: the numbers of its command line as they are. Source: azure-cli 2.91.0.
_IN_QUOTES: Final = re.compile(r"Expected `(?:int|float|bool)(?: \| null)?`, got `str`")
_STEP: Final = re.compile(r"[^.\[\]]+")

_CURES: Final[dict[object, str]] = {
    str: "give a text",
    bool: "give true or false",
    int: "give a whole number from -2147483648 to 2147483647",
    float: "give a number",
    list: "give a list",
}


def decode(body: bytes, decoder: "msgspec.json.Decoder[Body]") -> Body:
    """Return the request in `body`; an empty body is an empty object (wire section 1).

    A number or a truth may stand in quotes.

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
    if isinstance(content, dict) and any(name.startswith(_ANNOTATION) for name in content):
        # A client that sends back what it read sends our annotations along.
        kept = {name: value for name, value in content.items() if not name.startswith(_ANNOTATION)}
        return decode(msgspec.json.encode(kept), decoder)
    if _IN_QUOTES.match(message):
        try:
            return msgspec.convert(content, decoder.type, strict=False)
        except msgspec.ValidationError as error:
            message = str(error)
    raise _wrong_shape(content, message, decoder.type)


def _no_json(error: Exception) -> Refused:
    return Refused(ErrorCode.INVALID_REQUEST_BODY, Reason=f"send one JSON object in UTF-8: {error}")


def _wrong_shape(content: object, message: str, owner: type[msgspec.Struct]) -> Refused:
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
        return Refused(ErrorCode.INVALID_REQUEST_BODY, Reason=f"send one JSON object: {message}")
    path = wrong["path"]
    reason = _cure(_kind_at(owner, path)) or wrong["reason"]
    return Refused.of_property(path, _value_at(content, path), reason)


def _value_at(content: Any, path: str) -> str:  # noqa: ANN401  # JSON
    """Return what stands at ``a.b[2].c``, shortened."""
    value = content
    for step in _STEP.findall(path):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            return ""
    return shorten(value)


def _kind_at(owner: type[msgspec.Struct], path: str) -> object:
    """Return the type that belongs at ``a.b[2].c`` of a message; None where it cannot be known."""
    kind: object = owner
    for step in _STEP.findall(path):
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
            kind = _without_none(fields.get(step))
        else:
            kind = next(iter(get_args(kind)), None)
    return kind


def _without_none(kind: object) -> object:
    options = [option for option in get_args(kind) if option is not type(None)]
    return options[0] if type(None) in get_args(kind) and len(options) == 1 else kind


def _cure(kind: object) -> str | None:
    """Return what to give where a type belongs."""
    if isinstance(kind, type) and issubclass(kind, model.WireEnum):
        return "give one of " + ", ".join(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return "give an object"
    origin = getattr(kind, "__origin__", kind)
    return _CURES.get(origin)
