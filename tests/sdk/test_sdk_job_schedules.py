"""Job schedules through the official client: how they are read and changed. Source: SC-1 ... SC-29.

When they make jobs is in `test_sdk_recurrence`.
"""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from azure.batch import BatchClient, models
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError

from tests import batch
from tests.batch import sh
from tests.raw import Answer, RawClient
from tests.service import FIRST, Service
from tests.waiting import wait_until

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TIMING = models.BatchJobScheduleConfiguration
SPECIFICATION = models.BatchJobSpecification

CreateSchedule = Callable[..., str]

_numbers = itertools.count(1)


@pytest.fixture
def create_schedule(client: BatchClient) -> Iterator[CreateSchedule]:
    """Make job schedules that are gone again after the test, with their jobs."""
    made: list[str] = []

    def create(pool_id: str = "no-such-pool", **options: Any) -> str:
        wish = models.BatchJobScheduleCreateOptions(
            id=f"schedule-{next(_numbers)}",
            display_name=options.pop("display_name", None),
            metadata=options.pop("metadata", None),
            schedule=TIMING(**options.pop("timing", {})),
            job_specification=specification(pool_id, **options),
        )
        client.create_job_schedule(wish)
        made.append(wish.id)
        return wish.id

    yield create
    for schedule_id in made:
        delete(client, schedule_id)


def specification(pool_id: str = "no-such-pool", **options: Any) -> models.BatchJobSpecification:
    return SPECIFICATION(pool_info=models.BatchPoolInfo(pool_id=pool_id), **options)


def delete(client: BatchClient, schedule_id: str) -> None:
    """Have a job schedule go, if it has not yet, and wait until it has."""
    try:
        client.begin_delete_job_schedule(schedule_id, polling_interval=1)
    except HttpResponseError as error:
        if batch.code_of(error) not in ("JobScheduleNotFound", "JobScheduleBeingDeleted"):
            raise
    wait_until(lambda: not exists(client, schedule_id), 20, f"{schedule_id} gone")


def exists(client: BatchClient, schedule_id: str) -> bool:
    try:
        return client.job_schedule_exists(schedule_id)
    except ResourceNotFoundError:  # Version 15.1 of the client raises instead of saying no.
        return False


def jobs_of(client: BatchClient, schedule_id: str, **options: Any) -> list[str]:
    return [job.id for job in client.list_jobs_from_schedule(schedule_id, **options)]


def refusal(act: Callable[..., object], *arguments: Any, **options: Any) -> tuple[int, str]:
    with pytest.raises(HttpResponseError) as caught:
        act(*arguments, **options)
    assert caught.value.status_code is not None
    return caught.value.status_code, batch.code_of(caught.value)


def create_raw(server: Service, client: BatchClient, timing: dict[str, str]) -> Answer:
    """Create a schedule without the client's own look at it, and have it go if it came to be."""
    body = {
        "id": "raw",
        "schedule": timing,
        "jobSpecification": {"poolInfo": {"poolId": "no-such-pool"}},
    }
    answer = RawClient(server, FIRST).request("POST", "/jobschedules", body)
    if answer.status == 201:
        delete(client, "raw")
    return answer


def test_a_schedule_is_shown_with_its_defaults(client, create_schedule):
    """SC-1, SC-3, SC-13, SC-20."""
    name = create_schedule(
        timing={"recurrence_interval": DAY, "start_window": HOUR},
        display_name="Every night",
        metadata=[models.BatchMetadataItem(name="team", value="a")],
    )

    found = client.get_job_schedule(name)

    assert (found.id, found.display_name, found.state) == (name, "Every night", "active")
    assert found.url.endswith(f"/jobschedules/{name}")
    assert found.creation_time == found.last_modified == found.state_transition_time
    assert (found.schedule.recurrence_interval, found.schedule.start_window) == (DAY, HOUR)
    assert found.schedule.do_not_run_until is None
    assert [(one.name, one.value) for one in found.metadata] == [("team", "a")]
    spec = found.job_specification
    assert (spec.priority, spec.max_parallel_tasks, spec.uses_task_dependencies) == (0, -1, False)
    assert spec.all_tasks_complete_mode == models.BatchAllTasksCompleteMode.NO_ACTION
    assert spec.constraints.max_task_retry_count == 0
    info = found.execution_info
    assert info.next_run_time == found.creation_time + DAY
    assert info.recent_job.id == f"{name}:job-1"
    assert info.recent_job.url.endswith(f"/jobs/{name}:job-1")
    assert info.end_time is None


