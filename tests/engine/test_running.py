"""From a waiting task to a completed one."""

from collections import Counter
from datetime import timedelta

import pytest
from msgspec.structs import replace

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import NodeKey
from batchyard.core.specs import EnvironmentSetting, Resize, ResourceFile, TaskConstraints, TaskSpec
from batchyard.core.states import EndCause, JobDefaultOrder, NodeFillType
from batchyard.engine import commands, loops, news, placing
from batchyard.engine.cascade import Cascade
from batchyard.engine.fleet_ports import NodeReported, NodeUp
from batchyard.link import messages
from tests.engine.world import ACCOUNT, World


def test_a_task_runs_on_a_free_slot_and_completes(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("one")
    assert world.assigned() == ["task-1-1"]
    assert world.state_of("one") == "active"

    world.report(world.started("task-1-1"))
    assert world.state_of("one") == "running"
    world.report(world.ended("task-1-1"))

    task = world.task("one")
    assert (task.state, task.exit_code, task.result) == ("completed", 0, "success")


def test_no_node_is_given_more_than_its_slots(world: World) -> None:
    world.pool(slots=2)
    world.job()
    world.tasks("a", "b", "c")
    assert world.assigned() == ["task-1-1", "task-2-1"]
    world.run("task-1-1")
    assert world.assigned() == ["task-1-1", "task-2-1", "task-3-1"]


def test_required_slots_count(world: World) -> None:
    world.pool(slots=4)
    world.job()
    world.tasks("large", "second", required_slots=3)
    world.tasks("small")
    assert world.assigned() == ["task-1-1", "task-3-1"]


def test_no_number_of_tasks_that_are_too_large_hides_one_that_fits(world: World) -> None:
    world.pool(slots=4)
    world.job()
    world.tasks(*(f"large-{number}" for number in range(100)), required_slots=5)
    world.tasks(*(f"second-{number}" for number in range(100)), required_slots=3)
    world.tasks("small")
    assert world.assigned() == ["task-101-1", "task-201-1"]


def test_a_large_task_that_was_seen_hides_no_small_one_that_was_not(world: World) -> None:
    world.pool(slots=2)
    world.job()
    world.tasks("a", "b")
    world.tasks("large", required_slots=2)
    world.tasks("c", "d")
    for execution in ("task-1-1", "task-2-1"):
        ended = world.ended(execution)
        # It ran too long for others to queue.
        world.report(replace(ended, start_time=ended.end_time - timedelta(minutes=1)))
    assert world.assigned() == ["task-1-1", "task-2-1", "task-4-1", "task-5-1"]


def test_tasks_spread_over_the_nodes_or_pack_them(world: World) -> None:
    world.pool("spread", nodes=2, slots=2)
    world.pool("pack", nodes=2, slots=2, node_fill_type=NodeFillType.PACK)
    world.job("s", pool_id="spread")
    world.job("p", pool_id="pack")
    world.tasks("a", "b", job_id="s")
    world.tasks("a", "b", job_id="p")
    assert [len(world.assigned(node)) for node in (1, 2, 3, 4)] == [1, 1, 2, 0]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (JobDefaultOrder.NONE, [(job, 1) for job in range(12, 20)]),
        (JobDefaultOrder.CREATION_TIME, [(0, 3), (1, 3), (2, 2)]),
    ],
)
def test_jobs_of_equal_priority_take_turns_or_go_by_their_creation(
    world: World, order: JobDefaultOrder, expected: list[tuple[int, int]]
) -> None:
    """J-10, J-11: also among more jobs than are looked at together."""
    world.pool(slots=8, job_default_order=order)
    world.job("first", priority=1)
    world.tasks("blocker", job_id="first", required_slots=8)
    for number in range(20):
        world.job(f"{number}")
    for number in reversed(range(20)):
        world.tasks("a", "b", "c", job_id=f"{number}")

    world.run_for("task-1-1", timedelta(hours=1))

    placed = Counter({n: placed_tasks(world, f"{n}") for n in range(20)})
    assert sorted((+placed).items()) == expected


def placed_tasks(world: World, job_id: str) -> int:
    """Return how many tasks of a job are on a node."""
    return sum(world.task(name, job_id).is_placed for name in "abc")


def test_a_node_with_affinity_is_preferred(world: World) -> None:
    world.pool(nodes=2, slots=4)
    world.job()
    last = world.nodes()[-1]
    world.tasks("a", "b", "c", affinity_id=f"TVM:{last.id}")
    assert len(world.assigned(last.key)) == 3


def test_a_job_may_wait_for_its_pool(world: World) -> None:
    """J-8: a pool that does not exist is no error."""
    world.job(pool_id="Later")
    world.tasks("one")
    assert world.state_of("one") == "active"
    world.pool("later")
    assert world.assigned() == ["task-1-1"]


def test_a_higher_priority_goes_first(world: World) -> None:
    world.pool()
    world.job("low", priority=-10)
    world.job("high", priority=10)
    world.tasks("blocker", job_id="low")
    world.tasks("a", job_id="low")
    world.tasks("b", job_id="high")
    world.run("task-1-1")
    # What of the low one came with it only queues behind it.
    assert world.assigned()[1] == "task-3-1"


