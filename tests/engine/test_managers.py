"""Job manager tasks in a pool: who goes first, who is alone, and who makes room (J-57 ... J-63)."""

from datetime import timedelta
from typing import Any

import pytest

from batchyard.core.specs import JobChange, JobManagerSpec, Resize, TaskSpec
from batchyard.core.states import (
    DisableTasks,
    EndCause,
    JobState,
    NodeOption,
    OnAllTasksComplete,
    TaskState,
)
from batchyard.engine import commands
from batchyard.engine.fleet_ports import NodeLost
from batchyard.store.statements.placing import PlacingStatements
from tests.engine.world import ACCOUNT, World

SHORT = timedelta(milliseconds=10)
LONG = timedelta(minutes=1)


def manager(**spec: Any) -> JobManagerSpec:
    retries = spec.pop("retries", None)
    slots = spec.pop("slots", 1)
    task = TaskSpec(
        id="manager", command_line="manage", max_task_retry_count=retries, required_slots=slots
    )
    return JobManagerSpec(task=task, **spec)


def remove(world: World, number: int, option: NodeOption = NodeOption.REQUEUE) -> None:
    node = next(node for node in world.nodes() if node.key == number)
    minutes = timedelta(minutes=15)
    world.do(commands.remove_nodes, ACCOUNT, "pool", [node.id], minutes, option)


def test_a_manager_is_a_task_of_its_job_from_the_beginning(world: World) -> None:
    """SA-26, J-18."""
    world.job(manager=manager(), max_task_retry_count=3)
    task = world.task("manager")
    assert (task.state, task.retry_count_max) == (TaskState.ACTIVE, 3)
    assert world.store.reads.task_counts(ACCOUNT, "job").active == 1


def test_another_task_cannot_have_the_id_of_the_manager(world: World) -> None:
    """J-66."""
    world.job(manager=manager())
    (added,) = world.tasks("Manager")
    assert added.refused.code == "TaskExists"


def test_nothing_of_a_job_runs_before_its_manager_has_begun(world: World) -> None:
    """J-57, SA-83: not even on another node, nor while the preparation runs."""
    world.pool(nodes=2)
    world.job(manager=manager())
    world.tasks("a")
    assert (world.assigned(1), world.assigned(2)) == (["task-1-1"], [])
    world.report(world.started("task-1-1"))
    assert world.assigned(2) == ["task-2-1"]


def test_a_manager_that_never_began_is_waited_for_again(world: World) -> None:
    world.pool(nodes=2)
    world.job(manager=manager())
    world.tasks("a")
    world.report(world.never_started("task-1-1"))
    assert [world.assigned(1), world.assigned(2)].count(["task-1-1", "task-1-2"]) + [
        world.assigned(2)
    ].count(["task-1-2"]) == 1
    assert world.state_of("a") == "active"


def test_other_jobs_do_not_wait_for_a_manager(world: World) -> None:
    """SA-89."""
    world.pool(nodes=2)
    world.job(manager=manager())
    world.tasks("a")
    world.job("other")
    world.tasks("b", job_id="other")
    assert (world.assigned(1), world.assigned(2)) == (["task-1-1"], ["task-3-1"])


@pytest.mark.parametrize("event", ["terminated", "deleted"])
def test_a_manager_that_is_gone_is_not_waited_for(world: World, event: str) -> None:
    world.job(manager=manager(kill_job_on_completion=False))
    world.tasks("a")
    command = commands.terminate_task if event == "terminated" else commands.delete_task
    world.do(command, ACCOUNT, "job", "manager")
    world.pool()
    assert world.assigned() == ["task-2-1"]


def test_an_exclusive_manager_has_its_node_for_itself(world: World) -> None:
    """J-61."""
    world.pool(slots=4)
    world.job(manager=manager())
    world.tasks("a")
    world.report(world.started("task-1-1"))
    assert world.assigned() == ["task-1-1"]
    assert world.assignment("task-1-1").slots == 4
    world.report(world.ended("task-1-1"))
    assert world.job_now().terminate_reason == "JMComplete"


def test_an_exclusive_manager_gets_its_node_though_small_tasks_keep_coming(world: World) -> None:
    world.pool(slots=2)
    world.job("small")
    world.tasks("s1", "s2", "s3", "s4", job_id="small")
    assert world.assigned() == ["task-1-1", "task-2-1"]
    world.job(manager=manager())
    world.run_for("task-1-1", LONG)  # It is the turn of the small ones once more.
    world.run_for("task-2-1", LONG)
    assert world.assigned()[2:] == ["task-3-1"]
    world.run_for("task-3-1", LONG)
    assert world.assigned()[3:] == ["task-5-1"]


