"""The end of jobs that does not wait for nodes (J-42)."""

from datetime import timedelta
from functools import partial

import pytest

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import NodeKey
from batchyard.core.states import EndCause
from batchyard.engine import commands
from batchyard.engine.fleet_ports import NodeLost
from tests.engine.world import ACCOUNT, World

PREPARATION = "preparation-1-1-1"
RELEASE = "release-1-1-1"
TASK = "task-1-1"


def terminate(world: World, *, is_forced: bool = True) -> None:
    command = partial(commands.terminate_job, is_forced=is_forced)
    world.do(command, ACCOUNT, "job", None)


def delete(world: World, *, is_forced: bool = True) -> None:
    command = partial(commands.delete_job, is_forced=is_forced)
    world.do(command, ACCOUNT, "job")


def is_gone(world: World) -> bool:
    try:
        world.job_now()
    except Refused as refused:
        return refused.code is ErrorCode.JOB_NOT_FOUND
    return False


@pytest.fixture
def busy(world: World) -> World:
    """A job with preparation and release, one task of which runs on a node of one slot."""
    world.pool()
    world.job(preparation=True, release=True)
    world.tasks("one", "two")
    world.run(PREPARATION)
    world.report(world.started(TASK))
    return world


def test_a_job_is_completed_at_once_though_its_node_is_silent(busy: World) -> None:
    terminate(busy)
    job = busy.job_now()
    assert (job.state, job.terminate_reason) == ("completed", "UserTerminate")
    assert (busy.state_of("one"), busy.state_of("two")) == ("completed", "active")


def test_its_task_is_ended_and_its_release_task_runs_when_the_node_is_met_again(
    busy: World,
) -> None:
    terminate(busy)
    busy.fleet.orders.clear()
    busy.join(NodeKey(1), known=[TASK])
    assert busy.stopped() == [TASK]
    busy.report(busy.ended(TASK, None, EndCause.STOPPED))
    assert busy.assigned() == [RELEASE]
    busy.run(RELEASE)
    assert busy.job_now().state == "completed"
    assert busy.job_now().nodes_unsettled == 0


def test_a_termination_that_waits_may_be_forced(busy: World) -> None:
    terminate(busy, is_forced=False)
    assert busy.job_now().state == "terminating"
    with pytest.raises(Refused) as refused:
        terminate(busy, is_forced=False)
    assert refused.value.code is ErrorCode.JOB_BEING_TERMINATED
    terminate(busy)
    assert busy.job_now().state == "completed"


def test_a_completed_job_is_not_terminated_by_force(busy: World) -> None:
    terminate(busy)
    with pytest.raises(Refused) as refused:
        terminate(busy)
    assert refused.value.code is ErrorCode.JOB_COMPLETED


def test_a_job_is_gone_at_once_though_its_node_is_silent(busy: World) -> None:
    delete(busy)
    assert is_gone(busy)
    assert busy.stopped() == [TASK]


def test_what_is_left_of_a_job_that_is_gone_is_ended_when_its_node_is_met_again(
    busy: World,
) -> None:
    """Nothing of it is released: nobody knows what it was."""
    delete(busy)
    busy.restart()
    busy.join(NodeKey(1), known=[TASK])
    assert busy.stopped() == [TASK]
    busy.job("next")
    busy.tasks("three", job_id="next")
    assert busy.assigned() == []
    busy.report(busy.ended(TASK, None, EndCause.STOPPED))
    (node,) = busy.nodes()
    assert (node.slots_used, busy.assigned()) == (1, ["task-3-1"])


def test_the_loss_of_a_node_is_nothing_to_a_job_that_is_gone(busy: World) -> None:
    delete(busy)
    busy.tell(NodeLost(NodeKey(1), 1))
    (node,) = busy.nodes()
    assert (node.slots_used, node.tasks_running) == (0, 0)


def test_a_preparation_that_runs_is_ended_with_a_job_that_goes_at_once(world: World) -> None:
    world.pool()
    world.job(preparation=True, release=True)
    world.tasks("one")
    world.report(world.started(PREPARATION))
    delete(world)
    assert is_gone(world)
    assert set(world.stopped()) == {PREPARATION, TASK}
    world.report(world.ended(PREPARATION, None, EndCause.STOPPED), world.never_started(TASK))
    assert world.nodes()[0].slots_used == 0


def test_a_deletion_that_waits_for_a_release_task_may_be_forced(busy: World) -> None:
    delete(busy, is_forced=False)
    busy.report(busy.ended(TASK, None, EndCause.STOPPED))
    assert busy.job_now().state == "deleting"
    assert busy.assigned()[-1] == RELEASE
    with pytest.raises(Refused) as refused:
        delete(busy, is_forced=False)
    assert refused.value.code is ErrorCode.JOB_BEING_DELETED
    delete(busy)
    assert is_gone(busy)
    assert busy.stopped() == [TASK, RELEASE]


def test_the_deletion_of_a_job_that_was_completed_by_force_waits_for_its_release(
    busy: World,
) -> None:
    """J-45, J-84: it runs once."""
    terminate(busy)
    delete(busy, is_forced=False)
    assert busy.job_now().state == "deleting"
    busy.report(busy.ended(TASK, None, EndCause.STOPPED))
    busy.run(RELEASE)
    assert is_gone(busy)
    assert busy.assigned().count(RELEASE) == 1


def test_a_forced_end_outlives_a_restart(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was answered is carried on with, even if the server ended right after it."""
    monkeypatch.setattr("batchyard.engine.loops.sweep", lambda _cascade, _key: None)
    terminate(busy)
    assert busy.job_now().state == "terminating"
    monkeypatch.undo()
    busy.restart()
    assert busy.job_now().state == "completed"


def test_a_job_with_many_tasks_and_nodes_is_forced_in_steps(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchyard.core.limits.SWEEP_ENTITIES_MAX", 2)
    world.pool(nodes=5)
    world.job()
    world.tasks(*(f"t{number}" for number in range(5)))
    terminate(world)
    assert world.job_now().state == "completed"
    assert {world.state_of(f"t{number}") for number in range(5)} == {"active"}
    delete(world)
    assert is_gone(world)
    world.clock.pass_time(timedelta(seconds=1))
    assert sorted(execution for node in range(1, 6) for execution in world.stopped(node)) == [
        f"task-{number}-1" for number in range(1, 6)
    ]