def test_a_failed_run_is_retried_with_the_jobs_count(world: World) -> None:
    """J-17: a task without a count of its own takes the job's."""
    world.pool()
    world.job(max_task_retry_count=1)
    world.tasks("one")
    world.run("task-1-1", exit_code=7)
    assert world.assigned() == ["task-1-1", "task-1-2"]
    world.run("task-1-2", exit_code=7)
    task = world.task("one")
    assert (task.state, task.retry_count, task.exit_code) == ("completed", 1, 7)


def test_the_tasks_environment_wins_over_the_jobs(world: World) -> None:
    """F-13."""
    world.pool()
    world.job(
        common_environment_settings=(EnvironmentSetting("A", "job"), EnvironmentSetting("B", "job"))
    )
    world.tasks(
        "one",
        environment_settings=(EnvironmentSetting("B", "task"), EnvironmentSetting("B", "last")),
    )
    assert world.assignment("task-1-1").environment == {"A": "job", "B": "last"}


def test_adding_tasks_is_each_on_its_own_merits(world: World) -> None:
    world.job(preparation=True)
    added = world.tasks("one", "ONE", "jobPreparation", "two")
    refused = [result.refused.code if result.refused else None for result in added]
    assert refused == [
        None,
        ErrorCode.TASK_EXISTS,
        ErrorCode.TASK_ID_SAME_AS_JOB_PREPARATION_TASK,
        None,
    ]


def test_a_refused_command_shares_the_commit_of_others_and_undoes_only_itself(
    world: World,
) -> None:
    world.job()
    spec = TaskSpec(id="one", command_line="true")
    answers = world.engine.apply(
        [
            lambda cascade: commands.add_task(cascade, ACCOUNT, "job", spec),
            lambda cascade: commands.add_task(cascade, ACCOUNT, "job", spec),
            lambda cascade: commands.add_tasks(cascade, ACCOUNT, "nojob", [spec]),
        ]
    )
    codes = [getattr(answer.error, "code", None) for answer in answers]
    assert codes == [None, ErrorCode.TASK_EXISTS, ErrorCode.JOB_NOT_FOUND]
    assert world.store.reads.task_counts(ACCOUNT, "job").active == 1


def test_a_report_that_comes_twice_changes_nothing(world: World) -> None:
    world.pool(slots=2)
    world.job()
    world.tasks("one", "two")
    reports = messages.Reports(1, [world.started("task-1-1"), world.ended("task-1-1")])
    assert world.tell(NodeReported(NodeKey(1), 1, reports)) == 2
    assert world.tell(NodeReported(NodeKey(1), 1, reports)) == 2
    node = world.nodes()[0]
    assert (node.slots_used, node.tasks_run) == (1, 1)


def test_reports_after_a_gap_wait_for_those_before(world: World) -> None:
    """As after a commit that failed. Those that overtook them are told again, or nobody would
    acknowledge them, and the node would tell nothing any more.
    """
    world.pool()
    world.job()
    world.tasks("one")
    first = NodeReported(NodeKey(1), 1, messages.Reports(1, [world.started("task-1-1")]))
    second = NodeReported(NodeKey(1), 1, messages.Reports(2, [world.ended("task-1-1")]))
    assert world.do(news.take, second) is None
    assert world.state_of("one") == "active"
    assert world.tell(first) == 1
    assert world.tell(second) == 2
    assert world.state_of("one") == "completed"


