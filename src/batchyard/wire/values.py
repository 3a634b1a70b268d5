"""Instants and durations, as text on the wire.

Source: wire section 8; J-3 (no limit), J-5 (durations are normalised on the way out).
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import Final

#: What stands for "no limit": the greatest time span of the service. Source: J-3.
UNLIMITED: Final = "P10675199DT2H48M5.4775807S"

_UNLIMITED_SPAN: Final = timedelta(
    days=10_675_199, hours=2, minutes=48, seconds=5, microseconds=477_580
)

#: Digits of one number in a duration or instant; more of them would only cost time.
_NUMBER = r"\d{1,12}"

_DURATION: Final = re.compile(
    rf"P(?:(?P<years>{_NUMBER})Y)?(?:(?P<months>{_NUMBER})M)?"
    rf"(?:(?P<weeks>{_NUMBER})W)?(?:(?P<days>{_NUMBER})D)?"
    rf"(?P<clock>T(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?"
    rf"(?:(?P<seconds>{_NUMBER})(?:[.,](?P<fraction>{_NUMBER}))?S)?)?",
    re.ASCII,
)

#: Instants whose text is kept: the tasks of a page were added by hundreds, each at one instant.
_INSTANTS_KEPT: Final = 1024

_INSTANT: Final = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})[Tt](?P<clock>\d{2}:\d{2}:\d{2})"
    rf"(?:\.(?P<fraction>{_NUMBER}))?(?P<zone>[Zz]|[+-]\d{{2}}:\d{{2}})",
    re.ASCII,
)


@lru_cache(_INSTANTS_KEPT)
def write_instant(instant: datetime) -> str:
    """Return ``2016-09-06T07:02:44.7589Z``: UTC, without trailing zeros."""
    text = instant.isoformat()
    if not text.endswith("+00:00"):
        text = instant.astimezone(UTC).isoformat()
    text = text[:-6]
    return f"{text.rstrip('0')}Z" if "." in text else f"{text}Z"


def read_instant(text: str) -> datetime:
    """Return an instant in UTC; digits beyond microseconds are dropped.

    Raises:
        ValueError: It is not an ISO 8601 instant with a zone, or none that a calendar has.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError("give an ISO 8601 instant, for example 2025-01-31T08:00:00Z")
    zone = "+00:00" if match["zone"] in "Zz" else match["zone"]
    fraction = (match["fraction"] or "0").ljust(6, "0")[:6]
    instant = datetime.fromisoformat(f"{match['date']}T{match['clock']}.{fraction}{zone}")
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the instant lies outside the years 1 to 9999") from error


def write_http_date(instant: datetime) -> str:
    """Return ``Tue, 04 Mar 2025 10:20:30 GMT``."""
    return format_datetime(instant.astimezone(UTC), usegmt=True)


def read_http_date(text: str) -> datetime:
    """Return the instant of an RFC 1123 date.

    Raises:
        ValueError: It is no such date.
    """
    try:
        instant = parsedate_to_datetime(text)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError, IndexError, TypeError) as error:
        raise ValueError(
            "give an RFC 1123 date, for example Tue, 04 Mar 2025 10:20:30 GMT"
        ) from error


@lru_cache(maxsize=1024)
def write_duration(span: timedelta | None) -> str:
    """Return the shortest ISO 8601 form, ``PT1H30M``; None is `UNLIMITED`."""
    if span is None or span >= _UNLIMITED_SPAN:
        return UNLIMITED
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}H" if hours else ""
    text += f"{minutes}M" if minutes else ""
    if span.microseconds:
        text += f"{seconds}." + f"{span.microseconds:06}".rstrip("0") + "S"
    elif seconds:
        text += f"{seconds}S"
    if not span.days:
        return f"PT{text or '0S'}"
    return f"P{span.days}D" + (f"T{text}" if text else "")


@lru_cache(maxsize=1024)
def read_duration(text: str) -> timedelta | None:
    """Return a time span; None for the service's "no limit" and everything beyond it.

    A year has 365 days and a month 30 (J-5). ``P`` is accepted for zero: an official client
    writes it so. Digits beyond microseconds are dropped.

    Raises:
        ValueError: It is not an ISO 8601 duration.
    """
    match = _DURATION.fullmatch(text)
    if match is None or (match["clock"] == "T"):
        raise ValueError("give an ISO 8601 duration, for example PT1H30M or P7D")
    years, months, weeks, days, hours, minutes, seconds = (
        int(match[name] or 0)
        for name in ("years", "months", "weeks", "days", "hours", "minutes", "seconds")
    )
    microseconds = int((match["fraction"] or "0").ljust(6, "0")[:6])
    try:
        span = timedelta(
            days=365 * years + 30 * months + 7 * weeks + days,
            hours=hours,
            minutes=minutes,
            seconds=seconds,
            microseconds=microseconds,
        )
    except OverflowError:
        return None
    return None if span >= _UNLIMITED_SPAN else span
