"""Why tasks wait, and have waited: answers about a whole service, and what they cost."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from batchyard.core import limits
from batchyard.core.errors import Refused
from batchyard.core.specs import JobChange, Resize, StartTaskSpec, TaskDependencies
from batchyard.core.states import DisableTasks, NodeOption
from batchyard.engine import commands
from batchyard.engine.fleet_ports import NodeLost
from batchyard.engine.why import JobWait, TaskWait, why_job, why_task
from tests.engine.test_managers import manager
from tests.engine.world import ACCOUNT, START, World
from tests.store.test_plans import can_be_explained, scans, statements

MINUTE = timedelta(minutes=1)


def ask(world: World, task_id: str, job_id: str = "job") -> TaskWait:
    with world.store.reads.look() as transaction:
        return why_task(transaction, ACCOUNT, job_id, task_id, world.engine.held)


def ask_job(world: World, job_id: str = "job") -> JobWait:
    with world.store.reads.look() as transaction:
        return why_job(transaction, ACCOUNT, job_id, world.engine.held)


def code(world: World, task_id: str) -> str:
    reason = ask(world, task_id).reason
    assert reason is not None
    return reason.code


def told(world: World, task_id: str) -> list[tuple[str, int, int | None]]:
    """The history of a task: codes, and from which minute on until which."""
    return [
        (
            one.code,
            (one.since - START) // MINUTE,
            None if one.until is None else (one.until - START) // MINUTE,
        )
        for one in ask(world, task_id).history
    ]


def counted(world: World) -> dict[str, tuple[int, list[str]]]:
    return {
        group.reason.code: (group.count, list(group.task_ids)) for group in ask_job(world).groups
    }


def after(*ids: str, ranges: Any = ()) -> TaskDependencies:
    return TaskDependencies(task_ids=ids, task_id_ranges=tuple(ranges))


def test_who_asks_for_what_does_not_exist_is_told(world: World) -> None:
    with pytest.raises(Refused, match="JobNotFound"):
        ask(world, "one")
    with pytest.raises(Refused, match="JobNotFound"):
        ask_job(world)
    world.pool()
    world.job()
    with pytest.raises(Refused, match="TaskNotFound"):
        ask(world, "one")


def test_a_task_that_does_not_wait_says_so(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("one")
    world.report(world.started("task-1-1"))
    found = ask(world, "ONE")
    assert (found.task_id, found.state, found.reason, found.since) == ("one", "running", None, None)
    assert ask_job(world).groups == []


def test_a_job_without_a_pool_waits_for_one(world: World) -> None:
    world.job()
    world.tasks("one")
    assert code(world, "one") == "NoPool"
    world.clock.pass_time(MINUTE)
    world.pool(nodes=0)
    assert code(world, "one") == "NoNodes"
    assert told(world, "one") == [("NoPool", 0, 1), ("NoNodes", 1, None)]


def test_history_tells_what_a_task_waited_for_from_its_beginning_on(world: World) -> None:
    world.pool(nodes=0)
    world.job()
    world.tasks("early")
    world.clock.pass_time(MINUTE)
    world.do(commands.resize_pool, ACCOUNT, "pool", Resize(target_dedicated_nodes=1), None)
    world.tasks("late")
    assert (code(world, "early"), code(world, "late")) == ("NodesStarting", "NodesStarting")
    world.clock.pass_time(MINUTE)
    world.bring_up(world.fleet.requests[-1])
    world.report(world.started("task-1-1"))
    assert told(world, "early") == [("NoNodes", 0, 1), ("NodesStarting", 1, 2)]
    assert told(world, "late") == [("NodesStarting", 1, 2), ("NoFreeSlots", 2, None)]
    world.clock.pass_time(MINUTE)
    world.report(world.ended("task-1-1"))
    world.report(world.started("task-2-1"))
    assert told(world, "late") == [("NodesStarting", 1, 2), ("NoFreeSlots", 2, 3)]


def test_history_survives_a_restart_and_does_not_repeat_itself(world: World) -> None:
    world.job()
    world.tasks("one")
    world.clock.pass_time(MINUTE)
    world.restart()
    world.tasks("two")
    assert told(world, "one") == [("NoPool", 0, None)]
    assert told(world, "two") == [("NoPool", 1, None)]
    world.clock.pass_time(MINUTE)
    world.do(commands.disable_job, ACCOUNT, "job", DisableTasks.REQUEUE, None)
    assert told(world, "two") == [("NoPool", 1, 2), ("JobDisabled", 2, None)]


def test_history_keeps_so_many_reasons_and_goes_with_its_job(world: World) -> None:
    world.job()
    world.tasks("one")
    for _ in range(limits.WAITING_REASONS_KEPT):
        world.clock.pass_time(MINUTE)
        world.do(commands.disable_job, ACCOUNT, "job", DisableTasks.REQUEUE, None)
        world.clock.pass_time(MINUTE)
        world.do(commands.enable_job, ACCOUNT, "job", None)
    assert len(ask(world, "one").history) == limits.WAITING_REASONS_KEPT
    world.do(commands.delete_job, ACCOUNT, "job")
    with world.store.transaction() as transaction:
        assert transaction._one("SELECT count(*) FROM waiting_reason") == 0


def test_a_disabled_and_an_ended_job_run_nothing(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("one", "two")
    world.report(world.started("task-1-1"))
    world.clock.pass_time(MINUTE)
    world.do(commands.disable_job, ACCOUNT, "job", DisableTasks.WAIT, None)
    assert code(world, "two") == "JobDisabled"
    assert told(world, "two") == [("NoFreeSlots", 0, 1), ("JobDisabled", 1, None)]
    assert counted(world) == {"JobDisabled": (1, ["two"])}
    world.do(commands.terminate_job, ACCOUNT, "job", None)
    assert code(world, "two") == "JobEnded"


def test_a_task_may_need_more_slots_than_there_are_and_others_need_not(world: World) -> None:
    world.pool(slots=2)
    world.job()
    world.tasks("large", required_slots=3)
    world.tasks("one", "two", "three")
    assert code(world, "large") == "NeedsMoreSlots"
    assert code(world, "three") == "NoFreeSlots"
    assert counted(world) == {
        "QueuedOnNode": (2, ["one", "two"]),
        "NeedsMoreSlots": (1, ["large"]),
        "NoFreeSlots": (1, ["three"]),
    }


def test_the_limit_of_parallel_tasks_holds_up_the_rest(world: World) -> None:
    world.pool(slots=4)
    world.job(max_parallel_tasks=1)
    world.tasks("one", "two")
    assert code(world, "one") == "QueuedOnNode"
    assert code(world, "two") == "ParallelTasksLimit"


def test_tasks_wait_for_the_manager_of_their_job_and_it_for_room(world: World) -> None:
    """J-57: the manager is a class of its own, though it needs as many slots as they do."""
    world.pool(nodes=0)
    world.job(manager=manager())
    world.tasks("one", "two")
    assert counted(world) == {"NoNodes": (3, ["manager", "one", "two"])}
    world.clock.pass_time(MINUTE)
    world.do(commands.resize_pool, ACCOUNT, "pool", Resize(target_dedicated_nodes=1), None)
    world.job("other")
    world.tasks("first", job_id="other")
    world.do(commands.update_job, ACCOUNT, "other", JobChange(priority=1), None)
    world.bring_up(world.fleet.requests[-1])
    world.report(world.started(world.assigned()[0]))
    assert code(world, "manager") == "NoFreeNodes"
    assert code(world, "one") == "JobManagerFirst"
    assert counted(world) == {
        "JobManagerFirst": (2, ["one", "two"]),
        "NoFreeNodes": (1, ["manager"]),
    }
    assert told(world, "one")[-1] == ("JobManagerFirst", 1, None)


def test_a_slot_that_is_held_for_a_task_that_needs_the_whole_node_is_not_free(
    world: World,
) -> None:
    """J-61: the manager is alone on its node."""
    world.pool(slots=2)
    world.job("other")
    world.tasks("runs", job_id="other")
    world.report(world.started("task-1-1"))
    world.job(manager=manager(), priority=1)
    world.tasks("waits", job_id="other")
    found = ask(world, "waits", "other").reason
    assert found is not None
    assert (found.code, found.details["nodesHeld"]) == ("NodesHeld", 1)
    assert code(world, "manager") == "NoFreeNodes"


def test_a_start_task_that_fails_is_named_with_its_node(world: World) -> None:
    world.pool(start_task=StartTaskSpec(command_line="false"))
    world.job()
    world.tasks("one")
    assert code(world, "one") == "NodesStarting"
    world.clock.pass_time(MINUTE)
    world.run("start-1-1", exit_code=3)
    found = ask(world, "one").reason
    assert found is not None
    assert (found.code, found.details["exitCode"]) == ("StartTaskFailed", 3)
    assert found.details["nodeId"] == world.nodes()[0].id
    assert told(world, "one") == [("NodesStarting", 0, 1), ("StartTaskFailed", 1, None)]


def test_a_job_preparation_task_comes_first_and_may_fail(world: World) -> None:
    world.pool()
    world.job(preparation=True)
    world.tasks("one", "two")
    assert code(world, "one") == "JobPreparationRunning"
    world.clock.pass_time(MINUTE)
    world.run("preparation-1-1-1", exit_code=4)
    assert told(world, "one") == [("JobPreparationFailed", 1, None)]
    assert told(world, "two") == [("NoFreeSlots", 0, 1), ("JobPreparationFailed", 1, None)]
    found = ask(world, "one").reason
    assert found is not None
    assert (found.code, found.details["exitCode"]) == ("JobPreparationFailed", 4)


def test_dependencies_are_named_by_what_became_of_them(world: World) -> None:
    world.pool(slots=2)
    world.job(uses_task_dependencies=True)
    world.tasks("a", "007")
    world.tasks("pending", depends_on=after("a"))
    world.tasks("missing", depends_on=after("A", "Nobody"))
    world.tasks("ranged", depends_on=after(ranges=[(7, 9)]))
    found = ask(world, "pending").reason
    assert found is not None
    assert (found.code, found.details["pending"]) == ("DependencyPending", ["a"])
    found = ask(world, "missing").reason
    assert found is not None
    assert (found.code, found.details["missing"]) == ("DependencyMissing", ["Nobody"])
    found = ask(world, "ranged").reason
    assert found is not None
    assert found.details["missing"] == ["8", "9"]
    assert found.details["pending"] == ["007"]
    world.run("task-1-1", exit_code=1)
    found = ask(world, "pending").reason
    assert found is not None
    assert (found.code, found.details["failed"]) == ("DependencyFailed", ["a"])
    assert not found.can_ever_run


def test_the_wait_for_dependencies_ends_when_the_last_is_completed(world: World) -> None:
    world.pool()
    world.job(uses_task_dependencies=True)
    world.tasks("first", "other")
    world.tasks("second", depends_on=after("first"))
    assert told(world, "second") == [("DependencyPending", 0, None)]
    world.clock.pass_time(MINUTE)
    world.run("task-1-1")
    assert told(world, "second") == [("DependencyPending", 0, 1), ("QueuedOnNode", 1, None)]
    assert ask(world, "second").moments == [
        ("added", START),
        ("dependenciesSatisfied", START + MINUTE),
    ]


def test_the_tasks_of_a_job_are_counted_by_what_they_wait_for(world: World) -> None:
    world.pool()
    world.job(uses_task_dependencies=True)
    world.tasks("bad", "1", "2", "3")
    world.tasks("x", "y", depends_on=after("bad"))
    world.tasks("z", depends_on=after("nobody"))
    world.tasks("r", "s", depends_on=after(ranges=[(1, 3)]))
    world.do(commands.terminate_task, ACCOUNT, "job", "bad")
    world.report(world.never_started("task-1-1"))
    world.report(world.started("task-2-1"))
    found = counted(world)
    assert found["DependencyFailed"] == (2, ["x", "y"])
    assert found["DependencyMissing"] == (1, ["z"])
    assert found["DependencyPending"] == (2, ["r", "s"])
    assert found["NoFreeSlots"] == (2, ["2", "3"])
    assert ask_job(world).count == 7


def test_one_of_many_that_wait_for_a_range_is_examined(world: World) -> None:
    world.pool(slots=3)
    world.job(uses_task_dependencies=True)
    world.tasks("1")
    world.do(commands.terminate_task, ACCOUNT, "job", "1")
    world.report(world.never_started("task-1-1"))
    world.tasks("blocked", depends_on=after(ranges=[(1, 1)]))
    assert counted(world) == {"DependencyFailed": (1, ["blocked"])}


def test_what_was_not_looked_at_is_not_counted_as_exact(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of very many tasks is looked at: counts say that there may be more."""
    monkeypatch.setattr(limits, "WAITING_LOOKS_MAX", 2)
    monkeypatch.setattr(limits, "WAITING_TASKS_COUNTED_MAX", 3)
    world.pool(nodes=0)
    world.job(uses_task_dependencies=True)
    world.tasks("a", "b")
    world.tasks("x", "y", "z", depends_on=after("a", "b"))
    found = {str(group.reason.code): group for group in ask_job(world).groups}
    assert (found["NoNodes"].count, found["NoNodes"].is_exact) == (2, True)
    pending = found["DependencyPending"]
    assert (pending.count, pending.is_exact) == (3, False)
    world.tasks("c", "d")
    found = {str(group.reason.code): group for group in ask_job(world).groups}
    assert (found["NoNodes"].count, found["NoNodes"].is_exact) == (3, False)
    assert found["DependencyPending"].is_exact is False


