"""Compute nodes: views to JSON. Source: 04 P-31 ... P-36; S-10."""

from importlib.metadata import version
from typing import Final

from batchyard.engine.views import NodeView
from batchyard.wire import links, model, values

#: Service and agent are one distribution.
_AGENT_VERSION: Final = version("batchyard")


def write_node(view: NodeView, base_url: str) -> model.BatchNode:
    """Return a compute node; what it tells about itself is absent until it has started (S-10)."""
    node = view.node
    boot_time = node.last_boot_time
    return model.BatchNode(
        id=node.id,
        url=links.node(base_url, node.pool_id, node.id),
        state=model.BatchNodeState(node.state),
        scheduling_state=model.SchedulingState.ENABLED,
        state_transition_time=values.write_instant(node.state_time),
        last_boot_time=None if boot_time is None else values.write_instant(boot_time),
        allocation_time=values.write_instant(node.allocation_time),
        affinity_id=links.affinity_id(node.id),
        vm_size=view.vm_size,
        total_tasks_run=node.tasks_run,
        running_tasks_count=node.tasks_running,
        running_task_slots_count=node.slots_used,
        total_tasks_succeeded=node.tasks_succeeded,
        is_dedicated=node.is_dedicated,
        node_agent_info=None
        if boot_time is None
        else model.BatchNodeAgentInfo(
            version=_AGENT_VERSION,
            last_update_time=values.write_instant(boot_time),
        ),
    )
