"""Conditional requests. Source: wire section 6; S-21."""

from datetime import datetime
from typing import Final

from batchyard.api.http import Call
from batchyard.core.errors import ErrorCode, Refused
from batchyard.wire import values
from batchyard.wire.coverage import shorten

HEADERS: Final = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


def are_given(call: Call) -> bool:
    """Whether a request has a condition, so that its resource has to be looked at first."""
    return any(name in call.request.headers for name in HEADERS)


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


def check(call: Call, last_modified: datetime, etag: str | None = None) -> None:
    """Check the conditions of a request against the state of its resource.

    Raises:
        Refused: ``ConditionNotMet``, which is 304 on a read; ``InvalidHeaderValue``.
    """
    headers = call.request.headers
    changed_time = last_modified.replace(microsecond=0)
    is_met = True
    if etag is not None and "if-match" in headers:
        is_met &= _matches(headers["if-match"], etag)
    if etag is not None and "if-none-match" in headers:
        is_met &= not _matches(headers["if-none-match"], etag)
    if "if-modified-since" in headers:
        is_met &= changed_time > _date(call, "if-modified-since")
    if "if-unmodified-since" in headers:
        is_met &= changed_time <= _date(call, "if-unmodified-since")
    if not is_met:
        raise Refused(ErrorCode.CONDITION_NOT_MET)


def _matches(given: str, etag: str) -> bool:
    """Whether a list of ETags has this one; quotes and ``W/`` mean nothing."""
    tags = [tag.strip().removeprefix("W/").strip("\"'") for tag in given.split(",")]
    return "*" in tags or etag in tags


def _date(call: Call, name: str) -> datetime:
    text = call.request.headers[name]
    try:
        return values.read_http_date(text)
    except ValueError as error:
        raise Refused(
            ErrorCode.INVALID_HEADER_VALUE,
            HeaderName=name,
            HeaderValue=shorten(text),
            Reason=str(error),
        ) from None