def test_a_schedule_is_there_or_not(client, create_schedule):
    """SC-28."""
    name = create_schedule()
    assert exists(client, name)
    assert not exists(client, "no-such-schedule")
    assert refusal(client.get_job_schedule, "no-such-schedule") == (404, "JobScheduleNotFound")


def test_names_are_taken_once_by_jobs_and_schedules_together(client, create_schedule, create_job):
    """SC-1, J-1."""
    name, job = create_schedule(), create_job("no-such-pool")

    def create(schedule_id: str) -> tuple[int, str]:
        wish = models.BatchJobScheduleCreateOptions(
            id=schedule_id, schedule=TIMING(), job_specification=specification()
        )
        return refusal(client.create_job_schedule, wish)

    assert create(name) == (409, "JobScheduleExists")
    assert create(job) == (409, "JobWithSameIdExists")
    assert refusal(batch.create_job, client, name, "no-such-pool") == (
        409,
        "JobScheduleWithSameIdExists",
    )


@pytest.mark.parametrize(
    ("timing", "name"),
    [
        ({"recurrenceInterval": "PT59S"}, "recurrenceInterval"),
        ({"recurrenceInterval": "-PT1H"}, "recurrenceInterval"),
        ({"recurrenceInterval": "hourly"}, "recurrenceInterval"),
        ({"startWindow": "PT59S"}, "startWindow"),
        ({"doNotRunUntil": "tomorrow"}, "doNotRunUntil"),
        ({"doNotRunAfter": "2001-01-01T00:00:00Z"}, "doNotRunAfter"),
        (
            {"doNotRunUntil": "2199-01-02T00:00:00Z", "doNotRunAfter": "2199-01-01T00:00:00Z"},
            "doNotRunAfter",
        ),
    ],
)
def test_a_time_that_cannot_be_is_refused_by_its_name(server, client, timing, name):
    """SC-6, SC-7, SC-8."""
    answer = create_raw(server, client, timing)
    assert (answer.status, answer.code) == (400, "InvalidPropertyValue")
    assert answer.values["PropertyName"] == f"schedule.{name}"
    assert answer.values["PropertyValue"].startswith(timing[name].rstrip("Z"))
    assert answer.values["Reason"]


@pytest.mark.parametrize(
    "timing",
    [
        {"doNotRunUntil": "9999-12-31T23:59:59Z", "startWindow": "PT1H"},
        {"doNotRunUntil": "9999-12-31T23:59:59Z", "recurrenceInterval": "P1D"},
        {"doNotRunUntil": "0001-01-01T00:00:00Z", "recurrenceInterval": "PT1M"},
        {"recurrenceInterval": "P364999D", "startWindow": "P364999D"},
        {"doNotRunAfter": "9999-12-31T23:59:59Z", "recurrenceInterval": "P10675199DT2H48M5.47S"},
    ],
)
def test_the_ends_of_the_calendar_are_no_error(server, client, timing):
    assert create_raw(server, client, timing).status == 201


def test_a_patch_replaces_what_it_names_and_jobs_that_are_there_keep_what_they_have(
    client, create_schedule
):
    """SC-22, SC-24."""
    metadata = [models.BatchMetadataItem(name="team", value="a")]
    name = create_schedule(timing={"recurrence_interval": HOUR}, metadata=metadata, priority=3)
    change = models.BatchJobScheduleUpdateOptions(
        job_specification=specification("other-pool", priority=7)
    )
    before = client.get_job_schedule(name)

    client.update_job_schedule(name, change)

    found = client.get_job_schedule(name)
    assert found.etag != before.etag
    assert found.job_specification.priority == 7
    assert found.job_specification.pool_info.pool_id == "other-pool"
    assert found.schedule.recurrence_interval == HOUR
    assert [one.value for one in found.metadata] == ["a"]
    assert client.get_job(f"{name}:job-1").priority == 3
    batch.end_job(client, f"{name}:job-1")
    client.update_job_schedule(
        name, models.BatchJobScheduleUpdateOptions(schedule=TIMING(recurrence_interval=2 * HOUR))
    )
    found = client.get_job_schedule(name)
    assert found.execution_info.next_run_time == found.creation_time + 2 * HOUR


