"""The node agent: takes executions from the service, and has the supervisor run them.

What it holds in memory may be lost at any time. What runs and what has to be told is with the
supervisor; what waits is with the service, which sends it again.
"""

import asyncio
import logging
import shutil
import time
from typing import Final

from batchyard.agent import processes, supervision
from batchyard.agent.conversation import Conversation
from batchyard.agent.directories import Trash
from batchyard.agent.environment import base_environment
from batchyard.agent.file_requests import FileRequest, FileRequests
from batchyard.agent.files import NoSuchFile, Tree
from batchyard.agent.journal import (
    NO_NOTE,
    End,
    EndedEntry,
    Entry,
    Forget,
    Log,
    Outbox,
    RemovedEntry,
    SetEnvironment,
    StopProcesses,
    instant,
)
from batchyard.agent.prepared import PreparedJobs
from batchyard.agent.schedule import Schedule
from batchyard.agent.settings import (
    ENDED_EXIT_CODE,
    SUPERVISOR_LOST_EXIT_CODE,
    Layout,
    NodeSettings,
)
from batchyard.agent.starter import Starter
from batchyard.agent.strays import sweep_strays
from batchyard.core.model import EndCause, ExecutionKind
from batchyard.link.messages import (
    PROTOCOL,
    Acknowledge,
    Assign,
    Assignment,
    DirectoryRemoved,
    Ended,
    Hello,
    Recall,
    RemoveDirectory,
    Reports,
    Shutdown,
    Stop,
    ToAgent,
    Welcome,
)

_LOG: Final = logging.getLogger(__name__)

#: How often the agent looks whether it still has a home, a server and something to do.
_LOOK_SECONDS: Final = 1.0


