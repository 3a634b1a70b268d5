"""Short tasks queue on their node, and come back when something else has to come first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from batchyard.core.specs import JobChange, TaskSpec
from batchyard.core.states import DisableTasks, EndCause, NodeOption
from batchyard.engine import commands
from batchyard.engine.cascade import Cascade
from batchyard.engine.ports import Transaction
from batchyard.link import messages
from tests.engine.world import ACCOUNT, World

SHORT = timedelta(milliseconds=10)
LONG = timedelta(minutes=1)


def names(*numbers: int) -> list[str]:
    return [f"task-{number}-1" for number in numbers]


@pytest.fixture
def queue(world: World) -> World:
    """A node with one slot: `task-2-1` runs there, and `task-3-1` and `task-4-1` queue."""
    world.pool()
    world.job()
    world.tasks("known")
    world.run_for("task-1-1", SHORT)
    world.tasks("runs", "second", "third")
    world.report(world.started("task-2-1"))
    return world


def test_tasks_queue_once_their_job_is_known_to_be_short(world: World) -> None:
    world.pool()
    world.job()
    world.tasks(*(f"t{number:02}" for number in range(20)))
    assert world.assigned() == names(1)

    world.run_for("task-1-1", SHORT)

    # One runs, and five start within the time of prefetching.
    assert world.assigned() == names(1, 2, 3, 4, 5, 6, 7)


def test_what_queues_is_active_to_its_user(queue: World) -> None:
    assert queue.assigned() == names(1, 2, 3, 4)
    assert [queue.state_of(name) for name in ("runs", "second", "third")] == [
        "running",
        "active",
        "active",
    ]


def test_tasks_of_long_jobs_do_not_queue(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("a", "b", "c")
    world.run_for("task-1-1", LONG)
    assert world.assigned() == names(1, 2)


def test_nothing_queues_behind_a_task_of_a_long_job(world: World) -> None:
    world.pool(slots=2)
    world.job("long")
    world.tasks("l1", job_id="long")
    world.run_for("task-1-1", LONG)
    world.tasks("l2", job_id="long")
    world.job("short")
    world.tasks("s1", "s2", job_id="short")
    world.run_for("task-3-1", SHORT)
    assert world.assigned() == names(1, 2, 3, 4)
    world.tasks("s3", job_id="short")
    assert world.assigned() == names(1, 2, 3, 4)


def test_nothing_queues_where_its_job_is_not_prepared(world: World) -> None:
    """J-69: a queue is for what can start at once."""
    world.pool()
    world.job("known")
    world.tasks("one", job_id="known")
    world.run_for("task-1-1", SHORT)
    world.tasks("two", job_id="known")
    world.job("other", preparation=True)
    world.tasks("three", job_id="other")
    assert world.assigned() == names(1, 2)


def test_a_higher_priority_has_what_queues_in_front_of_it_recalled(queue: World) -> None:
    queue.job("urgent", priority=1)
    queue.tasks("now", job_id="urgent")
    assert queue.recalled() == names(3, 4)

    queue.report(queue.never_started("task-3-1"), queue.never_started("task-4-1"))
    queue.run("task-2-1")

    assert queue.assigned()[4] == "task-5-1"
    counts = [(queue.task(name).retry_count, queue.task(name).requeue_count) for name in ("third",)]
    assert counts == [(0, 0)]


def test_a_priority_that_is_raised_recalls_too(queue: World) -> None:
    queue.job("other", priority=-1)
    queue.tasks("now", job_id="other")
    assert queue.recalled() == []
    queue.do(commands.update_job, ACCOUNT, "other", JobChange(priority=5))
    assert queue.recalled() == names(3, 4)


def test_what_a_node_gives_back_by_itself_goes_to_another_one(world: World) -> None:
    """The task in front of it takes long, though those of its job were short."""
    world.pool(nodes=2)
    world.job()
    world.tasks("known")
    world.run_for("task-1-1", SHORT)
    world.tasks("long", "brief", "queued")
    world.report(world.started("task-2-1"))
    world.report(world.started("task-3-1"), node=2)
    queued = world.assignment("task-4-1")
    world.report(world.ended("task-3-1"), node=2)
    assert (queued.task_id, world.state_of("queued")) == ("queued", "active")

    world.report(world.never_started("task-4-1"))

    world.report(world.started("task-4-2"), world.ended("task-4-2"), node=2)
    task = world.task("queued")
    assert (task.state, task.retry_count, task.requeue_count) == ("completed", 0, 0)


def test_nothing_queues_again_where_a_task_takes_long_until_it_has_ended(queue: World) -> None:
    queue.report(queue.never_started("task-3-1"), queue.never_started("task-4-1"))
    queue.tasks("fourth")
    assert queue.assigned() == names(1, 2, 3, 4)
    start = queue.clock.now()
    short = messages.Ended("task-2-1", EndCause.EXITED, 0, "", start, start + SHORT)
    queue.report(short)
    assert queue.assigned()[4:] == ["task-3-2", "task-4-2", "task-5-1"]


def test_equal_priorities_recall_nothing(queue: World) -> None:
    queue.job("other")
    queue.tasks("later", job_id="other")
    assert queue.recalled() == []


def test_what_was_recalled_too_late_has_started_and_goes_on(queue: World) -> None:
    queue.job("urgent", priority=1)
    queue.tasks("now", job_id="urgent")
    queue.report(
        queue.ended("task-2-1"), queue.started("task-3-1"), queue.never_started("task-4-1")
    )
    assert queue.state_of("second") == "running"
    queue.report(queue.ended("task-3-1"))
    assert queue.state_of("second") == "completed"


def test_a_recalled_task_runs_again_as_another_attempt(queue: World) -> None:
    """Its attempt is retired with the number it had: a late report of it would say nothing."""
    queue.job("urgent", priority=1)
    queue.tasks("now", job_id="urgent")
    queue.report(queue.never_started("task-3-1"), queue.never_started("task-4-1"))
    queue.run("task-2-1")
    queue.run("task-5-1")
    assert queue.assigned()[5:] == ["task-3-2", "task-4-2"]


def test_a_recalled_execution_that_its_node_does_not_know_is_recalled_again(queue: World) -> None:
    queue.job("urgent", priority=1)
    queue.tasks("now", job_id="urgent")
    queue.join(queue.nodes()[0].key, known=["task-2-1"])
    assert queue.recalled() == ["task-3-1", "task-4-1"] * 2
    queue.report(queue.never_started("task-3-1"), queue.never_started("task-4-1"))
    queue.run("task-2-1")
    assert queue.assigned()[4] == "task-5-1"
    assert queue.task("second").requeue_count == 0


def test_a_late_welcome_gives_back_nothing_that_was_assigned_since(queue: World) -> None:
    """It ran meanwhile: given to another attempt it would run twice."""
    queue.job("urgent", priority=1)
    queue.tasks("now", job_id="urgent")
    queue.join(queue.nodes()[0].key, known=["task-2-1"])
    queue.report(queue.ended("task-2-1"), queue.started("task-3-1"), queue.ended("task-3-1"))
    assert queue.state_of("second") == "completed"


def test_a_node_that_is_taken_away_after_its_tasks_gives_back_what_queues(queue: World) -> None:
    """P-16: `taskcompletion` waits for what runs, not for what has not started."""
    node = queue.nodes()[0]
    queue.do(commands.reboot_node, ACCOUNT, "pool", node.id, NodeOption.TASK_COMPLETION)
    assert queue.recalled() == names(3, 4)
    assert queue.stopped() == []


def test_what_queues_when_its_job_is_terminated_stays_active(queue: World) -> None:
    """J-24: it never ran, as little as a task that no node had been chosen for."""
    queue.do(commands.terminate_job, ACCOUNT, "job", "enough")
    assert set(queue.stopped()) == set(names(2, 3, 4))
    queue.report(
        queue.ended("task-2-1"), queue.never_started("task-3-1"), queue.never_started("task-4-1")
    )
    assert [queue.state_of(name) for name in ("runs", "second")] == ["completed", "active"]
    assert queue.job_now().state == "completed"


def test_a_higher_priority_has_all_that_is_free_however_many_jobs_wait(world: World) -> None:
    """Of many jobs only the first few tasks are looked at; that must not favour the others."""
    world.pool(slots=8)
    world.job("before", priority=10)
    world.tasks(*(f"t{number}" for number in range(8)), job_id="before")
    for job_id, priority in (("low", 0), ("other", 0), ("lower", -5), ("high", 9)):
        world.job(job_id, priority=priority)
        world.tasks(*(f"{job_id}{number}" for number in range(12)), job_id=job_id)
    before = world.assigned()
    start = world.clock.now()
    world.report(*(world.started(one) for one in before))
    world.clock.pass_time(LONG)
    end = world.clock.now()
    world.report(*(messages.Ended(one, EndCause.EXITED, 0, "", start, end) for one in before))
    placed = [world.assignment(one).job_id for one in world.assigned()[8:]]
    assert placed == ["high"] * 8


def test_jobs_of_equal_priority_take_turns(world: World) -> None:
    world.pool()
    for job in ("a", "b"):
        world.job(job)
    world.tasks("a1", "a2", "a3", job_id="a")
    world.tasks("b1", "b2", job_id="b")
    for name in names(1, 2, 4, 3, 5):
        assert world.assigned()[-1] == name
        world.run_for(name, LONG)


def test_a_commit_that_fails_leaves_nothing_unseen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index of ready jobs is a hint: it is read anew when its transaction is undone."""
    world.pool()
    world.job()
    world.job("second")
    world.tasks("runs")
    real = world.store.transaction

    @contextmanager
    def full() -> Iterator[Transaction]:
        with real() as transaction:
            yield transaction
            raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(world.store, "transaction", full)
        with pytest.raises(OSError, match="disk is full"):
            world.tasks("one", job_id="second")
    world.tasks("other", job_id="second")
    world.run("task-1-1")
    assert world.assigned() == names(1, 2)


