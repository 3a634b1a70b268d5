"""Multi-instance tasks in a pool: all nodes at once, and all of them to the end (T-57 ... T-62)."""

from datetime import timedelta
from typing import Any

import pytest

from batchyard.core.keys import NodeKey, TaskKey
from batchyard.core.reasons import WaitingCode
from batchyard.core.specs import MultiInstanceSpec, ResourceFile
from batchyard.core.states import DisableTasks, EndCause, GangState, NodeOption
from batchyard.engine import commands
from batchyard.engine.fleet_ports import NodeLost, NodeReleased
from batchyard.engine.why import why_task
from batchyard.link import messages
from tests.engine.world import ACCOUNT, World

ALL = (1, 2, 3)
SECOND = timedelta(seconds=1)


def gang(instances: int = 3, files: tuple[ResourceFile, ...] = ()) -> MultiInstanceSpec:
    return MultiInstanceSpec(
        coordination_command_line="coordinate",
        instances=instances,
        common_resource_files=files,
    )


def subtask(number: int, attempt: int = 1, task: int = 1) -> str:
    return f"subtask-{task}-{attempt}-{number}"


def primary(attempt: int = 1, task: int = 1) -> str:
    return f"primary-{task}-{attempt}"


@pytest.fixture
def pool(world: World) -> World:
    """Three nodes that may work together."""
    world.pool(nodes=3, has_inter_node_communication=True)
    return world


def coordinate(world: World, *nodes: int, attempt: int = 1, task: int = 1) -> None:
    """Let subtasks run on the nodes of their number, and their commands exit with 0."""
    for node in nodes or ALL:
        name = subtask(node - 1, attempt, task)
        coordinated = messages.Coordinated(name, world.clock.now())
        world.report(world.started(name), coordinated, node=node)


def running(world: World, *, allow_task_preemption: bool = False, **spec: Any) -> World:
    """Have the application of task t run on the first node."""
    world.job(allow_task_preemption=allow_task_preemption)
    world.tasks("t", multi_instance=gang(), **spec)
    coordinate(world)
    world.report(world.started(primary()))
    return world


def stop_all(world: World, attempt: int = 1) -> None:
    """Let the nodes end what they were told to stop, the application first."""
    for name, node in ((primary(attempt), 1), *((subtask(n - 1, attempt), n) for n in ALL)):
        if name in world.stopped(node):
            world.report(world.ended(name, -15, EndCause.STOPPED), node=node)


def gang_now(world: World, task: int = 1) -> Any:
    key = TaskKey(task)
    with world.store.transaction() as transaction:
        return transaction.gangs([key]).get(key)


def slots_used(world: World) -> list[int]:
    return [node.slots_used for node in world.nodes()]


def waits_for(world: World, task_id: str = "t") -> WaitingCode:
    with world.store.reads.look() as transaction:
        found = why_task(transaction, ACCOUNT, "job", task_id, world.engine.held)
    assert found.reason is not None
    return found.reason.code


def test_a_subtask_begins_on_every_node_and_all_of_them_at_once(pool: World) -> None:
    """T-58; nothing begins while one node is missing."""
    pool.job()
    pool.tasks("single")
    pool.tasks("t", multi_instance=gang())
    assert [pool.assigned(node) for node in ALL] == [["task-1-1"], [], []]
    pool.run("task-1-1")
    assert sorted(pool.assigned(node)[-1] for node in ALL) == [
        subtask(number, task=2) for number in range(3)
    ]
    assert slots_used(pool) == [1, 1, 1]


def test_each_instance_gets_the_coordination_command_and_the_common_files(pool: World) -> None:
    """T-59, T-46: the resource files of the task are for the primary alone."""
    common, own = ResourceFile("http://c", "c"), ResourceFile("http://o", "o")
    pool.job()
    pool.tasks("t", multi_instance=gang(files=(common,)), resource_files=(own,))
    for number in range(3):
        told = pool.assignment(subtask(number))
        assert told.command_line == "coordinate"
        assert [file.path for file in told.resource_files] == ["c"]
        assert told.environment["AZ_BATCH_IS_CURRENT_NODE_MASTER"] == str(number == 0).lower()
    coordinate(pool)
    told = pool.assignment(primary())
    assert (told.command_line, told.slots) == ("true", 0)
    assert [file.path for file in told.resource_files] == ["o"]
    assert len(told.environment["AZ_BATCH_HOST_LIST"].split(",")) == 3


