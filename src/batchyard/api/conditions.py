"""Conditional requests. Source: wire section 6; S-21."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from batchyard.api.http import Call
from batchyard.core.errors import ErrorCode, Refused
from batchyard.wire import values
from batchyard.wire.coverage import shorten

HEADERS: Final = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
_DATES: Final = frozenset(HEADERS[2:])

View = TypeVar("View")


def check_supported(call: Call) -> None:
    """Refuse conditions that the operation does not have: passing over one would be a lie.

    Raises:
        Refused: ``UnsupportedHeader``, ``MultipleConditionHeadersNotSupported``.
    """
    given = [name for name in HEADERS if name in call.request.headers]
    for name in given:
        if name not in call.operation.conditions:
            raise Refused(
                ErrorCode.UNSUPPORTED_HEADER,
                HeaderName=name,
                HeaderValue=shorten(call.request.headers[name]),
                Reason="this operation has no such condition; leave it out",
            )
    if len(given) > 1:
        raise Refused(
            ErrorCode.MULTIPLE_CONDITION_HEADERS_NOT_SUPPORTED,
            HeaderName=", ".join(given),
            Reason="give one condition",
        )


@dataclass(frozen=True, slots=True)
class Condition:
    """The one condition of a request; `time` is that of a date, whole seconds like all of them."""

    name: str
    text: str
    time: datetime | None

    def check(self, last_modified: datetime, etag: str) -> None:
        """Check the condition against the state of the resource.

        Raises:
            Refused: ``ConditionNotMet``, which is 304 on a read.
        """
        if not self._is_met(last_modified.replace(microsecond=0), etag):
            raise Refused(ErrorCode.CONDITION_NOT_MET)

    def _is_met(self, changed_time: datetime, etag: str) -> bool:
        if self.name == "if-match":
            return _matches(self.text, etag)
        if self.name == "if-none-match":
            return not _matches(self.text, etag)
        assert self.time is not None
        if self.name == "if-modified-since":
            return changed_time > self.time
        return changed_time <= self.time


def read(call: Call) -> Condition | None:
    """Return the condition of a request.

    Raises:
        Refused: ``InvalidHeaderValue`` for a date that is none.
    """
    for name in HEADERS:
        text = call.request.headers.get(name)
        if text is not None:
            return Condition(name, text, _date(name, text) if name in _DATES else None)
    return None


def guard(
    call: Call, revision: Callable[[View], tuple[datetime, str]]
) -> Callable[[View], None] | None:
    """Return what a write checks in its transaction, before it changes the resource.

    `revision` gives the last modification and the ETag of the resource.

    Raises:
        Refused: ``InvalidHeaderValue``.
    """
    condition = read(call)
    if condition is None:
        return None

    def check_view(view: View) -> None:
        condition.check(*revision(view))

    return check_view


def check(call: Call, last_modified: datetime, etag: str = "") -> None:
    """Check the condition of a read.

    Raises:
        Refused: ``ConditionNotMet``, ``InvalidHeaderValue``.
    """
    condition = read(call)
    if condition is not None:
        condition.check(last_modified, etag)


def _matches(given: str, etag: str) -> bool:
    """Whether a list of ETags has this one; quotes and ``W/`` mean nothing."""
    tags = [tag.strip().removeprefix("W/").strip("\"'") for tag in given.split(",")]
    return "*" in tags or etag in tags


def _date(name: str, text: str) -> datetime:
    try:
        return values.read_http_date(text)
    except ValueError as error:
        raise Refused(
            ErrorCode.INVALID_HEADER_VALUE,
            HeaderName=name,
            HeaderValue=shorten(text),
            Reason=str(error),
        ) from None
