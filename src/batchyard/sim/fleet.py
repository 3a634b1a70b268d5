"""A simulated fleet: machines that come late or never, and the network between them and us.

The service's side of it dies with the service; the machines do not.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from batchyard.core.keys import NodeKey
from batchyard.engine.fleet_ports import (
    FleetEvent,
    FleetListener,
    NodeJoined,
    NodeLost,
    NodeReleased,
    NodeReported,
    NodeRequest,
    NodeUnavailable,
    NodeUp,
)
from batchyard.link import messages
from batchyard.sim.machine import Machine
from batchyard.sim.surroundings import Surroundings
from batchyard.sim.timeline import Stream

#: Pause before something is tried or told again.
_AGAIN_SECONDS: Final = 1.0

#: How late a fleet tells what is overtaken or told a second time.
_LATE_SECONDS_MAX: Final = 10.0


def node_name(key: NodeKey) -> str:
    """Return what the judge calls a node."""
    return f"node-{key}"


class Cloud:
    """The machines that exist, whoever serves them."""

    def __init__(self, world: Surroundings) -> None:
        self.world: Final = world
        self.machines: Final[dict[NodeKey, Machine]] = {}
        #: Nodes that a client asked to reboot.
        self.reboots: Final[set[NodeKey]] = set()
        #: Whether a client wanted tasks ended with their nodes.
        self.ends_tasks = False

    def give_up(self, key: NodeKey) -> None:
        """Tell the judge that the service takes a node from its tasks."""
        if key in self.machines:
            self.world.auditor.given_up(node_name(key), ends_tasks=self.ends_tasks)


class SimulatedFleet:
    """See `batchyard.engine.fleet_ports.Fleet`; one for each life of the service."""

    def __init__(self, cloud: Cloud, listener: FleetListener) -> None:
        self._cloud = cloud
        self._world = cloud.world
        self._listener = listener
        self._nodes: dict[NodeKey, _Served] = {}
        self._releasing: set[NodeKey] = set()
        self._is_open = True

    def close(self) -> None:
        """The service is gone; what it has sent may still arrive."""
        self._is_open = False
        for node in self._nodes.values():
            node.forsake()

    def allocate(self, requests: Sequence[NodeRequest]) -> None:
        """Bring these nodes up, or find them again."""
        for request in requests:
            former = self._nodes.get(request.key)
            if request.key in self._releasing or (former and former.epoch >= request.epoch):
                continue
            machine = self._cloud.machines.get(request.key)
            is_rebooted = machine is not None and machine.epoch < request.epoch
            if is_rebooted and request.key in self._cloud.reboots:
                self._cloud.give_up(request.key)
            if former is not None:
                former.end()
            self._nodes[request.key] = served = _Served(self, self._world, request)
            served.bring_up(self._cloud)

    def release(self, nodes: Sequence[NodeKey]) -> None:
        """End these nodes."""
        for key in nodes:
            if key not in self._releasing:
                self._releasing.add(key)
                self._cloud.give_up(key)
                served = self._nodes.pop(key, None)
                if served is not None:
                    served.end()
                seconds = self._world.random.uniform(0.1, 3.0)
                self._world.timeline.after(seconds, partial(self._end, key))

    def _end(self, key: NodeKey) -> None:
        if not self._is_open:
            return
        machine = self._cloud.machines.pop(key, None)
        if machine is not None:
            machine.die()
            machine.is_gone = True
        self.tell(NodeReleased(key), lambda _number: None)

    def send(self, node: NodeKey, orders: Sequence[messages.Order]) -> None:
        """Send `orders`; lost if there is no connection."""
        served = self._nodes.get(node)
        if served is not None:
            served.send(orders)

    def tell(self, event: FleetEvent, done: Callable[[int], None]) -> None:
        """Tell an event until it is stored, and perhaps once more."""
        world = self._world

        def answered(number: int | None) -> None:
            if number is not None:
                done(number)
            else:
                world.timeline.after(_AGAIN_SECONDS, lambda: self.tell(event, done))

        if world.strikes("reorder"):
            self._tell_later(event, answered)
        elif self._is_open:
            self._listener(event, answered)
        if world.strikes("repeat"):
            self._tell_later(event, lambda _number: None)

    def _tell_later(self, event: FleetEvent, answered: Callable[[int | None], None]) -> None:
        def tell() -> None:
            if self._is_open:
                self._listener(event, answered)

        self._world.timeline.after(self._world.random.uniform(0.0, _LATE_SECONDS_MAX), tell)


class _Served:
    """One life of one node, as the service's side keeps it going."""

    def __init__(self, fleet: SimulatedFleet, world: Surroundings, request: NodeRequest) -> None:
        self.epoch: Final = request.epoch
        self._fleet = fleet
        self._world = world
        self._request = request
        self._key = request.key
        self._acknowledged = request.log_acknowledged
        self._connection: _Connection | None = None
        self._machine: Machine | None = None
        self._is_over = False

    def bring_up(self, cloud: Cloud) -> None:
        """Find the machine or make one, sooner or later."""
        most = self._world.faults.allocation_seconds_max
        seconds = self._world.random.uniform(0.05, 0.5 + most)
        if seconds > 0.5:
            self._world.tally["allocation_seconds_max"] += 1
        self._world.timeline.after(seconds, lambda: self._arrive(cloud))

    def _arrive(self, cloud: Cloud) -> None:
        if self._is_over:
            return
        machine = cloud.machines.get(self._key)
        if machine is None or machine.epoch < self.epoch:
            if self._world.strikes("allocation_failure"):
                event = NodeUnavailable(self._key, self.epoch, "none is left")
                self._fleet.tell(event, lambda _number: None)
                if self._world.random.random() < 0.5:
                    return
            if machine is None:
                machine = Machine(
                    self._world,
                    node_name(self._key),
                    self._request.pool_id,
                    self._request.slots,
                )
                cloud.machines[self._key] = machine
            machine.boot(self.epoch)
        if machine.epoch > self.epoch:
            return
        self._machine = machine
        self._fleet.tell(NodeUp(self._key, self.epoch), lambda _number: None)
        self._reach()

    def _reach(self) -> None:
        """Connect to the agent, or learn that this life is over."""
        if self._is_over or self._machine is None:
            return
        if self._machine.is_lost:
            self._is_over = True
            self._world.timeline.note(f"the fleet misses {self._machine.name}")
            self._world.tally["node lost"] += 1
            self._fleet.tell(NodeLost(self._key, self.epoch), lambda _number: None)
        elif self._machine.agent is None or self._machine.is_silent:
            self._world.timeline.after(self._world.random.uniform(0.1, 2.0), self._reach)
        else:
            hello = messages.Hello(messages.PROTOCOL, self.epoch, self._acknowledged, "a", "u")
            _Connection(self._world, self._machine, hello, self._hear, self._lose)

    def _hear(self, connection: "_Connection", message: messages.FromAgent) -> None:
        if self._is_over:
            return
        if isinstance(message, messages.Welcome):
            self._connection = connection
            self._fleet.tell(NodeJoined(self._key, message), self._acknowledge)
        elif isinstance(message, messages.Reports):
            self._fleet.tell(NodeReported(self._key, self.epoch, message), self._acknowledge)

    def _acknowledge(self, number: int) -> None:
        if number > self._acknowledged:
            self._acknowledged = number
            if self._connection is not None:
                self._connection.send(messages.Acknowledge(number))

    def _lose(self) -> None:
        self._connection = None
        if not self._is_over:
            self._world.timeline.after(self._world.random.uniform(0.01, 1.0), self._reach)

    def send(self, orders: Sequence[messages.Order]) -> None:
        if self._connection is not None:
            for order in orders:
                self._connection.send(order)

    def end(self) -> None:
        """Serve this life no longer."""
        self._is_over = True
        if self._connection is not None:
            self._connection.close()

    def forsake(self) -> None:
        """The service is gone: nobody listens any more, but what was sent may still arrive."""
        self._is_over = True
        if self._connection is not None and self._world.random.random() < 0.5:
            self._connection.close()


