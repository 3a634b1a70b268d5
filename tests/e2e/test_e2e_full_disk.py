"""A disk that is full for a while: nothing acknowledged is lost, and nothing runs twice."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import batch, raw, service
from tests.batch import sh
from tests.waiting import wait_until
from tests.yard import Yard

needs_mounts = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mount") is None, reason="only root can mount a small disk"
)


@contextmanager
def small_disk(path: Path) -> Iterator[Path]:
    """Give a disk of a few megabytes, gone again at the end."""
    path.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,mode=755", "none", path], check=True)
    except subprocess.CalledProcessError:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Leave no room on `disk`."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    try:
        yield
    finally:
        filler.unlink()


@needs_mounts
def test_what_ends_while_the_disk_is_full_is_told_when_there_is_room_again(yard: Yard):
    with small_disk(yard.folder / "disk") as disk:
        server = yard.up("--data", str(disk / "data"))
        caller = raw.RawClient(server, service.Account(server.account, server.key))
        gate = yard.gate("gate")
        with server.client() as client:
            batch.create_pool(client, "p", nodes=1, slots=4)
            batch.create_job(client, "j", "p")
            names = [f"t{number}" for number in range(4)]
            script = sh(yard.waiting_script(gate))
            batch.add_tasks(client, "j", [batch.task(name, script) for name in names])
            wait_until(lambda: all(map(yard.marks_of, names)), 30, "the tasks run")

            with filled(disk):
                answer = caller.request("POST", "/jobs", large_job("k"))
                assert (answer.status, answer.code) == (500, "InternalError")
                gate.open()
                wait_until(
                    lambda: "a commit failed" in yard.log(), 30, "an end could not be stored"
                )

            done = batch.wait_for_tasks(client, "j")
            executions = [batch.execution_of(task) for task in done.values()]
            assert [(one.exit_code, one.retry_count) for one in executions] == [(0, 0)] * 4
            assert [len(yard.marks_of(name)) for name in names] == [1] * 4
            assert caller.request("POST", "/jobs", large_job("k")).status == 201
        assert service.down(disk / "data").returncode == 0


def large_job(job_id: str) -> dict[str, object]:
    """A job that needs more room than a database keeps ready."""
    metadata = [{"name": "a", "value": "v" * 200_000}]
    return {"id": job_id, "poolInfo": {"poolId": "p"}, "metadata": metadata}
