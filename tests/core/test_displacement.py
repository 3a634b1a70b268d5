"""Who has to make room, and who never does."""

from datetime import UTC, datetime, timedelta
from typing import Any

from batchyard.core.displacement import Room, RunningTask, displace, make_room
from batchyard.core.keys import JobKey, NodeKey, TaskKey
from batchyard.core.placement import FreeNode, WaitingJob, WaitingTask

START = datetime(2026, 11, 25, tzinfo=UTC)
MANAGER = WaitingTask(TaskKey(1), is_restarted_manager=True)
PLAIN = WaitingTask(TaskKey(1))
NODES = [FreeNode(NodeKey(1), 1, 0), FreeNode(NodeKey(2), 1, 0, is_dedicated=False)]


def a_job(priority: int = 0, unfit: tuple[int, ...] = ()) -> WaitingJob:
    return WaitingJob(
        key=JobKey(1), priority=priority, tasks=[], unfit=frozenset(map(NodeKey, unfit))
    )


def running(
    key: int,
    node: int = 1,
    job: int = 1,
    priority: int = 0,
    slots: int = 1,
    began: int | None = 0,
    **facts: Any,  # Fields.
) -> RunningTask:
    start = None if began is None else START + timedelta(seconds=began)
    return RunningTask(TaskKey(key), JobKey(job), NodeKey(node), slots, priority, start, **facts)


def leaving(
    *on_nodes: RunningTask,
    task: WaitingTask = MANAGER,
    job: WaitingJob | None = None,
    nodes: list[FreeNode] | None = None,
) -> list[int]:
    return [one.key for one in displace(task, job or a_job(), nodes or NODES, on_nodes)]


def test_a_restarted_manager_takes_the_place_of_a_task_of_its_own_job() -> None:
    """J-58."""
    assert leaving(running(7)) == [7]


def test_it_takes_the_place_of_a_job_of_a_lower_priority_and_of_no_other() -> None:
    """SA-89: never of one of a higher priority, nor of an equal one."""
    assert leaving(running(7, job=2, priority=-1)) == [7]
    assert leaving(running(7, job=2), running(8, node=2, job=3, priority=1)) == []


def test_no_manager_makes_room() -> None:
    assert leaving(running(7, is_manager=True)) == []


def test_a_task_that_is_no_restarted_manager_displaces_only_what_may_be_preempted() -> None:
    """J-12: and only what has a lower priority."""
    low = running(7, job=2, priority=-1)
    assert leaving(low, task=PLAIN) == []
    lets = running(7, job=2, priority=-1, is_preemptible=True)
    assert leaving(lets, task=PLAIN) == [7]
    assert leaving(lets, task=PLAIN, job=a_job(priority=-1)) == []


def test_nodes_that_are_no_good_are_passed_over() -> None:
    assert leaving(running(7, node=1), running(8, node=2), job=a_job(unfit=(1,))) == [8]
    picky = WaitingTask(TaskKey(1), is_restarted_manager=True, needs_dedicated=True)
    assert leaving(running(8, node=2), task=picky) == []


def test_the_least_important_goes_then_what_began_last() -> None:
    assert leaving(running(7), running(8, node=2, job=2, priority=-1)) == [8]
    assert leaving(running(7, began=0), running(8, node=2, began=9)) == [8]
    assert leaving(running(7, began=9), running(8, node=2, began=None)) == [8]


def test_no_more_tasks_go_than_have_to() -> None:
    wide = [FreeNode(NodeKey(1), 4, 1), FreeNode(NodeKey(2), 4, 0)]
    large = WaitingTask(TaskKey(1), 2, is_restarted_manager=True)
    on_first = [running(7), running(8), running(9)]
    on_second = [running(17, node=2), running(18, node=2), running(19, node=2)]
    assert leaving(*on_second, *on_first, task=large, nodes=wide) == [7]


def test_an_exclusive_one_needs_a_node_where_everything_may_go() -> None:
    wide = [FreeNode(NodeKey(1), 2, 0), FreeNode(NodeKey(2), 2, 0)]
    exclusive = WaitingTask(TaskKey(1), is_restarted_manager=True, is_exclusive=True)
    mixed = [running(7), running(8, job=2, priority=5)]
    assert leaving(*mixed, task=exclusive, nodes=wide) == []
    both = [running(17, node=2), running(18, node=2)]
    assert sorted(leaving(*mixed, *both, task=exclusive, nodes=wide)) == [17, 18]


