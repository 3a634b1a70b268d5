"""Routes of job schedules."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

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
from batchyard.api.jobs import answer_jobs
from batchyard.core.specs import JobScheduleChange
from batchyard.engine.views import JobScheduleView, Page
from batchyard.wire import filters, links, model, odata, old_names
from batchyard.wire import job_schedules as convert
from batchyard.wire.versions import ApiVersion


async def create_job_schedule(call: Call) -> Response:
    """``POST /jobschedules``: create a job schedule (SC-1)."""
    spec = await call.read(partial(convert.read_job_schedule, version=call.version))
    view = await call.service.create_job_schedule(call.account, spec)
    url = links.job_schedule(call.base_url, view.spec.id)
    return empty(201, _headers(view) | {"DataServiceId": url, "Location": url})


async def list_job_schedules(call: Call) -> Response:
    """``GET /jobschedules``: one page of the account's job schedules."""
    selection = call.query.select(model.BatchJobSchedule)

    def write(page: Page[JobScheduleView]) -> Response:
        return answer_page(call, "jobschedules", _json(call, selection, page.items), page)

    return await call.service.list_job_schedules(
        call.account,
        after=call.query.after_key(),
        limit=call.query.max_results(),
        filter=await call.filter(filters.JOB_SCHEDULES),
        with_statistics=call.query.wants_statistics(selection),
        write=write,
    )


async def get_job_schedule(call: Call) -> Response:
    """``GET /jobschedules/{jobScheduleId}``: one job schedule (SC-20)."""
    selection = call.query.select(model.BatchJobSchedule)
    view = await call.service.get_job_schedule(
        call.account,
        call.params["jobScheduleId"],
        with_statistics=call.query.wants_statistics(selection),
    )
    conditions.check(call, *_revision(view))
    [schedule] = _json(call, selection, [view])
    return answer(call, "jobschedules/@Element", schedule, _headers(view))


async def job_schedule_exists(call: Call) -> Response:
    """``HEAD /jobschedules/{jobScheduleId}``: whether there is such a job schedule (SC-28)."""
    view = await call.service.get_job_schedule(call.account, call.params["jobScheduleId"])
    conditions.check(call, *_revision(view))
    return empty(200, _headers(view))


async def update_job_schedule(call: Call) -> Response:
    """``PATCH /jobschedules/{jobScheduleId}``: change what the request names (SC-22)."""
    return await _change(call, convert.read_patch)


async def replace_job_schedule(call: Call) -> Response:
    """``PUT /jobschedules/{jobScheduleId}``: what is omitted gets its default (SC-23)."""
    return await _change(call, convert.read_replacement)


async def disable_job_schedule(call: Call) -> Response:
    """``POST /jobschedules/{jobScheduleId}/disable``: make no more jobs for now (SC-25)."""
    guard = conditions.guard(call, _revision)
    view = await call.service.disable_job_schedule(
        call.account, call.params["jobScheduleId"], guard
    )
    return empty(204, _verb_headers(call, view))


async def enable_job_schedule(call: Call) -> Response:
    """``POST /jobschedules/{jobScheduleId}/enable``: make jobs again (SC-25)."""
    guard = conditions.guard(call, _revision)
    view = await call.service.enable_job_schedule(call.account, call.params["jobScheduleId"], guard)
    return empty(204, _verb_headers(call, view))


async def terminate_job_schedule(call: Call) -> Response:
    """``POST /jobschedules/{jobScheduleId}/terminate``: end it and its active job (SC-26)."""
    is_forced = call.query.is_true("force")
    guard = conditions.guard(call, _revision)
    view = await call.service.terminate_job_schedule(
        call.account, call.params["jobScheduleId"], guard, is_forced=is_forced
    )
    return empty(202, _verb_headers(call, view))


async def delete_job_schedule(call: Call) -> Response:
    """``DELETE /jobschedules/{jobScheduleId}``: delete it with all of its jobs (SC-27)."""
    is_forced = call.query.is_true("force")
    guard = conditions.guard(call, _revision)
    await call.service.delete_job_schedule(
        call.account, call.params["jobScheduleId"], guard, is_forced=is_forced
    )
    return empty(202)


async def list_jobs_from_schedule(call: Call) -> Response:
    """``GET /jobschedules/{jobScheduleId}/jobs``: one page of the jobs that it has made."""
    return await answer_jobs(call, filters.SCHEDULED_JOBS, call.params["jobScheduleId"])


def _json(
    call: Call, selection: odata.Selection, views: Sequence[JobScheduleView]
) -> Sequence[object]:
    """Return job schedules in the words of the call's api-version."""
    now = call.clock.now()
    schedules = [convert.write_job_schedule(view, call.base_url, now) for view in views]
    items = select_items(selection, schedules)
    return old_names.in_words_of(call.version, items, old_names.SCHEDULE)


async def _change(call: Call, read: Callable[[bytes, ApiVersion], JobScheduleChange]) -> Response:
    guard = conditions.guard(call, _revision)
    change = await call.read(lambda body: read(body, call.version))
    view = await call.service.update_job_schedule(
        call.account, call.params["jobScheduleId"], change, guard
    )
    return empty(200, _verb_headers(call, view))


def _revision(view: JobScheduleView) -> tuple[datetime, str]:
    return view.schedule.last_modified, convert.etag(view)


def _headers(view: JobScheduleView) -> dict[str, str]:
    return revision_headers(convert.etag(view), view.schedule.last_modified)


def _verb_headers(call: Call, view: JobScheduleView) -> dict[str, str]:
    return _headers(view) | {"DataServiceId": links.job_schedule(call.base_url, view.spec.id)}
