"""A service without processes: real engine and store, a clock that is set, a fleet that listens.

Nodes are played by the test, which says what they report.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from batchyard.core.keys import NodeKey
from batchyard.core.specs import JobPreparationSpec, JobReleaseSpec, JobSpec, PoolSpec, TaskSpec
from batchyard.core.states import EndCause
from batchyard.engine import commands, news
from batchyard.engine.engine import Engine
from batchyard.engine.fleet_ports import FleetEvent, NodeJoined, NodeReported, NodeRequest, NodeUp
from batchyard.link import messages
from batchyard.store.store import SqliteStore

ACCOUNT = "account"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class VirtualClock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def pass_time(self, span: timedelta) -> None:
        self.time += span


class ListeningFleet:
    """Keeps what it is asked for."""

    def __init__(self) -> None:
        self.requests: list[NodeRequest] = []
        self.released: list[NodeKey] = []
        self.orders: dict[NodeKey, list[messages.Order]] = {}

    def allocate(self, requests: Sequence[NodeRequest]) -> None:
        self.requests.extend(requests)

    def release(self, nodes: Sequence[NodeKey]) -> None:
        self.released.extend(nodes)

    def send(self, node: NodeKey, orders: Sequence[messages.Order]) -> None:
        self.orders.setdefault(node, []).extend(orders)


class World:
    """One service and the nodes that the test plays."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock()
        self.fleet = ListeningFleet()
        self.store = SqliteStore(folder / "batchyard.db", is_durable=False)
        self.engine = Engine(self.store, self.clock, self.fleet)
        self.engine.start()
        self._numbers: dict[NodeKey, int] = {}

    def restart(self) -> None:
        """A new server on the same data."""
        self.fleet = ListeningFleet()
        self.engine = Engine(self.store, self.clock, self.fleet)
        self.engine.start()
        self.settle()

    def do(self, command: Callable[..., Any], *arguments: Any) -> Any:
        """Carry out one command and everything that it wakes; raise what it is refused with."""
        (answer,) = self.engine.apply([lambda cascade: command(cascade, *arguments)])
        self.settle()
        if answer.error is not None:
            raise answer.error
        return answer.value

    def settle(self) -> None:
        """Let the loops run until they have nothing to do."""
        for _ in range(100):
            if not self.engine.has_work:
                return
            self.engine.apply([])
        raise AssertionError("the loops do not come to rest")

    def tell(self, event: FleetEvent) -> int:
        number = self.do(news.take, event)
        assert isinstance(number, int)
        return number

    # Scenes.

    def pool(self, pool_id: str = "pool", *, nodes: int = 1, slots: int = 1, **spec: Any) -> None:
        """Create a pool and bring its nodes up."""
        seen = len(self.fleet.requests)
        self.do(
            commands.create_pool,
            ACCOUNT,
            PoolSpec(
                id=pool_id,
                vm_size="standard_d2_v3",
                target_dedicated_nodes=nodes,
                task_slots_per_node=slots,
                **spec,
            ),
        )
        for request in self.fleet.requests[seen:]:
            self.bring_up(request)

    def bring_up(self, request: NodeRequest) -> None:
        self._numbers[request.key] = 0
        self.tell(NodeUp(request.key, request.epoch))
        self.join(request.key, request.epoch)

    def join(
        self,
        node: NodeKey,
        epoch: int = 1,
        known: Sequence[str] = (),
        reports: Sequence[messages.Report] = (),
    ) -> None:
        first = self._numbers[node] + 1
        self._numbers[node] += len(reports)
        welcome = messages.Welcome(
            messages.PROTOCOL, epoch, self.clock.now(), list(known), first, list(reports)
        )
        self.tell(NodeJoined(node, welcome))

    def job(
        self,
        job_id: str = "job",
        *,
        pool_id: str = "pool",
        preparation: bool = False,
        release: bool = False,
        retries: int = 0,
        waits: bool = True,
        reruns: bool = True,
        retention: timedelta | None = None,
        **spec: Any,
    ) -> None:
        self.do(
            commands.create_job,
            ACCOUNT,
            JobSpec(
                id=job_id,
                pool_id=pool_id,
                preparation=(
                    JobPreparationSpec(
                        id="jobpreparation",
                        command_line="prep",
                        max_task_retry_count=retries,
                        wait_for_success=waits,
                        rerun_on_node_reboot_after_success=reruns,
                        retention_time=retention,
                    )
                    if preparation
                    else None
                ),
                release=JobReleaseSpec(id="jobrelease", command_line="rel") if release else None,
                **spec,
            ),
        )

    def tasks(self, *ids: str, job_id: str = "job", **spec: Any) -> Any:
        specs = [TaskSpec(id=task_id, command_line="true", **spec) for task_id in ids]
        return self.do(commands.add_tasks, ACCOUNT, job_id, specs)

    # Nodes.

    def assigned(self, node: int = 1) -> list[str]:
        """What a node was told to run, in order."""
        return [
            assignment.execution_id
            for order in self.fleet.orders.get(NodeKey(node), [])
            if isinstance(order, messages.Assign)
            for assignment in order.executions
        ]

    def assignment(self, execution_id: str) -> messages.Assignment:
        for orders in self.fleet.orders.values():
            for order in orders:
                if isinstance(order, messages.Assign):
                    for assignment in order.executions:
                        if assignment.execution_id == execution_id:
                            return assignment
        raise AssertionError(f"{execution_id} was not assigned")

    def stopped(self, node: int = 1) -> list[str]:
        """What a node was told to stop, in order."""
        return [
            execution_id
            for order in self.fleet.orders.get(NodeKey(node), [])
            if isinstance(order, messages.Stop)
            for execution_id in order.execution_ids
        ]

    def report(self, *reports: messages.Report, node: int = 1, epoch: int = 1) -> int:
        key = NodeKey(node)
        first = self._numbers[key] + 1
        self._numbers[key] += len(reports)
        return self.tell(NodeReported(key, epoch, messages.Reports(first, list(reports))))

    def recalled(self, node: int = 1) -> list[str]:
        """What a node was told to give back, in order."""
        return [
            execution_id
            for order in self.fleet.orders.get(NodeKey(node), [])
            if isinstance(order, messages.Recall)
            for execution_id in order.execution_ids
        ]

    def started(self, execution_id: str) -> messages.Started:
        return messages.Started(execution_id, self.clock.now())

    def ended(
        self, execution_id: str, exit_code: int | None = 0, cause: EndCause = EndCause.EXITED
    ) -> messages.Ended:
        now = self.clock.now()
        return messages.Ended(execution_id, cause, exit_code, "", now, now)

    def never_started(self, execution_id: str) -> messages.Ended:
        return messages.Ended(execution_id, EndCause.STOPPED, None, "", None, self.clock.now())

    def run(self, execution_id: str, exit_code: int = 0, *, node: int = 1, epoch: int = 1) -> None:
        """Let an execution start and end."""
        self.report(
            self.started(execution_id),
            self.ended(execution_id, exit_code),
            node=node,
            epoch=epoch,
        )

    def run_for(self, execution_id: str, span: timedelta) -> None:
        """Let an execution start, and end after a time."""
        start = self.clock.now()
        self.report(self.started(execution_id))
        self.clock.pass_time(span)
        ended = messages.Ended(execution_id, EndCause.EXITED, 0, "", start, self.clock.now())
        self.report(ended)

    # Reads.

    def task(self, task_id: str, job_id: str = "job") -> Any:
        return self.store.reads.get_task(ACCOUNT, job_id, task_id).task

    def state_of(self, task_id: str, job_id: str = "job") -> str:
        return str(self.task(task_id, job_id).state)

    def job_now(self, job_id: str = "job") -> Any:
        return self.store.reads.get_job(ACCOUNT, job_id).job

    def pool_now(self, pool_id: str = "pool") -> Any:
        return self.store.reads.get_pool(ACCOUNT, pool_id).pool

    def nodes(self, pool_id: str = "pool") -> list[Any]:
        page = self.store.reads.list_nodes(ACCOUNT, pool_id, 0, 100)
        return [view.node for view in page.items]
