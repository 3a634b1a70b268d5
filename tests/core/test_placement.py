"""The scheduler: what a plan promises for every snapshot, and the rules of who comes first."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from batchyard.core.keys import JobKey, NodeKey, TaskKey
from batchyard.core.placement import (
    FreeNode,
    Placement,
    PoolSnapshot,
    WaitingJob,
    WaitingTask,
    plan,
    queue_slots_max,
)
from batchyard.core.states import JobDefaultOrder, NodeFillType


def snapshot(
    free: list[int],
    jobs: list[WaitingJob],
    fill_type: NodeFillType = NodeFillType.SPREAD,
) -> PoolSnapshot:
    nodes = [FreeNode(NodeKey(i), max(8, slots), slots) for i, slots in enumerate(free, 1)]
    return PoolSnapshot(fill_type=fill_type, nodes=nodes, jobs=jobs)


def a_job(
    key: int,
    tasks: int,
    *,
    priority: int = 0,
    slots: int = 1,
    unfit: tuple[int, ...] = (),
    queues: dict[int, int] | None = None,
) -> WaitingJob:
    return WaitingJob(
        key=JobKey(key),
        priority=priority,
        tasks=[WaitingTask(TaskKey(key * 100 + i), slots) for i in range(tasks)],
        unfit=frozenset(map(NodeKey, unfit)),
        queue_slots_max={NodeKey(node): slots for node, slots in (queues or {}).items()},
    )


def placed_by(snapshot: PoolSnapshot) -> Sequence[Placement]:
    return plan(snapshot).placements


def nodes_of(placements: Sequence[Placement]) -> list[int]:
    return [item.node for item in placements]


def test_a_higher_priority_comes_first() -> None:
    placed = placed_by(snapshot([2], [a_job(1, 5, priority=-10), a_job(2, 5, priority=10)]))
    assert [item.job for item in placed] == [2, 2]


def test_jobs_of_equal_priority_take_turns() -> None:
    """J-10: an equal chance, though one of them has a thousand tasks more."""
    placed = placed_by(snapshot([4], [a_job(1, 50), a_job(2, 50)]))
    assert [item.job for item in placed] == [1, 2, 1, 2]


def test_tasks_of_a_job_go_in_their_order() -> None:
    placed = placed_by(snapshot([3], [a_job(1, 5)]))
    assert [item.task for item in placed] == [100, 101, 102]


def test_spread_evens_out() -> None:
    placed = placed_by(snapshot([4, 4, 4], [a_job(1, 6)]))
    assert Counter(nodes_of(placed)) == {1: 2, 2: 2, 3: 2}


def test_pack_fills_one_node_before_the_next() -> None:
    placed = placed_by(snapshot([4, 4], [a_job(1, 5)], NodeFillType.PACK))
    assert nodes_of(placed) == [1, 1, 1, 1, 2]


def test_pack_prefers_the_node_with_the_least_room_that_suffices() -> None:
    placed = placed_by(snapshot([4, 2, 1], [a_job(1, 1, slots=2)], NodeFillType.PACK))
    assert nodes_of(placed) == [2]


def test_a_task_that_fits_nowhere_does_not_hold_up_smaller_ones() -> None:
    tasks = [WaitingTask(TaskKey(1), 9), WaitingTask(TaskKey(2), 9), WaitingTask(TaskKey(3), 1)]
    placed = placed_by(snapshot([2], [WaitingJob(key=JobKey(1), priority=0, tasks=tasks)]))
    assert [item.task for item in placed] == [3]


def test_a_node_whose_preparation_failed_is_nothing_for_that_job() -> None:
    """J-69; it stays good for others."""
    placed = placed_by(snapshot([2, 2], [a_job(1, 2, unfit=(1,)), a_job(2, 2)]))
    assert {item.node for item in placed if item.job == 1} == {2}
    assert {item.node for item in placed if item.job == 2} == {1}


def test_affinity_is_followed_while_there_is_room() -> None:
    """T-35: soft, so the third goes elsewhere."""
    tasks = [WaitingTask(TaskKey(i), 1, NodeKey(2)) for i in range(3)]
    placed = placed_by(snapshot([8, 2], [WaitingJob(key=JobKey(1), priority=0, tasks=tasks)]))
    assert nodes_of(placed) == [2, 2, 1]


def test_affinity_does_not_lead_to_a_node_that_is_unfit_or_gone() -> None:
    tasks = [WaitingTask(TaskKey(1), 1, NodeKey(1)), WaitingTask(TaskKey(2), 1, NodeKey(99))]
    job = WaitingJob(key=JobKey(1), priority=0, tasks=tasks, unfit=frozenset({NodeKey(1)}))
    assert nodes_of(placed_by(snapshot([8, 8], [job]))) == [2, 2]


def test_a_task_queues_only_where_no_slot_is_free() -> None:
    placed = placed_by(snapshot([0, 1], [a_job(1, 4, queues={1: 2})]))
    assert nodes_of(placed) == [2, 1, 1]


def test_the_shortest_queue_is_joined() -> None:
    placed = placed_by(snapshot([-2, 0, -1], [a_job(1, 3, queues={1: 3, 2: 3, 3: 3})]))
    assert nodes_of(placed) == [2, 3, 2]


def test_a_queue_is_bounded_by_the_slots_of_all_that_queue() -> None:
    placed = placed_by(snapshot([-1], [a_job(1, 5, slots=2, queues={1: 6})]))
    assert len(placed) == 2


def test_a_task_that_is_too_large_for_a_node_does_not_queue_there() -> None:
    small, large = FreeNode(NodeKey(1), 1, 0), FreeNode(NodeKey(2), 2, -3)
    jobs = [a_job(1, 1, slots=2, queues={1: 16, 2: 16})]
    plan_ = PoolSnapshot(fill_type=NodeFillType.SPREAD, nodes=[small, large], jobs=jobs)
    assert nodes_of(placed_by(plan_)) == [2]


def test_no_job_has_more_placed_than_it_may() -> None:
    limited = replace(a_job(1, 5, priority=1), tasks_max=2)
    none = replace(a_job(2, 2, priority=1), tasks_max=0)
    found = plan(snapshot([8], [limited, none, a_job(3, 1)]))
    assert [item.job for item in found.placements] == [1, 1, 3]
    assert found.held_up is None


def test_nobody_queues_in_front_of_a_job_of_a_higher_priority_that_waits() -> None:
    first, second = a_job(1, 1, priority=1), a_job(2, 3, queues={1: 9})
    plan_ = plan(snapshot([0], [second, first]))
    assert (plan_.placements, plan_.held_up) == ([], 1)


def test_a_task_that_no_node_could_ever_take_does_not_keep_others_from_queues() -> None:
    first, second = a_job(1, 1, priority=1, slots=9), a_job(2, 3, queues={1: 9})
    assert len(placed_by(snapshot([0], [second, first]))) == 3


def test_jobs_are_held_up_only_by_those_before_them() -> None:
    jobs = [a_job(1, 1, priority=1, queues={1: 2}), a_job(2, 2, queues={1: 2})]
    plan_ = plan(snapshot([0], jobs))
    assert ([item.job for item in plan_.placements], plan_.held_up) == ([1, 2], 0)


def by_age(free: list[int], *jobs: WaitingJob) -> PoolSnapshot:
    """Return a snapshot of a pool where the older of equal jobs comes first."""
    return replace(snapshot(free, list(jobs)), job_order=JobDefaultOrder.CREATION_TIME)


def test_where_jobs_go_by_their_creation_the_first_takes_all_that_it_can() -> None:
    """J-11."""
    placed = placed_by(by_age([2, 2], a_job(1, 3), a_job(2, 3)))
    assert [item.job for item in placed] == [1, 1, 1, 2]


def test_a_higher_priority_comes_before_an_older_job() -> None:
    placed = placed_by(by_age([2], a_job(1, 2), a_job(2, 2, priority=1)))
    assert [item.job for item in placed] == [2, 2]


def test_nothing_queues_in_front_of_an_older_job_that_has_to_wait() -> None:
    placed = placed_by(by_age([0], a_job(1, 1), a_job(2, 2, queues={1: 2})))
    assert placed == []


def test_a_queue_is_what_starts_within_the_time_of_prefetching() -> None:
    assert queue_slots_max(4, timedelta(milliseconds=25)) == 8
    assert queue_slots_max(4, timedelta(seconds=1)) == 0


def test_a_queue_of_the_shortest_tasks_is_bounded_by_the_slots_of_the_node() -> None:
    assert queue_slots_max(4, timedelta(microseconds=10)) == 64
    assert queue_slots_max(4, timedelta(0)) == 64


jobs = st.lists(
    st.tuples(
        st.integers(-2, 2),
        st.lists(st.integers(1, 5), max_size=8),
        st.frozensets(st.integers(1, 6), max_size=3),
    ),
    max_size=5,
).map(
    lambda drawn: [
        WaitingJob(
            key=JobKey(i),
            priority=priority,
            tasks=[WaitingTask(TaskKey(i * 100 + j), slots) for j, slots in enumerate(sizes)],
            unfit=frozenset(map(NodeKey, unfit)),
        )
        for i, (priority, sizes, unfit) in enumerate(drawn, 1)
    ]
)


@given(st.lists(st.integers(0, 6), max_size=6), jobs, st.sampled_from(list(NodeFillType)))
def test_a_plan_respects_slots_places_once_and_leaves_nothing_that_fits(
    free: list[int], waiting: list[WaitingJob], fill_type: NodeFillType
) -> None:
    placed = placed_by(snapshot(free, waiting, fill_type))
    sizes = {task.key: task.required_slots for job in waiting for task in job.tasks}
    unfit = {job.key: job.unfit for job in waiting}
    left = dict(enumerate(free, 1))

    assert len({item.task for item in placed}) == len(placed)
    for item in placed:
        assert item.node not in unfit[item.job]
        left[item.node] -= sizes[item.task]
    assert all(slots >= 0 for slots in left.values())
    done = {item.task for item in placed}
    for job in waiting:
        for task in job.tasks:
            if task.key not in done:
                fitting = [node for node in left if node not in job.unfit]
                assert all(left[node] < task.required_slots for node in fitting)


@given(st.lists(st.integers(0, 6), max_size=6), jobs)
def test_no_place_goes_to_a_younger_job_that_an_older_one_could_have_taken(
    free: list[int], waiting: list[WaitingJob]
) -> None:
    """J-11."""
    placed = placed_by(by_age(free, *waiting))
    sizes = {task.key: task.required_slots for job in waiting for task in job.tasks}
    of = {job.key: job for job in waiting}
    done = {item.task for item in placed}
    for item in placed:
        for older in waiting:
            if older.key < item.job and older.priority == of[item.job].priority:
                left = [task.required_slots for task in older.tasks if task.key not in done]
                assert item.node in older.unfit or all(size > sizes[item.task] for size in left)


def one(key: int, priority: int = 0, **wants: Any) -> WaitingJob:  # Fields.
    """Return a job with one task that wants something special."""
    return WaitingJob(
        key=JobKey(key), priority=priority, tasks=[WaitingTask(TaskKey(key * 100), **wants)]
    )


def with_slots(*nodes: tuple[int, int], low_priority: tuple[int, ...] = ()) -> list[FreeNode]:
    """Return nodes of (slots, free ones)."""
    return [
        FreeNode(NodeKey(i), slots, free, is_dedicated=i not in low_priority)
        for i, (slots, free) in enumerate(nodes, 1)
    ]


def spread(nodes: list[FreeNode], *jobs: WaitingJob, held: tuple[int, ...] = ()) -> PoolSnapshot:
    return PoolSnapshot(
        fill_type=NodeFillType.SPREAD,
        nodes=nodes,
        jobs=jobs,
        held=frozenset(map(NodeKey, held)),
    )


def test_a_multi_instance_task_gets_distinct_nodes_all_at_once() -> None:
    """T-58; the first one is the primary's."""
    (placed,) = placed_by(spread(with_slots((1, 1), (1, 0), (1, 1), (1, 1)), one(1, nodes=3)))
    assert (placed.node, placed.others, placed.slots) == (1, (3, 4), 1)