def test_the_application_begins_when_the_last_one_is_coordinated(pool: World) -> None:
    pool.job()
    pool.tasks("t", multi_instance=gang())
    coordinate(pool, 1, 3)
    assert primary() not in pool.assigned(1)
    assert pool.state_of("t") == "running"
    coordinate(pool, 2)
    assert pool.assigned(1)[-1] == primary()


def test_every_node_is_prepared_for_the_job_first(pool: World) -> None:
    """J-68, J-69."""
    pool.job(preparation=True)
    pool.tasks("t", multi_instance=gang())
    for node in ALL:
        preparation = f"preparation-1-{node}-1"
        assert set(pool.assigned(node)) == {preparation, subtask(node - 1)}
        assert pool.assignment(subtask(node - 1)).wait_for == preparation
    assert pool.state_of("t") == "preparing"


def test_a_node_that_cannot_be_prepared_gives_the_task_back_uncounted(pool: World) -> None:
    """J-69; others of its instances may run by then."""
    pool.job(preparation=True)
    pool.tasks("t", multi_instance=gang())
    pool.run("preparation-1-1-1")
    coordinate(pool, 1)
    pool.run("preparation-1-2-1", 1, node=2)
    task = pool.task("t")
    assert (task.state, task.is_placed, task.requeue_count) == ("active", False, 0)
    assert [pool.stopped(node) for node in ALL] == [[subtask(0)], [subtask(1)], [subtask(2)]]


def test_the_end_of_the_application_is_the_end_of_the_task_and_of_all_instances(
    pool: World,
) -> None:
    """T-60."""
    running(pool)
    pool.report(pool.ended(primary(), 5))
    task = pool.task("t")
    assert (task.state, task.exit_code, task.result) == ("completed", 5, "failure")
    assert [pool.stopped(node) for node in ALL] == [[subtask(0)], [subtask(1)], [subtask(2)]]
    assert slots_used(pool) == [1, 1, 1]
    stop_all(pool)
    assert slots_used(pool) == [0, 0, 0]


def test_a_subtask_that_fails_ends_all_and_is_retried(pool: World) -> None:
    """T-60."""
    pool.job()
    pool.tasks("t", multi_instance=gang(), max_task_retry_count=1)
    coordinate(pool, 1, 3)
    pool.run(subtask(1), 7, node=2)
    task = pool.task("t")
    assert (task.state, task.retry_count) == ("active", 1)
    assert [pool.stopped(node) for node in ALL] == [[subtask(0)], [], [subtask(2)]]
    assert primary() not in pool.assigned(1)
    pool.report(pool.ended(subtask(0), -15, EndCause.STOPPED), node=1)
    assert gang_now(pool).attempt == 1
    pool.report(pool.ended(subtask(2), -15, EndCause.STOPPED), node=3)
    assert gang_now(pool).attempt == 2
    assert sorted(pool.assigned(node)[-1] for node in ALL) == [subtask(n, 2) for n in range(3)]


def test_a_subtask_may_fail_before_that_of_the_primary_has_started(pool: World) -> None:
    pool.job()
    pool.tasks("t", multi_instance=gang())
    pool.run(subtask(2), 7, node=3)
    task = pool.task("t")
    assert (task.state, task.exit_code, task.failure.code) == ("completed", 7, "FailureExitCode")
    assert (pool.stopped(1), pool.stopped(2)) == ([subtask(0)], [subtask(1)])


