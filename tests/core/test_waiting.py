"""Why a task waits: the reason is the one that placement has, and its cure makes it run."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from batchyard.core import placement, waiting
from batchyard.core.model import (
    AllocationState,
    Job,
    JobDefaultOrder,
    JobKey,
    JobState,
    Node,
    NodeFillType,
    NodeKey,
    NodePlan,
    NodeState,
    Pool,
    PoolKey,
    PoolState,
    ResizeError,
    Run,
    TaskKey,
)
from batchyard.core.placement import FreeNode, Plan, PoolSnapshot, WaitingJob, WaitingTask
from batchyard.core.reasons import MEANINGS, Reason, WaitingCode
from batchyard.core.waiting import Dependencies, Facts, why

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ONE = WaitingTask(TaskKey(1))


def a_job(**changes: Any) -> Job:
    job = Job(
        key=JobKey(1),
        account="account",
        id="job",
        pool_id="pool",
        pool=PoolKey(1),
        priority=0,
        revision=1,
        creation_time=NOW,
        last_modified=NOW,
        state=JobState.ACTIVE,
        state_time=NOW,
        start_time=NOW,
    )
    return replace(job, **changes)


def a_pool(**changes: Any) -> Pool:
    pool = Pool(
        key=PoolKey(1),
        account="account",
        id="pool",
        revision=1,
        creation_time=NOW,
        last_modified=NOW,
        state=PoolState.ACTIVE,
        state_time=NOW,
        allocation_state=AllocationState.STEADY,
        allocation_state_time=NOW,
        target_dedicated_nodes=1,
        target_low_priority_nodes=0,
        task_slots_per_node=4,
        node_fill_type=NodeFillType.SPREAD,
        is_windows=False,
        resize_timeout=timedelta(minutes=15),
        job_default_order=JobDefaultOrder.NONE,
        has_inter_node_communication=False,
    )
    return replace(pool, **changes)


def a_node(key: int = 1, state: NodeState = NodeState.IDLE, **changes: Any) -> Node:
    node = Node(
        key=NodeKey(key),
        pool=PoolKey(1),
        pool_id="pool",
        id=f"node-{key}",
        is_dedicated=True,
        state=state,
        state_time=NOW,
        allocation_time=NOW,
        slots=4,
    )
    return replace(node, **changes)


def facts(*nodes: Node, **changes: Any) -> Facts:
    return replace(Facts(job=a_job(), pool=a_pool(), nodes=nodes), **changes)


def code(found: Facts, task: WaitingTask = ONE) -> WaitingCode:
    return why(task, found).code


def test_every_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(WaitingCode)


def test_a_reason_says_what_would_help_and_whether_the_task_can_run() -> None:
    reason = Reason(WaitingCode.NO_NODES, "No node.")
    assert reason.cure == "Resize the pool."
    assert not reason.can_ever_run


@pytest.mark.parametrize("state", [JobState.DISABLING, JobState.DISABLED])
def test_a_disabled_job_runs_nothing(state: JobState) -> None:
    assert code(facts(a_node(), job=a_job(state=state))) is WaitingCode.JOB_DISABLED


@pytest.mark.parametrize("state", [JobState.TERMINATING, JobState.COMPLETED, JobState.DELETING])
def test_what_has_not_started_when_its_job_ends_never_will(state: JobState) -> None:
    assert code(facts(a_node(), job=a_job(state=state))) is WaitingCode.JOB_ENDED


def test_a_task_that_failed_is_named_before_all_others() -> None:
    found = Dependencies(left=4, failed=("f",), missing=("m",), pending=("p", "q"))
    reason = why(ONE, facts(a_node()), found)
    assert reason.code is WaitingCode.DEPENDENCY_FAILED
    assert reason.message == "It depends on what has failed: task f."
    assert reason.details == {
        "dependenciesLeft": 4,
        "failed": ["f"],
        "missing": ["m"],
        "pending": ["p", "q"],
    }


def test_a_task_that_does_not_exist_is_named_before_those_that_are_not_completed() -> None:
    reason = why(ONE, facts(a_node()), Dependencies(left=3, missing=("m", "n"), pending=("p",)))
    assert reason.code is WaitingCode.DEPENDENCY_MISSING
    assert reason.message == "It depends on what does not exist: task m, and others."


def test_a_task_waits_for_what_it_depends_on() -> None:
    reason = why(ONE, facts(a_node()), Dependencies(left=2, pending=("p", "q")))
    assert reason.code is WaitingCode.DEPENDENCY_PENDING
    assert reason.message == "It waits for 2 tasks that it depends on, first of all p."
    assert why(ONE, facts(), Dependencies(left=1)).message == (
        "It waits for 1 task that it depends on."
    )


def test_a_disabled_job_comes_before_dependencies_and_these_before_the_pool() -> None:
    left = Dependencies(left=1)
    assert why(ONE, facts(job=a_job(state=JobState.DISABLED)), left).code is (
        WaitingCode.JOB_DISABLED
    )
    assert why(ONE, facts(pool=None), left).code is WaitingCode.DEPENDENCY_PENDING


def test_there_may_be_no_pool_of_the_name() -> None:
    reason = why(ONE, facts(pool=None))
    assert (reason.code, reason.message) == (WaitingCode.NO_POOL, "There is no pool pool.")


def test_a_pool_that_is_deleted_takes_nothing() -> None:
    deleting = facts(a_node(), pool=a_pool(state=PoolState.DELETING))
    assert code(deleting) is WaitingCode.POOL_DELETING


def test_a_task_may_need_more_slots_than_a_node_has_whether_there_are_nodes_or_not() -> None:
    large = WaitingTask(TaskKey(1), 5)
    reason = why(large, facts(a_node()))
    assert reason.code is WaitingCode.NEEDS_MORE_SLOTS
    assert reason.message == "It needs 5 slots; a node of pool pool has 4."
    assert code(facts(), large) is WaitingCode.NEEDS_MORE_SLOTS


def test_a_task_may_need_dedicated_nodes() -> None:
    picky = WaitingTask(TaskKey(1), needs_dedicated=True)
    low = a_pool(target_dedicated_nodes=0, target_low_priority_nodes=1)
    spot = a_node(is_dedicated=False)
    assert code(facts(spot, pool=low), picky) is WaitingCode.NEEDS_DEDICATED_NODES
    assert code(facts(spot, pool=low)) is WaitingCode.PLACEMENT_DUE
    assert code(facts(spot, a_node(2)), picky) is WaitingCode.PLACEMENT_DUE


def test_a_task_may_need_more_nodes_than_its_pool_has() -> None:
    gang = WaitingTask(TaskKey(1), nodes=3)
    reason = why(gang, facts(a_node(1), a_node(2)))
    assert reason.code is WaitingCode.NEEDS_MORE_NODES
    assert reason.message == "It needs 3 nodes at once; pool pool has 2."
    growing = a_pool(target_dedicated_nodes=3, allocation_state=AllocationState.RESIZING)
    assert code(facts(a_node(1), pool=growing), gang) is WaitingCode.NODES_STARTING


def test_the_nodes_of_a_pool_may_not_work_together() -> None:
    """T-57."""
    gang = WaitingTask(TaskKey(1), nodes=1, is_multi_instance=True)
    apart = a_pool(task_slots_per_node=1)
    together = replace(apart, has_inter_node_communication=True)
    reason = why(gang, facts(a_node(1), pool=apart))
    assert reason.code is WaitingCode.NEEDS_INTER_NODE_COMMUNICATION
    assert reason.message == "The nodes of pool pool may not work together on one task."
    assert code(facts(a_node(1), pool=together), gang) is WaitingCode.PLACEMENT_DUE
    assert code(facts(a_node(1), pool=apart)) is WaitingCode.PLACEMENT_DUE
    shared = replace(together, task_slots_per_node=2)
    assert code(facts(a_node(1), pool=shared), gang) is WaitingCode.NEEDS_INTER_NODE_COMMUNICATION


def test_a_pool_may_have_no_nodes() -> None:
    empty = a_pool(target_dedicated_nodes=0)
    assert code(facts(pool=empty)) is WaitingCode.NO_NODES
    assert code(facts(pool=empty), WaitingTask(TaskKey(1), nodes=3)) is WaitingCode.NO_NODES
    leaving = why(ONE, facts(a_node(1, NodeState.LEAVING_POOL), pool=empty))
    assert leaving.code is WaitingCode.NO_NODES
    assert leaving.message.endswith("its target is 0: 1 leavingpool.")


def test_nodes_may_be_on_their_way() -> None:
    growing = a_pool(allocation_state=AllocationState.RESIZING)
    assert code(facts(pool=growing)) is WaitingCode.NODES_STARTING
    assert code(facts(a_node(1, NodeState.STARTING))) is WaitingCode.NODES_STARTING
    rebooting = a_node(1, NodeState.RUNNING, plan=NodePlan.REBOOT)
    assert code(facts(rebooting)) is WaitingCode.NODES_STARTING


def test_a_resize_may_have_failed() -> None:
    failed = a_pool(resize_errors=(ResizeError("AllocationTimedOut", "It took too long."),))
    reason = why(ONE, facts(pool=failed))
    assert reason.code is WaitingCode.RESIZE_FAILED
    assert reason.message == (
        "The resize of pool pool has failed with AllocationTimedOut: It took too long."
    )


def test_the_start_task_may_have_failed_everywhere() -> None:
    node = a_node(7, NodeState.START_TASK_FAILED, start_run=Run(exit_code=3))
    reason = why(ONE, facts(node))
    assert reason.code is WaitingCode.START_TASK_FAILED
    assert reason.message == (
        "1 node of pool pool could not run the start task: exit code 3 on node node-7."
    )
    assert (reason.details["nodeId"], reason.details["exitCode"]) == ("node-7", 3)
    lost = why(ONE, facts(replace(node, start_run=Run())))
    assert "it could not be run on node node-7" in lost.message


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (NodeState.UNUSABLE, WaitingCode.NODES_UNUSABLE),
        (NodeState.OFFLINE, WaitingCode.NODES_OFFLINE),
    ],
)
def test_nodes_may_be_out_of_order(state: NodeState, expected: WaitingCode) -> None:
    assert code(facts(a_node(1, state))) is expected


def test_the_job_preparation_task_may_have_failed_everywhere() -> None:
    reason = why(ONE, facts(a_node(1), unfit={NodeKey(1): 9}))
    assert reason.code is WaitingCode.JOB_PREPARATION_FAILED
    assert "exit code 9 on node node-1" in reason.message


def test_a_job_may_have_reached_its_limit_of_parallel_tasks() -> None:
    limited = facts(a_node(), job=a_job(max_parallel_tasks=2), tasks_max=0)
    assert code(limited) is WaitingCode.PARALLEL_TASKS_LIMIT
    assert code(replace(limited, tasks_max=1)) is WaitingCode.PLACEMENT_DUE


def test_nothing_of_a_job_begins_before_its_manager() -> None:
    """J-57; what the manager itself waits for is another question."""
    led = facts(a_node(), job=a_job(has_manager=True, awaits_manager=True), tasks_max=0)
    manager = WaitingTask(TaskKey(1), goes_first=True)
    assert code(led) is WaitingCode.JOB_MANAGER_FIRST
    assert code(led, manager) is WaitingCode.PLACEMENT_DUE
    assert waiting.kind(manager) != waiting.kind(ONE)


def test_no_node_may_have_enough_free_slots() -> None:
    busy = [a_node(1, NodeState.RUNNING, slots_used=3), a_node(2, NodeState.RUNNING, slots_used=6)]
    reason = why(WaitingTask(TaskKey(1), 2), facts(*busy, tasks_before={"tasksBefore": 7}))
    assert reason.code is WaitingCode.NO_FREE_SLOTS
    assert reason.message == "It needs 2 slots; the best of 2 nodes has 1 free."
    assert reason.details == {"requiredSlots": 2, "tasksBefore": 7, "freeSlots": 1}


def test_whether_a_task_has_its_turn_is_told_without_a_look_at_any_node() -> None:
    assert waiting.obstacle(ONE, facts(a_node(slots_used=4))) is None
    assert waiting.turn(ONE).code is WaitingCode.NO_FREE_SLOTS
    assert waiting.turn(WaitingTask(TaskKey(1), nodes=2)).code is WaitingCode.NO_FREE_NODES


def test_what_is_free_may_be_held_for_another_task() -> None:
    held = facts(a_node(1), held=frozenset({NodeKey(1)}))
    assert code(held) is WaitingCode.NODES_HELD


def test_a_task_of_several_nodes_waits_for_enough_of_them() -> None:
    nodes = [a_node(1), a_node(2, NodeState.RUNNING, slots_used=4)]
    reason = why(WaitingTask(TaskKey(1), nodes=2), facts(*nodes))
    assert reason.code is WaitingCode.NO_FREE_NODES
    assert reason.message == "It needs 2 nodes at once with 1 free slots on each."
    whole = WaitingTask(TaskKey(1), is_exclusive=True)
    assert "nothing else" in why(whole, facts(nodes[1])).message


def test_a_task_whose_former_run_is_being_ended_says_where() -> None:
    reason = waiting.of_ending("node-1")
    assert (reason.code, reason.details) == (WaitingCode.FORMER_RUN_ENDING, {"nodeId": "node-1"})


def test_a_task_that_has_a_node_waits_there() -> None:
    queued = waiting.of_placed(a_node(), "node-1", is_preparing=False)
    assert queued.code is WaitingCode.QUEUED_ON_NODE
    assert queued.message == "It is queued on node node-1, which is idle."
    assert "which is gone" in waiting.of_placed(None, "node-1", is_preparing=False).message
    preparing = waiting.of_placed(a_node(), "node-1", is_preparing=True)
    assert preparing.code is WaitingCode.JOB_PREPARATION_RUNNING


def test_a_class_of_tasks_is_what_they_want_of_nodes() -> None:
    assert waiting.kind(ONE) == waiting.kind(WaitingTask(TaskKey(2), affinity=NodeKey(3)))
    kinds = {
        waiting.kind(task)
        for task in (
            ONE,
            WaitingTask(TaskKey(1), 2),
            WaitingTask(TaskKey(1), nodes=2),
            WaitingTask(TaskKey(1), is_exclusive=True),
            WaitingTask(TaskKey(1), needs_dedicated=True),
            WaitingTask(TaskKey(1), is_multi_instance=True),
        )
    }
    assert len(kinds) == 6


def test_codes_that_only_look_different_are_one_time_of_waiting() -> None:
    free, held = WaitingCode.NO_FREE_SLOTS, WaitingCode.NODES_HELD
    assert waiting.is_same_wait(free, free)
    assert waiting.is_same_wait(free, held)
    assert not waiting.is_same_wait(free, WaitingCode.NO_NODES)


# What placement does and what is said of it.

STATES = [
    NodeState.IDLE,
    NodeState.RUNNING,
    NodeState.STARTING,
    NodeState.START_TASK_FAILED,
    NodeState.OFFLINE,
    NodeState.UNUSABLE,
]

some_nodes = st.lists(
    st.builds(
        lambda state, used, dedicated, plan: (state, used, dedicated, plan),
        st.sampled_from(STATES),
        st.integers(0, 5),
        st.booleans(),
        st.sampled_from(list(NodePlan)),
    ),
    max_size=4,
).map(
    lambda drawn: [
        a_node(key, state, slots_used=used, is_dedicated=dedicated, plan=plan)
        for key, (state, used, dedicated, plan) in enumerate(drawn, 1)
    ]
)

some_tasks = st.lists(
    st.builds(
        lambda slots, nodes, whole, dedicated: WaitingTask(
            TaskKey(0), slots, nodes=nodes, is_exclusive=whole, needs_dedicated=dedicated
        ),
        st.integers(1, 5),
        st.sampled_from([1, 1, 1, 2, 3]),
        st.sampled_from([False, False, True]),
        st.sampled_from([False, False, True]),
    ),
    min_size=1,
    max_size=6,
).map(lambda tasks: [replace(task, key=TaskKey(key)) for key, task in enumerate(tasks, 1)])


def planned(found: Facts, tasks: Sequence[WaitingTask]) -> Plan:
    """What a round does with the facts that a reason is made from."""
    if found.pool is None or found.pool.state is not PoolState.ACTIVE:
        return Plan(())
    job = WaitingJob(
        key=found.job.key,
        priority=found.job.priority,
        tasks=tasks,
        unfit=frozenset(found.unfit),
        tasks_max=found.tasks_max,
    )
    nodes = [
        FreeNode(node.key, node.slots, node.slots - node.slots_used, node.is_dedicated)
        for node in found.nodes
        if placement.takes_tasks(node)
    ]
    is_active = found.job.state is JobState.ACTIVE
    jobs = [job] if is_active else []
    return placement.plan(
        PoolSnapshot(fill_type=NodeFillType.SPREAD, nodes=nodes, jobs=jobs, held=found.held)
    )


def after(found: Facts, plan: Plan) -> Facts:
    """The facts once a plan is carried out."""
    nodes = {node.key: node for node in found.nodes}
    for item in plan.placements:
        for key in (item.node, *item.others):
            nodes[key] = replace(nodes[key], slots_used=nodes[key].slots_used + item.slots)
    most = found.tasks_max
    if most is not None:
        most -= len(plan.placements)
    return replace(found, nodes=list(nodes.values()), tasks_max=most, held=plan.held)


def is_due(reason: Reason) -> bool:
    return reason.code is WaitingCode.PLACEMENT_DUE


def cured(task: WaitingTask, reason: Reason, found: Facts) -> Facts:
    """The facts once somebody did what the cure of a reason says, or what it waits for came."""
    pool = found.pool or a_pool()
    nodes = list(found.nodes)
    fresh = [a_node(100 + number, slots=task.required_slots) for number in range(task.nodes)]
    match reason.code:
        case WaitingCode.JOB_DISABLED | WaitingCode.JOB_ENDED:
            return replace(found, job=a_job())
        case WaitingCode.NO_POOL | WaitingCode.POOL_DELETING:
            return replace(found, pool=a_pool())
        case WaitingCode.PARALLEL_TASKS_LIMIT:
            return replace(found, tasks_max=1)
        case WaitingCode.NODES_HELD:
            return replace(found, held=frozenset())
        case (
            WaitingCode.NODES_STARTING
            | WaitingCode.START_TASK_FAILED
            | WaitingCode.NODES_OFFLINE
            | WaitingCode.NODES_UNUSABLE
            | WaitingCode.JOB_PREPARATION_FAILED
            | WaitingCode.NEEDS_DEDICATED_NODES
            | WaitingCode.NEEDS_MORE_NODES
            | WaitingCode.NO_FREE_NODES
            | WaitingCode.NO_FREE_SLOTS
            | WaitingCode.NO_NODES
            | WaitingCode.RESIZE_FAILED
        ):
            return replace(found, pool=pool, nodes=[*nodes, *fresh])
        case WaitingCode.NEEDS_MORE_SLOTS:
            return replace(
                found,
                pool=replace(pool, task_slots_per_node=task.required_slots),
                nodes=[*nodes, *fresh],
            )
    raise AssertionError(reason)


@given(
    nodes=some_nodes,
    tasks=some_tasks,
    job=st.sampled_from([JobState.ACTIVE] * 4 + [JobState.DISABLED, JobState.TERMINATING]),
    pool=st.sampled_from([a_pool()] * 4 + [None, a_pool(state=PoolState.DELETING)]),
    targets=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    is_steady=st.booleans(),
    has_failed=st.booleans(),
    unfit=st.sets(st.integers(1, 4).map(NodeKey)),
    tasks_max=st.none() | st.integers(0, 3),
)
def test_what_placement_leaves_has_a_reason_and_its_cure_makes_it_run(
    nodes: list[Node],
    tasks: list[WaitingTask],
    job: JobState,
    pool: Pool | None,
    targets: tuple[int, int],
    is_steady: bool,
    has_failed: bool,
    unfit: set[NodeKey],
    tasks_max: int | None,
) -> None:
    if pool is not None:
        pool = replace(
            pool,
            target_dedicated_nodes=targets[0],
            target_low_priority_nodes=targets[1],
            allocation_state=AllocationState.STEADY if is_steady else AllocationState.RESIZING,
            resize_errors=(ResizeError("code", "message"),) if has_failed else (),
        )
    before = Facts(
        job=a_job(state=job, max_parallel_tasks=5),
        pool=pool,
        nodes=nodes,
        unfit={key: 1 for key in unfit if key <= len(nodes)},
        tasks_max=tasks_max,
    )
    first = planned(before, tasks)
    then = after(before, first)
    placed = {item.task for item in first.placements}
    for task in tasks:
        alone = planned(before, [task])
        reason = why(task, before)
        assert bool(alone.placements) == is_due(reason), reason
        if task.key in placed:
            continue
        left = why(task, then)
        assert not is_due(left), left
        found, followed = then, list[WaitingCode]()
        # One cure may uncover the next obstacle, but each stands in the way once.
        while not is_due(left):
            assert left.code not in followed, (left, followed)
            followed.append(left.code)
            found = cured(task, left, found)
            left = why(task, found)
        assert planned(found, [task]).placements