def test_the_primary_goes_to_the_node_of_its_affinity() -> None:
    job = one(1, nodes=2, affinity=NodeKey(3))
    (placed,) = placed_by(spread(with_slots((1, 1), (1, 1), (1, 1)), job))
    assert (placed.node, placed.others) == (3, (1,))


def test_a_pool_whose_nodes_may_not_work_together_takes_no_multi_instance_task() -> None:
    """T-57; neither does it hold nodes for one, though it wants a single node."""
    jobs = (one(1, priority=1, is_multi_instance=True), a_job(2, 1))
    apart = replace(spread(with_slots((1, 1)), *jobs), may_cooperate=False)
    found = plan(apart)
    assert ([item.job for item in found.placements], found.held) == ([2], frozenset())
    assert [item.job for item in placed_by(replace(apart, may_cooperate=True))] == [1]


def test_nodes_are_held_for_a_multi_instance_task_so_that_single_tasks_do_not_starve_it() -> None:
    nodes = with_slots((1, 0), (1, 1), (1, 1))
    found = plan(spread(nodes, one(1, priority=1, nodes=3), a_job(2, 3)))
    assert (list(found.placements), set(found.held), found.held_up) == ([], {1, 2, 3}, 1)


def test_the_emptiest_nodes_are_held_and_the_others_go_on() -> None:
    nodes = with_slots((1, 0), (1, 0), (1, 1), (1, 0))
    found = plan(spread(nodes, one(1, priority=1, nodes=2), a_job(2, 3, queues={1: 4, 2: 4, 4: 4})))
    assert found.held == {1, 3}
    assert found.placements == []  # Nothing queues in front of a job that has to wait.
    found = plan(spread(nodes, one(1, nodes=2), a_job(2, 3, queues={1: 4, 2: 4, 4: 4})))
    assert nodes_of(found.placements) == [2, 4, 2]


