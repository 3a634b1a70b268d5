"""Whom tasks run as, and where the directories of nodes lie then."""

import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.batch import models

from tests import batch
from tests.batch import sh
from tests.waiting import wait_until
from tests.yard import Yard

IS_ROOT = os.geteuid() == 0

ELEVATED = models.UserIdentity(
    auto_user=models.AutoUserSpecification(elevation_level=models.ElevationLevel.ADMIN)
)


@pytest.mark.skipif(not IS_ROOT, reason="only root can run tasks as somebody else")
def test_a_server_of_root_runs_tasks_without_rights_unless_they_are_elevated(yard: Yard):
    with yard.up().client() as client:
        batch.create_pool(client, "p", nodes=1)
        batch.create_job(client, "j", "p")
        batch.run_task(client, "j", batch.task("plain", "id -u"))
        batch.run_task(client, "j", batch.task("elevated", "id -u", user_identity=ELEVATED))

        assert batch.stdout(client, "j", "plain").strip() != "0"
        assert batch.stdout(client, "j", "elevated").strip() == "0"


@pytest.mark.skipif(IS_ROOT, reason="root runs tasks as somebody else")
def test_a_server_of_a_user_runs_all_tasks_as_that_user(yard: Yard):
    with yard.up().client() as client:
        batch.create_pool(client, "p", nodes=1)
        batch.create_job(client, "j", "p")
        batch.run_task(client, "j", batch.task("t", "id -u"))

        assert batch.stdout(client, "j", "t").strip() == str(os.geteuid())


def test_a_task_can_read_neither_the_database_nor_the_keys(yard: Yard):
    if not IS_ROOT:
        pytest.skip("where all is one user, nothing can be kept from a task")
    with yard.up().client() as client:
        batch.create_pool(client, "p", nodes=1)
        batch.create_job(client, "j", "p")
        script = sh(f"find {yard.data} -type f -readable | grep -v $AZ_BATCH_NODE_ROOT_DIR")
        batch.run_task(client, "j", batch.task("t", script))

        assert batch.stdout(client, "j", "t") == ""


@pytest.fixture
def hidden(yard: Yard) -> Iterator[Path]:
    """A folder that no other account may search; what lies elsewhere for it goes with it."""
    with tempfile.TemporaryDirectory(dir=yard.folder) as name:
        yield Path(name)
        yard.clear()
        # The server has told whoever started it where the nodes lie.
        for place in re.findall(r"/var/lib/batchyard/[0-9a-f]+", yard.log()):
            shutil.rmtree(place, ignore_errors=True)


@pytest.mark.skipif(not IS_ROOT, reason="a user's tasks can reach the user's folders")
def test_nodes_lie_elsewhere_when_the_data_folder_cannot_be_reached_by_tasks(
    yard: Yard, hidden: Path
):
    yard.data = hidden / "data"
    server = yard.up()
    with server.client() as client:
        batch.create_pool(client, "p", nodes=1)
        batch.create_job(client, "j", "p")
        batch.run_task(client, "j", batch.task("t", sh("pwd; echo written > file; cat file")))

        directory, written = batch.stdout(client, "j", "t").split()

        assert written == "written"
        assert not directory.startswith(str(hidden))
        (place,) = re.findall(r"/var/lib/batchyard/[0-9a-f]+", yard.log())
        assert directory.startswith(place)
        batch.delete_job(client, "j")
        client.begin_delete_pool("p", polling_interval=1).wait(30)
        assert not Path(directory).exists()


@pytest.mark.skipif(not IS_ROOT, reason="a user's tasks can reach the user's folders")
def test_a_server_in_memory_runs_tasks_though_its_temporary_folder_is_hidden(
    yard: Yard, hidden: Path
):
    server = yard.up("--memory", environment={"TMPDIR": str(hidden)})
    with server.client() as client:
        batch.create_pool(client, "p", nodes=1)
        batch.create_job(client, "j", "p")
        script = sh("echo written > $AZ_BATCH_NODE_SHARED_DIR/file && pwd && id -u")
        batch.run_task(client, "j", batch.task("t", script))

        directory, user = batch.stdout(client, "j", "t").split()

        assert user != "0"
        assert not directory.startswith(str(hidden))
    server.end(signal.SIGTERM)

    (place,) = re.findall(r"/var/lib/batchyard/[0-9a-f]+", yard.log())
    wait_until(lambda: not Path(place).exists(), 15, "the nodes are gone")
    assert not list(hidden.iterdir())


@pytest.mark.skipif(not IS_ROOT, reason="a user's tasks can reach the user's folders")
def test_start_tasks_preparation_and_release_run_though_the_data_folder_is_hidden(
    yard: Yard, hidden: Path
):
    yard.data = hidden / "data"
    with yard.up().client() as client:
        mark = sh("echo $AZ_BATCH_TASK_ID started >> $AZ_BATCH_NODE_SHARED_DIR/marks.txt")
        batch.create_pool(client, "p", nodes=1, start_task=models.BatchStartTask(command_line=mark))
        batch.create_job(
            client,
            "j",
            "p",
            job_preparation_task=models.BatchJobPreparationTask(command_line=mark),
            job_release_task=models.BatchJobReleaseTask(command_line=mark),
        )
        node = batch.node_of(batch.run_task(client, "j", batch.task("t", mark)))
        batch.end_job(client, "j")

        lines = batch.node_text(client, "p", node, "shared/marks.txt").splitlines()

        # A start task has no id.
        ids = ["", "jobpreparation ", "t ", "jobrelease "]
        assert [line.lstrip() for line in lines] == [f"{name}started" for name in ids]
