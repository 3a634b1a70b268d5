"""Who asks: requests signed with the shared key of an account, or with the token of a task.

Source: wire section 2; W-11; J-64.
"""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import product
from typing import Final
from urllib.parse import parse_qs

from starlette.types import Scope

from batchyard.core import limits
from batchyard.core.errors import ErrorCode, Refused
from batchyard.engine.ports import Clock
from batchyard.engine.tokens import JobAccess, JobTokens
from batchyard.wire import values
from batchyard.wire.coverage import shorten

#: The headers that a signature covers, in its order.
SIGNED_HEADERS: Final = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)

_LENGTH: Final = SIGNED_HEADERS.index("content-length")
_TYPE: Final = SIGNED_HEADERS.index("content-type")

_SCHEME: Final = "sharedkey"
_BEARER: Final = "bearer"

#: Signs for accounts that do not exist, so that they take as long as others and look the same.
_NOBODYS_KEY: Final = b"nobody"

_WRONG_SIGNATURE: Final = (
    "the signature was not made with the key of this account for this request; "
    "check the account's name, its key, and that no proxy changes the request"
)


_NOT_OURS: Final = (
    "the token is none of this service; give a task's AZ_BATCH_AUTHENTICATION_TOKEN, "
    "or sign with the account's shared key"
)


class Authenticator:
    """Knows the keys of the accounts."""

    def __init__(self, accounts: Mapping[str, str], clock: Clock) -> None:
        self._keys = {name: b64decode(key, validate=True) for name, key in accounts.items()}
        self._tokens = JobTokens(accounts)
        self._clock = clock

    def bearer(self, headers: Mapping[str, str]) -> JobAccess | None:
        """Return what the token of a request is good for, None if it is not sent with one.

        Raises:
            Refused: ``AuthenticationFailed``.
        """
        scheme, _, token = headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() != _BEARER:
            return None
        access = self._tokens.read(token.strip())
        if access is None:
            raise _failed(_NOT_OURS)
        return access

    def authenticate(self, scope: Scope, headers: Mapping[str, str]) -> str:
        """Return the account that signed a request.

        An account that does not exist is refused like one with another key: nobody can find out
        which accounts there are.

        Raises:
            Refused: ``MissingRequiredHeader``, ``InvalidAuthenticationInfo``,
                ``InvalidHeaderValue``, ``AuthenticationFailed``.
        """
        account, signature = _credentials(headers.get("authorization"))
        key = self._keys.get(account, _NOBODYS_KEY)
        is_signed = False
        for text in strings_to_sign(scope, headers, account):
            expected = hmac.digest(key, text.encode(), sha256)
            is_signed |= hmac.compare_digest(expected, signature)
        if not is_signed or account not in self._keys:
            raise _failed(_WRONG_SIGNATURE)
        self._check_date(headers)
        return account

    def _check_date(self, headers: Mapping[str, str]) -> None:
        name = "ocp-date" if headers.get("ocp-date") else "date"
        text = headers.get(name)
        if not text:
            raise Refused(
                ErrorCode.MISSING_REQUIRED_HEADER,
                HeaderName="ocp-date",
                Reason="give the time of the request",
            )
        try:
            date = values.read_http_date(text)
        except ValueError as error:
            raise Refused(
                ErrorCode.INVALID_HEADER_VALUE,
                HeaderName=name,
                HeaderValue=shorten(text),
                Reason=str(error),
            ) from None
        now = self._clock.now()
        if abs(now - date) > limits.REQUEST_DATE_SKEW_MAX:
            raise _failed(_wrong_date(now, date))


def _credentials(authorization: str | None) -> tuple[str, bytes]:
    """Return the account's name and the signature in an ``Authorization`` header."""
    if not authorization:
        raise Refused(
            ErrorCode.MISSING_REQUIRED_HEADER,
            HeaderName="Authorization",
            Reason="sign the request with the account's shared key",
        )
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() == _BEARER:
        raise _malformed("tokens are good for operations of their job; sign with the shared key")
    if scheme.lower() != _SCHEME:
        raise _malformed("give 'SharedKey <account>:<signature>'")
    account, colon, signature = rest.strip().partition(":")
    if not account or not colon or not signature:
        raise _malformed("give 'SharedKey <account>:<signature>'")
    try:
        return account, b64decode(signature, validate=True)
    except (Base64Error, ValueError):
        raise _malformed("the signature must be base64") from None


def strings_to_sign(scope: Scope, headers: Mapping[str, str], account: str) -> Iterator[str]:
    """Yield what the signature of a request may cover.

    There are several forms when the body is empty: clients disagree whether its length is written
    as ``0`` or left out, and some have a library that adds a type for it after they have signed.
    """
    method: str = scope["method"]
    lines = [headers.get(name, "") for name in SIGNED_HEADERS]
    ocp = [f"{name}:{value}" for name, value in sorted(headers.items()) if "ocp-" in name]
    resource = f"/{account}{raw_path(scope)}"
    query = parse_qs(scope["query_string"].decode("latin-1"))
    resource += "".join(f"\n{name}:{query[name][0]}" for name in sorted(query))
    is_empty = lines[_LENGTH] in ("", "0")
    lengths = ("0", "") if is_empty else (lines[_LENGTH],)
    types = {lines[_TYPE], ""} if is_empty else {lines[_TYPE]}
    for length, content_type in product(lengths, types):
        lines[_LENGTH], lines[_TYPE] = length, content_type
        yield "\n".join([method, *lines, *ocp, resource])


def raw_path(scope: Scope) -> str:
    """Return the path as on the request line, with its percent-encoding."""
    raw: bytes | None = scope.get("raw_path")
    return scope["path"] if raw is None else raw.partition(b"?")[0].decode("latin-1")


def sign(key: str, text: str) -> str:
    """Return the signature of a string in base64."""
    return b64encode(hmac.digest(b64decode(key), text.encode(), sha256)).decode("ascii")


def _malformed(reason: str) -> Refused:
    return Refused(ErrorCode.INVALID_AUTHENTICATION_INFO, Reason=reason)


def _failed(detail: str) -> Refused:
    return Refused(ErrorCode.AUTHENTICATION_FAILED, AuthenticationErrorDetail=detail)


def _wrong_date(now: datetime, date: datetime) -> str:
    minutes = limits.REQUEST_DATE_SKEW_MAX // timedelta(minutes=1)
    return (
        f"the request says {values.write_http_date(date)} and the server's clock "
        f"{values.write_http_date(now)}; they may be {minutes} minutes apart"
    )