def test_only_the_first_task_that_waits_holds_nodes() -> None:
    nodes = with_slots((1, 0), (1, 1), (1, 1))
    found = plan(spread(nodes, one(1, priority=2, nodes=2), one(2, priority=1, nodes=3)))
    assert [item.job for item in found.placements] == [1]
    assert found.held == {1, 2, 3}
    found = plan(spread(nodes, one(1, priority=2, nodes=3), one(2, priority=1, nodes=1)))
    assert (list(found.placements), set(found.held)) == ([], {1, 2, 3})
    found = plan(spread(nodes, one(2, nodes=2), held=(1, 2)))
    assert (list(found.placements), set(found.held), found.held_up) == ([], {1, 2}, 0)


def test_nothing_is_held_for_more_nodes_than_there_are() -> None:
    found = plan(spread(with_slots((1, 1), (1, 1)), one(1, priority=1, nodes=3), a_job(2, 1)))
    assert ([item.job for item in found.placements], found.held) == ([2], frozenset())


def test_an_exclusive_task_gets_a_node_without_any_other_task_and_all_of_its_slots() -> None:
    (placed,) = placed_by(spread(with_slots((4, 3), (2, 2)), one(1, is_exclusive=True)))
    assert (placed.node, placed.slots) == (2, 2)


