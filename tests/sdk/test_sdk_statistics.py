"""Statistics through the official client. Source: J-53, J-54, T-67."""

from datetime import timedelta

from azure.batch import models

from tests import batch
from tests.batch import sh
from tests.waiting import wait_until

#: Some tens of milliseconds of CPU time.
BURN = sh("i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done")


def test_statistics_of_a_job_and_its_tasks_are_shown_when_they_are_asked_for(
    client, narrow, create_job
):
    job = create_job(narrow)
    twice = models.BatchTaskConstraints(max_task_retry_count=2)
    client.create_task(job, batch.task("good", BURN))
    client.create_task(job, batch.task("bad", "false", constraints=twice))
    batch.wait_for_tasks(client, job)

    assert client.get_job(job).job_statistics is None
    assert all(task.task_statistics is None for task in client.list_tasks(job))

    tasks = {task.id: task for task in client.list_tasks(job, expand=["stats"])}
    good = client.get_task(job, "good", expand=["stats"])
    found = good.task_statistics
    assert found.user_cpu_time + found.kernel_cpu_time > timedelta(milliseconds=20)
    assert found.wall_clock_time == batch.end_of(good) - batch.start_of(good)
    assert found.wait_time == batch.start_of(good) - good.creation_time
    assert found.start_time == good.creation_time
    assert found.last_update_time >= batch.end_of(good)
    assert (found.read_iops, found.write_iops) == (
        tasks["good"].task_statistics.read_iops,
        tasks["good"].task_statistics.write_iops,
    )

    whole = client.get_job(job, expand=["stats"]).job_statistics
    assert (whole.succeeded_tasks_count, whole.failed_tasks_count) == (1, 1)
    assert whole.task_retries_count == 2
    assert whole.wait_time == timedelta(0)
    for name in ("user_cpu_time", "kernel_cpu_time", "wall_clock_time"):
        times = [getattr(task.task_statistics, name) for task in tasks.values()]
        assert getattr(whole, name) == sum(times, timedelta())
    (listed,) = (one for one in client.list_jobs(expand=["stats"]) if one.id == job)
    assert listed.job_statistics.user_cpu_time == whole.user_cpu_time


def test_statistics_of_a_job_schedule_are_those_of_its_jobs(client, wide):
    """SC-21."""
    schedule = models.BatchJobScheduleCreateOptions(
        id="statistics",
        schedule=models.BatchJobScheduleConfiguration(),
        job_specification=models.BatchJobSpecification(
            pool_info=models.BatchPoolInfo(pool_id=wide)
        ),
    )
    client.create_job_schedule(schedule)
    try:
        job = "statistics:job-1"
        wait_until(lambda: not batch.is_gone(client, job), 10, "the job of the schedule")
        batch.run_task(client, job, batch.task("good", BURN))
        batch.run_task(client, job, batch.task("bad", "false"))

        assert client.get_job_schedule("statistics").job_schedule_statistics is None
        whole = client.get_job_schedule("statistics", expand=["stats"]).job_schedule_statistics
        of_job = client.get_job(job, expand=["stats"]).job_statistics
        assert (whole.succeeded_tasks_count, whole.failed_tasks_count) == (1, 1)
        assert whole.user_cpu_time == of_job.user_cpu_time > timedelta(0)
        assert whole.wall_clock_time == of_job.wall_clock_time
    finally:
        client.begin_delete_job_schedule("statistics", polling_interval=1)


def test_integers_are_strings_on_the_wire(client, narrow, create_job):
    """J-53."""
    job = create_job(narrow)
    batch.run_task(client, job, batch.task("only", "true"))
    raw = []

    def keep(response):
        raw.append(response.http_response.json())

    client.get_job(job, expand=["stats"], raw_response_hook=keep)
    stats = raw[0]["stats"]
    assert stats["url"].endswith(f"/jobs/{job}?$expand=stats")
    assert (stats["numSucceededTasks"], stats["numFailedTasks"]) == ("1", "0")
    assert stats["numTaskRetries"] == "0"
    assert all(isinstance(stats[name], str) for name in ("readIOps", "writeIOps"))
    assert all(isinstance(stats[name], int | float) for name in ("readIOGiB", "writeIOGiB"))
    assert stats["waitTime"] == "PT0S"
