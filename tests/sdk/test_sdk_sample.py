"""The sample of the article, step by step through the official client: rows SB-40 … SB-49."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from azure.batch import BatchClient, models
from azure.core.exceptions import ResourceNotFoundError

from tests import batch
from tests.batch import sh
from tests.waiting import wait_until

POOL = "JobPrepReleaseSamplePool"
JOB = "JobPrepReleaseSampleJob"
SHARED = "$AZ_BATCH_NODE_SHARED_DIR/job_prep_and_release.txt"
TASKS = [f"task{number:03}" for number in range(1, 9)]


@dataclass(frozen=True)
class Sample:
    """What the steps of one run of the sample showed."""

    missing_job_code: str
    nodes: list[models.BatchNode]
    tasks: dict[str, models.BatchTask]
    job_when_read: models.BatchJob
    texts: dict[str, str]
    job_when_ended: models.BatchJob
    statuses: dict[str, models.BatchJobPreparationAndReleaseTaskStatus]


@pytest.fixture(scope="module")
def sample(client: BatchClient) -> Iterator[Sample]:
    """One run of the sample's steps 1 to 7; step 8 is a test of its own, the last one."""
    batch.create_pool(client, POOL, nodes=2)
    nodes = batch.wait_for_nodes(client, POOL, 2)
    with pytest.raises(ResourceNotFoundError) as caught:
        client.get_job(JOB)
    batch.create_job(
        client,
        JOB,
        POOL,
        job_preparation_task=models.BatchJobPreparationTask(
            command_line=sh(f'echo "$AZ_BATCH_NODE_ID tasks:" > {SHARED}')
        ),
        job_release_task=models.BatchJobReleaseTask(command_line=sh(f"rm {SHARED}")),
    )
    command = sh(f'echo "  $AZ_BATCH_TASK_ID" >> {SHARED}; sleep 0.2')
    batch.add_tasks(client, JOB, [batch.task(name, command) for name in TASKS])
    tasks = batch.wait_for_tasks(client, JOB)
    job_when_read = client.get_job(JOB)
    texts = {
        node: batch.node_text(client, POOL, node, "shared/job_prep_and_release.txt")
        for node in batch.by_node(tasks.values())
    }
    ended = batch.end_job(client, JOB)
    yield Sample(
        missing_job_code=batch.code_of(caught.value),
        nodes=nodes,
        tasks=tasks,
        job_when_read=job_when_read,
        texts=texts,
        job_when_ended=ended,
        statuses=batch.statuses(client, JOB),
    )
    for delete in (client.begin_delete_job, client.begin_delete_pool):
        try:
            delete(JOB if delete == client.begin_delete_job else POOL, polling_interval=1)
        except ResourceNotFoundError:
            continue


def test_sb_40_the_pool_has_two_idle_nodes(sample: Sample):
    assert [one.state for one in sample.nodes] == ["idle", "idle"]


def test_sb_41_the_job_has_preparation_release_and_ordinary_tasks(sample: Sample):
    assert sample.job_when_read.job_preparation_task is not None
    assert sample.job_when_read.job_release_task is not None
    assert sorted(sample.tasks) == TASKS
    assert {batch.execution_of(one).exit_code for one in sample.tasks.values()} == {0}


def test_sb_42_the_preparation_writes_the_node_id_first(sample: Sample):
    assert {node: text.splitlines()[0] for node, text in sample.texts.items()} == {
        node: f"{node} tasks:" for node in batch.by_node(sample.tasks.values())
    }


def test_sb_43_each_task_adds_its_id_to_the_file_of_its_node(sample: Sample):
    written = {
        node: sorted(line.strip() for line in text.splitlines()[1:])
        for node, text in sample.texts.items()
    }
    ran = {
        node: sorted(one.id for one in tasks)
        for node, tasks in batch.by_node(sample.tasks.values()).items()
    }
    assert written == ran


def test_sb_44_the_files_are_read_while_the_job_is_active(sample: Sample):
    assert sample.job_when_read.state == "active"
    assert sum(len(text.splitlines()) - 1 for text in sample.texts.values()) == len(TASKS)


def test_sb_45_the_release_task_deletes_the_file(client: BatchClient, sample: Sample):
    for node in sample.texts:
        path = "shared/job_prep_and_release.txt"
        refusal = batch.refusal_of(client.download_node_file, POOL, node, path)
        assert refusal == (404, "FileNotFound")


def test_sb_46_the_exit_codes_of_preparation_and_release_are_told_by_node(sample: Sample):
    assert set(sample.statuses) == set(sample.texts)
    assert {
        (batch.preparation_of(one).exit_code, batch.release_of(one).exit_code)
        for one in sample.statuses.values()
    } == {(0, 0)}


def test_sb_48_a_job_that_is_not_there_is_told_by_its_code(sample: Sample):
    assert sample.missing_job_code == "JobNotFound"


def test_sb_49_the_job_reaches_the_state_completed(sample: Sample):
    assert sample.job_when_ended.state == "completed"
    assert sample.job_when_ended.previous_state == "terminating"


def test_sb_47_job_and_pool_stay_until_they_are_deleted(client: BatchClient, sample: Sample):
    assert client.get_job(JOB).state == "completed"
    assert client.get_pool(POOL).state == "active"

    batch.delete_job(client, JOB)
    client.begin_delete_pool(POOL, polling_interval=1)

    with pytest.raises(ResourceNotFoundError) as caught:
        client.get_job(JOB)
    assert batch.code_of(caught.value) == "JobNotFound"
    assert wait_until(lambda: _pool_code(client), 20, "pool gone") == "PoolNotFound"


def _pool_code(client: BatchClient) -> str:
    try:
        client.get_pool(POOL)
    except ResourceNotFoundError as error:
        return batch.code_of(error)
    return ""