def test_an_exclusive_task_gets_no_node_of_fewer_slots_than_it_requires() -> None:
    """T-32: it would never be placed, so nothing is held for it either."""
    whole = [WaitingTask(TaskKey(1), required_slots=5, is_exclusive=True)]
    job = WaitingJob(key=JobKey(1), priority=0, tasks=whole)
    found = plan(spread(with_slots((4, 4)), job))
    assert (list(found.placements), set(found.held), found.held_up) == ([], set(), None)
    (placed,) = placed_by(spread(with_slots((4, 4), (6, 6)), job))
    assert (placed.node, placed.slots) == (2, 6)


def test_the_emptiest_node_is_held_for_an_exclusive_task() -> None:
    found = plan(spread(with_slots((4, 1), (4, 3)), one(1, is_exclusive=True), a_job(2, 9)))
    assert (nodes_of(found.placements), set(found.held)) == ([1], {2})


def test_a_task_that_goes_first_lets_no_other_of_its_job_pass() -> None:
    """J-57: the job manager task."""
    first = WaitingTask(TaskKey(1), 2, goes_first=True)
    job = WaitingJob(key=JobKey(1), priority=0, tasks=[first, WaitingTask(TaskKey(2))])
    assert [item.task for item in placed_by(spread(with_slots((2, 1)), job, a_job(2, 1)))] == [200]
    assert [item.task for item in placed_by(spread(with_slots((2, 2), (1, 1)), job))] == [1, 2]


def test_a_first_task_that_no_node_could_ever_take_does_not_block_its_job() -> None:
    first = WaitingTask(TaskKey(1), 3, goes_first=True)
    job = WaitingJob(key=JobKey(1), priority=0, tasks=[first, WaitingTask(TaskKey(2))])
    assert [item.task for item in placed_by(spread(with_slots((2, 1)), job))] == [2]


