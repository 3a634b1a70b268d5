"""Routes of jobs."""

from starlette.responses import Response

from batchyard.api import conditions
from batchyard.api.http import (
    Call,
    answer,
    answer_list,
    empty,
    revision_headers,
    select_items,
    selected_answer,
    write_all,
)
from batchyard.engine.views import JobView
from batchyard.wire import jobs as convert
from batchyard.wire import links, model, odata, tasks


async def create_job(call: Call) -> Response:
    """``POST /jobs``: create a job (J-6)."""
    spec = convert.read_job(await call.body())
    view = await call.service.create_job(call.account, spec)
    url = links.job(call.base_url, view.spec.id)
    return empty(201, _headers(view) | {"DataServiceId": url, "Location": url})


async def list_jobs(call: Call) -> Response:
    """``GET /jobs``: one page of the account's jobs."""
    call.query.refuse_expand()
    call.query.refuse_filter()
    selection = call.query.select(model.BatchJob)
    page = await call.service.list_jobs(
        call.account, after=call.query.after_key(), limit=call.query.max_results()
    )
    jobs = await write_all(convert.write_job, page.items, call.base_url)
    token = None if page.next_after is None else odata.key_token(page.next_after)
    return answer_list(call, "jobs", select_items(selection, jobs), token)


async def get_job(call: Call) -> Response:
    """``GET /jobs/{jobId}``: one job."""
    call.query.refuse_expand()
    view = await call.service.get_job(call.account, call.params["jobId"])
    conditions.check(call, view.job.last_modified, convert.etag(view))
    return selected_answer(
        call, "jobs/@Element", convert.write_job(view, call.base_url), _headers(view)
    )


async def terminate_job(call: Call) -> Response:
    """``POST /jobs/{jobId}/terminate``: end a job and what runs of it (J-39, J-40)."""
    call.query.refuse_force()
    reason = convert.read_terminate_reason(await call.body())
    await _check_conditions(call)
    view = await call.service.terminate_job(call.account, call.params["jobId"], reason)
    return empty(202, _headers(view) | {"DataServiceId": call.url})


async def delete_job(call: Call) -> Response:
    """``DELETE /jobs/{jobId}``: delete a job with its tasks (J-44)."""
    call.query.refuse_force()
    await _check_conditions(call)
    await call.service.delete_job(call.account, call.params["jobId"])
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
    call.query.refuse_filter()
    selection = call.query.select(model.BatchJobPreparationAndReleaseTaskStatus)
    page = await call.service.list_job_nodes(
        call.account,
        call.params["jobId"],
        after=call.query.after_key(),
        limit=call.query.max_results(),
    )
    ran = [view for view in page.items if convert.has_run(view)]
    runs = await write_all(convert.write_job_node, ran, call.base_url)
    token = None if page.next_after is None else odata.key_token(page.next_after)
    return answer_list(
        call,
        "jobpreparationandreleasetaskstatuslist",
        select_items(selection, runs),
        token,
    )


async def _check_conditions(call: Call) -> None:
    if conditions.are_given(call):
        view = await call.service.get_job(call.account, call.params["jobId"])
        conditions.check(call, view.job.last_modified, convert.etag(view))


def _headers(view: JobView) -> dict[str, str]:
    return revision_headers(convert.etag(view), view.job.last_modified)