def test_a_put_gives_what_it_omits_its_default(client, create_schedule):
    """SC-23."""
    metadata = [models.BatchMetadataItem(name="team", value="a")]
    name = create_schedule(timing={"recurrence_interval": HOUR}, metadata=metadata, priority=3)

    client.replace_job_schedule(
        name, models.BatchJobSchedule(job_specification=specification(priority=9))
    )

    found = client.get_job_schedule(name)
    assert found.job_specification.priority == 9
    assert found.schedule.recurrence_interval is None
    assert not found.metadata
    assert found.state == "active"
    missing = refusal(client.replace_job_schedule, name, models.BatchJobSchedule({}))
    assert missing == (400, "MissingRequiredProperty")


def test_changes_are_made_only_to_what_was_seen(client, create_schedule):
    """The conditions of every request that changes."""
    name = create_schedule(timing={"recurrence_interval": HOUR})
    seen = client.get_job_schedule(name)
    client.disable_job_schedule(name, etag=seen.etag, match_condition=MatchConditions.IfNotModified)

    old = {"etag": seen.etag, "match_condition": MatchConditions.IfNotModified}
    patch = models.BatchJobScheduleUpdateOptions(metadata=[])
    put = models.BatchJobSchedule(job_specification=specification())
    requests: list[Callable[[], object]] = [
        lambda: client.update_job_schedule(name, patch, **old),
        lambda: client.replace_job_schedule(name, put, **old),
        lambda: client.enable_job_schedule(name, **old),
        lambda: client.begin_terminate_job_schedule(name, **old),
        lambda: client.begin_delete_job_schedule(name, **old),
        lambda: client.get_job_schedule(name, **old),
        lambda: client.job_schedule_exists(name, **old),
    ]
    for request in requests:
        with pytest.raises(ResourceModifiedError):
            request()
    same = client.get_job_schedule(name)
    with pytest.raises(HttpResponseError) as caught:
        client.get_job_schedule(name, etag=same.etag, match_condition=MatchConditions.IfModified)
    assert caught.value.status_code == 304
    with pytest.raises(HttpResponseError) as caught:
        client.enable_job_schedule(name, if_unmodified_since=same.last_modified - DAY)
    assert caught.value.status_code == 412
    assert client.get_job_schedule(name).state == "disabled"


def test_schedules_are_listed_filtered_and_selected(client, create_schedule):
    until = datetime.now(UTC).replace(microsecond=0) + DAY
    soon = create_schedule(timing={"do_not_run_until": until})
    later = create_schedule(timing={"do_not_run_until": until + DAY})
    client.disable_job_schedule(later)
    at = f"DateTime'{until:%Y-%m-%dT%H:%M:%SZ}'"

    def names(condition: str) -> set[str]:
        found = client.list_job_schedules(filter=condition, select=["id"])
        return {one.id for one in found} & {soon, later}

    assert names("startswith(id,'schedule-')") == {soon, later}
    assert names("state eq 'disabled'") == {later}
    assert names(f"schedule/doNotRunUntil gt {at}") == {later}
    assert names(f"schedule/doNotRunUntil le {at} and state ne 'completed'") == {soon}
    pages = client.list_job_schedules(max_results=1).by_page()
    assert all(len(list(page)) <= 1 for page in pages)
    chosen = client.get_job_schedule(soon, select=["id", "schedule"])
    assert chosen.schedule.do_not_run_until == until
    assert chosen.state is None
    with pytest.raises(HttpResponseError) as caught:
        names("mood eq 'good'")
    assert (caught.value.status_code, batch.code_of(caught.value)) == (
        400,
        "InvalidQueryParameterValue",
    )


def test_the_jobs_of_a_schedule_are_listed_apart_and_among_all(client, create_schedule, create_job):
    """SC-15."""
    name, plain = create_schedule(), create_job("no-such-pool")
    job = f"{name}:job-1"

    assert jobs_of(client, name) == [job]
    assert jobs_of(client, name, filter="state eq 'completed'") == []
    assert jobs_of(client, name, select=["id"], max_results=1) == [job]
    assert {job, plain} <= {one.id for one in client.list_jobs()}
    with pytest.raises(ResourceNotFoundError):
        jobs_of(client, "no-such-schedule")


