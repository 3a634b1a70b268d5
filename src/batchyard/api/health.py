"""Whether the service lives and is ready: for load balancers and start scripts. No signature.

``/-/health`` says that the process answers; ``/-/ready`` that its store does, too.
"""

import logging
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from batchyard.api.http import json_response

if TYPE_CHECKING:
    from batchyard.engine.service import Service

PREFIX: Final = "/-/"

_log = logging.getLogger(__name__)


async def answer(service: "Service", path: str, account: str) -> Response:
    """Return the answer to a path that starts with `PREFIX`; `account` is any that exists."""
    if path == f"{PREFIX}health":
        return json_response({"status": "healthy"}, 200)
    if path == f"{PREFIX}ready":
        try:
            await service.node_counts(account, pool_id=None, after=None, limit=1)
        except Exception:  # noqa: BLE001  # whatever keeps the store from answering counts
            _log.exception("the store does not answer")
            return json_response({"status": "unready"}, 503)
        return json_response({"status": "ready"}, 200)
    return json_response({"status": "unknown"}, 404)
