"""Routes of pools, and what is asked about all of them."""

from collections.abc import Sequence

from starlette.responses import Response

from batchyard.api import conditions
from batchyard.api.http import (
    Call,
    answer,
    answer_list,
    empty,
    revision_headers,
    select_items,
    write_all,
)
from batchyard.engine.views import PoolView
from batchyard.wire import images, links, model, odata
from batchyard.wire import pools as convert

#: Pools on one page of node counts unless asked otherwise. Source: L-34.
_NODE_COUNTS_DEFAULT = 10


async def create_pool(call: Call) -> Response:
    """``POST /pools``: create a pool (P-1)."""
    spec = convert.read_pool(await call.body(), call.version)
    view = await call.service.create_pool(call.account, spec)
    url = links.pool(call.base_url, view.spec.id)
    return empty(201, _headers(view) | {"DataServiceId": url, "Location": url})


async def list_pools(call: Call) -> Response:
    """``GET /pools``: one page of the account's pools."""
    call.query.refuse_expand()
    call.query.refuse_filter()
    selection = call.query.select(model.BatchPool)
    page = await call.service.list_pools(
        call.account, after=call.query.after_key(), limit=call.query.max_results()
    )
    token = None if page.next_after is None else odata.key_token(page.next_after)
    pools = await _pools_json(call, selection, page.items)
    return answer_list(call, "pools", pools, token)


async def get_pool(call: Call) -> Response:
    """``GET /pools/{poolId}``: one pool."""
    call.query.refuse_expand()
    selection = call.query.select(model.BatchPool)
    view = await call.service.get_pool(call.account, call.params["poolId"])
    conditions.check(call, view.pool.last_modified, convert.etag(view))
    [pool] = await _pools_json(call, selection, [view])
    return answer(call, "pools/@Element", pool, _headers(view))


async def pool_exists(call: Call) -> Response:
    """``HEAD /pools/{poolId}``: whether there is such a pool."""
    view = await call.service.get_pool(call.account, call.params["poolId"])
    conditions.check(call, view.pool.last_modified, convert.etag(view))
    return empty(200, _headers(view))


async def delete_pool(call: Call) -> Response:
    """``DELETE /pools/{poolId}``: delete a pool with its nodes (S-7)."""
    pool_id = call.params["poolId"]
    if conditions.are_given(call):
        view = await call.service.get_pool(call.account, pool_id)
        conditions.check(call, view.pool.last_modified, convert.etag(view))
    await call.service.delete_pool(call.account, pool_id)
    return empty(202)


async def list_pool_node_counts(call: Call) -> Response:
    """``GET /nodecounts``: the nodes of each pool by state (P-47)."""
    page = await call.service.node_counts(
        call.account,
        pool_id=call.query.pool_id_filter(),
        after=call.query.after_key(),
        limit=call.query.max_results(_NODE_COUNTS_DEFAULT),
    )
    token = None if page.next_after is None else odata.key_token(page.next_after)
    counts = [convert.write_node_counts(counts) for counts in page.items]
    return answer_list(call, "poolnodecounts", counts, token)


async def list_supported_images(call: Call) -> Response:
    """``GET /supportedimages``: images that clients choose from (P-48)."""
    call.query.refuse_filter()
    start = call.query.after_key() or 0
    end = start + call.query.max_results()
    token = odata.key_token(end) if end < len(images.SUPPORTED_IMAGES) else None
    return answer_list(call, "supportedimages", images.SUPPORTED_IMAGES[start:end], token)


async def _pools_json(
    call: Call, selection: odata.Selection, views: Sequence[PoolView]
) -> Sequence[object]:
    """Return pools in the words of the call's api-version."""
    pools = await write_all(convert.write_pool, views, call.base_url)
    return convert.in_words_of(call.version, select_items(selection, pools))


def _headers(view: PoolView) -> dict[str, str]:
    return revision_headers(convert.etag(view), view.pool.last_modified)
