"""Pages, ``$select``, ``$filter``, ``$expand`` of lists. Source: 08 O-1 ... O-8, L-33; W-7."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from batchyard.core import limits
from batchyard.core.errors import ErrorCode, Refused
from batchyard.engine.filters import Comparison, Filter, Operator, StartsWith
from batchyard.wire import filters
from batchyard.wire.coverage import shorten

#: Greatest key of the store.
_KEY_MAX: Final = 2**63 - 1


class Query:
    """The query of one request: names in any case, blank values as if absent.

    The first of several values of one name counts: it is the one that the signature covers.
    """

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._pairs = pairs
        self._values: dict[str, str] = {}
        for name, value in pairs:
            if value:
                self._values.setdefault(name.lower(), value)

    def get(self, name: str) -> str | None:
        """Return the value of a parameter, given by its name in lower case."""
        return self._values.get(name)

    def check_names(self, known: frozenset[str]) -> None:
        """Refuse what an operation does not take: passing over it would be a lie.

        Raises:
            Refused: ``UnsupportedQueryParameter``.
        """
        for name, value in self._values.items():
            if name not in known:
                raise Refused(
                    ErrorCode.UNSUPPORTED_QUERY_PARAMETER,
                    QueryParameterName=shorten(name),
                    QueryParameterValue=shorten(value),
                    Reason="this operation takes " + ", ".join(sorted(known - {"$skiptoken"})),
                )

    def check_time_out(self) -> None:
        """Check ``timeOut``. It has no effect: an answer comes as soon as its commit (L-35)."""
        text = self.get("timeout")
        if text is not None and not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
            raise invalid("timeOut", text, "give a number of seconds")

    def is_true(self, name: str) -> bool:
        """Return a boolean parameter, false when absent (W-8)."""
        text = self.get(name)
        if text is None or text.lower() == "false":
            return False
        if text.lower() == "true":
            return True
        raise invalid(name, text, "give true or false")

    def max_results(self, default: int = limits.PAGE_RESULTS_MAX) -> int:
        """Return how many results a page may have. Source: L-33, L-34."""
        text = self.get("maxresults")
        if text is None:
            return default
        if not re.fullmatch(r"[+-]?[0-9]{1,99}", text, re.ASCII):
            raise invalid("maxresults", text, "give a number")
        if int(text) < 1:
            raise invalid("maxresults", text, "give at least 1")
        if int(text) > limits.PAGE_RESULTS_MAX:
            raise Refused(
                ErrorCode.OUT_OF_RANGE_QUERY_PARAMETER_VALUE,
                QueryParameterName="maxresults",
                QueryParameterValue=shorten(text),
                Reason=f"give at most {limits.PAGE_RESULTS_MAX}",
            )
        return int(text)

    def after_key(self) -> int | None:
        """Return the key that the page follows, from ``$skiptoken``."""
        text = self.get("$skiptoken")
        if text is None:
            return None
        if not re.fullmatch(r"[0-9]{1,19}", text, re.ASCII) or int(text) > _KEY_MAX:
            raise _wrong_token(text)
        return int(text)

    def after_name(self) -> str | None:
        """Return the name that the page follows, from ``$skiptoken``."""
        text = self.get("$skiptoken")
        if text is None:
            return None
        try:
            return urlsafe_b64decode(text.encode("ascii")).decode()
        except (Base64Error, UnicodeError, ValueError):
            raise _wrong_token(text) from None

    def next_link(self, url: str, token: str) -> str:
        """Return the absolute address of the next page; it repeats everything (W-7)."""
        pairs = [pair for pair in self._pairs if pair[0].lower() != "$skiptoken" and pair[1]]
        pairs.append(("$skiptoken", token))
        return f"{url}?" + "&".join(
            f"{quote(name, safe='$-')}={quote(value, safe='')}" for name, value in pairs
        )

    def select(self, item: type[msgspec.Struct]) -> "Selection":
        """Return what ``$select`` keeps of an item's properties. Source: O-6."""
        text = self.get("$select")
        if text is None:
            return Selection(None)
        wanted = frozenset(name.strip() for name in text.split(","))
        known = {field.encode_name for field in msgspec.structs.fields(item)}
        for name in sorted(wanted - known):
            raise invalid("$select", name, "give names of top-level properties")
        return Selection(wanted)

    def wants_statistics(self, selection: "Selection") -> bool:
        """Return whether ``$expand=stats`` asks for statistics that are shown. Source: O-7."""
        text = self.get("$expand")
        if text is None:
            return False
        if text.strip() != "stats":
            raise invalid("$expand", text, "give stats, or leave it out")
        return selection.shows("stats")

    def refuse_statistics(self, selection: "Selection") -> None:
        """Refuse ``$expand=stats`` of what has no statistics yet.

        A selection without them would not show them either, so it makes the request honest.
        """
        if self.wants_statistics(selection):
            raise invalid("$expand", "stats", "pools have no statistics yet; leave it out")

    def filter(self, table: filters.Table) -> Filter | None:
        """Return what ``$filter`` asks of a list with these properties. Source: O-1 ... O-5."""
        text = self.get("$filter")
        if text is None or not text.strip():
            return None
        try:
            return filters.read(text, table)
        except ValueError as error:
            raise invalid("$filter", text, str(error)) from None

    def pool_id_filter(self) -> str | None:
        """Return the pool of ``poolId eq '...'``, the one filter of node counts."""
        match self.filter(filters.NODE_COUNTS):
            case None:
                return None
            case Comparison(_, Operator.EQ, str(pool_id)):
                return pool_id
        raise self._only("poolId eq '...'")

    def name_prefix_filter(self) -> str:
        """Return the prefix of ``startswith(name,'...')``, the one filter of files (F-22)."""
        match self.filter(filters.FILES):
            case None:
                return ""
            case StartsWith(_, prefix):
                return prefix
        raise self._only("startswith(name,'...')")

    def _only(self, form: str) -> Refused:
        return invalid("$filter", self.get("$filter") or "", f"the only filter here is {form}")


class Selection:
    """Which properties of an item an answer shows; None means all of them."""

    def __init__(self, names: frozenset[str] | None) -> None:
        self._names = names

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self._names is None

    def shows(self, name: str) -> bool:
        """Whether a property is shown."""
        return self._names is None or name in self._names

    def of(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return the selected properties of an item's JSON."""
        names = self._names
        if names is None:
            return dict(item)
        return {name: value for name, value in item.items() if name in names}


def key_token(key: int) -> str:
    """Return the ``$skiptoken`` of the page after a key."""
    return str(key)


def name_token(name: str) -> str:
    """Return the ``$skiptoken`` of the page after a name."""
    return urlsafe_b64encode(name.encode()).decode("ascii")


def invalid(name: str, value: str, reason: str) -> Refused:
    """Return the refusal of one query parameter (E-3)."""
    return Refused(
        ErrorCode.INVALID_QUERY_PARAMETER_VALUE,
        QueryParameterName=name,
        QueryParameterValue=shorten(value),
        Reason=reason,
    )


def _wrong_token(text: str) -> Refused:
    return invalid("$skiptoken", text, "use the odata.nextLink of the page before")
