"""Routes of the files of tasks and nodes. Source: 06 F-18 ... F-33; wire section 11."""

import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from batchyard.api import conditions
from batchyard.api.http import Call, answer_list, empty
from batchyard.core import limits
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import NodeKey
from batchyard.engine.fleet_ports import NodeFiles
from batchyard.engine.views import FileLocation
from batchyard.link.messages import FileEntry
from batchyard.wire import files as convert
from batchyard.wire import links, odata
from batchyard.wire.coverage import shorten

_log = logging.getLogger(__name__)

_RANGE: Final = re.compile(r"bytes=(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a call's files are: a node, a directory there, and the address of their owner."""

    location: FileLocation
    owner_url: str

    @property
    def node(self) -> NodeKey:
        return self.location.node

    def path(self, relative: str) -> str:
        """Return a path below the directory, relative to the root of the node."""
        return "/".join(part for part in (self.location.directory, relative) if part)


async def list_task_files(call: Call) -> Response:
    """``GET /jobs/{jobId}/tasks/{taskId}/files``: one page of a task's files (F-19)."""
    return await _list(call, await _task_place(call))


async def list_node_files(call: Call) -> Response:
    """``GET /pools/{poolId}/nodes/{nodeId}/files``: one page of a node's files (F-19)."""
    return await _list(call, await _node_place(call))


async def get_task_file(call: Call) -> Response:
    """``GET .../tasks/{taskId}/files/{filePath}``: the content of a task's file (F-24)."""
    return await _content(call, await _task_place(call))


async def get_node_file(call: Call) -> Response:
    """``GET .../nodes/{nodeId}/files/{filePath}``: the content of a node's file (F-24)."""
    return await _content(call, await _node_place(call))


async def get_task_file_properties(call: Call) -> Response:
    """``HEAD .../tasks/{taskId}/files/{filePath}``: the properties of a task's file (F-23)."""
    return await _properties(call, await _task_place(call))


async def get_node_file_properties(call: Call) -> Response:
    """``HEAD .../nodes/{nodeId}/files/{filePath}``: the properties of a node's file (F-23)."""
    return await _properties(call, await _node_place(call))


async def delete_task_file(call: Call) -> Response:
    """``DELETE .../tasks/{taskId}/files/{filePath}``: remove a task's file (F-26)."""
    return await _delete(call, await _task_place(call))


async def delete_node_file(call: Call) -> Response:
    """``DELETE .../nodes/{nodeId}/files/{filePath}``: remove a node's file (F-26)."""
    return await _delete(call, await _node_place(call))


async def _task_place(call: Call) -> _Place:
    job_id, task_id = call.params["jobId"], call.params["taskId"]
    location = await call.service.locate_task_files(call.account, job_id, task_id)
    return _Place(location, links.task(call.base_url, job_id, task_id))


async def _node_place(call: Call) -> _Place:
    pool_id, node_id = call.params["poolId"], call.params["nodeId"]
    location = await call.service.locate_node_files(call.account, pool_id, node_id)
    return _Place(location, links.node(call.base_url, pool_id, node_id))


async def _list(call: Call, place: _Place) -> Response:
    listed = await call.service.files.list_files(
        place.node,
        place.location.directory,
        is_recursive=call.query.is_true("recursive"),
        prefix=call.query.name_prefix_filter(),
        after=call.query.after_name(),
        limit=call.query.max_results(),
    )
    token = odata.name_token(listed.entries[-1].name) if listed.has_more else None
    entries = [convert.write_file(entry, place.owner_url) for entry in listed.entries]
    return answer_list(call, "files", entries, token)


async def _content(call: Call, place: _Place) -> Response:
    path, entry = await _look(call, place)
    if entry.is_directory:
        raise Refused(
            ErrorCode.FILE_NOT_FOUND, Reason="it is a directory; list the files to see its content"
        )
    first, length = _range(call.request.headers.get("ocp-range"), entry.size_bytes)
    chunks = _chunks(call.service.files, place.node, path, first, length)
    headers = convert.headers(entry, links.file(place.owner_url, call.params["filePath"]))
    # The first chunk comes before the status: what can be refused is refused with an error.
    return _FileContent(await anext(chunks, b""), chunks, length, headers)


async def _properties(call: Call, place: _Place) -> Response:
    _, entry = await _look(call, place)
    headers = convert.headers(entry, links.file(place.owner_url, call.params["filePath"]))
    length = 0 if entry.is_directory else entry.size_bytes
    return empty(200, headers | {"Content-Length": str(length)})


async def _delete(call: Call, place: _Place) -> Response:
    await call.service.files.delete_file(
        place.node,
        place.path(call.params["filePath"]),
        is_recursive=call.query.is_true("recursive"),
    )
    return empty(200)


async def _look(call: Call, place: _Place) -> tuple[str, FileEntry]:
    path = place.path(call.params["filePath"])
    entry = await call.service.files.stat_file(place.node, path)
    conditions.check(call, entry.modified_time)
    return path, entry


def _range(header: str | None, size: int) -> tuple[int, int]:
    """Return where to begin and how many bytes to send.

    Raises:
        Refused: ``InvalidRange`` when nothing of the range is in the file; ``InvalidHeaderValue``.
    """
    if header is None:
        return 0, size
    match = _RANGE.fullmatch(header.strip())
    if match is None or not (match["first"] or match["last"]):
        raise Refused(
            ErrorCode.INVALID_HEADER_VALUE,
            HeaderName="ocp-range",
            HeaderValue=shorten(header),
            Reason="give bytes=<first>-<last>, bytes=<first>- or bytes=-<count>",
        )
    if not match["first"]:
        count = min(int(match["last"]), size)
        first, last = size - count, size - 1
    else:
        first = int(match["first"])
        last = min(int(match["last"]), size - 1) if match["last"] else size - 1
    if first > last:
        raise Refused(
            ErrorCode.INVALID_RANGE,
            HeaderName="ocp-range",
            HeaderValue=shorten(header),
            Reason=f"the file has {size} bytes",
        )
    return first, last - first + 1


async def _chunks(
    files: NodeFiles, node: NodeKey, path: str, first: int, length: int
) -> AsyncIterator[bytes]:
    """Yield exactly `length` bytes, fewer only when the file has become shorter meanwhile."""
    position, end = first, first + length
    while position < end:
        wanted = min(end - position, limits.FILE_CHUNK_BYTES_MAX)
        chunk = await files.read_file(node, path, position, wanted)
        if not chunk:
            return
        yield chunk
        position += len(chunk)


class _FileContent(StreamingResponse):
    """Sends a file in chunks: always 200, since official clients take no 206 (F-24).

    It has exactly the length that the file had at the start. When the file has become shorter, or
    its node is lost, the connection breaks off, so that the client knows.
    """

    def __init__(
        self, head: bytes, rest: AsyncIterator[bytes], length: int, headers: dict[str, str]
    ) -> None:
        super().__init__(rest, headers=headers | {"Content-Length": str(length)})
        self._head = head
        self._rest = rest
        self._length = length

    async def stream_response(self, send: Send) -> None:
        """Send the status, then the chunks, then the end, unless the file broke off before it."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        sent = await _send_chunk(send, self._head)
        try:
            async for chunk in self._rest:
                sent += await _send_chunk(send, chunk)
        except Refused as refused:
            _log.info("a file broke off after %d of %d bytes: %s", sent, self._length, refused)
            return
        if sent < self._length:
            _log.info("a file became shorter: %d of %d bytes", sent, self._length)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_chunk(send: Send, chunk: bytes) -> int:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})
    return len(chunk)