def test_a_task_that_needs_a_dedicated_node_takes_no_other() -> None:
    """J-62; one of the same size that does not need it still fits."""
    picky = WaitingTask(TaskKey(1), needs_dedicated=True)
    job = WaitingJob(key=JobKey(1), priority=0, tasks=[picky, WaitingTask(TaskKey(2))])
    found = plan(spread(with_slots((1, 1), (1, 0), low_priority=(1,)), job))
    assert ([item.task for item in found.placements], found.held_up) == ([2], 0)
    found = plan(spread(with_slots((1, 1), low_priority=(1,)), one(1, needs_dedicated=True)))
    assert (found.placements, found.held_up) == ([], None)


special = st.lists(
    st.tuples(st.integers(-1, 1), st.integers(1, 3), st.booleans(), st.booleans()), max_size=6
).map(
    lambda drawn: [
        one(
            i,
            priority,
            nodes=1 if exclusive else nodes,
            is_exclusive=exclusive,
            needs_dedicated=dedicated,
        )
        for i, (priority, nodes, exclusive, dedicated) in enumerate(drawn, 11)
    ]
)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), max_size=6),
    st.frozensets(st.integers(1, 6), max_size=3),
    jobs,
    special,
)
def test_whole_nodes_and_gangs_are_all_or_nothing_and_nobody_uses_what_is_held(
    drawn: list[tuple[int, int]],
    low_priority: frozenset[int],
    waiting: list[WaitingJob],
    specials: list[WaitingJob],
) -> None:
    nodes = with_slots(
        *((slots, min(slots, free)) for slots, free in drawn), low_priority=tuple(low_priority)
    )
    found = plan(spread(nodes, *waiting, *specials))
    by_key = {task.key: task for job in [*waiting, *specials] for task in job.tasks}
    left = {node.key: node.slots_free for node in nodes}
    for item in found.placements:
        task, used = by_key[item.task], (item.node, *item.others)
        assert len(set(used)) == task.nodes
        for node in used:
            assert not task.needs_dedicated or node not in low_priority
            assert not task.is_exclusive or left[node] == item.slots == nodes[node - 1].slots
            left[node] -= item.slots
    assert all(slots >= 0 for slots in left.values())
    assert len(found.held) <= max((task.nodes for task in by_key.values()), default=0)


def test_a_task_that_goes_first_does_not_count_for_the_limit_of_its_job() -> None:
    """J-13: it may wait for the others, of which a limit of one would let none run."""
    first = WaitingTask(TaskKey(1), goes_first=True)
    others = [WaitingTask(TaskKey(key)) for key in (2, 3)]
    job = WaitingJob(key=JobKey(1), priority=0, tasks=[first, *others], tasks_max=1)
    assert [item.task for item in placed_by(spread(with_slots((4, 4)), job))] == [1, 2]
    full = replace(job, tasks_max=0)
    assert [item.task for item in placed_by(spread(with_slots((4, 4)), full))] == [1]


def test_nothing_queues_behind_a_task_that_goes_first_nor_does_it_queue_itself() -> None:
    """It may wait for the very task that would queue there."""
    first = WaitingTask(TaskKey(1), goes_first=True)
    queues = {NodeKey(1): 8, NodeKey(2): 8}
    job = WaitingJob(key=JobKey(1), priority=0, tasks=[first], queue_slots_max=queues)
    short = a_job(2, 2, queues={1: 8, 2: 8})
    found = plan(spread(with_slots((1, 1), (1, 0)), job, short))
    assert [(item.task, item.node) for item in found.placements] == [(1, 1), (200, 2), (201, 2)]
    assert placed_by(spread(with_slots((1, 0)), job)) == []


def test_a_queue_is_as_short_as_the_longest_task_in_front_of_it_wants() -> None:
    """Also if that one is placed by the same plan."""
    unknown, short = a_job(1, 1, priority=1), a_job(2, 9, queues={1: 4})
    assert [item.job for item in placed_by(spread(with_slots((1, 1)), unknown, short))] == [1]
    longer = a_job(1, 1, priority=1, queues={1: 2})
    placed = placed_by(spread(with_slots((1, 1)), longer, short))
    assert [item.job for item in placed] == [1, 2, 2]