class _Connection:
    """A conversation: two streams that end together. See `batchyard.agent.logic.Line`."""

    def __init__(
        self,
        world: Surroundings,
        machine: Machine,
        hello: messages.Hello,
        hear: Callable[["_Connection", messages.FromAgent], None],
        lose: Callable[[], None],
    ) -> None:
        self._world = world
        self._machine = machine
        self._agent = machine.agent
        self._lose = lose
        self._to_agent: Stream[messages.ToAgent] = Stream(
            world.timeline, world.network_delay, self._obey
        )
        self._from_agent: Stream[messages.FromAgent] = Stream(
            world.timeline, world.network_delay, lambda message: hear(self, message)
        )
        self.line: Final = _AgentsEnd(self)
        machine.on_agent_lost = self.close
        self.send(hello)

    def send(self, message: messages.ToAgent) -> None:
        """Send a message to the agent, perhaps twice; the connection may break with it."""
        self._note("->", message)
        self._to_agent.send(message)
        if isinstance(message, messages.Order) and self._world.strikes("repeat"):
            self._to_agent.send(message)
        self._perhaps_break()

    def answer(self, message: messages.FromAgent) -> None:
        """Send a message from the agent; the connection may break with it."""
        self._note("<-", message)
        self._from_agent.send(message)
        self._perhaps_break()

    def _note(self, arrow: str, message: messages.Message) -> None:
        self._world.timeline.note(f"service {arrow} {self._machine.name}: {_brief(message)}")

    def _perhaps_break(self) -> None:
        if self._world.strikes("disconnect"):
            self._world.timeline.after(self._world.random.uniform(0.0, 0.02), self.close)

    def close(self) -> None:
        """Break: what is under way is lost, and both ends learn of it."""
        if not self._to_agent.is_open:
            return
        self._to_agent.cut()
        self._from_agent.cut()
        if self._agent is not None:
            self._agent.part(self.line)
        self._world.timeline.after(0.0, self._lose)

    def _obey(self, message: messages.ToAgent) -> None:
        agent = self._agent
        if agent is None or self._machine.agent is not agent:
            self.close()
        elif isinstance(message, messages.Hello):
            if message.epoch == self._machine.epoch:
                self.answer(agent.greet(self.line, message.acknowledged))
            else:
                self.close()
        elif isinstance(message, messages.Order | messages.Acknowledge):
            self._machine.note_order(message)
            agent.obey(message)
        else:
            raise AssertionError(f"nobody sends a simulated agent {message}")


class _AgentsEnd:
    """The agent's end of a connection."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    def send(self, message: messages.FromAgent) -> None:
        self._connection.answer(message)

    def close(self) -> None:
        self._connection.close()


def _brief(message: messages.Message) -> str:
    match message:
        case messages.Assign():
            return "assign " + " ".join(one.execution_id for one in message.executions)
        case messages.Stop():
            return "stop " + " ".join(message.execution_ids)
        case messages.Recall():
            return "recall " + " ".join(message.execution_ids)
        case messages.Welcome() | messages.Reports():
            kind = "welcome" if isinstance(message, messages.Welcome) else "reports"
            told = " ".join(_brief(report) for report in message.reports)
            return f"{kind} {message.first_number}: {told}"
        case messages.Started():
            return f"+{message.execution_id}"
        case messages.Ended():
            return f"-{message.execution_id}({message.cause} {message.exit_code})"
        case messages.Acknowledge():
            return f"acknowledge {message.number}"
        case _:
            return type(message).__name__
