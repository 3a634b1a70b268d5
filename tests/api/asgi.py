"""Drives an ASGI application in-process: signs requests as the official clients do."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from starlette.types import ASGIApp, Message

ACCOUNT = "myaccount"
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
NOW = datetime(2025, 3, 4, 10, 20, 30, tzinfo=UTC)
VERSION = "2025-06-01"
HOST = "batch.test:8000"

_SIGNED = [
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
]


def signature(account: str, key: str, method: str, target: str, headers: Mapping[str, str]) -> str:
    """Return the ``Authorization`` header, computed independently of the service."""
    path, _, query = target.partition("?")
    lines = [method, *(headers.get(name, "") for name in _SIGNED)]
    lines += [f"{name}:{value}" for name, value in sorted(headers.items()) if "ocp-" in name]
    values = parse_qs(query)
    resource = f"/{account}{path}" + "".join(f"\n{n}:{values[n][0]}" for n in sorted(values))
    text = "\n".join([*lines, resource])
    mac = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    return f"SharedKey {account}:{base64.b64encode(mac).decode()}"


@dataclass
class Answer:
    """What the application sent; `is_complete` is false when it broke off."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_complete: bool

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)

    @property
    def code(self) -> Any:
        """The error's code."""
        return self.json["code"]

    @property
    def values(self) -> dict[str, str]:
        """The error's values."""
        return {item["key"]: item["value"] for item in self.json.get("values", [])}


@dataclass
class Client:
    """A client of one account."""

    app: ASGIApp
    account: str = ACCOUNT
    key: str = KEY

    def request(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        is_signed: bool = True,
    ) -> Answer:
        """Send a request; a body that is not bytes becomes JSON. The api-version is added."""
        if "api-version" not in target and not target.startswith("/-/"):
            target += f"{'&' if '?' in target else '?'}api-version={VERSION}"
        content = b"" if body is None else body
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
        sent = {"host": HOST, "ocp-date": format_datetime(NOW, usegmt=True)}
        if method not in ("GET", "HEAD"):
            sent["content-length"] = str(len(content))
        if content:
            sent["content-type"] = "application/json; odata=minimalmetadata"
        sent |= {name.lower(): value for name, value in (headers or {}).items()}
        if is_signed and "authorization" not in sent:
            sent["authorization"] = signature(self.account, self.key, method, target, sent)
        return send(self.app, method, target, sent, content)

    def get(self, target: str, **options: Any) -> Answer:
        """Send a GET."""
        return self.request("GET", target, **options)

    def post(self, target: str, body: object = None, **options: Any) -> Answer:
        """Send a POST."""
        return self.request("POST", target, body, **options)

    def put(self, target: str, body: object = None, **options: Any) -> Answer:
        """Send a PUT."""
        return self.request("PUT", target, body, **options)

    def patch(self, target: str, body: object = None, **options: Any) -> Answer:
        """Send a PATCH."""
        return self.request("PATCH", target, body, **options)

    def delete(self, target: str, **options: Any) -> Answer:
        """Send a DELETE."""
        return self.request("DELETE", target, **options)


def send(app: ASGIApp, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Send a request as it is; the body comes in pieces."""
    raw_path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw_path),
        "raw_path": raw_path.encode("latin-1"),
        "root_path": "",
        "query_string": query.encode("latin-1"),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }
    pieces = _pieces(body)
    got: list[Message] = []

    async def receive() -> Message:
        return next(pieces, {"type": "http.disconnect"})

    async def take(message: Message) -> None:
        got.append(message)

    asyncio.run(_call(app, scope, receive, take))
    assert got, "no answer"
    start, *rest = got
    assert start["type"] == "http.response.start"
    return Answer(
        status=start["status"],
        headers={name.decode().lower(): value.decode() for name, value in start["headers"]},
        body=b"".join(message.get("body", b"") for message in rest),
        is_complete=bool(rest) and not rest[-1].get("more_body", False),
    )


async def _call(app: ASGIApp, scope: Any, receive: Any, take: Any) -> None:
    await app(scope, receive, take)


def _pieces(body: bytes) -> Iterator[Message]:
    size = 65536
    starts = range(0, len(body), size) if body else range(1)
    for start in starts:
        more = start + size < len(body)
        yield {"type": "http.request", "body": body[start : start + size], "more_body": more}
