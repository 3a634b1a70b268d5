"""Routes of compute nodes."""

from starlette.responses import Response

from batchyard.api.http import (
    Call,
    answer,
    answer_page,
    empty,
    select_items,
    selected_answer,
)
from batchyard.core.errors import ErrorCode, Refused
from batchyard.engine.views import NodeView, Page
from batchyard.wire import filters, links, model, pool_changes
from batchyard.wire import nodes as convert


async def get_node(call: Call) -> Response:
    """``GET /pools/{poolId}/nodes/{nodeId}``: one compute node."""
    view = await call.service.get_node(
        call.account, call.params["poolId"], call.params["nodeId"], with_recent_tasks=True
    )
    return selected_answer(call, "nodes/@Element", convert.write_node(view, call.base_url))


async def list_nodes(call: Call) -> Response:
    """``GET /pools/{poolId}/nodes``: one page of a pool's compute nodes."""
    selection = call.query.select(model.BatchNode)

    def write(page: Page[NodeView]) -> Response:
        nodes = [convert.write_node(view, call.base_url) for view in page.items]
        return answer_page(call, "nodes", select_items(selection, nodes), page)

    return await call.service.list_nodes(
        call.account,
        call.params["poolId"],
        after=call.query.after_key(),
        limit=call.query.max_results(),
        filter=await call.filter(filters.NODES),
        with_recent_tasks=selection.shows("recentTasks"),
        write=write,
    )


async def get_node_remote_login_settings(call: Call) -> Response:
    """``GET /pools/{poolId}/nodes/{nodeId}/remoteloginsettings``: where to log in (P-43)."""
    view = await call.service.get_node(call.account, call.params["poolId"], call.params["nodeId"])
    return answer(
        call, "noderemoteloginsettings/@Element", convert.write_remote_login_settings(view)
    )


async def reboot_node(call: Call) -> Response:
    """``POST /pools/{poolId}/nodes/{nodeId}/reboot``: restart a compute node (P-38)."""
    option = await call.read(pool_changes.read_reboot)
    pool_id, node_id = call.params["poolId"], call.params["nodeId"]
    node = await call.service.reboot_node(call.account, pool_id, node_id, option)
    return empty(202, {"DataServiceId": links.node(call.base_url, node.pool_id, node.id)})


async def reimage_node(call: Call) -> Response:
    """``POST /pools/{poolId}/nodes/{nodeId}/reimage``: refused, as in Azure (P-39).

    Only pools of cloud services could be reimaged, and there are none any more.
    """
    await call.read(pool_changes.read_reimage)
    await call.service.get_node(call.account, call.params["poolId"], call.params["nodeId"])
    raise Refused(
        ErrorCode.OPERATION_NOT_VALID_ON_NODE,
        Reason=(
            "Operation reimage can be invoked only on pools created with cloudServiceConfiguration"
        ),
    )
