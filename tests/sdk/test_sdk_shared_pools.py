"""Pools of the jobs of schedules, through the official client. Named by rows of the checklist."""

from datetime import timedelta

from azure.batch import models

from tests import batch
from tests.batch import LINUX_IMAGE
from tests.clocked import Clocked
from tests.waiting import wait_until

INTERVAL = timedelta(minutes=1)


def _create_schedule(clocked: Clocked, lifetime: str) -> None:
    pool = models.BatchPoolSpecification(
        vm_size="standard_d2_v3",
        virtual_machine_configuration=LINUX_IMAGE,
        target_dedicated_nodes=1,
    )
    auto_pool = models.BatchAutoPoolSpecification(
        auto_pool_id_prefix="own", pool_lifetime_option=lifetime, pool=pool
    )
    schedule = models.BatchJobScheduleCreateOptions(
        id="nightly",
        schedule=models.BatchJobScheduleConfiguration(recurrence_interval=INTERVAL),
        job_specification=models.BatchJobSpecification(
            pool_info=models.BatchPoolInfo(auto_pool_specification=auto_pool),
            job_manager_task=models.BatchJobManagerTask(id="manager", command_line="true"),
        ),
    )
    clocked.client.create_job_schedule(schedule)


def _pool_of(clocked: Clocked, job: str) -> str:
    """Return the pool of a job once its manager, and with it the job, is over."""
    batch.wait_for_job(clocked.client, job)
    done = clocked.client.get_task(job, "manager")
    assert done.node_info is not None
    assert done.node_info.pool_id is not None
    info = clocked.client.get_job(job).execution_info
    assert info is not None
    assert info.pool_id == done.node_info.pool_id
    return done.node_info.pool_id


def test_sa_6_a_schedule_can_have_a_pool_for_each_job(clocked):
    _create_schedule(clocked, "job")
    first = _pool_of(clocked, "nightly:job-1")
    clocked.advance(INTERVAL)
    second = _pool_of(clocked, "nightly:job-2")

    assert first != second

    def are_gone() -> bool:
        return not any(batch.has_pool(clocked.client, pool) for pool in (first, second))

    wait_until(are_gone, 20, "both pools gone")


def test_sa_7_a_schedule_can_have_one_pool_for_all_of_its_jobs(clocked):
    _create_schedule(clocked, "jobschedule")
    first = _pool_of(clocked, "nightly:job-1")
    clocked.advance(INTERVAL)
    second = _pool_of(clocked, "nightly:job-2")

    assert first == second
    assert clocked.client.get_pool(first).state == "active"
    clocked.client.begin_terminate_job_schedule("nightly", polling_interval=1)

    wait_until(lambda: not batch.has_pool(clocked.client, first), 20, "the pool gone")
    assert clocked.client.get_job_schedule("nightly").state == "completed"
