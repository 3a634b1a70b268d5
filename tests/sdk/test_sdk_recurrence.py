"""When job schedules make jobs, by a clock that is moved. Named by rows of the checklist."""

from datetime import datetime, timedelta
from typing import Any

from azure.batch import BatchClient, models

from tests import batch
from tests.batch import sh
from tests.clocked import Clocked
from tests.sdk.managing import manager

MINUTE = timedelta(minutes=1)
TERMINATE = models.BatchAllTasksCompleteMode.TERMINATE_JOB


def create(
    clocked: Clocked, pool: str = "pool", timing: dict[str, str] | None = None, **options: Any
) -> str:
    """Create a job schedule on a pool, which need not be there."""
    clocked.client.create_job_schedule(
        models.BatchJobScheduleCreateOptions(
            id="nightly",
            schedule=models.BatchJobScheduleConfiguration(timing or {}),
            job_specification=models.BatchJobSpecification(
                pool_info=models.BatchPoolInfo(pool_id=pool), **options
            ),
        )
    )
    return "nightly"


def create_pool(clocked: Clocked) -> str:
    pool = batch.create_pool(clocked.client, "pool", nodes=1)
    batch.wait_for_nodes(clocked.client, pool, 1)
    return pool


def jobs_of(clocked: Clocked, schedule: str) -> dict[str, models.BatchJob]:
    return {job.id: job for job in clocked.client.list_jobs_from_schedule(schedule)}


def info_of(client: BatchClient, schedule: str) -> models.BatchJobScheduleExecutionInfo:
    info = client.get_job_schedule(schedule).execution_info
    assert info is not None
    return info


def created(job: models.BatchJob) -> datetime:
    assert job.creation_time is not None
    return job.creation_time


def test_sa_28_35_every_interval_has_a_job_whose_manager_makes_its_tasks(clocked):
    pool = create_pool(clocked)
    name = create(
        clocked,
        pool,
        {"recurrenceInterval": "PT1M"},
        job_manager_task=manager(sh("echo $AZ_BATCH_JOB_ID > made; cat made")),
    )
    for number in (1, 2, 3):
        job = f"{name}:job-{number}"
        assert list(jobs_of(clocked, name)) == [f"{name}:job-{n}" for n in range(1, number + 1)]
        # Its manager ends, and the job with it.
        ended = batch.wait_for_job(clocked.client, job)
        assert ended.execution_info is not None
        assert ended.execution_info.termination_reason == "JMComplete"
        (task,) = clocked.client.list_tasks(job)
        assert (task.id, batch.execution_of(task).exit_code) == ("manager", 0)
        assert batch.stdout(clocked.client, job, "manager") == f"{job}\n"
        files = batch.node_files(clocked.client, pool, batch.node_of(task))
        assert f"workitems/{name}/job-{number}/manager/wd/made" in files
        clocked.advance(MINUTE)


def test_sa_36_no_job_is_made_before_its_time(clocked):
    until = (clocked.now() + 40 * MINUTE).replace(microsecond=0)
    name = create(clocked, timing={"doNotRunUntil": until.isoformat().replace("+00:00", "Z")})
    assert jobs_of(clocked, name) == {}
    info = info_of(clocked.client, name)
    assert (info.next_run_time, info.recent_job) == (until, None)

    clocked.advance(39 * MINUTE)
    assert jobs_of(clocked, name) == {}
    clocked.advance(MINUTE)

    (job,) = jobs_of(clocked, name).values()
    assert created(job) >= until
    info = info_of(clocked.client, name)
    assert info.recent_job is not None
    assert info.recent_job.id == job.id
    assert info.next_run_time is None


def test_sa_37_the_specification_of_the_jobs_is_in_the_schedule(clocked):
    name = create(
        clocked,
        create_pool(clocked),
        display_name="One night",
        priority=7,
        metadata=[models.BatchMetadataItem(name="team", value="a")],
        common_environment_settings=[batch.setting("COLOUR", "green")],
        constraints=models.BatchJobConstraints(max_task_retry_count=2),
        job_manager_task=manager("printenv COLOUR", kill_job_on_completion=False),
    )

    job = clocked.client.get_job(f"{name}:job-1")

    assert (job.priority, job.display_name) == (7, "One night")
    assert [(one.name, one.value) for one in job.metadata] == [("team", "a")]
    assert job.constraints.max_task_retry_count == 2
    batch.wait_for_tasks(clocked.client, job.id)
    assert batch.stdout(clocked.client, job.id, "manager") == "green\n"


