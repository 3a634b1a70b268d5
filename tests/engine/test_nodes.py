"""Pools and nodes: allocation, loss, restarts, and the end of a pool."""

from datetime import timedelta

import pytest

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.model import EndCause, NodeKey, PoolSpec
from batchyard.engine import commands
from batchyard.engine.ports import NodeLost, NodeReleased, NodeUnavailable, NodeUp
from tests.engine.world import ACCOUNT, World

NODE = NodeKey(1)


def create(world: World, **spec: object) -> None:
    settings: dict[str, object] = {"target_dedicated_nodes": 1, **spec}
    world.do(
        commands.create_pool,
        ACCOUNT,
        PoolSpec(id="pool", vm_size="standard_d2_v3", **settings),  # type: ignore[arg-type]
    )


def test_a_pool_is_steady_when_its_nodes_are_there(world: World) -> None:
    create(world, target_dedicated_nodes=2, target_low_priority_nodes=1)
    assert world.pool_now().allocation_state == "resizing"
    assert [node.state for node in world.nodes()] == ["creating"] * 3
    assert [node.is_dedicated for node in world.nodes()] == [True, True, False]
    for request in world.fleet.requests:
        world.bring_up(request)
    assert world.pool_now().allocation_state == "steady"
    assert {node.state for node in world.nodes()} == {"idle"}


def test_an_empty_pool_is_steady_at_once(world: World) -> None:
    create(world, target_dedicated_nodes=0)
    assert world.pool_now().allocation_state == "steady"


def test_nodes_of_a_windows_image_are_honestly_not_to_be_had(world: World) -> None:
    create(world, is_windows=True)
    pool = world.pool_now()
    assert (pool.allocation_state, [error.code for error in pool.resize_errors]) == (
        "steady",
        ["AllocationFailed"],
    )
    assert world.nodes() == []


def test_a_resize_is_given_up_when_its_time_is_over(world: World) -> None:
    """P-19: the pool keeps what came up."""
    create(world, target_dedicated_nodes=2, resize_timeout=timedelta(minutes=5))
    world.bring_up(world.fleet.requests[0])
    world.clock.pass_time(timedelta(minutes=5))
    assert world.engine.has_work
    world.settle()
    pool = world.pool_now()
    assert (pool.allocation_state, pool.resize_errors[0].code) == ("steady", "AllocationTimedout")
    world.tell(NodeReleased(NodeKey(2)))
    assert [node.state for node in world.nodes()] == ["idle"]


def test_a_resize_that_is_done_is_not_given_up_later(world: World) -> None:
    world.pool()
    world.clock.pass_time(timedelta(hours=1))
    world.settle()
    assert world.pool_now().resize_errors == ()


def test_a_node_that_does_not_start_is_told_by_its_pool(world: World) -> None:
    create(world)
    world.tell(NodeUnavailable(NODE, 1, "no memory"))
    error = world.pool_now().resize_errors[0]
    assert error.values == (("Reason", "no memory"),)


def test_a_lost_node_gives_its_tasks_to_another_attempt(world: World) -> None:
    """T-15, T-17: neither retryCount nor requeueCount rises."""
    world.pool()
    world.job()
    world.tasks("one")
    world.report(world.started("task-1-1"))
    world.tell(NodeLost(NODE, 1))
    assert world.nodes()[0].state == "unknown"
    task = world.task("one")
    assert (task.state, task.retry_count, task.requeue_count) == ("active", 0, 0)

    world.bring_up(world.fleet.requests[-1])
    assert world.fleet.requests[-1].epoch == 2
    assert world.assigned()[-1] == "task-1-2"
    world.report(world.started("task-1-2"), world.ended("task-1-2"), epoch=2)
    assert world.state_of("one") == "completed"