def test_a_manager_that_is_not_exclusive_shares_its_node(world: World) -> None:
    world.pool(slots=4)
    world.job(manager=manager(run_exclusive=False, slots=2))
    world.tasks("a", "b", "c")
    world.report(world.started("task-1-1"))
    assert world.assigned() == ["task-1-1", "task-2-1", "task-3-1"]


def test_a_manager_may_have_to_wait_for_a_dedicated_node(world: World) -> None:
    """J-62."""
    world.pool(nodes=0, target_low_priority_nodes=1)
    world.job(manager=manager(allow_low_priority_node=False))
    world.job("other", manager=manager())
    assert world.assigned() == ["task-2-1"]


def test_nothing_queues_behind_a_manager(world: World) -> None:
    """It may be waiting for that very task."""
    world.pool()
    world.job("known")
    world.tasks("k", job_id="known")
    world.run_for("task-1-1", SHORT)
    world.job(manager=manager())
    world.report(world.started("task-2-1"))
    world.tasks("later", job_id="known")
    assert world.assigned() == ["task-1-1", "task-2-1"]


def test_the_limit_of_parallel_tasks_leaves_the_manager_out(world: World) -> None:
    """J-13: with a limit of one, the task that the manager waits for still runs."""
    world.pool(slots=4)
    world.job(manager=manager(run_exclusive=False), max_parallel_tasks=1)
    world.tasks("a", "b")
    world.report(world.started("task-1-1"))
    assert world.assigned() == ["task-1-1", "task-2-1"]
    world.report(world.started("task-2-1"), world.ended("task-2-1"))
    assert world.assigned()[2:] == ["task-3-1"]


def test_a_manager_waits_although_its_job_is_at_its_limit(world: World) -> None:
    world.pool(slots=2)
    world.job(
        manager=manager(run_exclusive=False, retries=1, slots=2, kill_job_on_completion=False),
        max_parallel_tasks=1,
    )
    world.run("task-1-1", 1)
    assert world.assigned() == ["task-1-1", "task-1-2"]


@pytest.mark.parametrize("exit_code", [0, 1])
def test_the_end_of_a_manager_ends_its_job(world: World, exit_code: int) -> None:
    """J-60, SA-87."""
    world.pool(nodes=2)
    world.job(manager=manager())
    world.tasks("a")
    world.report(world.started("task-1-1"))
    world.report(world.started("task-2-1"), node=2)
    world.report(world.ended("task-1-1", exit_code))
    assert world.stopped(2) == ["task-2-1"]
    world.report(world.ended("task-2-1", None, EndCause.STOPPED), node=2)
    job = world.job_now()
    assert (job.state, job.terminate_reason) == (JobState.COMPLETED, "JMComplete")


def test_a_job_that_is_not_ended_by_its_manager_ends_with_all_of_its_tasks(world: World) -> None:
    """J-20, SA-33: the manager is one of them."""
    world.pool()
    world.job(
        manager=manager(kill_job_on_completion=False),
        on_all_tasks_complete=OnAllTasksComplete.TERMINATE_JOB,
    )
    world.clock.pass_time(timedelta(days=1))
    world.settle()
    assert world.job_now().state is JobState.ACTIVE
    world.tasks("a")
    world.run("task-1-1")
    world.run("task-2-1")
    world.clock.pass_time(timedelta(days=1))
    world.settle()
    assert world.job_now().terminate_reason == "AllTasksComplete"


def managed(world: World, nodes: int = 2, **spec: Any) -> None:
    """A manager that runs on node 1, and a task of its job that runs on node 2."""
    world.pool(nodes=nodes)
    world.job(manager=manager(retries=1), **spec)
    world.tasks("long")
    world.report(world.started("task-1-1"))
    world.report(world.started("task-2-1"), node=2)


def test_a_restarted_manager_takes_the_place_of_a_running_task(world: World) -> None:
    """J-58, SA-88."""
    managed(world)
    remove(world, 1)
    assert world.stopped(2) == ["task-2-1"]
    assert (world.state_of("long"), world.task("long").requeue_count) == ("active", 1)
    world.report(world.ended("task-2-1", None, EndCause.STOPPED), node=2)
    assert world.assigned(2) == ["task-2-1", "task-1-2"]


def test_a_manager_whose_node_is_lost_is_restarted_too(world: World) -> None:
    """SA-27: and no task leaves twice."""
    managed(world)
    world.tell(NodeLost(world.nodes()[0].key, 1))
    world.tasks("more")
    assert world.stopped(2) == ["task-2-1"]
    assert world.task("long").requeue_count == 1


