"""The list of images that clients choose from. Source: P-48.

Nothing is installed from them: a node runs what its machine has. The list exists because clients
look in it for the node agent that goes with an image; a pool may name any other image as well.
"""

from collections.abc import Sequence
from typing import Final

from batchyard.engine.filters import Filter
from batchyard.wire import filters, model

_LINUX: Final = (
    ("canonical", "ubuntu-24_04-lts", "server", "batch.node.ubuntu 24.04"),
    ("canonical", "0001-com-ubuntu-server-jammy", "22_04-lts", "batch.node.ubuntu 22.04"),
    ("canonical", "0001-com-ubuntu-server-focal", "20_04-lts", "batch.node.ubuntu 20.04"),
    ("debian", "debian-12", "12", "batch.node.debian 12"),
    ("debian", "debian-11", "11", "batch.node.debian 11"),
    ("almalinux", "almalinux-x86_64", "9-gen2", "batch.node.el 9"),
    ("almalinux", "almalinux-x86_64", "8-gen2", "batch.node.el 8"),
    ("resf", "rockylinux-x86_64", "9-base", "batch.node.el 9"),
)
_WINDOWS: Final = tuple(
    ("microsoftwindowsserver", "windowsserver", sku, "batch.node.windows amd64")
    for sku in ("2022-datacenter", "2019-datacenter", "2016-datacenter")
)


def _image(
    publisher: str, offer: str, sku: str, node_agent_sku_id: str, os_type: model.OSType
) -> model.BatchSupportedImage:
    return model.BatchSupportedImage(
        node_agent_sku_id=node_agent_sku_id,
        image_reference=model.BatchVmImageReference(
            publisher=publisher, offer=offer, sku=sku, version="latest"
        ),
        os_type=os_type,
        verification_type=model.ImageVerificationType.VERIFIED,
    )


SUPPORTED_IMAGES: Final = tuple(
    [_image(*row, model.OSType.LINUX) for row in _LINUX]
    + [_image(*row, model.OSType.WINDOWS) for row in _WINDOWS]
)


def select(condition: Filter | None) -> Sequence[model.BatchSupportedImage]:
    """Return the images for which a condition holds."""
    if condition is None:
        return SUPPORTED_IMAGES
    return [
        image
        for image in SUPPORTED_IMAGES
        if filters.holds(
            condition,
            {
                "os_type": image.os_type or "",
                "verification_type": image.verification_type or "",
                "node_agent_sku_id": image.node_agent_sku_id or "",
            },
        )
    ]
