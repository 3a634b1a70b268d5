"""One node of this machine: keeps an agent running and a connection to it open.

The agent outlives us: it is looked for before it is started. When it dies while its supervisor
lives a new one is started, and nobody hears of it. When the supervisor is gone the agent says so by
its exit code, and that life of the node is lost.
"""

import asyncio
import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from batchyard.agent.settings import (
    ALREADY_SERVED_EXIT_CODE,
    SUPERVISOR_LOST_EXIT_CODE,
    Layout,
    NodeSettings,
    TaskAccount,
    Watch,
)
from batchyard.core.keys import NodeKey
from batchyard.engine.fleet_ports import (
    FleetListener,
    NodeJoined,
    NodeLost,
    NodeReported,
    NodeRequest,
    NodeUnavailable,
    NodeUp,
)
from batchyard.fleet.connection import AgentRefused, Connection, connect
from batchyard.fleet.muster import Muster
from batchyard.fleet.waiting import exit_code
from batchyard.link import messages

_log: Final = logging.getLogger(__name__)

#: Pause before an event is told again that could not be stored, for example on a full disk. Source:
#: ours.
_TELL_AGAIN_SECONDS: Final = 1.0

#: Pause between looks for an agent that is starting. Source: ours; short, so that nodes which start
#: together are ready together.
_LOOK_SECONDS: Final = 0.01

#: Pauses between starts of an agent that ends at once: first, longest. Source: ours.
_START_SECONDS: Final = 0.1
_START_SECONDS_MAX: Final = 5.0

#: Agents that end before they answer, in a row, until the node counts as not to be had. Source:
#: ours. A node that was there already is tried on and on: its tasks may still run.
_STARTS_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all local nodes of one server share."""

    account_url: str
    task_account: TaskAccount | None
    server_watch: Watch | None
    starts: asyncio.Semaphore


class LocalNode:
    """One life of one node. Belongs to the event loop."""

    def __init__(
        self,
        request: NodeRequest,
        home: Path,
        surroundings: Surroundings,
        listener: FleetListener,
        muster: Muster,
    ) -> None:
        self.key: Final[NodeKey] = request.key
        self.epoch: Final = request.epoch
        self.layout: Final = Layout(home)
        self.connection: Connection | None = None
        self._request = request
        self._surroundings = surroundings
        self._listener = listener
        self._acknowledged = request.log_acknowledged
        self._muster: Muster | None = muster
        self._is_up = False
        self._is_ending = False

    async def serve(self) -> None:
        """Keep the node going until its life is over or this is cancelled."""
        pause = _START_SECONDS
        failures = 0
        self._prepare_home()
        while not self._is_ending:
            process, connection = await self._reach()
            await self._gather(has_started=process is not None and connection is not None)
            if connection is not None:
                failures, pause = 0, _START_SECONDS
                await self._converse(connection)
            code = None if process is None else await exit_code(process)
            if code == SUPERVISOR_LOST_EXIT_CODE:
                self._tell(NodeLost(self.key, self.epoch))
                return
            if connection is None and code != ALREADY_SERVED_EXIT_CODE:
                failures += 1
                if failures == _STARTS_MAX:
                    reason = f"its agent does not start; see {self.layout.agent_log}"
                    _log.error("node %s is not to be had: %s", self._request.node_id, reason)
                    self._tell(NodeUnavailable(self.key, self.epoch, reason))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _START_SECONDS_MAX)

    def send(self, orders: list[messages.Order]) -> None:
        """Send orders; without a connection they are dropped, and made again when there is one."""
        if self.connection is not None:
            for order in orders:
                self.connection.send(order)

    def shut_down(self) -> None:
        """Ask the agent to end everything; it is not started again."""
        self._is_ending = True
        if self.connection is not None:
            self.connection.send(messages.Shutdown())

    def _prepare_home(self) -> None:
        self.layout.home.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.layout.home.chmod(0o711)
        NodeSettings(
            pool_id=self._request.pool_id,
            node_id=self._request.node_id,
            epoch=self.epoch,
            is_dedicated=self._request.is_dedicated,
            slots=self._request.slots,
            task_account=self._surroundings.task_account,
            server_watch=self._surroundings.server_watch,
        ).save(self.layout.home)

    async def _reach(self) -> tuple[subprocess.Popen[bytes] | None, Connection | None]:
        """Find the agent, or start one; return our process, if it is ours, and a connection."""
        found = await self._try_to_connect()
        if found is not None:
            self._note_up()
            return None, found
        async with self._surroundings.starts:
            process = _start_agent(self.layout)
            self._note_up()
            while process.poll() is None:
                found = await self._try_to_connect()
                if found is not None:
                    return process, found
                # A socket that is not there yet cannot be waited for.
                await asyncio.sleep(_LOOK_SECONDS)
        return process, None

    async def _gather(self, *, has_started: bool) -> None:
        """Once in this life: wait for the nodes that were started with this one."""
        muster, self._muster = self._muster, None
        if muster is None:
            return
        if has_started:
            await muster.arrive()
        else:
            muster.leave()

    async def _try_to_connect(self) -> Connection | None:
        hello = messages.Hello(
            protocol=messages.PROTOCOL,
            epoch=self.epoch,
            acknowledged=self._acknowledged,
            account_name=self._request.account,
            account_url=self._surroundings.account_url,
        )
        try:
            return await connect(self.layout.agent_socket, hello, self._on_reports)
        except OSError:
            return None
        except (AgentRefused, TimeoutError) as error:
            # An agent of an earlier life, which the one that we start will take the place of.
            _log.warning("node %s: %s", self._request.node_id, error)
            return None

    async def _converse(self, connection: Connection) -> None:
        self.connection = connection
        self._tell(NodeJoined(self.key, connection.welcome.result()))
        try:
            await connection.lost
        finally:
            self.connection = None
            connection.close()

    def _note_up(self) -> None:
        if not self._is_up:
            self._is_up = True
            self._tell(NodeUp(self.key, self.epoch))

    def _on_reports(self, reports: messages.Reports) -> None:
        self._tell(NodeReported(self.key, self.epoch, reports))

    def _tell(self, event: NodeUp | NodeUnavailable | NodeJoined | NodeReported | NodeLost) -> None:
        loop = asyncio.get_running_loop()

        def done(number: int | None) -> None:
            if not loop.is_closed():  # What comes after the end of the loop is dropped.
                loop.call_soon_threadsafe(self._told, event, number)

        self._listener(event, done)

    def _told(
        self,
        event: NodeUp | NodeUnavailable | NodeJoined | NodeReported | NodeLost,
        number: int | None,
    ) -> None:
        """Acknowledge what is on disk; tell again what is not, for it may be there later."""
        if number is None:
            if not self._is_ending:
                asyncio.get_running_loop().call_later(_TELL_AGAIN_SECONDS, self._tell, event)
        elif number > self._acknowledged:
            self._acknowledged = number
            if self.connection is not None:
                self.connection.send(messages.Acknowledge(number))


def _start_agent(layout: Layout) -> subprocess.Popen[bytes]:
    """Start the agent in a session of its own, so that it outlives us."""
    environment = {
        name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")
    }
    layout.private.mkdir(mode=0o700, exist_ok=True)
    with layout.agent_log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603  # Ourselves.
            [sys.executable, "-m", "batchyard.agent", str(layout.home)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