def test_a_restart_of_the_service_forgets_no_restarted_manager(world: World) -> None:
    world.pool(nodes=2)
    world.job("first", priority=1)
    world.job(manager=manager(retries=1))
    world.tasks("long")
    world.report(world.started("task-1-1"))
    world.report(world.started("task-2-1"), node=2)
    world.do(commands.disable_job, ACCOUNT, "job", DisableTasks.WAIT)
    world.report(world.ended("task-1-1", 1))
    world.tasks("blocks", job_id="first")
    world.report(world.started("task-3-1"))
    world.report(world.ended("task-2-1"), node=2)
    world.job("lower", priority=-1)
    world.tasks("low", job_id="lower")
    world.report(world.started("task-4-1"), node=2)
    world.do(commands.enable_job, ACCOUNT, "job")
    assert world.stopped(2) == ["task-4-1"]
    world.restart()
    assert world.stopped(1) == []
    assert world.task("low", "lower").requeue_count == 1


@pytest.mark.parametrize(("priority", "leaves"), [(1, False), (0, False), (-1, True)])
def test_a_restarted_manager_displaces_only_jobs_of_a_lower_priority(
    world: World, priority: int, leaves: bool
) -> None:
    """SA-89."""
    world.pool(nodes=2)
    world.job(manager=manager(retries=1))
    world.report(world.started("task-1-1"))
    world.job("other", priority=priority)
    world.tasks("long", job_id="other")
    world.report(world.started("task-2-1"), node=2)
    remove(world, 1)
    assert (world.stopped(2) == ["task-2-1"]) is leaves


def test_a_manager_that_starts_for_the_first_time_displaces_nothing(world: World) -> None:
    world.pool()
    world.job("other", priority=-1)
    world.tasks("long", job_id="other")
    world.report(world.started("task-1-1"))
    world.job(manager=manager())
    assert world.stopped() == []


def test_the_node_of_a_manager_leaves_last(world: World) -> None:
    """J-59, SA-86."""
    managed(world)

    world.do(commands.resize_pool, ACCOUNT, "pool", Resize(target_dedicated_nodes=1))
    assert [node.key for node in world.nodes() if node.state == "leavingpool"] == [2]


def test_running_tasks_leave_for_a_higher_priority_if_their_job_allows_it(world: World) -> None:
    """J-12."""
    world.pool()
    world.job("low", allow_task_preemption=True)
    world.tasks("long", job_id="low")
    world.report(world.started("task-1-1"))
    world.job("equal")
    world.tasks("e", job_id="equal")
    assert world.stopped() == []
    world.job("high", priority=1)
    world.tasks("h", job_id="high")
    assert world.stopped() == ["task-1-1"]
    assert world.task("long", "low").requeue_count == 1
    world.report(world.ended("task-1-1", None, EndCause.STOPPED))
    assert world.assigned()[:2] == ["task-1-1", "task-3-1"]


def test_a_job_may_be_told_later_to_let_its_tasks_be_preempted(world: World) -> None:
    world.pool()
    world.job("low")
    world.tasks("long", job_id="low")
    world.report(world.started("task-1-1"))
    world.job("high", priority=1)
    world.tasks("h", job_id="high")
    assert world.stopped() == []
    world.do(commands.update_job, ACCOUNT, "low", JobChange(allow_task_preemption=True))
    assert world.stopped() == ["task-1-1"]


def test_preemption_is_known_again_after_a_restart(world: World) -> None:
    world.pool()
    world.job("low", allow_task_preemption=True)
    world.tasks("long", job_id="low")
    world.report(world.started("task-1-1"))
    world.restart()
    world.job("high", priority=1)
    world.tasks("h", job_id="high")
    assert world.stopped() == ["task-1-1"]


def test_no_less_important_task_takes_what_becomes_free_before_there_is_enough(
    world: World,
) -> None:
    """It would have to leave again at once, and again."""
    world.pool(slots=2)
    world.job("low", allow_task_preemption=True)
    world.tasks("l1", "l2", "l3", job_id="low")
    world.report(world.started("task-1-1"), world.started("task-2-1"))
    world.job("high", priority=1)
    world.tasks("wide", job_id="high", required_slots=2)
    assert world.stopped() == ["task-1-1", "task-2-1"]

    world.clock.pass_time(LONG)
    world.report(world.ended("task-1-1", None, EndCause.STOPPED))
    assert world.assigned() == ["task-1-1", "task-2-1"]
    world.report(world.ended("task-2-1", None, EndCause.STOPPED))
    assert world.assigned()[2] == "task-4-1"


def test_where_nobody_has_to_make_room_nobody_asks_who_could(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pool(slots=2)
    world.job(max_parallel_tasks=2)
    world.tasks("a")
    for name in ("open_tasks", "open_managers", "restarted_managers", "preemptible_jobs"):
        monkeypatch.delattr(PlacingStatements, name)
    world.job("high", priority=1)
    world.tasks("h1", "h2", job_id="high")
    world.run("task-1-1", 1)
    world.run("task-2-1")
    assert world.state_of("h1", "high") == "completed"