def test_a_restarted_server_lets_nothing_queue_before_it_knows_the_job_again(queue: World) -> None:
    queue.restart()
    queue.join(queue.nodes()[0].key, known=names(2, 3, 4))
    queue.tasks("new")
    assert queue.assigned() == []
    queue.run_for("task-3-1", SHORT)
    assert queue.assigned() == names(5)


def test_a_node_shows_what_runs_there_and_not_what_queues(queue: World) -> None:
    (view,) = queue.store.reads.list_nodes(ACCOUNT, "pool", 0, 9).items
    assert view.running == (1, 1)
    assert queue.store.reads.get_node(ACCOUNT, "pool", view.node.id).running == (1, 1)
    queue.run("task-2-1")
    assert queue.store.reads.get_node(ACCOUNT, "pool", view.node.id).running == (0, 0)


def test_a_job_never_has_more_tasks_on_nodes_than_it_may(world: World) -> None:
    """J-13: what queues counts too."""
    world.pool(slots=4)
    world.job(max_parallel_tasks=2)
    world.tasks("a", "b", "c", "d", "e")
    assert world.assigned() == names(1, 2)
    world.run_for("task-1-1", SHORT)
    assert world.assigned() == names(1, 2, 3)
    world.do(commands.update_job, ACCOUNT, "job", JobChange(max_parallel_tasks=-1))
    assert world.assigned() == names(1, 2, 3, 4, 5)