@pytest.mark.parametrize("node", ALL)
def test_a_lost_node_is_the_loss_of_the_whole_attempt(pool: World, node: int) -> None:
    """T-15: nobody's fault, so neither a retry nor a requeue."""
    running(pool)
    pool.tell(NodeLost(NodeKey(node), 1))
    task = pool.task("t")
    assert (task.state, task.recovery_count, task.requeue_count) == ("active", 1, 0)
    stop_all(pool)
    pool.bring_up(pool.fleet.requests[-1])
    assert gang_now(pool).attempt == 2


@pytest.mark.parametrize("node", ALL)
def test_a_node_that_a_user_reboots_requeues_the_task(pool: World, node: int) -> None:
    """T-17, P-38."""
    running(pool)
    pool.do(commands.reboot_node, ACCOUNT, "pool", pool.nodes()[node - 1].id, NodeOption.REQUEUE)
    task = pool.task("t")
    assert (task.state, task.requeue_count, task.recovery_count) == ("active", 1, 0)
    assert gang_now(pool).state is GangState.WAITING


@pytest.mark.parametrize("node", ALL)
def test_a_node_that_is_taken_away_with_its_tasks_ends_all_instances(
    pool: World, node: int
) -> None:
    """P-17."""
    running(pool)
    remove(pool, node, NodeOption.TERMINATE)
    task = pool.task("t")
    assert (task.state, task.failure.code) == ("completed", "TaskEnded")
    others = [other for other in ALL if other != node]
    assert all(pool.stopped(other) for other in others)


def test_a_node_that_leaves_after_its_tasks_waits_for_the_application(pool: World) -> None:
    """P-17: taskcompletion; the application may even begin there meanwhile."""
    pool.job()
    pool.tasks("t", multi_instance=gang())
    coordinate(pool, 1, 2)
    remove(pool, 1, NodeOption.TASK_COMPLETION)
    coordinate(pool, 3)
    pool.run(primary())
    assert pool.state_of("t") == "completed"
    assert pool.fleet.released == []
    stop_all(pool)
    assert pool.fleet.released == [1]


def test_an_instance_that_a_leaving_node_has_not_started_gives_the_task_back(pool: World) -> None:
    pool.job()
    pool.tasks("t", multi_instance=gang())
    coordinate(pool, 1)
    remove(pool, 2, NodeOption.TASK_COMPLETION)
    assert pool.recalled(2) == [subtask(1)]
    pool.report(pool.never_started(subtask(1)), node=2)
    task = pool.task("t")
    assert (task.state, task.requeue_count) == ("active", 0)
    assert pool.stopped(1) == [subtask(0)]


def remove(world: World, node: int, option: NodeOption) -> None:
    node_id = world.nodes()[node - 1].id
    minutes = timedelta(minutes=15)
    world.do(commands.remove_nodes, ACCOUNT, "pool", [node_id], minutes, option)


@pytest.mark.parametrize("how", ["terminate", "delete", "job", "disable"])
def test_whoever_ends_the_task_ends_it_on_every_node(pool: World, how: str) -> None:
    """T-21, T-23, J-35, J-38: the application first, what is beside it once that is over."""
    running(pool)
    match how:
        case "terminate":
            pool.do(commands.terminate_task, ACCOUNT, "job", "t")
        case "delete":
            pool.do(commands.delete_task, ACCOUNT, "job", "t")
        case "job":
            pool.do(commands.terminate_job, ACCOUNT, "job", None)
        case _:
            pool.do(commands.disable_job, ACCOUNT, "job", DisableTasks.REQUEUE)
    assert [pool.stopped(node) for node in ALL] == [[primary()], [subtask(1)], [subtask(2)]]
    pool.report(pool.ended(primary(), -15, EndCause.STOPPED))
    assert pool.stopped(1) == [primary(), subtask(0)]
    stop_all(pool)
    assert slots_used(pool) == [0, 0, 0]


def test_a_job_is_disabled_once_nothing_of_its_gang_is_left(pool: World) -> None:
    running(pool)
    pool.do(commands.disable_job, ACCOUNT, "job", DisableTasks.REQUEUE)
    assert pool.job_now().state == "disabling"
    assert pool.task("t").requeue_count == 1
    stop_all(pool)
    assert pool.job_now().state == "disabled"