class Agent:
    """One node, from the start of the agent to its end.

    An execution is *known* while it waits, runs, or has an `Ended` that is not acknowledged. That
    suffices to make `Assign` idempotent: the service acknowledges an `Ended` in the transaction's
    wake that takes the execution off its list, so it never sends again what it has a report for.
    """

    def __init__(
        self, layout: Layout, settings: NodeSettings, attachment: supervision.Attachment
    ) -> None:
        self._layout = layout
        self._settings = settings
        self._attachment = attachment
        self._supervisor = supervision.SupervisorLink(self._take_entries, self._lose_supervisor)
        self._conversation: Conversation | None = None
        self._tree = Tree(layout.root)
        self._trash = Trash(layout, self._tree)
        self._files = FileRequests(self._tree, self._trash)
        self._answers: set[asyncio.Task[None]] = set()
        self._prepared = PreparedJobs(layout.prepared_jobs)
        self._schedule = Schedule(settings.slots, self._prepared)
        self._outbox = Outbox(attachment.attached.first)
        self._starter = Starter(layout, settings, self._supervisor.do)
        #: Given to the starter or the supervisor, and not over.
        self._running: set[str] = set()
        #: Over, with a report that is not acknowledged.
        self._ended: set[str] = set()
        self._removed: set[int] = set()
        self._end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._alone_since = asyncio.get_running_loop().time()

    async def run(self) -> int:
        """Serve until the node is to end; return the exit code of the process."""
        attached = self._attachment.attached
        for execution_id, note in attached.running:
            self._running.add(execution_id)
            self._schedule.occupy(note.slots)
        for begun in attached.begun:
            self._running.add(begun.assignment.execution_id)
            self._schedule.occupy(self._starter.note(begun.assignment).slots)
        self._starter.take_over(attached.begun)
        # Slots of what has ended already are free, so entries of the past give none back.
        self._keep(attached.entries)
        for _, note in attached.running:
            if note.prepares is not None:
                self._prepared.discard(note.prepares[0])
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
        if self._conversation is not None:
            self._conversation.close()
        self._conversation = conversation
        self._starter.base = base_environment(
            self._settings, self._layout, hello.account_name, hello.account_url
        )
        self._supervisor.do(SetEnvironment(self._starter.base))
        self._starter.resume()
        self._acknowledge(hello.acknowledged)
        first, reports = self._outbox.restart()
        return Welcome(
            PROTOCOL,
            self._settings.epoch,
            instant(self._attachment.attached.boot_time),
            sorted(self._schedule.waiting | self._running),
            first,
            reports,
        )

    def part(self, conversation: Conversation, error: Exception | None) -> None:
        """Note that `conversation` is over; it may be an older one than the one and only."""
        if error is not None and not isinstance(error, OSError):
            self._fail_fast(error)
        if self._conversation is conversation:
            self._conversation = None

    def obey(self, message: ToAgent) -> None:
        """Do what the service asks for."""
        match message:
            case Assign():
                self._assign(message.executions)
            case Stop():
                self._stop(message.execution_ids, message.grace_seconds)
            case Recall():
                self._recall(message.execution_ids)
            case RemoveDirectory():
                self._remove_directory(message)
            case Acknowledge():
                self._acknowledge(message.number)
                self._tell()
            case Shutdown():
                _LOG.info("The service shuts this node down")
                self._supervisor.do(End())
            case Hello():
                _LOG.warning("A second Hello on one connection is passed over")
            case _:
                task = asyncio.create_task(self._answer(message))
                self._answers.add(task)
                task.add_done_callback(self._answers.discard)

    async def _answer(self, request: FileRequest) -> None:
        conversation = self._conversation
        answer = await self._files.answer(request)
        if conversation is not None:
            conversation.send(answer)

    def _acknowledge(self, number: int) -> None:
        self._supervisor.do(Forget(number))
        for report in self._outbox.acknowledge(number):
            match report:
                case Ended():
                    self._ended.discard(report.execution_id)
                case DirectoryRemoved():
                    self._removed.discard(report.removal)

    def _tell(self) -> None:
        if self._conversation is not None and (batch := self._outbox.next_batch()) is not None:
            self._conversation.send(Reports(*batch))

    # Executions.

    def _assign(self, assignments: list[Assignment]) -> None:
        known = self._schedule.waiting | self._running | self._ended
        fresh = [a for a in assignments if a.execution_id not in known]
        for assignment in fresh:
            if assignment.kind is ExecutionKind.PREPARATION:
                self._prepared.discard(assignment.job_id)
        self._schedule.add(fresh)
        self._start_next()

    def _start_next(self) -> None:
        for assignment in self._schedule.take():
            self._running.add(assignment.execution_id)
            self._starter.start(assignment)

    def _stop(self, execution_ids: list[str], grace_seconds: float) -> None:
        running = [
            one for one in execution_ids if one in self._running and not self._starter.stop(one)
        ]
        if running:
            self._supervisor.do(StopProcesses(running, grace_seconds))
        self._recall(execution_ids)

    def _recall(self, execution_ids: list[str]) -> None:
        """Report what has not started as never started, from now on for certain."""
        now = time.time()
        never_started: list[Entry] = []
        for one in execution_ids:
            if one in self._running or one in self._ended:
                continue
            self._schedule.remove(one)
            self._ended.add(one)
            never_started.append(EndedEntry(one, EndCause.STOPPED, None, "", None, now, NO_NOTE))
        if never_started:
            self._supervisor.do(Log(never_started))
            self._start_next()  # A large one that was recalled may have kept others waiting.

    def _remove_directory(self, order: RemoveDirectory) -> None:
        if order.removal in self._removed:
            return
        try:
            self._trash.take(order.path)
        except NoSuchFile:
            _LOG.info("There is no %s to remove", order.path)
        except OSError:
            # Reported all the same: the service could do no better with it.
            _LOG.exception("Cannot remove %s", order.path)
        self._prepared.discard_below(order.path)
        self._removed.add(order.removal)
        self._supervisor.do(Log([RemovedEntry(order.removal)]))

    # The conversation with the supervisor.

    def _take_entries(self, first: int, entries: list[Entry]) -> None:
        assert first == self._outbox.last + 1
        self._keep(entries)
        for entry in entries:
            if isinstance(entry, EndedEntry):
                self._schedule.release(entry.note.slots)
        self._start_next()
        self._tell()

    def _keep(self, entries: list[Entry]) -> None:
        self._outbox.append([entry.report() for entry in entries])
        for entry in entries:
            match entry:
                case EndedEntry():
                    self._running.discard(entry.execution_id)
                    self._ended.add(entry.execution_id)
                    prepares = entry.note.prepares
                    if prepares and entry.cause is EndCause.EXITED and entry.exit_code == 0:
                        self._prepared.add(*prepares)
                        self._schedule.release_held(prepares[0])
                case RemovedEntry():
                    self._removed.add(entry.removal)

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
            is_busy = bool(self._running) or not self._schedule.is_idle
            if is_busy or self._conversation is not None:
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
