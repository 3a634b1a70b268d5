"""Instants that may lie beyond the end of time."""

from datetime import datetime, timedelta


def after(time: datetime, span: timedelta | None) -> datetime | None:
    """Return the instant `span` after `time`; None for no span, or beyond what a date can say."""
    if span is None:
        return None
    try:
        return time + span
    except OverflowError:
        return None