def test_a_task_that_does_not_run_yet_goes_back_when_its_job_is_disabled(pool: World) -> None:
    """J-35: only what runs is waited for."""
    pool.job(preparation=True)
    pool.tasks("t", multi_instance=gang())
    pool.do(commands.disable_job, ACCOUNT, "job", DisableTasks.WAIT)
    assert [pool.recalled(node) for node in ALL] == [[subtask(0)], [], []]
    pool.report(pool.never_started(subtask(0)))
    assert (pool.state_of("t"), pool.task("t").is_placed) == ("active", False)
    assert [pool.stopped(node) for node in ALL] == [[], [subtask(1)], [subtask(2)]]
    for node in (2, 3):
        pool.report(pool.never_started(subtask(node - 1)), node=node)
    assert pool.job_now().state == "disabled"


def test_nothing_else_begins_beside_an_application_that_is_still_dying(pool: World) -> None:
    running(pool)
    pool.tasks("next")
    pool.do(commands.terminate_task, ACCOUNT, "job", "t")
    pool.report(pool.ended(primary(), -15, EndCause.STOPPED))
    assert "task-2-1" not in pool.assigned(1)
    stop_all(pool)
    assert any("task-2-1" in pool.assigned(node) for node in ALL)


def test_a_task_counts_once_for_the_limit_of_its_job(pool: World) -> None:
    """J-13."""
    pool.job(max_parallel_tasks=2)
    pool.tasks("t", multi_instance=gang(2))
    pool.tasks("a", "b")
    coordinate(pool, 1, 2)
    assert pool.assigned(3) == ["task-2-1"]
    pool.run("task-2-1", node=3)
    assert pool.assigned(3) == ["task-2-1", "task-3-1"]


def test_single_tasks_do_not_starve_a_task_that_needs_all_nodes(pool: World) -> None:
    pool.job("first")
    pool.tasks("a", "b", "c", "d", job_id="first")
    pool.job(priority=1)
    pool.tasks("t", multi_instance=gang())
    for node, task in ((1, 1), (2, 2), (3, 3)):
        pool.run(f"task-{task}-1", node=node)
    assert [len(pool.assigned(node)) for node in ALL] == [2, 2, 2]
    assert gang_now(pool, 5).attempt == 1
    assert pool.state_of("d", "first") == "active"


def test_a_whole_gang_makes_room_for_a_job_of_higher_priority(pool: World) -> None:
    """J-12: it cannot go on without one of its nodes."""
    running(pool, allow_task_preemption=True)
    pool.job("high", priority=1)
    pool.tasks("a", job_id="high")
    assert (pool.state_of("t"), pool.task("t").requeue_count) == ("active", 1)
    stop_all(pool)
    assert any("task-2-1" in pool.assigned(node) for node in ALL)
    assert gang_now(pool).attempt == 1


def test_a_task_that_needs_more_nodes_than_the_pool_has_waits_and_says_so(pool: World) -> None:
    pool.job()
    pool.tasks("t", multi_instance=gang(4))
    pool.tasks("a")
    assert waits_for(pool) is WaitingCode.NEEDS_MORE_NODES
    assert pool.assigned(1) == ["task-2-1"]  # It holds nothing meanwhile.


def test_a_single_task_of_its_job_passes_it_though_one_node_alone_is_free(world: World) -> None:
    """Of each size the first tasks are looked at: it is of another size than they."""
    world.pool(has_inter_node_communication=True)
    world.job()
    world.tasks("t", "u", multi_instance=gang(2))
    world.tasks("a")
    assert world.assigned() == ["task-3-1"]


def test_a_task_in_a_pool_whose_nodes_may_not_work_together_waits_and_says_so(
    world: World,
) -> None:
    """T-57."""
    world.pool(nodes=3)
    world.job()
    world.tasks("t", multi_instance=gang())
    assert waits_for(world) is WaitingCode.NEEDS_INTER_NODE_COMMUNICATION


