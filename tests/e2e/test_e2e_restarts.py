"""Restarts of nodes and their start tasks, when the server is killed in the middle of them."""

import signal

from azure.batch import models

from tests import batch, processes
from tests.batch import sh
from tests.waiting import wait_until
from tests.yard import Yard

START = models.BatchStartTask


def test_a_start_task_runs_on_while_there_is_no_server(yard: Yard):
    server = yard.up()
    gate = yard.gate("gate")
    script = f"echo $$ >> {yard.marks}/start; cat {gate.path} > /dev/null"
    with server.client() as client:
        batch.create_pool(client, "p", nodes=1, start_task=START(command_line=sh(script)))
        batch.create_job(client, "j", "p")
        client.create_task("j", batch.task("t", "true"))
        wait_until(lambda: yard.marks_of("start"), 30, "the start task has begun")
        node = batch.the_node(client, "p")
        before = batch.start_task_of(batch.wait_for_node(client, "p", node, "waitingforstarttask"))

    server.end(signal.SIGKILL)
    # It ends when nobody can be told.
    running = processes.process(yard.marks_of("start")[0])
    gate.open()
    wait_until(lambda: not running.is_alive(), 20, "the start task has ended")

    with yard.up(port=server.port).client() as client:
        after = batch.start_task_of(batch.wait_for_node(client, "p", node, "idle", "running"))
        assert (after.exit_code, after.result, after.retry_count) == (0, "success", 0)
        assert after.start_time == before.start_time
        batch.wait_for_task(client, "j", "t", "completed")
    assert len(yard.marks_of("start")) == 1


def test_a_start_task_that_still_runs_is_waited_for_by_the_next_server(yard: Yard):
    server = yard.up()
    gate = yard.gate("gate")
    script = f"echo $$ >> {yard.marks}/start; cat {gate.path} > /dev/null; exit 3"
    with server.client() as client:
        batch.create_pool(client, "p", nodes=1, start_task=START(command_line=sh(script)))
        wait_until(lambda: yard.marks_of("start"), 30, "the start task has begun")
        node = batch.the_node(client, "p")

    server.end(signal.SIGKILL)

    with yard.up(port=server.port).client() as client:
        assert client.get_node("p", node).state == "waitingforstarttask"
        gate.open()
        failed = batch.start_task_of(batch.wait_for_node(client, "p", node, "starttaskfailed"))
        assert (failed.exit_code, failed.result) == (3, "failure")
    assert len(yard.marks_of("start")) == 1


def test_a_restart_of_a_node_goes_on_when_the_server_is_killed_in_the_middle(yard: Yard):
    server = yard.up()
    gate = yard.gate("gate")
    start = START(command_line=sh(f"echo $$ >> {yard.marks}/start"))
    with server.client() as client:
        batch.create_pool(client, "p", nodes=1, slots=2, start_task=start)
        batch.create_job(
            client,
            "j",
            "p",
            job_preparation_task=models.BatchJobPreparationTask(
                command_line=sh(f"echo $$ >> {yard.marks}/preparation")
            ),
        )
        client.create_task("j", batch.task("t", sh(yard.waiting_script(gate))))
        wait_until(lambda: yard.marks_of("t"), 30, "the task has begun")
        node = batch.the_node(client, "p")
        lost = processes.process(yard.marks_of("t")[0])

        batch.ask_reboot(client, "p", node)

    server.end(signal.SIGKILL)
    with yard.up(port=server.port).client() as client:
        wait_until(lambda: len(yard.marks_of("t")) == 2, 30, "the task runs again")
        assert not lost.is_alive()
        gate.open()
        one = batch.wait_for_task(client, "j", "t", "completed")

        info = batch.execution_of(one)
        assert (info.exit_code, info.requeue_count, info.retry_count) == (0, 1, 0)
        assert batch.node_of(one) == node
        batch.wait_for_node(client, "p", node, "idle")
    assert len(yard.marks_of("start")) == 2
    assert len(yard.marks_of("preparation")) == 2
    assert len(yard.marks_of("t")) == 2


def test_a_restart_that_waits_for_tasks_is_not_forgotten_when_the_server_is_killed(yard: Yard):
    server = yard.up()
    gate = yard.gate("gate")
    with server.client() as client:
        batch.create_pool(client, "p", nodes=1)
        batch.create_job(client, "j", "p")
        client.create_task("j", batch.task("t", sh(yard.waiting_script(gate))))
        wait_until(lambda: yard.marks_of("t"), 30, "the task has begun")
        node = batch.the_node(client, "p")
        booted = client.get_node("p", node).last_boot_time
        batch.ask_reboot(client, "p", node, "taskcompletion")

    server.end(signal.SIGKILL)
    with yard.up(port=server.port).client() as client:
        assert client.get_task("j", "t").state == "running"
        gate.open()
        done = batch.wait_for_task(client, "j", "t", "completed")

        assert batch.execution_of(done).exit_code == 0
        wait_until(
            lambda: client.get_node("p", node).last_boot_time > booted, 20, "the node restarts"
        )
        batch.wait_for_node(client, "p", node, "idle")
    assert len(yard.marks_of("t")) == 1


def test_a_release_that_runs_when_the_server_is_killed_runs_once(yard: Yard):
    server = yard.up()
    gate = yard.gate("gate")
    script = f"echo $$ >> {yard.marks}/release; cat {gate.path} > /dev/null"
    with server.client() as client:
        batch.create_pool(client, "p", nodes=1)
        batch.create_job(
            client,
            "j",
            "p",
            job_preparation_task=models.BatchJobPreparationTask(command_line="true"),
            job_release_task=models.BatchJobReleaseTask(command_line=sh(script)),
        )
        batch.run_task(client, "j", batch.task("t", "true"))
        client.begin_delete_job("j", polling_interval=1)
        wait_until(lambda: yard.marks_of("release"), 20, "the release has begun")

    server.end(signal.SIGKILL)
    gate.open()

    with yard.up(port=server.port).client() as client:
        wait_until(lambda: batch.is_gone(client, "j"), 20, "the job is gone")
    assert len(yard.marks_of("release")) == 1
