"""Pools and nodes: allocation, loss, restarts, and the end of a pool."""

from datetime import timedelta

import pytest

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import NodeKey
from batchyard.core.specs import PoolChange, PoolSpec, Resize, StartTaskSpec
from batchyard.core.states import EndCause, NodeOption
from batchyard.engine import commands
from batchyard.engine.fleet_ports import NodeJoined, NodeLost, NodeReleased, NodeUnavailable, NodeUp
from batchyard.link import messages
from tests.engine.world import ACCOUNT, START, World

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


def start_task(**settings: object) -> StartTaskSpec:
    return StartTaskSpec(command_line="start", **settings)  # type: ignore[arg-type]


def test_tasks_wait_for_the_start_task_of_their_node(world: World) -> None:
    """P-26: the default."""
    world.pool(start_task=start_task())
    world.job()
    world.tasks("one")
    assert world.nodes()[0].state == "waitingforstarttask"
    assert world.assigned() == ["start-1-1"]
    assert world.assignment("start-1-1").directory == "startup"
    world.run("start-1-1")
    assert world.assigned() == ["start-1-1", "task-1-1"]


def test_a_failed_start_task_keeps_tasks_away_until_a_reboot_with_another_one(
    world: World,
) -> None:
    """P-28, SA-76."""
    world.pool(start_task=start_task())
    world.job()
    world.tasks("one")
    world.run("start-1-1", exit_code=3)
    node = world.nodes()[0]
    assert (node.state, node.start_run.exit_code) == ("starttaskfailed", 3)

    change = PoolChange(start_task=start_task(wait_for_success=False))
    world.do(commands.update_pool, ACCOUNT, "pool", change)
    assert world.nodes()[0].start_task.wait_for_success
    world.do(commands.reboot_node, ACCOUNT, "pool", node.id, NodeOption.REQUEUE)
    assert world.nodes()[0].state == "rebooting"
    world.bring_up(world.fleet.requests[-1])
    assert not world.nodes()[0].start_task.wait_for_success
    assert sorted(world.assigned()[-2:]) == ["start-1-2", "task-1-1"]


def test_a_reboot_requeues_the_tasks_and_counts_it(world: World) -> None:
    """T-17."""
    world.pool()
    world.job(preparation=True)
    world.tasks("one")
    world.run("preparation-1-1-1")
    world.report(world.started("task-1-1"))
    node = world.nodes()[0]
    world.do(commands.reboot_node, ACCOUNT, "pool", node.id, NodeOption.REQUEUE)
    task = world.task("one")
    assert (task.state, task.requeue_count, task.retry_count) == ("active", 1, 0)
    world.bring_up(world.fleet.requests[-1])
    assert world.fleet.requests[-1].epoch == 2
    assert world.assigned()[-2:] == ["preparation-1-1-2", "task-1-2"]


def test_a_reboot_may_end_the_tasks_or_wait_for_them(world: World) -> None:
    world.pool(nodes=2)
    world.job()
    world.tasks("ends", "runs", "waits")
    first, second = world.nodes()
    world.report(world.started("task-1-1"))
    world.report(world.started("task-2-1"), node=2)
    world.do(commands.reboot_node, ACCOUNT, "pool", first.id, NodeOption.TERMINATE)
    assert world.task("ends").failure.code == "TaskEnded"
    world.do(commands.reboot_node, ACCOUNT, "pool", second.id, NodeOption.TASK_COMPLETION)
    assert world.nodes()[1].state == "running"
    world.report(world.ended("task-2-1"), node=2)
    assert world.nodes()[1].state == "rebooting"
    assert world.state_of("waits") == "active"


def test_a_node_that_starts_is_not_rebooted(world: World) -> None:
    create(world)
    world.tell(NodeUp(NODE, 1))
    node = world.nodes()[0]
    with pytest.raises(Refused) as refused:
        world.do(commands.reboot_node, ACCOUNT, "pool", node.id, NodeOption.REQUEUE)
    assert refused.value.code is ErrorCode.NODE_BEING_STARTED


def test_a_preparation_need_not_run_again_after_a_reboot(world: World) -> None:
    """SB-20."""
    world.pool()
    world.job(preparation=True, reruns=False)
    world.tasks("one")
    world.run("preparation-1-1-1")
    world.run("task-1-1")
    node = world.nodes()[0]
    world.do(commands.reboot_node, ACCOUNT, "pool", node.id, NodeOption.REQUEUE)
    world.bring_up(world.fleet.requests[-1])
    world.tasks("two")
    assert world.assigned()[-1] == "task-2-1"
    assert world.assignment("task-2-1").wait_for is None


