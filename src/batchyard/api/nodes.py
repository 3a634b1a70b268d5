"""Routes of compute nodes."""

from starlette.responses import Response

from batchyard.api.http import Call, answer_list, select_items, selected_answer, write_all
from batchyard.wire import model, odata
from batchyard.wire import nodes as convert


async def get_node(call: Call) -> Response:
    """``GET /pools/{poolId}/nodes/{nodeId}``: one compute node."""
    view = await call.service.get_node(call.account, call.params["poolId"], call.params["nodeId"])
    return selected_answer(call, "nodes/@Element", convert.write_node(view, call.base_url))


async def list_nodes(call: Call) -> Response:
    """``GET /pools/{poolId}/nodes``: one page of a pool's compute nodes."""
    call.query.refuse_filter()
    selection = call.query.select(model.BatchNode)
    page = await call.service.list_nodes(
        call.account,
        call.params["poolId"],
        after=call.query.after_key(),
        limit=call.query.max_results(),
    )
    nodes = await write_all(convert.write_node, page.items, call.base_url)
    token = None if page.next_after is None else odata.key_token(page.next_after)
    return answer_list(call, "nodes", select_items(selection, nodes), token)
