"""Updates of pools, jobs and tasks, and their conditions, through the official client."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from azure.batch import BatchClient, models
from azure.batch.models._models import BatchJobTerminateOptions
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceModifiedError

from tests import batch
from tests.batch import sh
from tests.waiting import wait_until

JOB_CONSTRAINTS = models.BatchJobConstraints
TASK_CONSTRAINTS = models.BatchTaskConstraints

IF_SAME = MatchConditions.IfNotModified
IF_OTHER = MatchConditions.IfModified


@dataclass(frozen=True)
class Resource:
    """One resource: how it is read, changed and taken away."""

    get: Callable[..., Any]
    change: Callable[..., None]
    delete: Callable[..., object]


@pytest.fixture(params=["pool", "job", "task"])
def resource(request, client: BatchClient, make_pool, create_job) -> Resource:
    """A pool, a job and a task in turn."""
    pool = make_pool(nodes=0, is_ready=False)
    if request.param == "pool":
        update = models.BatchPoolUpdateOptions(metadata=[])
        return Resource(
            lambda **condition: client.get_pool(pool, **condition),
            lambda **condition: client.update_pool(pool, update, **condition),
            lambda **condition: client.begin_delete_pool(pool, polling_interval=1, **condition),
        )
    job = create_job(pool)
    if request.param == "job":
        change = models.BatchJobUpdateOptions(priority=7)
        return Resource(
            lambda **condition: client.get_job(job, **condition),
            lambda **condition: client.update_job(job, change, **condition),
            lambda **condition: client.begin_delete_job(job, polling_interval=1, **condition),
        )
    client.create_task(job, batch.task("t", "true"))
    replacement = models.BatchTask(constraints=TASK_CONSTRAINTS(max_task_retry_count=2))
    return Resource(
        lambda **condition: client.get_task(job, "t", **condition),
        lambda **condition: client.replace_task(job, "t", replacement, **condition),
        lambda **condition: client.delete_task(job, "t", **condition),
    )


def test_what_has_not_changed_need_not_be_read_again(resource: Resource):
    etag = resource.get().etag

    with pytest.raises(HttpResponseError) as caught:
        resource.get(etag=etag, match_condition=IF_OTHER)

    assert caught.value.status_code == 304
    assert resource.get(etag=etag, match_condition=IF_SAME).etag == etag
    assert resource.get(etag="0xSOMETHINGELSE", match_condition=IF_OTHER).etag == etag


def test_a_change_can_be_bound_to_what_was_read(resource: Resource):
    read = resource.get().etag
    resource.change(etag=read, match_condition=IF_SAME)
    assert resource.get().etag != read

    for act in (resource.change, resource.delete):
        with pytest.raises(ResourceModifiedError) as caught:
            act(etag=read, match_condition=IF_SAME)
        assert caught.value.status_code == 412
        assert batch.code_of(caught.value) == "ConditionNotMet"

    resource.change(etag=resource.get().etag, match_condition=IF_SAME)
    resource.delete(etag=resource.get().etag, match_condition=IF_SAME)


def test_a_condition_can_be_a_date(resource: Resource):
    changed = resource.get().last_modified
    before, after = changed - timedelta(hours=1), changed + timedelta(hours=1)

    with pytest.raises(HttpResponseError) as unmodified:
        resource.get(if_modified_since=after)
    with pytest.raises(HttpResponseError) as modified:
        resource.change(if_unmodified_since=before)

    assert unmodified.value.status_code == 304
    assert modified.value.status_code == 412
    assert resource.get(if_modified_since=before).etag == resource.get().etag
    resource.change(if_unmodified_since=after)


def test_an_etag_changes_with_its_own_resource_only(client, narrow, create_job):
    pool_before = client.get_pool(narrow).etag
    job = create_job(narrow)
    job_before = client.get_job(job).etag
    client.create_task(job, batch.task("t", sh("sleep 0.2")))
    task_before = client.get_task(job, "t").etag
    batch.wait_for_task(client, job, "t", "completed")

    assert client.get_pool(narrow).etag == pool_before
    assert client.get_job(job).etag == job_before
    assert client.get_task(job, "t").etag == task_before

    batch.end_job(client, job)
    assert client.get_job(job).etag != job_before


def test_a_resize_and_an_end_can_be_bound_to_a_condition_too(client, make_pool, create_job):
    pool = make_pool(nodes=0, is_ready=False)
    job = create_job(pool)
    client.create_task(job, batch.task("t", "true"))
    stale = {"etag": "0xSOMETHINGELSE", "match_condition": IF_SAME}
    size = models.BatchPoolResizeOptions(target_dedicated_nodes=1)
    end = BatchJobTerminateOptions(termination_reason="enough")

    with pytest.raises(ResourceModifiedError):
        client.begin_resize_pool(pool, size, polling_interval=1, **stale)
    with pytest.raises(ResourceModifiedError):
        client.begin_terminate_job(job, end, polling_interval=1, **stale)
    with pytest.raises(ResourceModifiedError):
        client.terminate_task(job, "t", **stale)

    assert client.get_pool(pool).target_dedicated_nodes == 0
    assert client.get_job(job).state == "active"
    assert client.get_task(job, "t").state == "active"


def test_an_update_of_a_job_changes_what_it_names(client, wide, create_job):
    job = create_job(
        wide,
        priority=5,
        constraints=JOB_CONSTRAINTS(max_task_retry_count=4),
        metadata=[models.BatchMetadataItem(name="who", value="me")],
    )

    client.update_job(job, models.BatchJobUpdateOptions(priority=500))

    found = client.get_job(job)
    assert found.priority == 500
    assert found.constraints is not None
    assert found.constraints.max_task_retry_count == 4
    assert [(one.name, one.value) for one in found.metadata or []] == [("who", "me")]


def test_an_object_that_an_update_of_a_job_names_is_replaced_whole(client, wide, create_job):
    job = create_job(wide, constraints=JOB_CONSTRAINTS(max_task_retry_count=4))

    client.update_job(job, models.BatchJobUpdateOptions(constraints=JOB_CONSTRAINTS(), metadata=[]))

    constraints = client.get_job(job).constraints
    assert constraints is not None
    assert constraints.max_task_retry_count == 0


def test_the_replacement_of_a_job_resets_what_it_omits(client, wide, create_job):
    job = create_job(
        wide,
        priority=5,
        constraints=JOB_CONSTRAINTS(max_task_retry_count=4),
        metadata=[models.BatchMetadataItem(name="who", value="me")],
    )

    client.replace_job(job, models.BatchJob(pool_info=models.BatchPoolInfo(pool_id=wide)))

    found = client.get_job(job)
    assert (found.priority, found.metadata) == (0, None)
    assert found.constraints is not None
    assert found.constraints.max_task_retry_count == 0


def test_a_job_as_it_was_read_can_be_its_replacement(client, wide, create_job):
    job = create_job(
        wide,
        priority=5,
        display_name="Mine",
        job_preparation_task=models.BatchJobPreparationTask(command_line="true"),
        common_environment_settings=[batch.setting("A", "b")],
    )
    read = client.get_job(job)
    read.priority = 6

    client.replace_job(job, read)

    found = client.get_job(job)
    assert (found.priority, found.display_name) == (6, "Mine")


def test_a_task_as_it_was_read_can_be_its_replacement(client, create_job, make_pool):
    job = create_job(make_pool(nodes=0, is_ready=False))
    client.create_task(job, batch.task("t", "true"))
    read = client.get_task(job, "t")
    assert read.constraints is not None
    read.constraints.max_task_retry_count = 3

    client.replace_task(job, "t", read)

    found = client.get_task(job, "t").constraints
    assert found is not None
    assert found.max_task_retry_count == 3


@pytest.mark.parametrize("priority", [-1001, 1001])
def test_a_priority_stays_in_its_bounds(client, wide, create_job, priority: int):
    job = create_job(wide)

    with pytest.raises(HttpResponseError) as caught:
        client.update_job(job, models.BatchJobUpdateOptions(priority=priority))

    assert caught.value.status_code == 400
    assert batch.code_of(caught.value) == "OutOfRangePriority"


def test_the_pool_of_an_active_job_cannot_be_changed(client, wide, narrow, create_job):
    job = create_job(wide)
    other = models.BatchJobUpdateOptions(pool_info=models.BatchPoolInfo(pool_id=narrow))

    with pytest.raises(HttpResponseError) as caught:
        client.update_job(job, other)

    assert caught.value.status_code == 409
    same = models.BatchJobUpdateOptions(pool_info=models.BatchPoolInfo(pool_id=wide))
    client.update_job(job, same)


def test_a_job_that_has_ended_cannot_be_changed(client, wide, create_job):
    job = create_job(wide)
    batch.end_job(client, job)

    with pytest.raises(HttpResponseError) as caught:
        client.update_job(job, models.BatchJobUpdateOptions(priority=1))

    assert caught.value.status_code == 409


def test_the_number_of_parallel_tasks_can_be_changed_while_they_run(client, wide, create_job, gate):
    """J-13, J-27."""
    job = create_job(wide, max_parallel_tasks=1)
    wait = sh(f"cat {gate.path}")
    batch.add_tasks(client, job, [batch.task(f"t{i}", wait) for i in range(3)])

    def running() -> int:
        return int(client.get_job_task_counts(job).task_counts.running)

    wait_until(lambda: running() == 1, 10, "one task runs")
    client.update_job(job, models.BatchJobUpdateOptions(max_parallel_tasks=2))
    wait_until(lambda: running() == 2, 10, "two tasks run")
    client.update_job(job, models.BatchJobUpdateOptions(max_parallel_tasks=-1))
    wait_until(lambda: running() == 3, 10, "all tasks run")


def test_the_wall_clock_time_of_a_job_can_be_changed_while_it_runs(client, wide, create_job):
    """J-16, J-27: it counts from the creation of the job."""
    job = create_job(wide, constraints=JOB_CONSTRAINTS(max_wall_clock_time=timedelta(days=1)))
    client.create_task(job, batch.task("t", sh("sleep 60")))
    batch.wait_for_task(client, job, "t", "running")

    short = JOB_CONSTRAINTS(max_wall_clock_time=timedelta(seconds=0.1))
    client.update_job(job, models.BatchJobUpdateOptions(constraints=short))

    ended = batch.wait_for_job(client, job)
    assert ended.execution_info is not None
    assert ended.execution_info.termination_reason == "MaxWallClockTimeExpiry"


def test_the_retries_of_a_job_are_those_of_tasks_that_are_added_later(client, wide, create_job):
    """J-33."""
    job = create_job(wide, constraints=JOB_CONSTRAINTS(max_task_retry_count=2))
    client.create_task(job, batch.task("early", "true"))
    once = JOB_CONSTRAINTS(max_task_retry_count=1)
    client.update_job(job, models.BatchJobUpdateOptions(constraints=once))
    client.create_task(job, batch.task("late", "true"))
    tasks = batch.wait_for_tasks(client, job)
    counts = {
        name: one.constraints and one.constraints.max_task_retry_count
        for name, one in tasks.items()
    }
    assert counts == {"early": 2, "late": 1}


def test_metadata_of_a_job_is_replaced_whole_or_removed(client, wide, create_job):
    """J-27, J-28."""
    pair = models.BatchMetadataItem
    job = create_job(wide, metadata=[pair(name="a", value="1"), pair(name="b", value="2")])
    for metadata, expected in (
        ([pair(name="c", value="3")], [("c", "3")]),
        ([], []),
    ):
        client.update_job(job, models.BatchJobUpdateOptions(metadata=metadata))
        found = client.get_job(job).metadata or []
        assert [(one.name, one.value) for one in found] == expected


@pytest.mark.parametrize(
    "fixed",
    [
        {"displayName": "Other"},
        {"usesTaskDependencies": True},
        {"onTaskFailure": "performexitoptionsjobaction"},
        {"commonEnvironmentSettings": [{"name": "A", "value": "other"}]},
        {"jobReleaseTask": {"commandLine": "other"}},
        {"id": "other"},
    ],
    ids=lambda fixed: next(iter(fixed)),
)
def test_what_is_fixed_at_the_creation_of_a_job_is_refused_in_an_update(
    client, wide, create_job, fixed: dict[str, Any]
):
    """J-27: by name, and nothing else of the request happens."""
    job = create_job(
        wide,
        display_name="Mine",
        common_environment_settings=[batch.setting("A", "b")],
        job_preparation_task=models.BatchJobPreparationTask(command_line="true"),
        job_release_task=models.BatchJobReleaseTask(command_line="true"),
    )
    (name,) = fixed
    before = client.get_job(job)
    with pytest.raises(HttpResponseError) as patched:
        client.update_job(job, {"priority": 3} | fixed)
    with pytest.raises(HttpResponseError) as replaced:
        client.replace_job(job, {"priority": 3, "poolInfo": {"poolId": wide}} | fixed)

    for refused in (patched.value, replaced.value):
        assert (refused.status_code, name in refusal_text(refused)) == (400, True)
    assert client.get_job(job).etag == before.etag


def refusal_text(refused: HttpResponseError) -> str:
    """Return the body of a refusal, which names what it is about."""
    response: Any = refused.response
    return str(response.text())


def test_the_same_pool_in_the_replacement_of_an_active_job_is_no_change(client, wide, create_job):
    """J-30."""
    job = create_job(wide)
    same = models.BatchPoolInfo(pool_id=wide.upper())
    client.replace_job(job, models.BatchJob(pool_info=same, priority=9))
    found = client.get_job(job)
    assert (found.priority, found.execution_info.pool_id) == (9, wide)


def test_a_replacement_without_a_pool_is_refused(client, wide, create_job):
    """J-29."""
    with pytest.raises(HttpResponseError) as refused:
        client.replace_job(create_job(wide), {"priority": 9})
    assert (refused.value.status_code, batch.code_of(refused.value)) == (
        400,
        "MissingRequiredProperty",
    )


def test_a_disabled_job_moves_to_another_pool_and_its_tasks_run_there(
    client, narrow, wide, create_job, gate
):
    """J-32, J-33."""
    job = create_job(narrow)
    client.create_task(job, batch.task("moved", sh(f"cat {gate.path}")))
    batch.wait_for_task(client, job, "moved", "running")
    options = models.BatchJobDisableOptions(disable_tasks=models.DisableBatchJobOption.REQUEUE)
    client.begin_disable_job(job, options, polling_interval=0).wait()

    other = models.BatchPoolInfo(pool_id=wide)
    client.update_job(job, models.BatchJobUpdateOptions(pool_info=other))

    found = client.get_job(job)
    assert (found.pool_info.pool_id, found.execution_info.pool_id) == (wide, wide)
    client.begin_enable_job(job, polling_interval=0).wait()
    gate.open()
    task = batch.wait_for_task(client, job, "moved", "completed")
    assert task.node_info is not None
    assert task.node_info.pool_id == wide


def test_the_end_of_a_job_with_its_tasks_is_not_taken_back_by_a_replacement(
    client, wide, create_job
):
    """J-21, J-29: what is omitted would be noaction."""
    terminate = models.BatchAllTasksCompleteMode.TERMINATE_JOB
    job = create_job(wide, all_tasks_complete_mode=terminate)
    pool = models.BatchPoolInfo(pool_id=wide)
    with pytest.raises(HttpResponseError) as refused:
        client.replace_job(job, models.BatchJob(pool_info=pool))
    assert refused.value.status_code == 400
    client.replace_job(job, models.BatchJob(pool_info=pool, all_tasks_complete_mode=terminate))


def test_changes_of_a_job_are_answered_200_without_a_body(client, wide, create_job):
    """J-34."""
    job = create_job(wide)
    answers = []

    def keep(response: Any) -> None:
        answers.append((response.http_response.status_code, response.http_response.text()))

    update = models.BatchJobUpdateOptions(priority=1)
    client.update_job(job, update, raw_response_hook=keep)
    whole = models.BatchJob(pool_info=models.BatchPoolInfo(pool_id=wide))
    client.replace_job(job, whole, raw_response_hook=keep)

    assert answers == [(200, ""), (200, "")]


def test_the_replacement_of_a_task_changes_its_constraints(client, wide, create_job):
    job = create_job(wide, constraints=JOB_CONSTRAINTS(max_task_retry_count=4))
    client.create_task(job, batch.task("t", sh("sleep 60")))
    new = TASK_CONSTRAINTS(
        max_task_retry_count=1,
        retention_time=timedelta(hours=1),
        max_wall_clock_time=timedelta(hours=2),
    )

    client.replace_task(job, "t", models.BatchTask(constraints=new))

    found = client.get_task(job, "t").constraints
    assert found is not None
    assert (found.max_task_retry_count, found.retention_time, found.max_wall_clock_time) == (
        1,
        timedelta(hours=1),
        timedelta(hours=2),
    )

    client.replace_task(job, "t", models.BatchTask())

    found = client.get_task(job, "t").constraints
    assert found is not None
    assert (found.max_task_retry_count, found.retention_time) == (4, timedelta(days=7))


def test_the_retries_that_a_running_task_is_given_count_for_it(client, wide, create_job, gate):
    job = create_job(wide)
    client.create_task(job, batch.task("t", sh(f"cat {gate.path}; exit 1")))
    batch.wait_for_task(client, job, "t", "running")

    more = models.BatchTask(constraints=TASK_CONSTRAINTS(max_task_retry_count=2))
    client.replace_task(job, "t", more)
    gate.open()

    info = batch.execution_of(batch.wait_for_task(client, job, "t", "completed"))
    assert (info.retry_count, info.exit_code) == (2, 1)


def test_a_task_that_has_ended_can_be_neither_changed_nor_ended(client, wide, create_job):
    job = create_job(wide)
    batch.run_task(client, job, batch.task("t", "true"))

    with pytest.raises(HttpResponseError) as ended:
        client.terminate_task(job, "t")
    with pytest.raises(HttpResponseError) as changed:
        client.replace_task(job, "t", models.BatchTask())

    for caught in (ended.value, changed.value):
        assert (caught.status_code, batch.code_of(caught)) == (409, "TaskCompleted")


def test_a_running_task_can_be_ended(client, narrow, create_job, server):
    def sleepers() -> list[str]:
        return [one.command_line() for one in server.look() if "sleep 6666" in one.command_line()]

    job = create_job(narrow)
    client.create_task(job, batch.task("t", sh("sleep 6666 & sleep 6666")))
    batch.wait_for_task(client, job, "t", "running")
    wait_until(lambda: len(sleepers()) > 1, 10, "its processes run")

    client.terminate_task(job, "t")

    one = client.get_task(job, "t")
    assert one.state == "completed"
    assert batch.execution_of(one).result == "failure"
    assert batch.failure_of(batch.execution_of(one)) == "TaskEnded"
    wait_until(lambda: sleepers() == [], 10, "its processes are gone")
    batch.run_task(client, job, batch.task("next", "true"))


def test_a_task_that_waits_can_be_ended_and_never_runs(client, create_job, make_pool):
    job = create_job(make_pool(nodes=0, is_ready=False))
    client.create_task(job, batch.task("t", "true"))

    client.terminate_task(job, "t")

    one = client.get_task(job, "t")
    assert one.state == "completed"
    assert batch.failure_of(batch.execution_of(one)) == "TaskEnded"
    assert batch.execution_of(one).start_time is None
    assert one.node_info is None


def test_an_update_of_a_pool_changes_what_it_names(client, make_pool):
    pool = make_pool(
        nodes=0,
        is_ready=False,
        start_task=models.BatchStartTask(command_line="true"),
        metadata=[models.BatchMetadataItem(name="who", value="me")],
    )

    client.update_pool(pool, models.BatchPoolUpdateOptions(metadata=[]))

    found = client.get_pool(pool)
    assert not found.metadata
    assert found.start_task is not None


def test_the_replacement_of_the_properties_of_a_pool_removes_what_it_omits(client, make_pool):
    pool = make_pool(nodes=0, is_ready=False, start_task=models.BatchStartTask(command_line="true"))
    replacement = models.BatchPoolReplaceOptions(
        application_package_references=[],
        metadata=[models.BatchMetadataItem(name="who", value="you")],
    )

    client.replace_pool_properties(pool, replacement)

    found = client.get_pool(pool)
    assert found.start_task is None
    assert [(one.name, one.value) for one in found.metadata or []] == [("who", "you")]
