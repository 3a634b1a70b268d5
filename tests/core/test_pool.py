"""The life of a pool, cell by cell, and the plan of its nodes."""

from datetime import timedelta
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from batchyard.core.effects import (
    WakeResize,
)
from batchyard.core.errors import ErrorCode, InvalidTransition, Refused
from batchyard.core.keys import NodeKey, PoolKey
from batchyard.core.model import Node, Pool
from batchyard.core.pool import (
    MOVES,
    REFUSALS,
    RESIZING,
    STEADY,
    TIMED_OUT,
    check,
    plan_nodes,
    step,
)
from batchyard.core.pool_events import (
    AutoPoolOver,
    DeletePool,
    NodesCounted,
    PoolEvent,
    RemoveNodes,
    ResizeFailed,
    ResizePool,
    UpdatePool,
)
from batchyard.core.specs import Resize
from batchyard.core.states import (
    AllocationState,
    JobDefaultOrder,
    NodeFillType,
    NodeOption,
    NodeState,
    PoolState,
)
from tests.core.exploring import NOW, assert_cell, explore, listed
from tests.core.test_node import new as a_new_node
from tests.core.test_task import LATER

KEY = PoolKey(1)


def new(mode: Any = RESIZING, *, dedicated: int = 2, low_priority: int = 1) -> Pool:
    return Pool(
        key=KEY,
        account="account",
        id="pool",
        revision=1,
        creation_time=NOW,
        last_modified=NOW,
        state=mode[0],
        state_time=NOW,
        allocation_state=mode[1],
        allocation_state_time=NOW,
        target_dedicated_nodes=dedicated,
        target_low_priority_nodes=low_priority,
        task_slots_per_node=1,
        node_fill_type=NodeFillType.SPREAD,
        job_default_order=JobDefaultOrder.NONE,
        has_inter_node_communication=False,
        is_windows=False,
        resize_timeout=timedelta(minutes=15),
    )


def mode(pool: Pool) -> Any:
    return (pool.state, pool.allocation_state)


def counted(dedicated: int, low_priority: int, changing: int = 0) -> NodesCounted:
    return NodesCounted(key=KEY, dedicated=dedicated, low_priority=low_priority, changing=changing)


def events(_pool: Pool) -> list[PoolEvent]:
    return [
        counted(2, 1),
        counted(0, 0),
        counted(2, 1, changing=1),
        ResizeFailed(key=KEY, error=TIMED_OUT),
        ResizePool(key=KEY, resize=Resize(target_dedicated_nodes=2, target_low_priority_nodes=1)),
        removal(1),
        UpdatePool(key=KEY),
        DeletePool(key=KEY),
        AutoPoolOver(key=KEY),
    ]


def removal(dedicated: int) -> RemoveNodes:
    return RemoveNodes(
        key=KEY,
        dedicated=dedicated,
        low_priority=0,
        timeout=timedelta(minutes=5),
        option=NodeOption.TERMINATE,
    )


@pytest.mark.parametrize(
    ("before", "kind"),
    list(product(product(PoolState, AllocationState), get_args(PoolEvent))),
)
def test_every_cell_is_listed_refused_or_a_defect(before: Any, kind: type[Any]) -> None:
    pool = new(before)
    for event in (event for event in events(pool) if type(event) is kind):
        assert_cell(pool, event, step, mode, MOVES, REFUSALS, lambda _one, _event: False)


def test_the_table_lists_exactly_what_can_happen() -> None:
    beginnings = [new(RESIZING), new(STEADY, dedicated=0, low_priority=0)]
    moves = explore(
        beginnings, events, step, mode, check, is_interesting=lambda pool: pool.revision < 5
    )
    assert moves == listed(MOVES)


def test_a_resize_ends_when_every_node_is_there() -> None:
    assert mode_after(new(), counted(2, 1)) == STEADY


def test_a_resize_goes_on_while_nodes_come_or_go() -> None:
    result = step(new(), counted(2, 1, changing=1), LATER)
    assert list(result.effects) == []


def test_a_resize_asks_for_the_nodes_that_are_missing() -> None:
    result = step(new(), counted(1, 1), LATER)
    assert list(result.effects) == [WakeResize(KEY)]


def test_a_failed_resize_keeps_what_there_is_and_says_why() -> None:
    failed = step(new(), ResizeFailed(key=KEY, error=TIMED_OUT), LATER).entity
    assert failed is not None
    assert (mode(failed), failed.resize_errors) == (STEADY, (TIMED_OUT,))