def test_a_batch_that_overlaps_what_is_known_counts_from_where_it_is_new(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("one")
    started, ended = world.started("task-1-1"), world.ended("task-1-1")
    world.tell(NodeReported(NodeKey(1), 1, messages.Reports(1, [started])))
    assert world.tell(NodeReported(NodeKey(1), 1, messages.Reports(1, [started, ended]))) == 2
    assert world.state_of("one") == "completed"


def test_an_end_without_a_start_counts_as_both(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("one")
    missing = world.ended("task-1-1", None, EndCause.PROGRAM_NOT_FOUND)
    world.report(missing)
    task = world.task("one")
    assert task.failure.code == "CommandProgramNotFound"
    assert task.start_time is not None


def test_a_deleted_task_ends_and_its_late_report_is_dropped(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("one")
    world.report(world.started("task-1-1"))
    world.do(commands.delete_task, ACCOUNT, "job", "one")
    assert world.stopped() == ["task-1-1"]
    with pytest.raises(Refused):
        world.task("one")
    assert world.nodes()[0].slots_used == 1
    world.report(world.ended("task-1-1", -15, EndCause.STOPPED))
    assert world.nodes()[0].slots_used == 0


def test_a_deleted_tasks_directory_goes_until_the_node_has_said_so(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("one")
    world.run("task-1-1")
    world.do(commands.delete_task, ACCOUNT, "job", "one")
    removal = messages.RemoveDirectory(1, "workitems/job/job-1/one")
    assert world.fleet.orders[NodeKey(1)][-1] == removal

    world.fleet.orders.clear()
    world.join(NodeKey(1))
    assert world.fleet.orders[NodeKey(1)] == [removal]

    world.report(messages.DirectoryRemoved(1))
    world.fleet.orders.clear()
    world.join(NodeKey(1))
    assert world.fleet.orders == {}


def test_counts_follow_every_change(world: World) -> None:
    world.pool(slots=4)
    world.job()
    world.tasks("a", "b", "c", required_slots=2)
    world.run("task-1-1")
    world.report(world.started("task-2-1"))
    counts = world.store.reads.task_counts(ACCOUNT, "job")
    assert (counts.active, counts.running, counts.succeeded) == (1, 1, 1)
    assert (counts.active_slots, counts.running_slots, counts.succeeded_slots) == (2, 2, 2)


def test_a_commit_that_fails_is_told_to_every_caller_and_forgets_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pool()
    world.job()

    def fail() -> None:
        raise OSError("disk full")

    real = world.store.transaction
    monkeypatch.setattr(world.store, "transaction", fail)
    spec = TaskSpec(id="one", command_line="true")
    with pytest.raises(OSError, match="disk full"):
        world.engine.apply([lambda cascade: commands.add_task(cascade, ACCOUNT, "job", spec)])
    monkeypatch.setattr(world.store, "transaction", real)
    world.tasks("one")
    assert world.assigned() == ["task-1-1"]


def test_a_loop_that_fails_is_run_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.pool()
    world.job()

    def fail(cascade: Cascade, key: int) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(placing, "place", fail)
        spec = TaskSpec(id="one", command_line="true")
        (answer,) = world.engine.apply(
            [lambda cascade: commands.add_task(cascade, ACCOUNT, "job", spec)]
        )
        world.engine.apply([])
        assert answer.error is None
        assert world.engine.is_failing
    assert world.assigned() == []

    world.settle()
    assert world.assigned() == ["task-1-1"]
    assert not world.engine.is_failing


@pytest.mark.parametrize("name", ["resize", "give_up_resize", "sweep", "retain"])
def test_whichever_loop_fails_is_run_until_it_succeeds(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    world.pool()
    world.job()
    world.tasks("one")
    world.run("task-1-1")
    size = Resize(target_dedicated_nodes=2)
    failures: list[str] = []

    def fail(cascade: Cascade, *key: int) -> None:
        failures.append(name)
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(loops, name, fail)
        world.engine.apply(
            [
                lambda cascade: commands.resize_pool(cascade, ACCOUNT, "pool", size),
                lambda cascade: commands.terminate_job(cascade, ACCOUNT, "job", None),
            ]
        )
        world.clock.pass_time(timedelta(days=8))
        for _ in range(5):
            world.engine.apply([])
        assert len(failures) >= 5
        assert world.engine.is_failing
    world.settle()
    assert not world.engine.is_failing


def test_a_terminated_task_is_completed_at_once_and_its_process_stopped(world: World) -> None:
    """T-21."""
    world.pool()
    world.job()
    world.tasks("runs", "waits")
    world.report(world.started("task-1-1"))
    for task_id in ("runs", "waits"):
        world.do(commands.terminate_task, ACCOUNT, "job", task_id)
        assert world.task(task_id).failure.code == "TaskEnded"
    assert world.stopped() == ["task-1-1"]
    with pytest.raises(Refused) as refused:
        world.do(commands.terminate_task, ACCOUNT, "job", "runs")
    assert refused.value.code is ErrorCode.TASK_COMPLETED


def test_other_constraints_are_shown_and_count(world: World) -> None:
    """T-24: what is omitted goes back to its default, the retry count to the job's."""
    world.pool()
    world.job(max_task_retry_count=2)
    world.tasks("one", max_task_retry_count=0)
    constraints = TaskConstraints(max_wall_clock_time=timedelta(minutes=1))
    world.do(commands.update_task, ACCOUNT, "job", "one", constraints)
    spec = world.store.reads.get_task(ACCOUNT, "job", "one").spec
    assert (spec.max_task_retry_count, spec.max_wall_clock_time) == (2, timedelta(minutes=1))
    world.run("task-1-1", exit_code=1)
    assert world.state_of("one") == "active"


def test_files_go_after_their_retention_and_a_restart_does_not_forget_it(world: World) -> None:
    """F-9."""
    world.pool()
    world.job()
    world.tasks("short", retention_time=timedelta(seconds=5))
    world.tasks("long")
    world.run("task-1-1")
    world.run("task-2-1")
    world.restart()
    world.tell(NodeUp(NodeKey(1), 1))
    world.join(NodeKey(1))
    world.clock.pass_time(timedelta(seconds=5))
    world.settle()
    assert world.fleet.orders[NodeKey(1)] == [
        messages.RemoveDirectory(1, "workitems/job/job-1/short")
    ]
    assert world.task("short").are_files_removed
    assert not world.task("long").are_files_removed


def test_resource_files_go_with_their_task(world: World) -> None:
    world.pool()
    world.job()
    world.tasks("one", resource_files=(ResourceFile("http://host/a", "data/a", 0o640),))
    (order,) = world.assignment("task-1-1").resource_files
    assert (order.url, order.path, order.mode) == ("http://host/a", "data/a", 0o640)
