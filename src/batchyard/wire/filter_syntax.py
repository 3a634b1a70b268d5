"""The grammar of ``$filter``: text to conditions on properties as they are named on the wire.

Whether a list has the properties is the business of `filters`. Imported on first need: lark is not
quick to load. Source: O-1.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final, cast

from lark import Lark, LarkError, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args

from batchyard.engine.filters import Operator
from batchyard.wire import values

Literal = str | int | float | bool | datetime

_GRAMMAR: Final = r"""
    ?either: both (_OR both)*
    ?both: unary (_AND unary)*
    ?unary: _NOT unary -> negation
        | "(" either ")"
        | NAME OPERATOR literal -> comparison
        | _STARTS_WITH "(" NAME "," TEXT ")" -> prefix
    literal: TEXT -> text
        | INSTANT -> instant
        | NUMBER -> number
        | BOOLEAN -> boolean

    _OR.2: /or\b/
    _AND.2: /and\b/
    _NOT.2: /not\b/
    _STARTS_WITH.2: /startswith(?=\s*\()/
    OPERATOR.2: /(eq|ne|gt|ge|lt|le)\b/
    BOOLEAN.2: /(true|false)\b/i
    INSTANT.3: /datetime'[^']*'/i
    TEXT: /'(?:[^']|'')*'/
    NUMBER: /-?[0-9]{1,20}(\.[0-9]{1,20})?\b/
    NAME: /[A-Za-z][A-Za-z0-9_]{0,99}(\/[A-Za-z][A-Za-z0-9_]{0,99}){0,9}/

    %ignore /[ \t]+/
"""

_CURE: Final = "write for example: state eq 'active' and startswith(id,'a')"


@dataclass(frozen=True, slots=True)
class Compared:
    """``name operator literal``."""

    name: str
    operator: Operator
    literal: Literal


@dataclass(frozen=True, slots=True)
class Prefix:
    """``startswith(name,'text')``."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Negation:
    """``not`` and what it is about."""

    part: "Condition"


@dataclass(frozen=True, slots=True)
class Every:
    """Parts with ``and`` between them."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Parts with ``or`` between them."""

    parts: tuple["Condition", ...]


Condition = Compared | Prefix | Negation | Every | Some


class _BadLiteral(LarkError):
    """A literal that looks right and is none."""


@v_args(inline=True)
class _Builder(Transformer[Token, Condition]):
    """Builds conditions while the parser goes: no tree, so no recursion over one."""

    def either(self, *parts: Condition) -> Condition:
        return Some(parts)

    def both(self, *parts: Condition) -> Condition:
        return Every(parts)

    def negation(self, part: Condition) -> Condition:
        return Negation(part)

    def comparison(self, name: Token, operator: Token, literal: Literal) -> Condition:
        return Compared(str(name), Operator(operator), literal)

    def prefix(self, name: Token, text: Token) -> Condition:
        return Prefix(str(name), self.text(text))

    def text(self, token: Token) -> str:
        return token[1:-1].replace("''", "'")

    def number(self, token: Token) -> int | float:
        return float(token) if "." in token else int(token)

    def boolean(self, token: Token) -> bool:
        return token.lower() == "true"

    def instant(self, token: Token) -> datetime:
        text = token[token.index("'") + 1 : -1]
        try:
            return values.read_instant(text)
        except ValueError:
            pass
        try:
            return values.read_http_date(text)
        except ValueError:
            raise _BadLiteral(
                f"{text!r} is no instant; write for example DateTime'2025-01-31T08:00:00Z'"
            ) from None


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, start="either", parser="lalr", transformer=_Builder())


def parse(text: str) -> Condition:
    """Return what a filter says.

    Raises:
        ValueError: It is no filter; the text says where, and how one looks.
    """
    try:
        return cast("Condition", _parser().parse(text))
    except UnexpectedInput as error:
        is_at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        place = "its end" if is_at_end else f"character {error.column}"
        raise ValueError(f"it cannot be understood at {place}; {_CURE}") from None
    except LarkError as error:
        raise ValueError(str(error)) from None