def test_nobody_leaves_a_node_of_fewer_slots_than_an_exclusive_one_requires() -> None:
    """T-32."""
    small = [FreeNode(NodeKey(1), 2, 0)]
    large = WaitingTask(TaskKey(1), 3, is_restarted_manager=True, is_exclusive=True)
    assert leaving(running(7), running(8), task=large, nodes=small) == []
    assert made_room(running(7), running(8), tasks=[large], nodes=small) == []


def made_room(
    *on_nodes: RunningTask,
    tasks: list[WaitingTask],
    nodes: list[FreeNode] | None = None,
    tasks_max: int | None = None,
) -> list[int]:
    return [
        one.key for one in room(*on_nodes, tasks=tasks, nodes=nodes, tasks_max=tasks_max).leaving
    ]


def room(
    *on_nodes: RunningTask,
    tasks: list[WaitingTask],
    nodes: list[FreeNode] | None = None,
    tasks_max: int | None = None,
    coming: dict[int, int] | None = None,
) -> Room:
    job = WaitingJob(key=JobKey(1), priority=5, tasks=tasks, tasks_max=tasks_max)
    on_their_way = {NodeKey(node): slots for node, slots in (coming or {}).items()}
    return make_room([job], nodes or NODES, on_their_way, on_nodes)


PREEMPTIBLE = [
    running(7, job=2, is_preemptible=True),
    running(8, node=2, job=2, is_preemptible=True),
]


def test_nobody_leaves_for_a_task_whose_place_is_free() -> None:
    nodes = [FreeNode(NodeKey(1), 1, 1), FreeNode(NodeKey(2), 1, 0)]
    assert room(*PREEMPTIBLE, tasks=[PLAIN], nodes=nodes) == Room([])


def test_nobody_leaves_for_a_task_whose_place_is_on_its_way_and_the_place_is_held() -> None:
    assert room(PREEMPTIBLE[0], tasks=[PLAIN], coming={2: 1}) == Room([], frozenset({NodeKey(2)}))


def test_the_node_that_somebody_leaves_is_held() -> None:
    """Or a less important task would take what becomes free, and have to leave again."""
    assert room(PREEMPTIBLE[1], tasks=[PLAIN]).held == {NodeKey(2)}


def test_as_many_leave_as_are_needed_and_each_once() -> None:
    two = [WaitingTask(TaskKey(1)), WaitingTask(TaskKey(2))]
    assert sorted(made_room(*PREEMPTIBLE, tasks=two)) == [7, 8]
    assert sorted(made_room(*PREEMPTIBLE, tasks=[*two, WaitingTask(TaskKey(3))])) == [7, 8]
    assert len(made_room(*PREEMPTIBLE, tasks=[PLAIN])) == 1


def test_nobody_leaves_for_a_task_that_its_job_would_not_run_now() -> None:
    """J-13; the manager does not count."""
    two = [WaitingTask(TaskKey(1)), WaitingTask(TaskKey(2))]
    assert len(made_room(*PREEMPTIBLE, tasks=two, tasks_max=1)) == 1
    first = WaitingTask(TaskKey(1), goes_first=True, is_restarted_manager=True)
    assert len(made_room(*PREEMPTIBLE, tasks=[first, *two], tasks_max=0)) == 1


def test_what_leaves_for_an_exclusive_task_makes_no_room_for_a_second_one() -> None:
    nodes = [FreeNode(NodeKey(1), 2, 0)]
    both = [running(7, job=2, is_preemptible=True), running(8, job=2, is_preemptible=True)]
    alone = [WaitingTask(TaskKey(key), is_exclusive=True) for key in (1, 2)]
    assert sorted(made_room(*both, tasks=alone, nodes=nodes)) == [7, 8]


def test_nobody_leaves_for_a_task_of_several_nodes() -> None:
    assert made_room(*PREEMPTIBLE, tasks=[WaitingTask(TaskKey(1), nodes=2)]) == []


def test_a_smaller_task_finds_room_where_a_larger_one_does_not() -> None:
    large = [WaitingTask(TaskKey(key), required_slots=2) for key in (1, 2)]
    assert len(made_room(*PREEMPTIBLE, tasks=[*large, PLAIN])) == 1
