"""Downloads one file by http or https, with patience for a server that is busy or slow.

A URL may be a secret from its question mark on (a shared access signature) or before its host (a
password). Neither is in any message.
"""

import asyncio
import errno
import re
import socket
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from batchyard.agent.fetch_link import NotFetched
from batchyard.core.states import EndCause

#: Redirections that are followed. Source: ours; browsers follow 20.
REDIRECTS_MAX: Final = 10

#: Answers that another attempt may change, besides all from 500 on. Source: node-runtime.md 6.
_RETRIED_STATUSES: Final = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS},
)

_NOT_FOUND: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_DENIED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})

#: What can stand in a request as it is. A signature counts on that nothing of it is rewritten.
_PLAIN_URL: Final = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for. Source of the numbers: ours."""

    #: For a connection.
    connect_seconds: float = 30.0
    #: For the next byte.
    silence_seconds: float = 60.0
    #: Between attempts; one more attempt than pauses.
    pauses: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)


class Target(Protocol):
    """Takes the bytes."""

    def write(self, data: bytes) -> None:
        """Append bytes."""

    def empty(self) -> None:
        """Begin again."""


class _Passing(NotFetched):
    """What another attempt may put right."""


def open_session(patience: Patience) -> aiohttp.ClientSession:
    """Return what downloads share: connections that stay open between files of one host.

    No cookie is kept and nothing is taken from the environment, for files of one job are no
    business of another one, and a ``.netrc`` is none of theirs.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity", "User-Agent": "batchyard"},
        # A file is stored as it is, whatever its ``Content-Encoding``.
        auto_decompress=False,
        requote_redirect_url=False,
        timeout=aiohttp.ClientTimeout(
            total=None,
            sock_connect=patience.connect_seconds,
            sock_read=patience.silence_seconds,
        ),
    )


async def download(
    session: aiohttp.ClientSession, url: str, target: Target, patience: Patience
) -> None:
    """Write what is at `url` to `target`.

    Raises:
        NotFetched: It is not all there, after the last attempt that made sense.
    """
    for pause in patience.pauses:
        try:
            await _attempt(session, url, target)
        except _Passing:
            await asyncio.sleep(pause)
            target.empty()
        else:
            return
    await _attempt(session, url, target)


async def _attempt(session: aiohttp.ClientSession, url: str, target: Target) -> None:
    where = without_secrets(url)
    try:
        address = URL(url, encoded=_PLAIN_URL.fullmatch(url) is not None)
        async with session.get(address, max_redirects=REDIRECTS_MAX) as response:
            if response.status != HTTPStatus.OK:
                raise _refusal(where, response.status, response.reason or "")
            async for piece in response.content.iter_any():
                target.write(piece)
    except TimeoutError as error:
        raise _Passing(EndCause.FILE_TIMED_OUT, f"{where} did not answer in time") from error
    except (aiohttp.ClientError, ValueError) as error:
        raise _failure(where, error) from error


def _refusal(where: str, status: int, reason: str) -> NotFetched:
    message = f"{where} answered {status} {reason[:100]}".rstrip()
    if status in _NOT_FOUND:
        return NotFetched(EndCause.FILE_NOT_FOUND, message)
    if status in _DENIED:
        return NotFetched(EndCause.FILE_ACCESS_DENIED, message)
    is_passing = status in _RETRIED_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return (_Passing if is_passing else NotFetched)(EndCause.FILE_DOWNLOAD_FAILED, message)


def _failure(where: str, error: Exception) -> NotFetched:
    """Say what an error means in words of ours: those of the library quote the URL."""
    is_passing = False
    match error:
        case aiohttp.TooManyRedirects():
            reason = f"redirects more than {REDIRECTS_MAX} times"
        case aiohttp.ClientConnectorDNSError():
            reason = "names a host whose address cannot be found"
            is_passing = error.os_error.errno != socket.EAI_NONAME
        case aiohttp.ClientConnectorCertificateError():
            reason = f"has a certificate that does not hold: {_certificate_text(error)}"
        case aiohttp.ClientSSLError():
            reason = "does not speak TLS as it should"
        case aiohttp.ClientConnectorError():
            reason = f"cannot be reached: {_system_text(error.os_error)}"
            is_passing = True
        case aiohttp.ClientPayloadError():
            reason = "broke off before the end of the file"
            is_passing = True
        case aiohttp.ClientConnectionError():
            reason = "closed the connection"
            is_passing = True
        # After the others: an error of a certificate is a ValueError too.
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError() | ValueError():
            reason = "is not, or redirects to what is not, an http or https URL"
        case _:
            reason = "does not speak HTTP as it should"
    kind = _Passing if is_passing else NotFetched
    return kind(EndCause.FILE_DOWNLOAD_FAILED, f"{where} {reason}")


def _certificate_text(error: aiohttp.ClientConnectorCertificateError) -> str:
    found = error.certificate_error
    return found.verify_message if isinstance(found, ssl.SSLCertVerificationError) else "unknown"


def _system_text(error: OSError) -> str:
    if error.errno in errno.errorcode:
        return str(error.strerror)
    return "unknown"


def without_secrets(url: str) -> str:
    """Return scheme, host and path of a URL, which may be told to anybody who sees the task."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "the URL"
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme and host else "the URL"
