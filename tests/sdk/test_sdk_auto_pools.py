"""Pools that are made for jobs, through the official client. Named by the rows of the checklist."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from azure.batch import BatchClient, models
from azure.core.exceptions import HttpResponseError

from tests import batch
from tests.batch import LINUX_IMAGE, sh
from tests.sdk.conftest import delete
from tests.waiting import wait_until

CreateJob = Callable[..., str]

JOB = models.BatchPoolLifetimeOption.JOB


def auto_pool(*, keep_alive: bool = False, **options: Any) -> models.BatchAutoPoolSpecification:
    """An auto pool of one node."""
    pool = models.BatchPoolSpecification(
        vm_size="standard_d2_v3",
        virtual_machine_configuration=LINUX_IMAGE,
        target_dedicated_nodes=1,
    )
    wanted = {"pool_lifetime_option": JOB, "pool": pool} | options
    return models.BatchAutoPoolSpecification(keep_alive=keep_alive, **wanted)


@pytest.fixture
def create_auto_job(client: BatchClient) -> Iterator[CreateJob]:
    """Make jobs with auto pools; jobs and pools are gone again after the test."""
    made: dict[str, str] = {}

    def create(job_id: str, spec: models.BatchAutoPoolSpecification, **options: Any) -> str:
        pool_info = models.BatchPoolInfo(auto_pool_specification=spec)
        job = models.BatchJobCreateOptions(id=job_id, pool_info=pool_info, **options)
        client.create_job(job)
        made[job_id] = pool_of(client, job_id)
        return job_id

    yield create
    for job_id, pool_id in made.items():
        delete(partial(client.begin_delete_job, force=True), job_id, "JobNotFound")
        delete(client.begin_delete_pool, pool_id, "PoolNotFound", "PoolBeingDeleted")


def pool_of(client: BatchClient, job_id: str) -> str:
    """Return the id of the pool that a job runs in."""
    info = client.get_job(job_id).execution_info
    assert info is not None
    assert info.pool_id is not None
    return info.pool_id


def wait_until_pool_is_gone(client: BatchClient, pool_id: str) -> None:
    wait_until(lambda: not batch.has_pool(client, pool_id), 20, f"pool {pool_id} gone")


def test_sa_4_a_job_has_a_pool_of_its_own_that_goes_with_it(client, create_auto_job):
    job = create_auto_job("auto-job", auto_pool(auto_pool_id_prefix="for-me"))
    pool = pool_of(client, job)
    assert pool.startswith("for-me_")
    assert client.get_pool(pool).target_dedicated_nodes == 1
    pool_info = client.get_job(job).pool_info
    assert pool_info.pool_id is None
    assert pool_info.auto_pool_specification.pool.vm_size == "standard_d2_v3"

    done = batch.run_task(client, job, batch.task("one", "true"))
    assert done.node_info is not None
    assert done.node_info.pool_id == pool
    batch.end_job(client, job)

    wait_until_pool_is_gone(client, pool)
    assert pool_of(client, job) == pool


def test_sa_4_a_pool_that_is_kept_alive_stays(client, create_auto_job):
    job = create_auto_job("kept-job", auto_pool(keep_alive=True))
    pool = pool_of(client, job)
    assert pool == pool.upper()

    batch.end_job(client, job)
    batch.delete_job(client, job)

    assert client.get_pool(pool).state == "active"


def test_sa_4_only_whether_the_pool_is_kept_alive_changes(client, create_auto_job):
    job = create_auto_job("changed-job", auto_pool())
    pool = pool_of(client, job)
    read = client.get_job(job)
    client.replace_job(job, read)
    for spec, is_taken in (
        (auto_pool(keep_alive=True), True),
        (auto_pool(auto_pool_id_prefix="other"), False),
    ):
        pool_info = models.BatchPoolInfo(auto_pool_specification=spec)
        change = models.BatchJobUpdateOptions(pool_info=pool_info)
        if is_taken:
            client.update_job(job, change)
        else:
            with pytest.raises(HttpResponseError) as refused:
                client.update_job(job, change)
            assert (refused.value.status_code, batch.code_of(refused.value)) == (
                400,
                "InvalidPropertyValue",
            )
    assert client.get_job(job).pool_info.auto_pool_specification.keep_alive

    batch.delete_job(client, job)

    assert client.get_pool(pool).state == "active"


def test_sa_5_one_pool_serves_many_jobs(client, wide, create_job):
    jobs = [create_job(wide) for _ in range(3)]
    for job in jobs:
        batch.add_tasks(client, job, [batch.task(name, "true") for name in ("a", "b")])
    (node,) = [node.id for node in client.list_nodes(wide)]
    for job in jobs:
        tasks = batch.wait_for_tasks(client, job)
        assert {batch.node_of(task) for task in tasks.values()} == {node}


def test_sa_17_priority_means_nothing_between_jobs_with_auto_pools(client, create_auto_job, gate):
    jobs = [
        create_auto_job(f"auto-{name}", auto_pool(), priority=priority)
        for name, priority in (("high", 1000), ("low", -1000))
    ]
    for job in jobs:
        client.create_task(job, batch.task("one", sh(f"cat {gate.path}")))
    for job in jobs:
        batch.wait_for_task(client, job, "one", "running")
    assert len({pool_of(client, job) for job in jobs}) == 2
    gate.open()
    for job in jobs:
        batch.wait_for_tasks(client, job)


@pytest.mark.parametrize(
    ("pool_info", "name"),
    [
        (models.BatchPoolInfo(), "poolInfo.poolId"),
        (
            models.BatchPoolInfo(pool_id="pool", auto_pool_specification=auto_pool()),
            "poolInfo.poolId",
        ),
        (
            models.BatchPoolInfo(
                auto_pool_specification=auto_pool(
                    pool_lifetime_option=models.BatchPoolLifetimeOption.JOB_SCHEDULE
                )
            ),
            "poolInfo.autoPoolSpecification.poolLifetimeOption",
        ),
        (
            models.BatchPoolInfo(auto_pool_specification=auto_pool(auto_pool_id_prefix="x" * 21)),
            "poolInfo.autoPoolSpecification.autoPoolIdPrefix",
        ),
    ],
)
def test_a_job_names_exactly_one_pool(client, pool_info, name):
    """J-7, J-47, J-48."""
    with pytest.raises(HttpResponseError) as refused:
        client.create_job(models.BatchJobCreateOptions(id="refused", pool_info=pool_info))
    assert refused.value.status_code == 400
    assert refused.value.model is not None
    values = {value["key"]: value["value"] for value in refused.value.model["values"]}
    assert values["PropertyName"] == name


def test_a_job_that_is_terminated_by_force_does_not_wait_for_its_release_tasks(
    client, wide, create_job, gate
):
    """J-42."""
    job = create_job(
        wide,
        job_preparation_task=models.BatchJobPreparationTask(command_line="true"),
        job_release_task=models.BatchJobReleaseTask(command_line=sh(f"cat {gate.path}")),
    )
    batch.run_task(client, job, batch.task("one", "true"))
    batch.terminate(client, job)
    assert client.get_job(job).state == "terminating"

    batch.terminate(client, job, is_forced=True)

    assert client.get_job(job).state == "completed"
    gate.open()


def test_a_job_that_is_deleted_by_force_is_gone_at_once(client, wide, create_job, gate):
    """J-42: and its slots are free again as soon as its task has ended."""
    job = create_job(
        wide,
        job_preparation_task=models.BatchJobPreparationTask(command_line="true"),
        job_release_task=models.BatchJobReleaseTask(command_line=sh(f"cat {gate.path}")),
    )
    client.create_task(job, batch.task("long", sh(f"cat {gate.path}"), required_slots=4))
    batch.wait_for_task(client, job, "long", "running")

    client.begin_delete_job(job, force=True, polling_interval=1)

    assert batch.is_gone(client, job)
    other = create_job(wide)
    batch.run_task(client, other, batch.task("next", "true", required_slots=4))
