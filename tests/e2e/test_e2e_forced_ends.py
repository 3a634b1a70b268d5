"""Ends of jobs that do not wait for a node that is silent, and what becomes of its tasks (J-42)."""

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests import batch, processes
from tests.batch import sh
from tests.waiting import wait_until
from tests.yard import Yard


def _terminate(client: Any) -> None:
    batch.terminate(client, "j", is_forced=True)
    assert client.get_job("j").state == "completed"
    assert client.get_task("j", "a").state == "completed"


def _delete(client: Any) -> None:
    client.begin_delete_job("j", force=True, polling_interval=1)
    assert batch.is_gone(client, "j")


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("end", [_terminate, _delete])
def test_a_task_on_a_silent_node_is_ended_when_the_node_is_met_again(
    yard: Yard, end: Callable[[Any], None], *, restarts: bool
):
    server = yard.up()
    client = server.client()
    gate = yard.gate("gate")
    batch.create_pool(client, "p", nodes=1)
    batch.create_job(client, "j", "p")
    client.create_task("j", batch.task("a", sh(yard.waiting_script(gate))))
    wait_until(lambda: bool(yard.marks_of("a")), 30, "the task has begun")
    batch.wait_for_task(client, "j", "a", "running")
    task = processes.process(yard.marks_of("a")[0])
    (agent,) = [one for one in server.look() if "-m batchyard.agent " in one.command_line()]
    os.kill(agent.pid, signal.SIGSTOP)
    try:
        end(client)
        assert task.is_alive()
        if restarts:
            server.end(signal.SIGKILL)
            server = yard.up(port=server.port)
            client = server.client()
    finally:
        os.kill(agent.pid, signal.SIGCONT)

    wait_until(lambda: not task.is_alive(), 20, "the task is ended")
    batch.create_job(client, "next", "p")
    batch.run_task(client, "next", batch.task("b", "true"))
    assert len(yard.marks_of("a")) == 1
    client.close()
