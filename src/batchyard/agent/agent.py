"""The node agent: takes executions from the service, and has the supervisor run them.

This is its shell: the event loop, the two conversations, the processes. What it decides stands in
`batchyard.agent.logic`.
"""

import asyncio
import logging
import shutil
import time
from collections.abc import Callable
from typing import Final

from batchyard.agent import prepared, processes, supervision
from batchyard.agent.conversation import Conversation
from batchyard.agent.directories import Trash
from batchyard.agent.environment import base_environment
from batchyard.agent.file_requests import FileRequest, FileRequests
from batchyard.agent.files import NoSuchFile, Tree
from batchyard.agent.journal import End, Entry, Operation, SetEnvironment
from batchyard.agent.logic import AgentLogic
from batchyard.agent.settings import (
    ENDED_EXIT_CODE,
    SUPERVISOR_LOST_EXIT_CODE,
    Layout,
    NodeSettings,
)
from batchyard.agent.starter import Starter
from batchyard.agent.strays import sweep_strays
from batchyard.link.messages import (
    Assignment,
    DeleteFile,
    Hello,
    ListFiles,
    ReadFile,
    Shutdown,
    StatFile,
    ToAgent,
    Welcome,
)

_LOG: Final = logging.getLogger(__name__)

#: How often the agent looks whether it still has a home, a server and something to do.
_LOOK_SECONDS: Final = 1.0


class Agent:
    """One node, from the start of the agent to its end: the shell around its logic."""

    def __init__(
        self, layout: Layout, settings: NodeSettings, attachment: supervision.Attachment
    ) -> None:
        self._layout = layout
        self._settings = settings
        self._attachment = attachment
        self._supervisor = supervision.SupervisorLink(self._take_entries, self._lose_supervisor)
        self._tree = Tree(layout.root)
        self._trash = Trash(layout, self._tree)
        self._files = FileRequests(self._tree, self._trash)
        self._answers: set[asyncio.Task[None]] = set()
        self._starter = Starter(layout, settings, self._supervisor.do)
        self._logic = AgentLogic(
            settings.epoch,
            settings.slots,
            prepared.load(layout.prepared_jobs),
            attachment.attached,
            _RealHands(self._supervisor, self._starter, self._trash),
        )
        self._end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._alone_since = asyncio.get_running_loop().time()

    async def run(self) -> int:
        """Serve until the node is to end; return the exit code of the process."""
        self._starter.take_over(self._attachment.attached.begun)
        await self._supervisor.open(self._attachment)
        look = asyncio.create_task(self._look_around())
        try:
            return await self._end
        finally:
            look.cancel()

    @property
    def epoch(self) -> int:
        """The life of the node that it serves."""
        return self._settings.epoch

    # The conversation with the service.

    def greet(self, conversation: Conversation, hello: Hello) -> Welcome:
        """Make `conversation` the one and only, and return what it begins with."""
        self._starter.base = base_environment(
            self._settings, self._layout, hello.account_name, hello.account_url
        )
        self._supervisor.do(SetEnvironment(self._starter.base))
        self._starter.resume()
        return self._logic.greet(conversation, hello.acknowledged)

    def part(self, conversation: Conversation, error: Exception | None) -> None:
        """Note that `conversation` is over; it may be an older one than the one and only."""
        if error is not None and not isinstance(error, OSError):
            self._fail_fast(error)
        self._logic.part(conversation)

    def obey(self, message: ToAgent) -> None:
        """Do what the service asks for."""
        match message:
            case Hello():
                _LOG.warning("A second Hello on one connection is passed over")
            case ListFiles() | StatFile() | ReadFile() | DeleteFile():
                task = asyncio.create_task(self._answer(message))
                self._answers.add(task)
                task.add_done_callback(self._answers.discard)
            case _:
                if isinstance(message, Shutdown):
                    _LOG.info("The service shuts this node down")
                self._logic.obey(message)

    async def _answer(self, request: FileRequest) -> None:
        line = self._logic.line
        answer = await self._files.answer(request)
        if line is not None:
            line.send(answer)

    # The conversation with the supervisor.

    def _take_entries(self, first: int, entries: list[Entry]) -> None:
        self._logic.take_entries(first, entries)

    def _lose_supervisor(self, error: Exception | None) -> None:
        """End with the supervisor: it went by itself, on our demand, or it was killed."""
        if error is not None and not isinstance(error, ConnectionError):
            self._fail_fast(error)
            return
        supervision.wait_for_end(self._layout)
        if supervision.has_ended_in_order(self._layout):
            _LOG.info("The node has ended")
            self._finish(ENDED_EXIT_CODE)
        else:
            strays = sweep_strays(self._layout.home)
            _LOG.error("The supervisor died; %s processes were left and are killed", strays)
            self._finish(SUPERVISOR_LOST_EXIT_CODE)

    def _fail_fast(self, error: Exception) -> None:
        """End on a defect of ours: the next agent starts from what is really there."""
        if not self._end.done():
            self._end.set_exception(error)

    def _finish(self, code: int) -> None:
        self._starter.close()
        if self._is_server_gone():
            shutil.rmtree(self._layout.home, ignore_errors=True)
        if not self._end.done():
            self._end.set_result(code)

    # The end of the node.

    async def _look_around(self) -> None:
        """Shut down when there is nothing left to live for."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._logic.is_busy or self._logic.line is not None:
                self._alone_since = loop.time()
            is_alone = loop.time() - self._alone_since > self._settings.alone_seconds_max
            if self._is_server_gone() or not self._layout.root.is_dir():
                self._supervisor.do(End())
            elif is_alone:
                # Only the supervisor knows what a start task left running, and that keeps a node
                # up as a task does: nobody would start it again.
                self._supervisor.do(End(if_idle=True))
            self._starter.rest()

    def _is_server_gone(self) -> bool:
        watch = self._settings.server_watch
        return watch is not None and processes.start_time(watch.pid) != watch.start_time


class _RealHands:
    """See `batchyard.agent.logic.Hands`."""

    def __init__(
        self, supervisor: supervision.SupervisorLink, starter: Starter, trash: Trash
    ) -> None:
        self._supervisor = supervisor
        self._starter = starter
        self._trash = trash

    def now(self) -> float:
        """Return the seconds since 1970."""
        return time.time()

    def call_later(self, seconds: float, action: Callable[[], None]) -> None:
        """Call `action` in so many seconds."""
        asyncio.get_running_loop().call_later(seconds, action)

    def do(self, operation: Operation) -> None:
        """Ask the supervisor for something."""
        self._supervisor.do(operation)

    def start(self, assignment: Assignment) -> None:
        """Start an execution, or have the supervisor log why it cannot run."""
        self._starter.start(assignment)

    def stop(self, execution_id: str) -> bool:
        """End an execution that waits for its files; False if it does not."""
        return self._starter.stop(execution_id)

    def remove(self, path: str) -> None:
        """Take a directory away; one that cannot go is passed over."""
        try:
            self._trash.take(path)
        except NoSuchFile:
            _LOG.info("There is no %s to remove", path)
        except OSError:
            # Reported all the same: the service could do no better with it.
            _LOG.exception("Cannot remove %s", path)