def test_a_task_that_is_taken_from_its_node_waits_from_then_on(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("one")
    world.report(world.started("task-1-1"))
    world.clock.pass_time(MINUTE)
    world.do(commands.reboot_node, ACCOUNT, "pool", world.nodes()[0].id, NodeOption.REQUEUE)
    assert code(world, "one") == "NodesStarting"
    assert told(world, "one") == [("NodesStarting", 1, None)]
    names = [name for name, _ in ask(world, "one").moments]
    assert names == ["added", "requeued", "cameBack"]


def test_a_lost_node_that_comes_back_is_on_its_way(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("one")
    world.report(world.started("task-1-1"))
    world.tell(NodeLost(world.nodes()[0].key, 1))
    assert code(world, "one") == "NodesStarting"


def test_a_pool_that_goes_leaves_its_jobs_without_one(world: World) -> None:
    world.pool(nodes=0)
    world.job()
    world.tasks("one")
    world.clock.pass_time(MINUTE)
    world.do(commands.delete_pool, ACCOUNT, "pool")
    assert code(world, "one") == "NoPool"
    assert told(world, "one") == [("NoNodes", 0, 1), ("NoPool", 1, None)]


def test_what_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pool()
    world.job()
    world.tasks(*(f"t{number}" for number in range(8)))
    with statements(world.store) as seen:
        for number in range(1, 4):
            world.run(f"task-{number}-1")
            world.tasks(f"more-{number}")
    assert not [one for one in seen if "waiting_reason" in one]
    world.store.close()


def test_no_answer_looks_at_all_tasks(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pool()
    world.job(uses_task_dependencies=True)
    world.tasks("1", "two", "three")
    world.tasks("four", depends_on=after("1", "nobody", ranges=[(1, 3)]))
    with statements(world.store) as seen:
        ask(world, "four")
        ask(world, "three")
        ask_job(world)
        world.do(commands.disable_job, ACCOUNT, "job", DisableTasks.REQUEUE, None)
        ask_job(world)
    explained = [one for one in seen if can_be_explained(one)]
    assert explained
    assert not [one for one in explained if scans(world.store, one)]
    world.store.close()
