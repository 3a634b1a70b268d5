"""Requests as they are: signed as the official clients do, and sent without any help."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from tests.api.asgi import signature
from tests.service import Account, Service

VERSION = "2025-06-01"


@dataclass(frozen=True)
class Answer:
    """What the service has answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What the body says."""
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        """The error that the body tells of."""
        return self.json

    @property
    def code(self) -> str:
        """The error's code."""
        return str(self.error["code"])

    @property
    def values(self) -> dict[str, str]:
        """The error's values."""
        return {item["key"]: item["value"] for item in self.error.get("values", [])}


@dataclass(frozen=True)
class RawClient:
    """A client of one account that sends what it is told."""

    service: Service
    account: Account

    def request(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        date: datetime | None = None,
    ) -> Answer:
        """Send a request; a body that is not bytes becomes JSON. The api-version is added."""
        if "api-version" not in target:
            target += f"{'&' if '?' in target else '?'}api-version={VERSION}"
        content = b"" if body is None else body
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
        sent = {"ocp-date": format_datetime(date or datetime.now(UTC), usegmt=True)}
        if method not in ("GET", "HEAD"):
            sent["content-length"] = str(len(content))
        if content:
            sent["content-type"] = "application/json; odata=minimalmetadata"
        sent |= headers or {}
        if "authorization" not in sent:
            sent["authorization"] = signature(
                self.account.name, self.account.key, method, target, sent
            )
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=30)
        try:
            connection.request(method, target, content or None, sent)
            response = connection.getresponse()
            answered = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, answered, response.read())
        finally:
            connection.close()
