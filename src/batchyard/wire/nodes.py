"""Compute nodes: views to JSON. Source: 04 P-31 ... P-36, P-43, P-64; S-10.

Nodes are processes of one machine and use its network as it is: every port is reached by its own
number, and logging in to a node means logging in to the machine.
"""

from importlib.metadata import version
from typing import Final

import msgspec

from batchyard.engine import addresses
from batchyard.engine.views import NodeView
from batchyard.wire import links, model, recent_tasks, start_tasks, values

#: Addresses of the machine, as the nodes see it.
_ADDRESS: Final = "127.0.0.1"
_ADDRESS_V6: Final = "::1"

_SSH_PORT: Final = 22

#: Service and agent are one distribution.
_AGENT_VERSION: Final = version("batchyard")


def write_node(view: NodeView, base_url: str) -> model.BatchNode:
    """Return a compute node; what it tells about itself is absent until it has started (S-10)."""
    node = view.node
    boot_time = node.last_boot_time
    network = _network(view)
    return model.BatchNode(
        id=node.id,
        url=links.node(base_url, node.pool_id, node.id),
        state=model.BatchNodeState(node.state),
        scheduling_state=model.SchedulingState.ENABLED,
        state_transition_time=values.write_instant(node.state_time),
        last_boot_time=None if boot_time is None else values.write_instant(boot_time),
        allocation_time=values.write_instant(node.allocation_time),
        ip_address=addresses.address(node.key),
        ipv6_address=_ADDRESS_V6 if _has_ipv6(network) else None,
        affinity_id=links.affinity_id(node.id),
        vm_size=view.pool_spec.vm_size,
        total_tasks_run=node.tasks_run,
        running_tasks_count=view.running.tasks,
        running_task_slots_count=view.running.slots,
        total_tasks_succeeded=node.tasks_succeeded,
        recent_tasks=[recent_tasks.write(one, base_url) for one in view.recent_tasks] or None,
        start_task=start_tasks.write_start_task(node.start_task),
        start_task_info=start_tasks.write_start_task_info(node.start_run),
        is_dedicated=node.is_dedicated,
        endpoint_configuration=_endpoints(network, view.ordinal),
        node_agent_info=None
        if boot_time is None
        else model.BatchNodeAgentInfo(
            version=_AGENT_VERSION,
            last_update_time=values.write_instant(boot_time),
        ),
    )


def write_remote_login_settings(view: NodeView) -> model.BatchNodeRemoteLoginSettings:
    """Return where to log in to a node (P-43)."""
    has_ipv6 = _has_ipv6(_network(view))
    return model.BatchNodeRemoteLoginSettings(
        remote_login_ip_address=_ADDRESS,
        remote_login_port=_SSH_PORT,
        ipv6_remote_login_ip_address=_ADDRESS_V6 if has_ipv6 else None,
        ipv6_remote_login_port=_SSH_PORT if has_ipv6 else None,
    )


def _network(view: NodeView) -> model.NetworkConfiguration:
    given = view.pool_spec.echoed.get("networkConfiguration", {})
    return msgspec.convert(given, model.NetworkConfiguration)


def _has_ipv6(network: model.NetworkConfiguration) -> bool:
    public = network.public_ip_address_configuration
    return public is not None and model.IPFamily.I_PV6 in (public.ip_families or ())


def _endpoints(
    network: model.NetworkConfiguration, ordinal: int
) -> model.BatchNodeEndpointConfiguration:
    """Return the ports of a node that its pool opens, and that of SSH (P-34)."""
    given = network.endpoint_configuration
    pools = [] if given is None else given.inbound_nat_pools or []
    endpoints = [
        _endpoint(f"{pool.name}.{ordinal}", pool.protocol, pool.backend_port) for pool in pools
    ]
    ssh = _endpoint(f"SSHRule.{ordinal}", model.InboundEndpointProtocol.TCP, _SSH_PORT)
    return model.BatchNodeEndpointConfiguration(inbound_endpoints=[*endpoints, ssh])


def _endpoint(
    name: str, protocol: model.InboundEndpointProtocol | None, port: int | None
) -> model.InboundEndpoint:
    return model.InboundEndpoint(
        name=name,
        protocol=protocol,
        public_ip_address=_ADDRESS,
        frontend_port=port,
        backend_port=port,
    )