def test_what_a_limit_leaves_out_holds_up_nobody(world: World) -> None:
    """It waits for its own job and not for slots: lower priorities may queue meanwhile."""
    world.pool(slots=2)
    world.job("limited", priority=5, max_parallel_tasks=1)
    world.job("low")
    for number, job in enumerate(("low", "limited"), 1):
        world.tasks("known", job_id=job)
        world.run_for(f"task-{number}-1", SHORT)
    world.tasks("a", "b", job_id="limited")
    world.tasks("l2", "l3", "l4", job_id="low")
    assert world.assigned() == names(1, 2, 3, 5, 6, 7)
    assert world.recalled() == []


def test_a_large_task_of_a_limited_job_hides_no_small_one(world: World) -> None:
    world.pool(slots=2)
    world.job("other")
    world.tasks("one", job_id="other")
    world.job("limited", max_parallel_tasks=1)
    world.tasks("large", job_id="limited", required_slots=2)
    world.tasks("small", job_id="limited")
    assert world.assigned() == names(1, 3)


def test_the_limit_of_one_job_is_none_of_others(world: World) -> None:
    world.pool(slots=4)
    world.job("limited", max_parallel_tasks=1)
    world.job("free")
    world.tasks("a", "b", job_id="limited")
    world.tasks("c", "d", job_id="free")
    assert world.assigned() == names(1, 3, 4)


def test_many_limited_jobs_fill_a_large_node_up_to_their_limits(world: World) -> None:
    world.pool(slots=64)
    for number in range(8):
        world.job(f"job-{number}", max_parallel_tasks=3)
    for number in range(8):
        world.tasks(*(f"t{one}" for one in range(10)), job_id=f"job-{number}")
    assert len(world.assigned()) == 24


def test_jobs_at_their_limit_are_passed_over_behind_one_of_which_more_waits(world: World) -> None:
    world.pool(slots=64)
    limited = [f"limited-{number}" for number in range(3)]
    for job in limited:
        world.job(job, max_parallel_tasks=1)
        world.tasks("runs", job_id=job)
    world.job("high", priority=5)

    def adding(job: str, *ids: str) -> Callable[[Cascade], object]:
        specs = [TaskSpec(id=name, command_line="true") for name in ids]
        return lambda cascade: commands.add_tasks(cascade, ACCOUNT, job, specs)

    many = [f"t{number}" for number in range(60)]
    world.engine.apply([adding("high", *many), *(adding(job, "waits") for job in limited)])
    assert not world.engine.is_failing
    world.settle()
    assert len(world.assigned()) == 63
    assert [world.state_of("waits", job) for job in limited] == ["active"] * 3


def test_nothing_queues_behind_a_task_that_is_placed_in_the_same_round(world: World) -> None:
    """Nobody knows how long that one will take."""
    world.pool()
    world.job("known")
    world.tasks("k", job_id="known")
    world.run_for("task-1-1", SHORT)
    world.do(commands.disable_job, ACCOUNT, "known", DisableTasks.WAIT)
    world.tasks("s1", "s2", job_id="known")
    world.job("unknown", priority=1)
    world.do(_enable_and_add, ACCOUNT, "known", "unknown")
    assert world.assigned() == ["task-1-1", "task-4-1"]


def _enable_and_add(cascade: Cascade, account: str, enabled: str, other: str) -> None:
    """Do both in one transaction, so that one round sees all."""
    commands.enable_job(cascade, account, enabled)
    commands.add_tasks(cascade, account, other, [TaskSpec(id="long", command_line="true")])
