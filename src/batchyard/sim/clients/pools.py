"""Asks for a pool, for another size of it, and about its nodes."""

from datetime import timedelta
from functools import partial

from batchyard.core.model import Node
from batchyard.core.specs import PoolSpec, Resize, StartTaskSpec
from batchyard.core.states import NodeFillType, NodeOption
from batchyard.engine import commands
from batchyard.sim.clients.client import Client
from batchyard.sim.clients.requests import ACCOUNT
from batchyard.sim.surroundings import ANNEX, POOL, command_line


class PoolClient(Client):
    """Has one pool, whose nodes it takes away now and then."""

    def begin(self) -> None:
        """Create the pool at once."""
        self._create_pool()
        self.some(self.random.choice((0, 2)), self._reboot)
        self.some(self.random.choice((0, 1)), self._remove_node)
        self.some(self.random.choice((0, 2)), self._resize)

    def _create_pool(self) -> None:
        random = self.random
        start_task = None
        if random.random() < 0.3:
            codes = random.choice(((0,), (0, 0, 1)))
            start_task = StartTaskSpec(
                command_line=command_line(random.uniform(0.1, 2.0), *codes),
                max_task_retry_count=random.choice((0, 3)),
                wait_for_success=random.random() < 0.7,
            )
            if start_task.wait_for_success:
                self.world.waits_for_start_task.add(POOL)
        spec = PoolSpec(
            id=POOL,
            vm_size="standard_d2_v3",
            target_dedicated_nodes=random.randint(1, 3),
            task_slots_per_node=self.world.slots,
            node_fill_type=random.choice(list(NodeFillType)),
            start_task=start_task,
            has_inter_node_communication=True,
        )
        self.requests.ask("create a pool", POOL, commands.create_pool, spec)
        if self.world.has_annex:
            annex = PoolSpec(
                id=ANNEX,
                vm_size="standard_d2_v3",
                target_dedicated_nodes=1,
                task_slots_per_node=self.world.slots,
                has_inter_node_communication=True,
            )
            self.later(
                0.5, partial(self.requests.ask, "create a pool", ANNEX, commands.create_pool, annex)
            )

    def _a_node(self) -> Node | None:
        reads = self.requests.store.reads
        is_pool = any(view.pool.id == POOL for view in reads.list_pools(ACCOUNT, 0, 100).items)
        nodes = reads.list_nodes(ACCOUNT, POOL, 0, 100).items if is_pool else ()
        return self.random.choice([view.node for view in nodes]) if nodes else None

    def _option(self) -> NodeOption:
        option = self.random.choice(list(NodeOption))
        if option is NodeOption.TERMINATE:
            self.requests.service.cloud.ends_tasks = True
        return option

    def _reboot(self) -> None:
        node = self._a_node()
        if node is not None:
            self.requests.service.cloud.reboots.add(node.key)
            option = self._option()
            name = f"reboot, {option}"
            self.requests.ask(name, node.id, commands.reboot_node, POOL, node.id, option)

    def _remove_node(self) -> None:
        node = self._a_node()
        if node is not None:
            option = self._option()
            arguments = POOL, [node.id], timedelta(minutes=15), option
            self.requests.ask(f"remove, {option}", node.id, commands.remove_nodes, *arguments)

    def _resize(self) -> None:
        nodes = self.random.randint(0, 4)
        option = self._option()
        resize = Resize(target_dedicated_nodes=nodes, option=option)
        name = f"resize, {option}"
        self.requests.ask(name, f"{nodes} nodes", commands.resize_pool, POOL, resize)
