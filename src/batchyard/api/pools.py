"""Routes of pools, and what is asked about all of them."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from starlette.responses import Response

from batchyard.api import conditions
from batchyard.api.http import (
    Call,
    answer,
    answer_list,
    answer_page,
    empty,
    revision_headers,
    select_items,
)
from batchyard.engine.views import Page, PoolView
from batchyard.wire import filters, images, links, model, odata, old_names, pool_changes
from batchyard.wire import pools as convert

#: Pools on one page of node counts unless asked otherwise. Source: L-34.
_NODE_COUNTS_DEFAULT = 10


async def create_pool(call: Call) -> Response:
    """``POST /pools``: create a pool (P-1)."""
    spec = await call.read(partial(convert.read_pool, version=call.version))
    view = await call.service.create_pool(call.account, spec)
    url = links.pool(call.base_url, view.spec.id)
    return empty(201, _headers(view) | {"DataServiceId": url, "Location": url})


async def list_pools(call: Call) -> Response:
    """``GET /pools``: one page of the account's pools."""
    selection = call.query.select(model.BatchPool)
    call.query.refuse_statistics(selection)

    def write(page: Page[PoolView]) -> Response:
        return answer_page(call, "pools", _pools_json(call, selection, page.items), page)

    return await call.service.list_pools(
        call.account,
        after=call.query.after_key(),
        limit=call.query.max_results(),
        filter=await call.filter(filters.POOLS),
        write=write,
    )


async def get_pool(call: Call) -> Response:
    """``GET /pools/{poolId}``: one pool."""
    selection = call.query.select(model.BatchPool)
    call.query.refuse_statistics(selection)
    view = await call.service.get_pool(call.account, call.params["poolId"])
    conditions.check(call, *_revision(view))
    [pool] = _pools_json(call, selection, [view])
    return answer(call, "pools/@Element", pool, _headers(view))


async def pool_exists(call: Call) -> Response:
    """``HEAD /pools/{poolId}``: whether there is such a pool."""
    view = await call.service.get_pool(call.account, call.params["poolId"])
    conditions.check(call, *_revision(view))
    return empty(200, _headers(view))


async def update_pool(call: Call) -> Response:
    """``PATCH /pools/{poolId}``: change what the request names (P-12)."""
    guard = conditions.guard(call, _revision)
    change = await call.read(pool_changes.read_pool_patch)
    view = await call.service.update_pool(call.account, call.params["poolId"], change, guard)
    return empty(200, _verb_headers(call, view))


async def replace_pool_properties(call: Call) -> Response:
    """``POST /pools/{poolId}/updateproperties``: change all that can be, or take it away (P-13)."""
    change = await call.read(pool_changes.read_pool_replacement)
    view = await call.service.update_pool(call.account, call.params["poolId"], change)
    return empty(204, _verb_headers(call, view))


async def resize_pool(call: Call) -> Response:
    """``POST /pools/{poolId}/resize``: give a pool another size (P-16)."""
    guard = conditions.guard(call, _revision)
    resize = await call.read(pool_changes.read_resize)
    view = await call.service.resize_pool(call.account, call.params["poolId"], resize, guard)
    return empty(202, _verb_headers(call, view))


async def remove_nodes(call: Call) -> Response:
    """``POST /pools/{poolId}/removenodes``: take certain nodes away (P-21)."""
    guard = conditions.guard(call, _revision)
    removal = await call.read(pool_changes.read_removal)
    view = await call.service.remove_nodes(
        call.account,
        call.params["poolId"],
        removal.node_ids,
        removal.timeout,
        removal.option,
        guard,
    )
    return empty(202, _verb_headers(call, view))


async def delete_pool(call: Call) -> Response:
    """``DELETE /pools/{poolId}``: delete a pool with its nodes (S-7)."""
    guard = conditions.guard(call, _revision)
    await call.service.delete_pool(call.account, call.params["poolId"], guard)
    return empty(202)


async def list_pool_node_counts(call: Call) -> Response:
    """``GET /nodecounts``: the nodes of each pool by state (P-47)."""
    page = await call.service.node_counts(
        call.account,
        pool_id=call.query.pool_id_filter(),
        after=call.query.after_key(),
        limit=call.query.max_results(_NODE_COUNTS_DEFAULT),
    )
    counts = [convert.write_node_counts(counts) for counts in page.items]
    return answer_page(call, "poolnodecounts", counts, page)


async def list_supported_images(call: Call) -> Response:
    """``GET /supportedimages``: images that clients choose from (P-48)."""
    selected = images.select(await call.filter(filters.SUPPORTED_IMAGES))
    start = call.query.after_key() or 0
    end = start + call.query.max_results()
    token = odata.key_token(end) if end < len(selected) else None
    return answer_list(call, "supportedimages", selected[start:end], token)


def _pools_json(
    call: Call, selection: odata.Selection, views: Sequence[PoolView]
) -> Sequence[object]:
    """Return pools in the words of the call's api-version."""
    pools = [convert.write_pool(view, call.base_url) for view in views]
    return old_names.in_words_of(call.version, select_items(selection, pools))


def _revision(view: PoolView) -> tuple[datetime, str]:
    return view.pool.last_modified, convert.etag(view)


def _headers(view: PoolView) -> dict[str, str]:
    return revision_headers(convert.etag(view), view.pool.last_modified)


def _verb_headers(call: Call, view: PoolView) -> dict[str, str]:
    return _headers(view) | {"DataServiceId": links.pool(call.base_url, view.spec.id)}
