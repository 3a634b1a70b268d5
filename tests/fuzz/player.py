"""Plays all nodes of a bench: they come when wanted, and run at once what they are given."""

import queue
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta

from batchyard.core.keys import NodeKey
from batchyard.core.states import EndCause
from batchyard.engine.fleet_ports import NodeJoined, NodeReleased, NodeReported, NodeUp
from batchyard.link import messages
from tests.api.asgi import NOW
from tests.api.bench import Bench

#: Nodes that come; the others that are wanted stay away.
NODES_MAX = 4


@dataclass
class Player:
    """The nodes with their present epochs, and how long the log of each is."""

    bench: Bench
    epochs: dict[NodeKey, int] = field(default_factory=dict)
    ids: dict[NodeKey, str] = field(default_factory=dict)
    logs: dict[tuple[NodeKey, int], int] = field(default_factory=lambda: defaultdict(int))
    exit_code: int = 0

    def play(self) -> None:
        """Do what the engine has asked for until now; every other command fails."""
        fleet = self.bench.fleet
        for _ in range(20):
            self.exit_code = 3 - self.exit_code
            try:
                while True:
                    request = fleet.requests.get_nowait()
                    is_new = self.epochs.get(request.key) != request.epoch
                    if is_new and (request.key in self.epochs or len(self.epochs) < NODES_MAX):
                        self.epochs[request.key] = request.epoch
                        self.ids[request.key] = request.node_id
                        self._join(request.key, request.epoch)
            except queue.Empty:
                pass
            try:
                while True:
                    self._obey(*fleet.orders.get_nowait())
            except queue.Empty:
                pass
            while fleet.released:
                key = fleet.released.popleft()
                self.epochs.pop(key, None)
                self.ids.pop(key, None)
                self.bench.tell(NodeReleased(key))
            if fleet.requests.empty() and fleet.orders.empty():
                return

    def _join(self, key: NodeKey, epoch: int) -> None:
        welcome = messages.Welcome(messages.PROTOCOL, epoch, NOW, [], 1, [])
        self.bench.tell(NodeUp(key, epoch))
        self.bench.tell(NodeJoined(key, welcome))

    def _obey(self, key: NodeKey, order: messages.Order) -> None:
        reports: list[messages.Report] = []
        match order:
            case messages.Assign(executions):
                for execution in executions:
                    name = execution.execution_id
                    reports += [
                        messages.Started(name, NOW),
                        messages.Ended(
                            name,
                            EndCause.EXITED,
                            self.exit_code,
                            "",
                            NOW,
                            NOW + timedelta(seconds=1),
                        ),
                    ]
            case messages.RemoveDirectory(removal):
                reports.append(messages.DirectoryRemoved(removal))
            case messages.Stop(names):
                reports += [
                    messages.Ended(name, EndCause.STOPPED, -9, "", NOW, NOW) for name in names
                ]
        epoch = self.epochs.get(key)
        if epoch is None or not reports:
            return
        first = self.logs[key, epoch] + 1
        self.logs[key, epoch] += len(reports)
        self.bench.tell(NodeReported(key, epoch, messages.Reports(first, reports)))
