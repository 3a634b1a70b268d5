"""A real server with a pool under load, and the ledger of all that happens there."""

import socket
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Final

from batchyard.sim.audit.shown import Shown
from tests.chaos import blows
from tests.chaos.blows import Node
from tests.chaos.client import PatientClient
from tests.chaos.ledger import Ledger
from tests.chaos.load import ADMINISTRATOR, POOL, Load
from tests.chaos.replay import Fact
from tests.chaos.shown import nodes_of, shown
from tests.chaos.watch import Watch
from tests.raw import RawClient
from tests.service import Account
from tests.waiting import wait_until
from tests.yard import Yard

NODES: Final = 3
SLOTS: Final = 4

#: Below those that the system gives to connections.
_PORTS: Final = range(10_000, 32_000)

#: The load has begun to flow.
_FLOWING: Final = 20
_FLOW_SECONDS_MAX: Final = 60.0


class Site:
    """A server that was started, a client that keeps it busy, and the ledger of it all."""

    def __init__(self, folder: Path, seed: str, data: Path) -> None:
        self.yard: Final = Yard(folder)
        self.yard.data = data
        self.ledger: Final[Ledger[Fact]] = Ledger(folder)
        self.watch: Final = Watch(self.ledger.path)
        self._executor = ThreadPoolExecutor(1)
        self.server = self.yard.up(port=_free_port(Random()))
        account = Account(self.server.account, self.server.key)
        self.client: Final = PatientClient(RawClient(self.server, account))
        self.load: Final = Load(self.client, self.ledger, Random(f"load {seed}"))

    def open(self) -> None:
        """Start the nodes, and the load as soon as they are idle."""
        self.client.ask("POST", "/pools", _pool(self.ledger.command_line("start", 0.0)))
        wait_until(self._is_idle, 30, "all nodes are idle")
        self._working: Future[None] = self._executor.submit(self.load.run)
        self.wait(_FLOWING, _FLOW_SECONDS_MAX)

    def nodes(self) -> list[Node]:
        """Return the nodes as they are now."""
        return blows.nodes(self.yard.data)

    def up_again(self) -> None:
        """Start the server where it was."""
        self.server = self.yard.up(port=self.server.port)

    def lose(self, nodes: Sequence[Node]) -> None:
        """Note that the supervisors of nodes are about to be killed."""
        for node in nodes:
            if node.supervisors:
                self._note_lost(node.id, node.epoch)
                self.watch.struck(node.id, node.epoch + 1)

    def _note_lost(self, node: str, epoch: int) -> None:
        self.ledger.note(lambda replay: replay.life_lost(node, epoch))

    def wait(self, ends: int, seconds: float) -> None:
        """Wait until so much more has ended, or for this time."""
        enough, end = self.watch.look() + ends, time.monotonic() + seconds

        def is_over() -> bool:
            if self._working.done():
                self._working.result()
            return self.watch.look() >= enough or time.monotonic() > end

        wait_until(is_over, 2 * seconds + 1, "the next blow")

    def rest(self) -> Shown:
        """Let the work end; return what the service shows then."""
        self.load.peace.set()
        wait_until(lambda: self.watch.look() and self._working.done(), 200, "the work has ended")
        self._working.result()
        wait_until(self._is_idle, 30, "all nodes are idle again")
        return shown(self.client, [job.id for job in self.load.jobs], POOL)

    def _is_idle(self) -> bool:
        states = [node["state"] for node in nodes_of(self.client, POOL)]
        return states == ["idle"] * NODES

    def close(self) -> list[str]:
        """End everything; return what had to be killed for that."""
        self.load.peace.set()
        left = self.yard.clear()
        self._executor.shutdown()
        return left


def _free_port(random: Random) -> int:
    """Return a port that no connection takes by itself while a server is down."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _pool(start_line: str) -> dict[str, object]:
    return {
        "id": POOL,
        "vmSize": "standard_d4_v3",
        "targetDedicatedNodes": NODES,
        "taskSlotsPerNode": SLOTS,
        "startTask": {
            "commandLine": start_line,
            "waitForSuccess": True,
            "userIdentity": ADMINISTRATOR,
        },
        "virtualMachineConfiguration": {
            "imageReference": {
                "publisher": "canonical",
                "offer": "0001-com-ubuntu-server-jammy",
                "sku": "22_04-lts",
            },
            "nodeAgentSKUId": "batch.node.ubuntu 22.04",
        },
    }