def test_what_a_former_life_reports_is_ignored(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("one")
    world.report(world.started("task-1-1"))
    world.tell(NodeLost(NODE, 1))
    world.report(world.ended("task-1-1"), epoch=1)
    assert world.state_of("one") == "active"


def test_a_restarted_node_is_prepared_again(world: World) -> None:
    world.pool()
    world.job(preparation=True)
    world.tasks("one")
    world.run("preparation-1-1-1")
    world.report(world.started("task-1-1"))
    world.tell(NodeLost(NODE, 1))
    world.bring_up(world.fleet.requests[-1])
    assert world.assigned()[-2:] == ["preparation-1-1-2", "task-1-2"]


def test_a_release_that_was_lost_with_its_node_runs_again(world: World) -> None:
    world.pool()
    world.job(preparation=True, release=True)
    world.tasks("one")
    world.run("preparation-1-1-1")
    world.run("task-1-1")
    world.do(commands.terminate_job, ACCOUNT, "job", None)
    world.report(world.started("release-1-1-1"))
    world.tell(NodeLost(NODE, 1))
    world.bring_up(world.fleet.requests[-1])
    assert world.assigned()[-1] == "release-1-1-2"
    world.run("release-1-1-2", epoch=2)
    assert world.job_now().state == "completed"


def test_tasks_lost_while_their_job_ends_are_released_once(world: World) -> None:
    world.pool()
    world.job(preparation=True, release=True)
    world.tasks("one")
    world.run("preparation-1-1-1")
    world.report(world.started("task-1-1"))
    world.do(commands.terminate_job, ACCOUNT, "job", None)
    world.tell(NodeLost(NODE, 1))
    world.bring_up(world.fleet.requests[-1])
    releases = {name for name in world.assigned() if name.startswith("release")}
    assert releases == {"release-1-1-1"}


def test_a_node_that_was_shut_down_runs_its_tasks_again(world: World) -> None:
    """`batchyard down` ends processes; no user asked for the end of the task."""
    world.pool()
    world.job()
    world.tasks("one")
    world.report(world.started("task-1-1"))
    world.report(world.ended("task-1-1", -15, EndCause.STOPPED))
    assert world.assigned()[-1] == "task-1-2"
    assert world.task("one").retry_count == 0


def test_a_preparation_that_was_shut_down_runs_again(world: World) -> None:
    world.pool()
    world.job(preparation=True)
    world.tasks("one")
    world.report(world.started("preparation-1-1-1"))
    world.report(world.ended("preparation-1-1-1", -15, EndCause.STOPPED))
    assert world.assigned()[-1] == "preparation-1-1-2"


def test_a_restarted_server_finds_its_nodes_and_sends_what_they_do_not_know(
    world: World,
) -> None:
    world.pool(slots=3)
    world.job()
    world.tasks("known", "unknown", "ended")
    world.report(world.started("task-1-1"))
    world.restart()
    assert [(request.key, request.epoch) for request in world.fleet.requests] == [(1, 1)]
    world.tell(NodeUp(NODE, 1))
    world.join(
        NODE, known=["task-1-1"], reports=[world.started("task-3-1"), world.ended("task-3-1")]
    )
    assert world.assigned() == ["task-2-1"]
    assert world.state_of("ended") == "completed"
    assert world.state_of("known") == "running"


def test_a_node_stops_what_the_store_does_not_want(world: World) -> None:
    """Fencing: what was given up elsewhere must not go on."""
    world.pool()
    world.join(NODE, known=["task-99-1"])
    assert world.stopped() == ["task-99-1"]


def test_an_order_to_stop_that_was_lost_is_sent_again(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("one")
    world.report(world.started("task-1-1"))
    world.do(commands.delete_task, ACCOUNT, "job", "one")
    world.fleet.orders.clear()
    world.join(NODE, known=["task-1-1"])
    assert world.stopped() == ["task-1-1"]


def test_what_a_node_forgot_it_ran_has_to_run_again(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("one")
    world.report(world.started("task-1-1"))
    world.join(NODE)
    assert world.assigned()[-1] == "task-1-2"


def test_a_deleted_pool_requeues_its_tasks_and_lets_its_jobs_wait(world: World) -> None:
    """S-7, S-8."""
    world.pool()
    world.job()
    world.tasks("one")
    world.report(world.started("task-1-1"))
    world.do(commands.delete_pool, ACCOUNT, "pool")
    assert world.pool_now().state == "deleting"
    assert world.fleet.released == [NODE]
    task = world.task("one")
    assert (task.state, task.requeue_count) == ("active", 1)
    with pytest.raises(Refused) as refused:
        world.do(commands.delete_pool, ACCOUNT, "pool")
    assert refused.value.code is ErrorCode.POOL_BEING_DELETED

    world.tell(NodeReleased(NODE))
    with pytest.raises(Refused):
        world.pool_now()
    assert world.store.reads.get_task(ACCOUNT, "job", "one").node is not None

    world.pool()
    assert world.assigned(2) == ["task-1-2"]


def test_a_job_whose_node_left_completes_without_its_release(world: World) -> None:
    world.pool()
    world.job(preparation=True, release=True)
    world.tasks("one")
    world.run("preparation-1-1-1")
    world.run("task-1-1")
    world.do(commands.delete_pool, ACCOUNT, "pool")
    world.do(commands.terminate_job, ACCOUNT, "job", None)
    assert world.job_now().state == "completed"


def test_a_pool_without_nodes_is_gone_at_once(world: World) -> None:
    create(world, target_dedicated_nodes=0)
    world.do(commands.delete_pool, ACCOUNT, "pool")
    with pytest.raises(Refused):
        world.pool_now()