def test_the_release_task_runs_after_everything_of_the_gang(pool: World) -> None:
    """J-76, J-77."""
    pool.job(preparation=True, release=True)
    pool.tasks("t", multi_instance=gang())
    for node in ALL:
        pool.run(f"preparation-1-{node}-1", node=node)
    coordinate(pool)
    pool.report(pool.started(primary()))
    pool.do(commands.terminate_job, ACCOUNT, "job", None)
    pool.report(pool.ended(primary(), -15, EndCause.STOPPED))
    assert "release-1-1-1" not in pool.assigned(1)
    stop_all(pool)
    for node in ALL:
        assert pool.assigned(node)[-1] == f"release-1-{node}-1"


def test_deletion_removes_the_directories_on_all_nodes(pool: World) -> None:
    """T-23, F-9."""
    running(pool)
    pool.do(commands.delete_task, ACCOUNT, "job", "t")
    assert [removals(pool, node) for node in ALL] == [1, 1, 1]
    assert gang_now(pool) is None


def test_after_the_retention_time_the_directories_go_on_all_nodes(pool: World) -> None:
    running(pool, retention_time=SECOND)
    pool.report(pool.ended(primary()))
    stop_all(pool)
    assert [removals(pool, node) for node in ALL] == [0, 0, 0]
    pool.clock.pass_time(SECOND)
    pool.engine.apply([])
    pool.settle()
    assert [removals(pool, node) for node in ALL] == [1, 1, 1]


def removals(world: World, node: int) -> int:
    orders = world.fleet.orders.get(NodeKey(node), [])
    return sum(isinstance(order, messages.RemoveDirectory) for order in orders)


def test_a_service_that_restarts_before_the_last_is_coordinated_goes_on(pool: World) -> None:
    pool.job()
    pool.tasks("t", multi_instance=gang())
    coordinate(pool, 1, 2)
    pool.restart()
    for node in (1, 2):
        pool.join(NodeKey(node), known=[subtask(node - 1)])
    pool.join(NodeKey(3))
    assert pool.assigned(3) == [subtask(2)]
    coordinate(pool, 3)
    assert pool.assigned(1) == [primary()]


def test_a_service_that_restarts_before_the_application_was_told_tells_it(pool: World) -> None:
    pool.job()
    pool.tasks("t", multi_instance=gang())
    coordinate(pool)
    pool.restart()
    pool.join(NodeKey(1), known=[subtask(0)])
    assert pool.assigned(1) == [primary()]


def test_an_application_that_is_gone_without_a_word_is_lost_and_the_rest_ends(
    pool: World,
) -> None:
    running(pool)
    pool.restart()
    pool.join(NodeKey(1), known=[subtask(0)])
    assert (pool.state_of("t"), pool.task("t").recovery_count) == ("active", 1)
    assert pool.stopped(1) == [subtask(0)]
    assert (pool.stopped(2), pool.stopped(3)) == ([subtask(1)], [subtask(2)])


def test_subtasks_are_listed_without_the_primary_though_a_node_has_gone(pool: World) -> None:
    """T-62."""
    running(pool)
    pool.report(pool.ended(primary()))
    stop_all(pool)
    remove(pool, 3, NodeOption.REQUEUE)
    pool.tell(NodeReleased(NodeKey(3)))
    views = pool.store.reads.list_subtasks(ACCOUNT, "job", "t")
    assert [(view.subtask.number, view.subtask.exit_code) for view in views] == [(1, 0), (2, 0)]


def test_a_node_whose_files_are_gone_with_it_is_told_nothing(pool: World) -> None:
    running(pool)
    pool.report(pool.ended(primary()))
    stop_all(pool)
    remove(pool, 3, NodeOption.REQUEUE)
    pool.tell(NodeReleased(NodeKey(3)))
    pool.fleet.orders.clear()
    pool.do(commands.delete_task, ACCOUNT, "job", "t")
    assert [removals(pool, node) for node in ALL] == [1, 1, 0]
