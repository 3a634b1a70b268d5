"""One call of the API: what came, and how answers are made."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from batchyard.core import limits
from batchyard.core.errors import ErrorCode, Refused
from batchyard.engine.filters import Filter
from batchyard.engine.ports import Clock
from batchyard.engine.views import Page
from batchyard.wire import filters, links, values
from batchyard.wire.coverage import shorten
from batchyard.wire.odata import Query, Selection, key_token
from batchyard.wire.operations import Operation
from batchyard.wire.versions import ApiVersion

if TYPE_CHECKING:
    from batchyard.engine.service import Service

Result = TypeVar("Result")

JSON: Final = "application/json;odata=minimalmetadata"

#: Body that is read without letting go of the event loop: a millisecond at worst. Source: ours.
_READ_AT_ONCE_BYTES: Final = 16 * 1024

_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is signed, and whose operation is known.

    `base_url` is scheme and host of the request, `url` is its address without the query.
    """

    service: "Service"
    clock: Clock
    request: Request
    request_id: str
    account: str
    version: ApiVersion
    operation: Operation
    params: Mapping[str, str]
    query: Query
    base_url: str
    url: str

    @property
    def is_read(self) -> bool:
        """Whether the request changes nothing."""
        return self.request.method in ("GET", "HEAD")

    async def filter(self, table: filters.Table) -> Filter | None:
        """Return what ``$filter`` asks of a list with these properties.

        It is read in a thread: the grammar loads at the first one, and a long one takes a while.

        Raises:
            Refused: ``InvalidQueryParameterValue``.
        """
        if self.query.get("$filter") is None:
            return None
        return await asyncio.to_thread(self.query.filter, table)

    async def read(self, reader: Callable[[bytes], Result]) -> Result:
        """Return what `reader` makes of the body.

        A large one is read in a thread: to look at thousands of files or settings takes longer
        than others may have to wait.
        """
        body = await self.body()
        if len(body) <= _READ_AT_ONCE_BYTES:
            return reader(body)
        return await asyncio.to_thread(reader, body)

    async def body(self) -> bytes:
        """Return the body; it is never held beyond its limit.

        Raises:
            Refused: ``RequestBodyTooLarge`` (L-6), ``InvalidHeaderValue``, ``UnsupportedHeader``.
        """
        headers = self.request.headers
        most = limits.REQUEST_BODY_BYTES_MAX
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > most:
            raise _too_large()
        encoding = headers.get("content-encoding", "identity")
        if encoding.lower() != "identity":
            raise Refused(
                ErrorCode.UNSUPPORTED_HEADER,
                HeaderName="Content-Encoding",
                HeaderValue=shorten(encoding),
                Reason="send the body as it is",
            )
        chunks = bytearray()
        async for chunk in self.request.stream():
            chunks += chunk
            if len(chunks) > most:
                raise _too_large()
        media_type = headers.get("content-type", JSON).partition(";")[0].strip().lower()
        if chunks and media_type != "application/json":
            raise Refused(
                ErrorCode.INVALID_HEADER_VALUE,
                HeaderName="Content-Type",
                HeaderValue=shorten(media_type),
                Reason="send application/json; odata=minimalmetadata",
            )
        return bytes(chunks)


def _too_large() -> Refused:
    return Refused(
        ErrorCode.REQUEST_BODY_TOO_LARGE,
        MaxLimit=str(limits.REQUEST_BODY_BYTES_MAX),
        Reason="send fewer or smaller things in one request",
    )


def revision_headers(etag: str, last_modified: datetime) -> dict[str, str]:
    """Return the headers that say which state of a resource an answer is about."""
    return {"ETag": etag, "Last-Modified": values.write_http_date(last_modified)}


def answer(
    call: Call, entity: str, item: object, headers: Mapping[str, str] | None = None
) -> Response:
    """Return 200 with one JSON object; `entity` is its kind in ``odata.metadata`` (W-4)."""
    start = _ENCODER.encode({"odata.metadata": links.metadata(call.base_url, entity)})
    rest = _ENCODER.encode(item)
    body = start if rest == b"{}" else start[:-1] + b"," + rest[1:]
    return Response(body, headers=headers, media_type=JSON)


def selected_answer(
    call: Call,
    entity: str,
    item: msgspec.Struct,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return 200 with one JSON object, or with the properties of it that ``$select`` names."""
    selection = call.query.select(type(item))
    if selection.is_everything:
        return answer(call, entity, item, headers)
    return answer(call, entity, selection.of(msgspec.to_builtins(item)), headers)


def select_items(selection: Selection, items: Sequence[msgspec.Struct]) -> Sequence[object]:
    """Return the JSON of items, with the properties only that ``$select`` names."""
    if selection.is_everything:
        return items
    return [selection.of(msgspec.to_builtins(item)) for item in items]


def answer_list(
    call: Call, entity: str, items: Sequence[object], next_token: str | None
) -> Response:
    """Return 200 with one page of a list; there is no link on the last one (W-4, W-9)."""
    page: dict[str, Any] = {
        "odata.metadata": links.metadata(call.base_url, entity),
        "value": items,
    }
    if next_token is not None:
        page["odata.nextLink"] = call.query.next_link(call.url, next_token)
    return Response(_ENCODER.encode(page), media_type=JSON)


def answer_page(call: Call, entity: str, items: Sequence[object], page: Page[Any]) -> Response:
    """Return 200 with the items of one page of a list that is in the order of its keys."""
    token = None if page.next_after is None else key_token(page.next_after)
    return answer_list(call, entity, items, token)


def empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer without a body."""
    return Response(status_code=status, headers=headers)


def json_response(item: object, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer with JSON that is no entity, such as an error."""
    return Response(_ENCODER.encode(item), status_code=status, headers=headers, media_type=JSON)
