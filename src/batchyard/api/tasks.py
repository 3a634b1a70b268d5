"""Routes of tasks."""

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
from batchyard.core.errors import Refused
from batchyard.engine.views import TaskAdded, TaskView
from batchyard.wire import links, model, odata
from batchyard.wire import tasks as convert


async def create_task(call: Call) -> Response:
    """``POST /jobs/{jobId}/tasks``: add a task (T-2)."""
    spec = convert.read_task(await call.body())
    view = await call.service.add_task(call.account, call.params["jobId"], spec)
    url = links.task(call.base_url, view.job_id, view.spec.id)
    return empty(201, _headers(view) | {"DataServiceId": url, "Location": url})


async def create_task_collection(call: Call) -> Response:
    """``POST /jobs/{jobId}/addtaskcollection``: add up to 100 tasks, each on its own merits.

    The answer is 200 even when some tasks were refused; each result says so itself (T-3).
    """
    job_id = call.params["jobId"]
    group = convert.read_task_group(await call.body())
    specs = [spec for _, spec in group if not isinstance(spec, Refused)]
    added = iter(await call.service.add_tasks(call.account, job_id, specs))
    now = call.clock.now()
    results = [
        convert.write_added(
            TaskAdded(task_id=task_id, refused=spec) if isinstance(spec, Refused) else next(added),
            job_id=job_id,
            base_url=call.base_url,
            request_id=call.request_id,
            now=now,
        )
        for task_id, spec in group
    ]
    return answer(call, "taskaddresult", model.BatchCreateTaskCollectionResult(value=results))


async def list_tasks(call: Call) -> Response:
    """``GET /jobs/{jobId}/tasks``: one page of a job's tasks."""
    call.query.refuse_expand()
    call.query.refuse_filter()
    selection = call.query.select(model.BatchTask)
    page = await call.service.list_tasks(
        call.account,
        call.params["jobId"],
        after=call.query.after_key(),
        limit=call.query.max_results(),
    )
    tasks = await write_all(convert.write_task, page.items, call.base_url)
    token = None if page.next_after is None else odata.key_token(page.next_after)
    return answer_list(call, "tasks", select_items(selection, tasks), token)


async def get_task(call: Call) -> Response:
    """``GET /jobs/{jobId}/tasks/{taskId}``: one task."""
    call.query.refuse_expand()
    view = await call.service.get_task(call.account, call.params["jobId"], call.params["taskId"])
    conditions.check(call, view.creation_time, convert.etag(view))
    task = convert.write_task(view, call.base_url)
    url = links.task(call.base_url, view.job_id, view.spec.id)
    return selected_answer(call, "tasks/@Element", task, _headers(view) | {"DataServiceId": url})


async def delete_task(call: Call) -> Response:
    """``DELETE /jobs/{jobId}/tasks/{taskId}``: delete a task, and end it if it runs (T-23)."""
    job_id, task_id = call.params["jobId"], call.params["taskId"]
    if conditions.are_given(call):
        view = await call.service.get_task(call.account, job_id, task_id)
        conditions.check(call, view.creation_time, convert.etag(view))
    await call.service.delete_task(call.account, job_id, task_id)
    return empty(200)


def _headers(view: TaskView) -> dict[str, str]:
    return revision_headers(convert.etag(view), view.creation_time)