def test_the_colon_in_the_address_of_a_job_may_be_escaped(server, create_schedule):
    """SC-15."""
    job = f"{create_schedule()}:job-1"
    for name in (job, quote(job, safe="")):
        answer = RawClient(server, FIRST).request("GET", f"/jobs/{name}")
        assert (answer.status, answer.json["id"]) == (200, job)


def test_a_disabled_schedule_leaves_its_job_alone_and_may_be_enabled(client, create_schedule):
    """SC-25, SC-29."""
    name = create_schedule(timing={"recurrence_interval": HOUR})
    client.disable_job_schedule(name)
    found = client.get_job_schedule(name)
    assert (found.state, found.previous_state) == ("disabled", "active")
    assert client.get_job(f"{name}:job-1").state == "active"
    assert refusal(client.disable_job_schedule, name) == (409, "JobScheduleDisabled")
    client.enable_job_schedule(name)
    assert client.get_job_schedule(name).state == "active"
    client.enable_job_schedule(name)


def test_a_terminated_schedule_ends_its_job_and_takes_no_change_any_more(
    client, wide, create_schedule
):
    """SC-26, SC-29."""
    name = create_schedule(wide)
    job = f"{name}:job-1"
    client.create_task(job, batch.task("long", sh("exec sleep 600")))
    batch.wait_for_task(client, job, "long", "running")

    client.begin_terminate_job_schedule(name, polling_interval=1).result()

    found = client.get_job_schedule(name)
    assert (found.state, found.previous_state) == ("completed", "terminating")
    assert found.execution_info.end_time == found.state_transition_time
    assert found.execution_info.next_run_time is None
    ended = client.get_job(job)
    assert (ended.state, ended.execution_info.termination_reason) == (
        "completed",
        "TerminateJobSchedule",
    )
    completed = (409, "JobScheduleCompleted")
    change = models.BatchJobScheduleUpdateOptions(metadata=[])
    assert refusal(client.update_job_schedule, name, change) == completed
    assert refusal(client.disable_job_schedule, name) == completed
    assert refusal(client.enable_job_schedule, name) == completed
    assert refusal(client.begin_terminate_job_schedule, name) == completed


def test_a_schedule_that_is_terminated_by_force_is_completed_at_once(client, wide, create_schedule):
    """J-42; its task is ended too."""
    name = create_schedule(wide)
    job = f"{name}:job-1"
    client.create_task(job, batch.task("long", sh("exec sleep 600")))
    batch.wait_for_task(client, job, "long", "running")

    client.begin_terminate_job_schedule(name, force=True, polling_interval=1)

    assert client.get_job_schedule(name).state == "completed"
    assert client.get_job(job).state == "completed"
    batch.wait_for_task(client, job, "long", "completed")


def test_a_schedule_that_is_deleted_by_force_is_gone(server, client, wide, create_schedule):
    """J-42, without the client, which cannot send it."""
    name = create_schedule(wide)
    job = f"{name}:job-1"
    client.create_task(job, batch.task("long", sh("exec sleep 600")))
    batch.wait_for_task(client, job, "long", "running")

    answer = RawClient(server, FIRST).request("DELETE", f"/jobschedules/{name}?force=true")

    assert answer.status == 202
    wait_until(lambda: not exists(client, name), 10, "the schedule gone")
    assert batch.is_gone(client, job)


def test_a_deleted_schedule_takes_its_jobs_and_their_files_with_it(client, wide, create_schedule):
    """SC-16, SC-27."""
    name = create_schedule(wide)
    job = f"{name}:job-1"
    ran = batch.run_task(client, job, batch.task("only", "printenv AZ_BATCH_JOB_ID"))
    assert batch.stdout(client, job, "only") == f"{job}\n"
    node = batch.node_of(ran)
    directory = f"workitems/{name}/job-1/only"
    assert directory in batch.node_files(client, wide, node)

    client.begin_delete_job_schedule(name, polling_interval=1).result()

    assert not exists(client, name)
    assert batch.is_gone(client, job)
    wait_until(
        lambda: directory not in batch.node_files(client, wide, node), 10, "the directory gone"
    )
