"""Routes of tasks."""

from datetime import datetime

from msgspec.structs import replace
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
    selected_answer,
)
from batchyard.core.errors import Refused
from batchyard.engine.views import Page, TaskAdded, TaskView
from batchyard.wire import filters, links, model, statistics, subtasks
from batchyard.wire import tasks as convert


async def create_task(call: Call) -> Response:
    """``POST /jobs/{jobId}/tasks``: add a task (T-2)."""
    spec = await call.read(convert.read_task)
    view = await call.service.add_task(call.account, call.params["jobId"], spec)
    url = links.task(call.base_url, view.job_id, view.spec.id)
    return empty(201, _headers(view) | {"DataServiceId": url, "Location": url})


async def create_task_collection(call: Call) -> Response:
    """``POST /jobs/{jobId}/addtaskcollection``: add up to 100 tasks, each on its own merits.

    The answer is 200 even when some tasks were refused; each result says so itself (T-3).
    """
    job_id = call.params["jobId"]
    group = await call.read(convert.read_task_group)
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


async def list_subtasks(call: Call) -> Response:
    """``GET /jobs/{jobId}/tasks/{taskId}/subtasksinfo``: subtasks but the primary's (T-62)."""
    selection = call.query.select(model.BatchSubtask)
    views = await call.service.list_subtasks(
        call.account, call.params["jobId"], call.params["taskId"]
    )
    found = [subtasks.write_subtask(view, call.base_url) for view in views]
    return answer_list(call, "subtasks", select_items(selection, found), None)


async def list_tasks(call: Call) -> Response:
    """``GET /jobs/{jobId}/tasks``: one page of a job's tasks."""
    selection = call.query.select(model.BatchTask)
    show = _shown if call.query.wants_statistics(selection) else _shown_plainly

    def write(page: Page[TaskView]) -> Response:
        tasks = [show(call, view) for view in page.items]
        return answer_page(call, "tasks", select_items(selection, tasks), page)

    return await call.service.list_tasks(
        call.account,
        call.params["jobId"],
        after=call.query.after_key(),
        limit=call.query.max_results(),
        filter=await call.filter(filters.TASKS),
        write=write,
    )


async def get_task(call: Call) -> Response:
    """``GET /jobs/{jobId}/tasks/{taskId}``: one task."""
    wants_statistics = call.query.wants_statistics(call.query.select(model.BatchTask))
    view = await call.service.get_task(call.account, call.params["jobId"], call.params["taskId"])
    conditions.check(call, *_revision(view))
    task = _shown(call, view) if wants_statistics else _shown_plainly(call, view)
    return selected_answer(call, "tasks/@Element", task, _verb_headers(call, view))


def _shown_plainly(call: Call, view: TaskView) -> model.BatchTask:
    return convert.write_task(view, call.base_url)


def _shown(call: Call, view: TaskView) -> model.BatchTask:
    """Return a task with its statistics."""
    found = statistics.write_task_statistics(view, call.base_url, call.clock.now())
    return replace(_shown_plainly(call, view), stats=found)


async def replace_task(call: Call) -> Response:
    """``PUT /jobs/{jobId}/tasks/{taskId}``: change a task's constraints (T-24)."""
    guard = conditions.guard(call, _revision)
    constraints = await call.read(convert.read_task_update)
    job_id, task_id = call.params["jobId"], call.params["taskId"]
    view = await call.service.update_task(call.account, job_id, task_id, constraints, guard)
    return empty(200, _verb_headers(call, view))


async def terminate_task(call: Call) -> Response:
    """``POST /jobs/{jobId}/tasks/{taskId}/terminate``: end a task; its files stay (T-21)."""
    guard = conditions.guard(call, _revision)
    await call.body()
    job_id, task_id = call.params["jobId"], call.params["taskId"]
    view = await call.service.terminate_task(call.account, job_id, task_id, guard)
    return empty(204, _verb_headers(call, view))


async def reactivate_task(call: Call) -> Response:
    """``POST /jobs/{jobId}/tasks/{taskId}/reactivate``: run a failed task again (T-22)."""
    guard = conditions.guard(call, _revision)
    await call.body()
    job_id, task_id = call.params["jobId"], call.params["taskId"]
    view = await call.service.reactivate_task(call.account, job_id, task_id, guard)
    return empty(204, _verb_headers(call, view))


async def delete_task(call: Call) -> Response:
    """``DELETE /jobs/{jobId}/tasks/{taskId}``: delete a task, and end it if it runs (T-23)."""
    guard = conditions.guard(call, _revision)
    job_id, task_id = call.params["jobId"], call.params["taskId"]
    await call.service.delete_task(call.account, job_id, task_id, guard)
    return empty(200)


def _revision(view: TaskView) -> tuple[datetime, str]:
    return view.task.last_modified, convert.etag(view)


def _headers(view: TaskView) -> dict[str, str]:
    return revision_headers(convert.etag(view), view.task.last_modified)


def _verb_headers(call: Call, view: TaskView) -> dict[str, str]:
    url = links.task(call.base_url, view.job_id, view.spec.id)
    return _headers(view) | {"DataServiceId": url}
