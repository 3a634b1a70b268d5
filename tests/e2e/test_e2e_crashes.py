"""What is killed, and what its tasks notice of it: nothing, wherever that is possible."""

import os
import signal

import pytest

from tests import batch, processes, service
from tests.batch import sh
from tests.processes import Process
from tests.service import Service
from tests.waiting import wait_until
from tests.yard import Yard

RUNNING = 200
QUEUED = 20
EARLY = 20
NODES = 4

#: How the processes of a node are told from one another.
AGENT = "-m batchyard.agent "
SUPERVISOR = "/supervisor.py "


@pytest.mark.timeout(180)
def test_a_server_killed_while_200_tasks_run_costs_none_of_them_anything(yard: Yard):
    server = yard.up()
    client = server.client()
    early, late = yard.gate("early"), yard.gate("late")
    batch.create_pool(client, "p", NODES, RUNNING // NODES, vm_size="standard_d16_v3")
    batch.create_job(client, "j", "p")
    wishes = [
        batch.task(f"t{number}", sh(yard.waiting_script(early if number < EARLY else late)))
        for number in range(RUNNING)
    ]
    batch.add_tasks(client, "j", wishes)
    wait_until(lambda: _count(client, "running") == RUNNING, 60, "200 tasks run at once")
    queued = [batch.task(f"q{number}", sh(yard.waiting_script(late))) for number in range(QUEUED)]
    batch.add_tasks(client, "j", queued)
    before = batch.tasks_of(client, "j")
    wait_until(lambda: all(yard.marks_of(f"t{n}") for n in range(RUNNING)), 20, "all have begun")

    server.end(signal.SIGKILL)
    # These end while there is no server that could be told.
    ending = [yard.marks_of(f"t{number}")[0] for number in range(EARLY)]
    early.open()
    wait_until(lambda: not any(_runs(pid) for pid in ending), 20, "the early ones have ended")
    server = yard.up(port=server.port)
    client = server.client()

    wait_until(lambda: _count(client, "succeeded") == EARLY, 30, "the early ones are told of")
    during = batch.tasks_of(client, "j")
    for number in range(EARLY, RUNNING):
        one = during[f"t{number}"]
        assert one.state == "running"
        assert batch.start_of(one) == batch.start_of(before[one.id])
        assert batch.node_of(one) == batch.node_of(before[one.id])
    late.open()
    after = batch.wait_for_tasks(client, "j", seconds=90)

    assert set(after) == {wish.id for wish in (*wishes, *queued)}
    assert {batch.execution_of(one).exit_code for one in after.values()} == {0}
    assert {batch.execution_of(one).retry_count for one in after.values()} == {0}
    assert {batch.execution_of(one).requeue_count for one in after.values()} == {0}
    assert {name: len(yard.marks_of(name)) for name in after} == dict.fromkeys(after, 1)
    assert all(
        batch.start_of(after[f"t{n}"]) == batch.start_of(before[f"t{n}"]) for n in range(RUNNING)
    )
    client.close()


def test_an_agent_that_is_killed_is_followed_by_another_and_its_tasks_run_on(yard: Yard):
    server = yard.up()
    client = server.client()
    first, second = yard.gate("first"), yard.gate("second")
    batch.create_pool(client, "p", nodes=1, slots=4)
    batch.create_job(client, "j", "p")
    wishes = [batch.task("a", sh(yard.waiting_script(first)))]
    wishes += [batch.task(name, sh(yard.waiting_script(second))) for name in ("b", "c")]
    batch.add_tasks(client, "j", wishes)
    wait_until(lambda: all(yard.marks_of(one.id) for one in wishes), 30, "all have begun")
    wait_until(lambda: _count(client, "running") == 3, 10, "all run")
    before = batch.tasks_of(client, "j")
    agent = _the(server, AGENT)

    os.kill(agent.pid, signal.SIGKILL)
    # It ends when there is no agent, or a new one that has not heard of it.
    first.open()
    wait_until(lambda: _another_agent(server, agent), 20, "another agent runs")
    batch.wait_for_task(client, "j", "a", "completed")
    second.open()
    after = batch.wait_for_tasks(client, "j")

    for name, one in after.items():
        info = batch.execution_of(one)
        assert (info.exit_code, info.retry_count, info.requeue_count) == (0, 0, 0)
        assert batch.start_of(one) == batch.start_of(before[name])
        assert len(yard.marks_of(name)) == 1
    following = batch.run_task(client, "j", batch.task("d", "true"))
    assert batch.node_of(following) == batch.node_of(after["a"])
    client.close()


def test_tasks_of_a_supervisor_that_is_killed_run_again_without_being_counted(yard: Yard):
    server = yard.up()
    client = server.client()
    gate = yard.gate("gate")
    batch.create_pool(client, "p", nodes=1, slots=4)
    batch.create_job(client, "j", "p")
    names = ["a", "b"]
    batch.add_tasks(
        client, "j", [batch.task(name, sh(yard.waiting_script(gate))) for name in names]
    )
    wait_until(lambda: _count(client, "running") == 2, 30, "both run")
    wait_until(lambda: all(yard.marks_of(name) for name in names), 10, "both have begun")
    lost = [processes.process(yard.marks_of(name)[0]) for name in names]

    os.kill(_the(server, SUPERVISOR).pid, signal.SIGKILL)

    wait_until(lambda: all(len(yard.marks_of(name)) == 2 for name in names), 40, "both run again")
    # What is left of the first time is ended before anything runs a second time.
    assert processes.alive(lost) == []
    gate.open()
    after = batch.wait_for_tasks(client, "j")
    for one in after.values():
        info = batch.execution_of(one)
        assert (info.exit_code, info.retry_count, info.requeue_count) == (0, 0, 0)
    client.close()


def test_a_server_that_is_asked_to_end_leaves_its_tasks_running_and_down_ends_them(yard: Yard):
    server = yard.up()
    client = server.client()
    gate = yard.gate("gate")
    batch.create_pool(client, "p", nodes=1, slots=1)
    batch.create_job(client, "j", "p")
    client.create_task("j", batch.task("t", sh(yard.waiting_script(gate))))
    wait_until(lambda: yard.marks_of("t"), 30, "the task has begun")
    running = processes.process(yard.marks_of("t")[0])
    client.close()

    assert server.end(signal.SIGTERM) == 0

    assert running.is_alive()
    assert processes.alive(server.seen) != []
    result = service.down(yard.data)
    assert result.returncode == 0, result.stderr
    assert not running.is_alive()
    assert processes.alive(server.seen) == []


def test_down_ends_a_server_that_still_runs_with_everything_that_it_has_started(yard: Yard):
    server = yard.up()
    client = server.client()
    gate = yard.gate("gate")
    batch.create_pool(client, "p", nodes=2, slots=1)
    batch.create_job(client, "j", "p")
    client.create_task("j", batch.task("t", sh(yard.waiting_script(gate))))
    wait_until(lambda: yard.marks_of("t"), 30, "the task has begun")
    client.close()
    server.look()

    result = service.down(yard.data)

    assert result.returncode == 0, result.stderr
    assert server.process.wait(10) == 0
    assert processes.alive(server.seen) == []


def test_what_was_acknowledged_is_there_after_a_kill(yard: Yard):
    server = yard.up()
    client = server.client()
    batch.create_pool(client, "p", nodes=0)
    batch.create_job(client, "j", "p")
    batch.add_tasks(client, "j", [batch.task(f"t{number}", "true") for number in range(100)])
    client.close()

    server.end(signal.SIGKILL)

    client = yard.up().client()
    assert [one.id for one in client.list_pools()] == ["p"]
    assert len(batch.tasks_of(client, "j")) == 100
    client.close()


def _count(client, state: str) -> int:
    counts = client.get_job_task_counts("j").task_counts
    return int(getattr(counts, state))


def _runs(pid: int) -> bool:
    try:
        return processes.process(pid).is_alive()
    except ProcessLookupError:
        return False


def _all(server: Service, argument: str) -> list[Process]:
    """The processes of one kind, told by their arguments."""
    return [one for one in server.look() if argument in one.command_line()]


def _the(server: Service, argument: str) -> Process:
    (found,) = _all(server, argument)
    return found


def _another_agent(server: Service, old: Process) -> bool:
    return any(one != old for one in _all(server, AGENT) if one.is_alive())
