"""Everybody who has work for the service of a simulated world."""

from typing import Final

from batchyard.sim.clients.auto_pools import AutoPoolClient
from batchyard.sim.clients.chains import ChainsClient
from batchyard.sim.clients.client import Client
from batchyard.sim.clients.forced_ends import ForcedEndsClient
from batchyard.sim.clients.gangs import GangsClient
from batchyard.sim.clients.jobs import JobClient
from batchyard.sim.clients.managers import ManagerClient
from batchyard.sim.clients.mixtures import MixturesClient
from batchyard.sim.clients.pauses import PausesClient
from batchyard.sim.clients.pools import PoolClient
from batchyard.sim.clients.requests import Requests
from batchyard.sim.clients.schedules import SchedulesClient
from batchyard.sim.clients.tasks import TaskClient
from batchyard.sim.clients.turns import TurnsClient

CLIENTS: Final[tuple[type[Client], ...]] = (
    PoolClient,
    JobClient,
    ChainsClient,
    PausesClient,
    TaskClient,
    TurnsClient,
    ManagerClient,
    AutoPoolClient,
    ForcedEndsClient,
    SchedulesClient,
    GangsClient,
    MixturesClient,
)


class Clients:
    """All clients of a world."""

    def __init__(self, requests: Requests, seconds: float) -> None:
        self._clients = [client(requests, seconds) for client in CLIENTS]

    def begin(self) -> None:
        """Plan what is asked for while there are faults."""
        for client in self._clients:
            client.begin()

    def come_again(self) -> None:
        """Plan what is asked for once there are none."""
        for client in self._clients:
            client.come_again()