def test_sa_38_no_job_is_made_after_the_end_of_a_schedule_which_is_completed_then(clocked):
    after = (clocked.now() + 90 * MINUTE).replace(microsecond=0)
    timing = {
        "doNotRunAfter": after.isoformat().replace("+00:00", "Z"),
        "recurrenceInterval": "PT1H",
    }
    name = create(clocked, timing=timing)
    batch.end_job(clocked.client, f"{name}:job-1")
    clocked.advance(60 * MINUTE)
    batch.end_job(clocked.client, f"{name}:job-2")
    found = clocked.client.get_job_schedule(name)
    assert (found.state, found.execution_info.next_run_time) == ("active", None)

    clocked.advance(30 * MINUTE)

    found = clocked.client.get_job_schedule(name)
    assert found.state == "completed"
    assert found.execution_info.end_time >= after
    clocked.advance(timedelta(days=1))
    assert len(jobs_of(clocked, name)) == 2


def test_sa_38_a_schedule_whose_job_is_active_at_its_end_is_completed_with_that(clocked):
    after = (clocked.now() + 90 * MINUTE).replace(microsecond=0)
    timing = {"doNotRunAfter": after.isoformat().replace("+00:00", "Z")}
    name = create(clocked, timing=timing | {"recurrenceInterval": "PT1H"})

    clocked.advance(91 * MINUTE)
    assert clocked.client.get_job_schedule(name).state == "active"
    batch.end_job(clocked.client, f"{name}:job-1")

    assert clocked.client.get_job_schedule(name).state == "completed"
    assert len(jobs_of(clocked, name)) == 1


def test_sa_39_the_frequency_is_kept_by_jobs_that_are_late_and_those_that_are_not(clocked):
    """SC-9, SC-12; what comes while a job is active waits for it, once."""
    name = create(clocked, timing={"recurrenceInterval": "PT1M"})
    start = created(clocked.client.get_job(f"{name}:job-1"))
    clocked.advance(5 * MINUTE + timedelta(seconds=20))
    assert len(jobs_of(clocked, name)) == 1

    batch.end_job(clocked.client, f"{name}:job-1")
    assert len(jobs_of(clocked, name)) == 2
    batch.end_job(clocked.client, f"{name}:job-2")
    assert len(jobs_of(clocked, name)) == 2
    assert info_of(clocked.client, name).next_run_time == start + 6 * MINUTE
    clocked.advance(MINUTE)
    batch.end_job(clocked.client, f"{name}:job-3")
    clocked.advance(MINUTE)

    times = [created(job) for job in jobs_of(clocked, name).values()]
    assert len(times) == 4
    assert times[2] - times[0] >= 6 * MINUTE
    assert times[3] - times[2] >= MINUTE


def test_what_is_not_made_within_its_window_is_lost(clocked):
    """SC-8."""
    name = create(clocked, timing={"recurrenceInterval": "PT1H", "startWindow": "PT10M"})
    start = created(clocked.client.get_job(f"{name}:job-1"))
    clocked.advance(75 * MINUTE)

    batch.end_job(clocked.client, f"{name}:job-1")

    assert len(jobs_of(clocked, name)) == 1
    assert info_of(clocked.client, name).next_run_time == start + 120 * MINUTE
    clocked.advance(45 * MINUTE)
    assert len(jobs_of(clocked, name)) == 2


def test_a_schedule_that_was_disabled_makes_one_job_for_all_that_it_missed(clocked):
    """SC-25."""
    name = create(clocked, timing={"recurrenceInterval": "PT1H"})
    clocked.client.disable_job_schedule(name)
    batch.end_job(clocked.client, f"{name}:job-1")
    clocked.advance(timedelta(days=2, minutes=5))
    assert len(jobs_of(clocked, name)) == 1

    clocked.client.enable_job_schedule(name)

    assert len(jobs_of(clocked, name)) == 2
    batch.end_job(clocked.client, f"{name}:job-2")
    assert len(jobs_of(clocked, name)) == 2


def test_a_schedule_without_recurrence_is_completed_with_its_one_job(clocked):
    """SC-14."""
    pool = create_pool(clocked)
    name = create(clocked, pool, all_tasks_complete_mode=TERMINATE)
    batch.run_task(clocked.client, f"{name}:job-1", batch.task("only", "true"))

    ended = batch.wait_for_job(clocked.client, f"{name}:job-1")

    assert ended.execution_info is not None
    assert ended.execution_info.termination_reason == "AllTasksComplete"
    found = clocked.client.get_job_schedule(name)
    assert (found.state, found.execution_info.next_run_time) == ("completed", None)
