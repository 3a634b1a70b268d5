"""The addresses of nodes, and the variables by which those of one task find each other.

Every node of this machine has an address of its own: on Linux all of 127.0.0.0/8 leads back to the
machine. What listens on every address listens on that of its node too.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Final

from batchyard.core.keys import NodeKey

#: Where the addresses begin; below are those that others use.
_FIRST: Final = int(IPv4Address("127.1.0.0"))
_COUNT: Final = 254 << 16

#: What stands in AZ_BATCH_MASTER_NODE; nothing of ours listens there. Source: 06, F-12.
_MASTER_PORT: Final = 6000


def address(node: NodeKey) -> str:
    """Return the address of a node; it is the same as long as the node lives."""
    return str(IPv4Address(_FIRST + node % _COUNT))


def variables(nodes: Sequence[NodeKey], number: int) -> dict[str, str]:
    """Return the variables of instance `number` on `nodes`, the primary's first. Source: 06."""
    all_addresses = [address(node) for node in nodes]
    with_slots = " ".join(f"{one} 1" for one in all_addresses)
    return {
        "AZ_BATCH_HOST_LIST": ",".join(all_addresses),
        "AZ_BATCH_NODE_LIST": ";".join(all_addresses),
        "AZ_BATCH_MASTER_NODE": f"{all_addresses[0]}:{_MASTER_PORT}",
        "AZ_BATCH_IS_CURRENT_NODE_MASTER": str(number == 0).lower(),
        "CCP_NODES": f"{len(nodes)} {with_slots}",
    }
