"""Routes of jobs."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from msgspec.structs import replace
from starlette.responses import Response

from batchyard.api import conditions
from batchyard.api.http import (
    Call,
    answer,
    answer_page,
    empty,
    revision_headers,
    select_items,
)
from batchyard.core.specs import JobChange
from batchyard.engine.views import JobNodeView, JobView, Page
from batchyard.wire import (
    filters,
    job_changes,
    job_nodes,
    links,
    model,
    odata,
    old_names,
    statistics,
    tasks,
)
from batchyard.wire import jobs as convert
from batchyard.wire.versions import ApiVersion


async def create_job(call: Call) -> Response:
    """``POST /jobs``: create a job (J-6)."""
    spec = await call.read(partial(convert.read_job, version=call.version))
    view = await call.service.create_job(call.account, spec)
    url = links.job(call.base_url, view.spec.id)
    return empty(201, _headers(view) | {"DataServiceId": url, "Location": url})


async def list_jobs(call: Call) -> Response:
    """``GET /jobs``: one page of the account's jobs."""
    return await answer_jobs(call, filters.JOBS)


async def answer_jobs(call: Call, table: filters.Table, schedule_id: str | None = None) -> Response:
    """Answer with one page of jobs: the account's, or those that a job schedule has made."""
    selection = call.query.select(model.BatchJob)
    wants_statistics = call.query.wants_statistics(selection)

    def write(page: Page[JobView]) -> Response:
        return answer_page(call, "jobs", _jobs_json(call, selection, page.items), page)

    return await call.service.list_jobs(
        call.account,
        after=call.query.after_key(),
        limit=call.query.max_results(),
        filter=await call.filter(table),
        schedule_id=schedule_id,
        with_statistics=wants_statistics,
        write=write,
    )


async def get_job(call: Call) -> Response:
    """``GET /jobs/{jobId}``: one job."""
    selection = call.query.select(model.BatchJob)
    view = await call.service.get_job(
        call.account,
        call.params["jobId"],
        with_statistics=call.query.wants_statistics(selection),
    )
    conditions.check(call, *_revision(view))
    [job] = _jobs_json(call, selection, [view])
    return answer(call, "jobs/@Element", job, _headers(view))


def _shown(call: Call, view: JobView) -> model.BatchJob:
    """Return a job, with its statistics where they were read."""
    job = convert.write_job(view, call.base_url)
    if view.statistics is None:
        return job
    found = statistics.write_job_statistics(view, call.base_url, call.clock.now())
    return replace(job, stats=found)


async def update_job(call: Call) -> Response:
    """``PATCH /jobs/{jobId}``: change what the request names (J-28)."""
    return await _change(call, job_changes.read_job_patch)


async def replace_job(call: Call) -> Response:
    """``PUT /jobs/{jobId}``: change all that can be; what is omitted gets its default (J-29)."""
    return await _change(call, job_changes.read_job_replacement)


async def disable_job(call: Call) -> Response:
    """``POST /jobs/{jobId}/disable``: run nothing more of a job (J-35, J-36)."""
    guard = conditions.guard(call, _revision)
    what = await call.read(convert.read_disable)
    view = await call.service.disable_job(call.account, call.params["jobId"], what, guard)
    return empty(202, _verb_headers(call, view))


async def enable_job(call: Call) -> Response:
    """``POST /jobs/{jobId}/enable``: run tasks of a job again (J-37)."""
    guard = conditions.guard(call, _revision)
    view = await call.service.enable_job(call.account, call.params["jobId"], guard)
    return empty(202, _verb_headers(call, view))


async def terminate_job(call: Call) -> Response:
    """``POST /jobs/{jobId}/terminate``: end a job and what runs of it (J-39, J-40)."""
    is_forced = call.query.is_true("force")
    guard = conditions.guard(call, _revision)
    reason = await call.read(convert.read_terminate_reason)
    view = await call.service.terminate_job(
        call.account, call.params["jobId"], reason, guard, is_forced=is_forced
    )
    return empty(202, _verb_headers(call, view))


async def delete_job(call: Call) -> Response:
    """``DELETE /jobs/{jobId}``: delete a job with its tasks (J-44)."""
    is_forced = call.query.is_true("force")
    guard = conditions.guard(call, _revision)
    await call.service.delete_job(call.account, call.params["jobId"], guard, is_forced=is_forced)
    return empty(202)


async def get_job_task_counts(call: Call) -> Response:
    """``GET /jobs/{jobId}/taskcounts``: the job's tasks by state (T-64)."""
    counts = await call.service.task_counts(call.account, call.params["jobId"])
    result = tasks.write_task_counts(counts)
    if not call.version.has_task_slots:
        return answer(call, "taskcounts/@Element", result.task_counts)
    return answer(call, "taskcountsresult/@Element", result)


async def list_job_preparation_and_release_task_status(call: Call) -> Response:
    """``GET /jobs/{jobId}/jobpreparationandreleasetaskstatus``: each node's runs (J-86)."""
    selection = call.query.select(model.BatchJobPreparationAndReleaseTaskStatus)

    def write(page: Page[JobNodeView]) -> Response:
        ran = [view for view in page.items if job_nodes.has_run(view)]
        runs = [job_nodes.write_job_node(view, call.base_url) for view in ran]
        entity = "jobpreparationandreleasetaskstatuslist"
        return answer_page(call, entity, select_items(selection, runs), page)

    return await call.service.list_job_nodes(
        call.account,
        call.params["jobId"],
        after=call.query.after_key(),
        limit=call.query.max_results(),
        filter=await call.filter(filters.JOB_NODES),
        write=write,
    )


def _jobs_json(
    call: Call, selection: odata.Selection, views: Sequence[JobView]
) -> Sequence[object]:
    """Return jobs in the words of the call's api-version."""
    jobs = [_shown(call, view) for view in views]
    return old_names.in_words_of(call.version, select_items(selection, jobs), old_names.JOB)


async def _change(call: Call, read: Callable[[bytes, ApiVersion], JobChange]) -> Response:
    guard = conditions.guard(call, _revision)
    change = await call.read(lambda body: read(body, call.version))
    view = await call.service.update_job(call.account, call.params["jobId"], change, guard)
    return empty(200, _verb_headers(call, view))


def _revision(view: JobView) -> tuple[datetime, str]:
    return view.job.last_modified, convert.etag(view)


def _verb_headers(call: Call, view: JobView) -> dict[str, str]:
    return _headers(view) | {"DataServiceId": links.job(call.base_url, view.spec.id)}


def _headers(view: JobView) -> dict[str, str]:
    return revision_headers(convert.etag(view), view.job.last_modified)
