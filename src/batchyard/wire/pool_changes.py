"""Updates and sizes of pools, restarts of nodes: requests to changes.

Source: P-12 ... P-18, P-21, P-38; wire section 9.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec

from batchyard.core import limits
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.specs import PoolChange, Resize
from batchyard.core.states import NodeOption
from batchyard.wire import bodies, checks, coverage, model, pools, start_tasks

_PATCH_DECODER: Final = msgspec.json.Decoder(model.BatchPoolUpdateOptions)
_REPLACE_DECODER: Final = msgspec.json.Decoder(model.BatchPoolReplaceOptions)
_RESIZE_DECODER: Final = msgspec.json.Decoder(model.BatchPoolResizeOptions)
_REMOVE_DECODER: Final = msgspec.json.Decoder(model.BatchNodeRemoveOptions)
_REBOOT_DECODER: Final = msgspec.json.Decoder(model.BatchNodeRebootOptions)
_REIMAGE_DECODER: Final = msgspec.json.Decoder(model.BatchNodeReimageOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Which nodes are to leave a pool, each once, and what becomes of their tasks."""

    node_ids: Sequence[str]
    timeout: timedelta
    option: NodeOption


def read_pool_patch(body: bytes) -> PoolChange:
    """Return the change in the body of Pools_UpdatePool: what it names, and nothing else (P-12).

    Raises:
        Refused: ``InvalidRequestBody``, ``MissingRequiredProperty``, ``UnsupportedProperty``,
            ``InvalidPropertyValue``, ``EmptyMetadataKey``.
    """
    request = bodies.decode(body, _PATCH_DECODER)
    coverage.check(request)
    return PoolChange(
        start_task=start_tasks.read_start_task(request.start_task),
        metadata=None if request.metadata is None else checks.metadata(request.metadata) or (),
    )


def read_pool_replacement(body: bytes) -> PoolChange:
    """Return the change in the body of Pools_ReplacePoolProperties: what it omits goes (P-13).

    Raises:
        Refused: As `read_pool_patch`.
    """
    request = bodies.decode(body, _REPLACE_DECODER)
    coverage.check(request)
    return PoolChange(
        start_task=start_tasks.read_start_task(request.start_task),
        removes_start_task=request.start_task is None,
        metadata=checks.metadata(request.metadata) or (),
    )


def read_resize(body: bytes) -> Resize:
    """Return the size in the body of Pools_ResizePool; an omitted target stays (P-16).

    Raises:
        Refused: ``InvalidRequestBody``, ``MissingRequiredProperty`` when there is no target,
            ``InvalidPropertyValue``.
    """
    request = bodies.decode(body, _RESIZE_DECODER)
    coverage.check(request)
    dedicated = pools.target(request.target_dedicated_nodes, "targetDedicatedNodes")
    low_priority = pools.target(request.target_low_priority_nodes, "targetLowPriorityNodes")
    if dedicated is None and low_priority is None:
        raise Refused(
            ErrorCode.MISSING_REQUIRED_PROPERTY,
            PropertyName="targetDedicatedNodes",
            Reason="give targetDedicatedNodes, targetLowPriorityNodes or both",
        )
    return Resize(
        target_dedicated_nodes=dedicated,
        target_low_priority_nodes=low_priority,
        timeout=checks.resize_timeout(request.resize_timeout),
        option=checks.node_option(request.node_deallocation_option, "nodeDeallocationOption"),
    )


def read_removal(body: bytes) -> Removal:
    """Return the nodes in the body of Pools_RemoveNodes (P-21).

    Raises:
        Refused: ``InvalidRequestBody``, ``MissingRequiredProperty``, ``InvalidPropertyValue``.
    """
    request = bodies.decode(body, _REMOVE_DECODER)
    coverage.check(request)
    names = checks.required(request.node_list, "nodeList")
    if not 1 <= len(names) <= limits.REMOVE_NODES_MAX:
        raise Refused.of_property(
            "nodeList", f"{len(names)} nodes", f"name 1 to {limits.REMOVE_NODES_MAX} nodes"
        )
    return Removal(
        node_ids=list(
            dict.fromkeys(
                checks.text(name, f"nodeList[{index}]") for index, name in enumerate(names)
            )
        ),
        timeout=checks.resize_timeout(request.resize_timeout),
        option=checks.node_option(request.node_deallocation_option, "nodeDeallocationOption"),
    )


def read_reboot(body: bytes) -> NodeOption:
    """Return the option in the body of Nodes_RebootNode (P-38).

    Raises:
        Refused: ``InvalidRequestBody``, ``InvalidPropertyValue``.
    """
    request = bodies.decode(body, _REBOOT_DECODER)
    coverage.check(request)
    return checks.node_option(request.node_reboot_option, "nodeRebootOption")


def read_reimage(body: bytes) -> NodeOption:
    """Return the option in the body of Nodes_ReimageNode.

    Raises:
        Refused: ``InvalidRequestBody``, ``InvalidPropertyValue``.
    """
    request = bodies.decode(body, _REIMAGE_DECODER)
    coverage.check(request)
    return checks.node_option(request.node_reimage_option, "nodeReimageOption")
