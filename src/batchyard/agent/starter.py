"""What an execution needs before its process can be started: directories, files, variables."""

import logging
import time
from collections.abc import Callable
from typing import Final

from batchyard.agent import processes
from batchyard.agent.command import BadCommandLine, ProgramNotFound, find_program, split
from batchyard.agent.directories import make_empty_logs, stage, stage_startup
from batchyard.agent.environment import own_environment
from batchyard.agent.fetch_link import Owner
from batchyard.agent.fetching import Fetching
from batchyard.agent.journal import (
    Begin,
    Begun,
    EndedEntry,
    Entry,
    Log,
    Operation,
    Spawn,
    StartedEntry,
    note_of,
)
from batchyard.agent.settings import Layout, NodeSettings, TaskAccount
from batchyard.core.states import EndCause, ExecutionKind
from batchyard.link.messages import Assignment

_LOG: Final = logging.getLogger(__name__)

#: Write access of others than the owner: none of it for tasks to what an administrator's start or
#: preparation task brings, or any task could change what an administrator runs. Source: F-11.
_WRITE_OF_OTHERS: Final = 0o022


class Starter:
    """Takes executions whose turn it is, and gives them to the supervisor to run or to report."""

    def __init__(
        self, layout: Layout, settings: NodeSettings, do: Callable[[Operation], None]
    ) -> None:
        self._layout = layout
        self._settings = settings
        self._do = do
        self._fetching = Fetching(self._go_on)
        self._to_resume: list[Begun] = []
        #: The variables that all executions have in common; set before the first one starts.
        self.base: dict[str, str] = {}

    def start(self, assignment: Assignment) -> None:
        """Start an execution, or report why it cannot run."""
        owner = self._account(assignment)
        begin = time.time()
        try:
            if assignment.kind is ExecutionKind.START:
                stage_startup(self._layout, owner)
            else:
                stage(self._layout, assignment.directory, owner)
        except OSError as error:
            self._fail(assignment, EndCause.DIRECTORY_FAILED, str(error), begin)
            return
        if assignment.resource_files:
            # It counts as running from here on (T-45, T-70), whatever becomes of this agent.
            begun = Begun(assignment, begin, processes.boot_time())
            self._do(Begin(assignment.execution_id, begun))
            self._fetch(begun)
        else:
            self._launch(assignment)

    def stop(self, execution_id: str) -> bool:
        """End an execution that waits for its files; False if it does not."""
        return self._fetching.stop(execution_id)

    # What an earlier agent began.

    def take_over(self, begun: list[Begun]) -> None:
        """Note what an earlier agent began; it goes on with `resume`."""
        self._to_resume = begun

    def resume(self) -> None:
        """Go on with what an earlier agent began. Needs the `base`."""
        waiting, self._to_resume = self._to_resume, []
        for begun in waiting:
            self._fetch(begun)

    # The process that fetches.

    def rest(self) -> None:
        """Give back what is not needed for now."""
        self._fetching.rest()

    def close(self) -> None:
        """Fetch no more."""
        self._fetching.close()

    # Steps of a start.

    def _account(self, assignment: Assignment) -> TaskAccount | None:
        return None if assignment.is_elevated else self._settings.task_account

    def _fetch(self, begun: Begun) -> None:
        assignment = begun.assignment
        directory = f"{self._layout.root}/{assignment.directory}"
        if assignment.kind is not ExecutionKind.SUBTASK:  # Its files are for all (F-5).
            directory += "/wd"
        self._fetching.begin(begun, directory, self._owner_of_files(assignment))

    def _owner_of_files(self, assignment: Assignment) -> Owner | None:
        account = self._settings.task_account
        if account is None:
            return None
        if not assignment.is_elevated:
            return Owner(account.uid, account.gid)
        if assignment.kind in (ExecutionKind.START, ExecutionKind.PREPARATION):
            return Owner(0, account.gid, _WRITE_OF_OTHERS)
        return Owner(0, 0)

    def _go_on(self, begun: Begun, cause: EndCause | None, message: str) -> None:
        if cause is None:
            self._launch(begun.assignment, begun)
            return
        if message:
            _LOG.info("Execution %s: %s", begun.assignment.execution_id, message)
        self._fail_before_launch(begun.assignment, cause, message, begun.time, begun)

    def _launch(self, assignment: Assignment, begun: Begun | None = None) -> None:
        """Give an execution to the supervisor, or report why it cannot run."""
        owner = self._account(assignment)
        environment = own_environment(assignment, self._layout, self.base)
        directory = f"{self._layout.root}/{assignment.directory}"
        try:
            arguments = split(assignment.command_line)
            search_path = environment.get("PATH", self.base["PATH"])
            program = find_program(arguments[0], search_path, f"{directory}/wd")
        except (BadCommandLine, ProgramNotFound) as error:
            is_found = isinstance(error, BadCommandLine)
            cause = EndCause.LAUNCH_FAILED if is_found else EndCause.PROGRAM_NOT_FOUND
            begin = time.time() if begun is None else begun.time
            self._fail_before_launch(assignment, cause, str(error), begin, begun)
            return
        self._do(
            Spawn(
                assignment.execution_id,
                note_of(assignment, self._settings.slots),
                program,
                arguments,
                environment,
                directory,
                None if owner is None else (owner.uid, owner.gid),
                assignment.wall_clock_seconds_max,
                is_lingering=assignment.kind is ExecutionKind.START,
                is_staying=assignment.kind is ExecutionKind.SUBTASK,
                continues=assignment.kind is ExecutionKind.PRIMARY,
            )
        )

    def _fail_before_launch(
        self,
        assignment: Assignment,
        cause: EndCause,
        message: str,
        begin: float,
        begun: Begun | None,
    ) -> None:
        """Report an end after which, as after any other, both logs are there (F-6)."""
        try:
            make_empty_logs(self._layout, assignment.directory, self._account(assignment))
        except OSError as error:
            if cause not in (EndCause.STOPPED, EndCause.TIMED_OUT):
                cause, message = EndCause.DIRECTORY_FAILED, str(error)
        self._fail(assignment, cause, message, begin, begun)

    def _fail(
        self,
        assignment: Assignment,
        cause: EndCause,
        message: str,
        begin: float,
        begun: Begun | None = None,
    ) -> None:
        entries: list[Entry] = []
        if begun is None:
            entries.append(StartedEntry(assignment.execution_id, begin))
        note = note_of(assignment, self._settings.slots)
        entries.append(
            EndedEntry(assignment.execution_id, cause, None, message, begin, time.time(), note)
        )
        self._do(Log(entries))
