"""Pools that the service makes for a job, and deletes with it (J-46 ... J-52)."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from batchyard.core import limits
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import JobKey, NodeKey
from batchyard.core.specs import AutoPoolChange, AutoPoolSpec, JobChange, PoolSpec
from batchyard.core.states import OnAllTasksComplete, PoolLifetime
from batchyard.engine import commands
from batchyard.engine.commands import auto_pools
from batchyard.engine.fleet_ports import NodeReleased
from tests.engine.world import ACCOUNT, World

POOL = PoolSpec(id="", vm_size="standard_d2_v3", target_dedicated_nodes=1)
SPEC = AutoPoolSpec(pool=POOL)
CHANGE = AutoPoolChange(lifetime=PoolLifetime.JOB)


def create(world: World, job_id: str = "job", spec: AutoPoolSpec = SPEC, **more: Any) -> str:
    """Create a job with an auto pool, whose nodes come up; return the id of the pool."""
    seen = len(world.fleet.requests)
    world.job(job_id, pool_id="", auto_pool=spec, **more)
    for request in world.fleet.requests[seen:]:
        world.bring_up(request)
    return str(world.job_now(job_id).pool_id)


def terminate(world: World, job_id: str = "job") -> None:
    world.do(commands.terminate_job, ACCOUNT, job_id, None)


def let_nodes_go(world: World) -> None:
    """Let the fleet end all nodes that it was asked to."""
    while world.fleet.released:
        world.tell(NodeReleased(world.fleet.released.pop()))


def has_pool(world: World, pool_id: str) -> bool:
    page = world.store.reads.list_pools(ACCOUNT, 0, 100)
    return pool_id in [view.pool.id for view in page.items]


def change(world: World, wanted: AutoPoolChange) -> None:
    world.do(commands.update_job, ACCOUNT, "job", JobChange(auto_pool=wanted))


def test_a_job_runs_in_the_pool_that_is_made_for_it(world: World) -> None:
    pool_id = create(world)
    assert pool_id == pool_id.upper()
    assert len(pool_id) == len("3E54CD46-D2F3-4909-B4CC-03F80E7E3E0F")
    world.tasks("one")
    assert world.assigned() == ["task-1-1"]


def test_the_id_of_an_auto_pool_begins_with_the_prefix_that_was_asked_for(world: World) -> None:
    """J-47."""
    first = create(world, "first", replace(SPEC, id_prefix="mine"))
    second = create(world, "second", replace(SPEC, id_prefix="mine"))
    assert first.startswith("mine_")
    assert second.startswith("mine_")
    assert first != second


def test_jobs_of_any_priority_run_at_once_each_in_its_own_pool(world: World) -> None:
    """J-10."""
    create(world, "low", priority=-1000)
    create(world, "high", priority=1000)
    world.tasks("one", job_id="low")
    world.tasks("one", job_id="high")
    assert (world.assigned(1), world.assigned(2)) == (["task-1-1"], ["task-2-1"])


def test_the_pool_goes_when_the_release_tasks_of_its_job_are_over(world: World) -> None:
    """J-48."""
    pool_id = create(world, preparation=True, release=True)
    world.tasks("one")
    world.run("preparation-1-1-1")
    world.run("task-1-1")
    terminate(world)
    assert (world.job_now().state, world.pool_now(pool_id).state) == ("terminating", "active")
    world.run("release-1-1-1")
    assert (world.job_now().state, world.pool_now(pool_id).state) == ("completed", "deleting")
    let_nodes_go(world)
    assert not has_pool(world, pool_id)
    assert world.job_now().pool_id == pool_id


def test_the_pool_goes_with_a_job_that_ends_by_itself(world: World) -> None:
    pool_id = create(world, on_all_tasks_complete=OnAllTasksComplete.TERMINATE_JOB)
    world.tasks("one")
    world.run("task-1-1")
    world.clock.pass_time(limits.OUT_OF_TASKS_GRACE)
    world.settle()
    assert world.job_now().state == "completed"
    let_nodes_go(world)
    assert not has_pool(world, pool_id)


def test_the_pool_goes_with_a_job_that_is_deleted(world: World) -> None:
    """J-46."""
    pool_id = create(world)
    world.do(commands.delete_job, ACCOUNT, "job")
    let_nodes_go(world)
    assert not has_pool(world, pool_id)


def test_the_pool_goes_though_a_node_of_it_is_silent_if_the_end_is_forced(world: World) -> None:
    """J-42."""
    pool_id = create(world)
    world.tasks("one")
    world.report(world.started("task-1-1"))
    world.do(partial(commands.terminate_job, is_forced=True), ACCOUNT, "job", None)
    assert (world.job_now().state, world.pool_now(pool_id).state) == ("completed", "deleting")
    let_nodes_go(world)
    assert not has_pool(world, pool_id)


@pytest.mark.parametrize("is_asked_later", [False, True])
def test_a_pool_that_is_to_stay_stays(world: World, *, is_asked_later: bool) -> None:
    """J-49, J-31."""
    pool_id = create(world, spec=replace(SPEC, keep_alive=not is_asked_later))
    if is_asked_later:
        change(world, replace(CHANGE, keep_alive=True))
    terminate(world)
    world.do(commands.delete_job, ACCOUNT, "job")
    assert world.pool_now(pool_id).state == "active"


def test_an_update_may_let_the_pool_go_again(world: World) -> None:
    pool_id = create(world, spec=replace(SPEC, keep_alive=True))
    change(world, CHANGE)
    terminate(world)
    assert world.pool_now(pool_id).state == "deleting"


def test_an_update_that_repeats_the_auto_pool_changes_nothing_of_it(world: World) -> None:
    """J-30."""
    pool_id = create(world, spec=replace(SPEC, id_prefix="mine"))
    change(world, replace(CHANGE, id_prefix="mine", pool=POOL))
    assert world.job_now().pool_id == pool_id


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (replace(CHANGE, lifetime=PoolLifetime.JOB_SCHEDULE), "poolLifetimeOption"),
        (replace(CHANGE, id_prefix="other"), "autoPoolIdPrefix"),
        (replace(CHANGE, pool=replace(POOL, vm_size="standard_d4_v3")), "pool"),
    ],
)
def test_nothing_else_of_an_auto_pool_changes(
    world: World, wanted: AutoPoolChange, name: str
) -> None:
    """J-31."""
    create(world, spec=replace(SPEC, id_prefix="mine"))
    with pytest.raises(Refused) as refused:
        change(world, wanted)
    assert refused.value.code is ErrorCode.INVALID_PROPERTY_VALUE
    assert refused.value.values["PropertyName"] == f"poolInfo.autoPoolSpecification.{name}"


def test_a_job_keeps_to_the_kind_of_pool_that_it_was_created_with(world: World) -> None:
    create(world)
    with pytest.raises(Refused) as refused:
        world.do(commands.update_job, ACCOUNT, "job", JobChange(pool_id="other"))
    assert refused.value.values["PropertyName"] == "poolInfo.poolId"
    world.job("plain")
    with pytest.raises(Refused) as refused:
        world.do(commands.update_job, ACCOUNT, "plain", JobChange(auto_pool=CHANGE))
    assert refused.value.values["PropertyName"] == "poolInfo.autoPoolSpecification"


def test_a_pool_that_a_user_deletes_meanwhile_breaks_nothing(world: World) -> None:
    pool_id = create(world)
    world.tasks("one")
    world.do(commands.delete_pool, ACCOUNT, pool_id)
    terminate(world)
    assert world.job_now().state == "completed"
    let_nodes_go(world)
    assert not has_pool(world, pool_id)


def test_a_pool_that_a_user_makes_of_the_same_name_does_not_go_with_the_job(world: World) -> None:
    """S-8: the job runs there."""
    pool_id = create(world)
    world.do(commands.delete_pool, ACCOUNT, pool_id)
    let_nodes_go(world)
    world.pool(pool_id)
    world.tasks("one")
    assert world.assigned(2) == ["task-1-1"]
    world.run("task-1-1", node=2)
    terminate(world)
    assert (world.job_now().state, world.pool_now(pool_id).state) == ("completed", "active")


def test_a_job_whose_auto_pool_cannot_be_made_says_why(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """J-51."""
    monkeypatch.setattr(auto_pools, "name_pool", lambda *_: "taken")
    world.pool("taken")
    world.job(pool_id="", auto_pool=SPEC)
    job = world.job_now()
    assert (job.state, job.end_time) == ("completed", world.clock.now())
    error = job.scheduling_error
    assert (error.category, error.code) == ("UserError", "InvalidAutoPoolSettings")
    assert error.details[0] == ("PoolId", "taken")
    with pytest.raises(Refused) as refused:
        world.do(commands.terminate_job, ACCOUNT, "job", None)
    assert refused.value.code is ErrorCode.JOB_COMPLETED
    world.do(commands.delete_job, ACCOUNT, "job")
    assert world.pool_now("taken").state == "active"


def test_an_auto_pool_goes_with_its_job_after_a_restart(world: World) -> None:
    pool_id = create(world)
    terminate(world)
    world.restart()
    assert world.fleet.released == [NodeKey(1)]
    let_nodes_go(world)
    assert not has_pool(world, pool_id)


def test_the_id_of_an_auto_pool_is_never_used_again(world: World) -> None:
    class At:
        now = world.clock.now()

    first = auto_pools.name_pool(At(), ACCOUNT, JobKey(1), SPEC)  # type: ignore[arg-type]
    other_job = auto_pools.name_pool(At(), ACCOUNT, JobKey(2), SPEC)  # type: ignore[arg-type]
    other_account = auto_pools.name_pool(At(), "b", JobKey(1), SPEC)  # type: ignore[arg-type]
    At.now += timedelta(microseconds=1)
    later = auto_pools.name_pool(At(), ACCOUNT, JobKey(1), SPEC)  # type: ignore[arg-type]
    assert len({first, other_job, other_account, later}) == 4