def test_a_resize_shows_its_targets_at_once_and_forgets_former_errors() -> None:
    """P-16: a target that is not given stays."""
    failed = replace(new(STEADY), resize_errors=(TIMED_OUT,))
    event = ResizePool(key=KEY, resize=Resize(target_dedicated_nodes=7))
    resizing = step(failed, event, LATER).entity
    assert resizing is not None
    assert (resizing.target_dedicated_nodes, resizing.target_low_priority_nodes) == (7, 1)
    assert (mode(resizing), resizing.resize_errors, resizing.revision) == (RESIZING, (), 2)


def test_removed_nodes_lower_the_targets() -> None:
    """P-21."""
    after = step(new(STEADY), removal(1), LATER).entity
    assert after is not None
    assert (after.target_dedicated_nodes, after.resize_option) == (1, NodeOption.TERMINATE)


def test_a_pool_that_is_resized_is_not_resized_again() -> None:
    with pytest.raises(Refused) as refused:
        step(new(RESIZING), removal(1), LATER)
    assert refused.value.code is ErrorCode.POOL_BEING_RESIZED


def test_deleting_a_pool_means_resizing_it_to_nothing() -> None:
    result = step(new(STEADY), DeletePool(key=KEY), LATER)
    assert result.entity is not None
    assert (result.entity.target_dedicated_nodes, result.entity.revision) == (0, 2)
    assert list(result.effects) == [WakeResize(KEY)]
    assert step(result.entity, counted(0, 0), LATER).entity is None


def test_an_auto_pool_that_is_over_goes_as_one_that_is_deleted() -> None:
    over = AutoPoolOver(key=KEY)
    deleted = step(new(STEADY), DeletePool(key=KEY), LATER)
    assert step(new(STEADY), over, LATER) == deleted
    assert deleted.entity is not None
    assert step(deleted.entity, over, LATER).entity is deleted.entity


def test_a_pool_in_a_mode_that_is_not_built_yet_is_a_defect() -> None:
    with pytest.raises(InvalidTransition):
        step(new((PoolState.ACTIVE, AllocationState.STOPPING)), counted(0, 0), LATER)


def mode_after(pool: Pool, event: PoolEvent) -> Any:
    after = step(pool, event, LATER).entity
    return None if after is None else mode(after)


nodes = st.lists(
    st.tuples(
        st.booleans(), st.sampled_from(list(NodeState)), st.integers(min_value=0, max_value=2)
    ),
    max_size=12,
).map(
    lambda drawn: [
        a_new_node(
            key=NodeKey(i + 1), is_dedicated=is_dedicated, state=state, tasks_running=running
        )
        for i, (is_dedicated, state, running) in enumerate(drawn)
    ]
)


@given(nodes, st.integers(0, 8), st.integers(0, 8))
def test_a_plan_meets_the_target_exactly(
    present: list[Node], dedicated: int, low_priority: int
) -> None:
    pool = new(dedicated=dedicated, low_priority=low_priority)
    plan = plan_nodes(pool, present)
    staying = [
        node
        for node in present
        if node.state is not NodeState.LEAVING_POOL and node.key not in plan.leave
    ]
    assert sum(node.is_dedicated for node in staying) + sum(plan.add) == dedicated
    low = sum(not node.is_dedicated for node in staying) + sum(not one for one in plan.add)
    assert low == low_priority


@given(nodes, st.integers(0, 8))
def test_a_plan_never_makes_and_lets_go_nodes_of_one_kind(
    present: list[Node], dedicated: int
) -> None:
    plan = plan_nodes(new(dedicated=dedicated, low_priority=0), present)
    leaving = {node.key for node in present if node.is_dedicated} & set(plan.leave)
    assert not (leaving and True in plan.add)


def test_nodes_that_are_not_usable_go_first_then_those_with_the_fewest_tasks() -> None:
    """P-18."""
    present = [
        a_new_node(key=NodeKey(1), state=NodeState.RUNNING, tasks_running=2),
        a_new_node(key=NodeKey(2), state=NodeState.IDLE),
        a_new_node(key=NodeKey(3), state=NodeState.STARTING),
        a_new_node(key=NodeKey(4), state=NodeState.IDLE),
    ]
    plan = plan_nodes(new(dedicated=1, low_priority=0), present)
    assert plan.leave == (3, 4, 2)


def test_check_finds_errors_of_a_resize_that_still_runs() -> None:
    with pytest.raises(AssertionError):
        check(replace(new(), resize_errors=(TIMED_OUT,)))
