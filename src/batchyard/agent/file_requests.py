"""Answers the service's requests about files, in threads of their own."""

import asyncio
import errno
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from batchyard.agent.directories import Trash
from batchyard.agent.files import NoSuchFile, Tree
from batchyard.link.messages import (
    DeleteFile,
    FileChunk,
    FileDeleted,
    FileList,
    FileProperties,
    FileRefused,
    FromAgent,
    ListFiles,
    ReadFile,
    StatFile,
)

FileRequest = ListFiles | StatFile | ReadFile | DeleteFile

#: Requests at work at a time. A disk is not faster for more, and each may hold a chunk.
_THREADS: Final = 2

_LOG: Final = logging.getLogger(__name__)


class FileRequests:
    """The desk where requests about files are handed in."""

    def __init__(self, tree: Tree, trash: Trash) -> None:
        self._tree = tree
        self._trash = trash
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="files")

    async def answer(self, request: FileRequest) -> FromAgent:
        """Return the answer; a request that cannot be met is answered by `FileRefused`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._answer, request)

    def _answer(self, request: FileRequest) -> FromAgent:
        try:
            return self._meet(request)
        except NoSuchFile as error:
            return FileRefused(request.request, "notfound", f"There is no such file: {error}")
        except OSError as error:
            reason = "notempty" if error.errno in {errno.ENOTEMPTY, errno.EEXIST} else "failed"
            return FileRefused(request.request, reason, str(error))
        except ValueError as error:
            return FileRefused(request.request, "failed", str(error))

    def _meet(self, request: FileRequest) -> FromAgent:
        number, path = request.request, request.path
        match request:
            case ListFiles():
                entries, has_more = self._tree.list_folder(
                    path,
                    request.prefix,
                    request.after,
                    request.limit,
                    is_recursive=request.is_recursive,
                )
                return FileList(number, entries, has_more)
            case StatFile():
                return FileProperties(number, self._tree.stat(path))
            case ReadFile():
                return FileChunk(number, self._tree.read(path, request.offset, request.length))
            case DeleteFile():
                self._trash.check(path)
                if request.is_recursive:
                    self._trash.take(path)
                else:
                    self._tree.delete(path)
                return FileDeleted(number)