def test_growing_and_shrinking_a_pool(world: World) -> None:
    world.pool(nodes=1)
    seen = len(world.fleet.requests)
    world.do(commands.resize_pool, ACCOUNT, "pool", Resize(target_dedicated_nodes=3))
    assert world.pool_now().allocation_state == "resizing"
    for request in world.fleet.requests[seen:]:
        world.bring_up(request)
    assert world.pool_now().allocation_state == "steady"

    world.job()
    world.tasks("one")
    world.report(world.started("task-1-1"), node=int(busy(world)))
    world.do(commands.resize_pool, ACCOUNT, "pool", Resize(target_dedicated_nodes=1))
    assert len(world.fleet.released) == 2
    for key in list(world.fleet.released):
        world.tell(NodeReleased(key))
    assert world.pool_now().allocation_state == "steady"
    assert world.state_of("one") == "running"


def busy(world: World) -> NodeKey:
    """The node that has the only task."""
    (key,) = [node.key for node in world.nodes() if node.tasks_running]
    return NodeKey(key)


def test_removed_nodes_let_their_tasks_finish_if_they_are_told_to(world: World) -> None:
    """P-21, P-17: no new ones meanwhile."""
    world.pool(nodes=1)
    world.job()
    world.tasks("one", "two")
    world.report(world.started("task-1-1"))
    node = world.nodes()[0]
    timeout = timedelta(minutes=5)
    option = NodeOption.TASK_COMPLETION
    world.do(commands.remove_nodes, ACCOUNT, "pool", [node.id], timeout, option)
    assert (world.nodes()[0].state, world.fleet.released) == ("leavingpool", [])
    assert world.pool_now().target_dedicated_nodes == 0
    world.report(world.ended("task-1-1"))
    assert world.fleet.released == [NODE]
    assert (world.state_of("one"), world.state_of("two")) == ("completed", "active")
    world.tell(NodeReleased(NODE))
    assert world.pool_now().allocation_state == "steady"


def test_a_node_that_is_lost_while_it_lets_its_tasks_finish_is_left_by_its_jobs(
    world: World,
) -> None:
    """There is no next life in which their release tasks could run: a job ends without them."""
    world.pool(nodes=1)
    world.job(preparation=True, release=True)
    world.tasks("one")
    world.report(world.started("preparation-1-1-1"), world.ended("preparation-1-1-1"))
    world.report(world.started("task-1-1"))
    option = NodeOption.TASK_COMPLETION
    timeout = timedelta(minutes=5)
    world.do(commands.remove_nodes, ACCOUNT, "pool", [world.nodes()[0].id], timeout, option)
    world.tell(NodeLost(NODE, 1))
    assert (world.task("one").state, world.task("one").requeue_count) == ("active", 0)
    world.tell(NodeReleased(NODE))
    world.do(commands.terminate_job, ACCOUNT, "job", None)
    assert world.job_now().state == "completed"


def test_an_unknown_node_is_not_removed_and_nothing_else_is(world: World) -> None:
    world.pool(nodes=1)
    node = world.nodes()[0]
    with pytest.raises(Refused) as refused:
        world.do(
            commands.remove_nodes,
            ACCOUNT,
            "pool",
            [node.id, "nonode"],
            timedelta(minutes=5),
            NodeOption.REQUEUE,
        )
    assert refused.value.code is ErrorCode.NODE_NOT_FOUND
    assert world.nodes()[0].state == "idle"


def test_a_late_welcome_takes_nothing_from_what_has_begun_since(world: World) -> None:
    """A welcome that could not be stored is told again a second later; the node goes on."""
    world.pool()
    world.job()
    world.tasks("t")
    world.report(world.started("task-1-1"))
    late = messages.Welcome(messages.PROTOCOL, 1, world.clock.now(), [], 1, [])

    world.tell(NodeJoined(NodeKey(1), late))

    assert world.state_of("t") == "running"
    assert world.assigned() == ["task-1-1"]


def test_a_node_may_be_met_before_the_fleet_says_that_it_is_up(world: World) -> None:
    """As when the commit failed that would have taken over the first of the two."""
    create(world)
    (request,) = world.fleet.requests
    world.tell(NodeJoined(NODE, messages.Welcome(messages.PROTOCOL, 1, START, [], 1, [])))
    assert world.nodes()[0].state == "idle"
    world.tell(NodeUp(NODE, request.epoch))
    assert world.nodes()[0].state == "idle"
