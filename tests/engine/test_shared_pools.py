"""Pools of the jobs of schedules: one for each job, or one for all of them (J-48, SC-19)."""

from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.specs import (
    AutoPoolChange,
    AutoPoolSpec,
    JobChange,
    JobScheduleChange,
    JobScheduleSpec,
    JobSpec,
    PoolSpec,
    Timing,
)
from batchyard.core.states import PoolLifetime
from batchyard.engine import commands
from batchyard.engine.commands import auto_pools
from batchyard.engine.fleet_ports import NodeReleased
from tests.engine.world import ACCOUNT, World

POOL = PoolSpec(id="", vm_size="standard_d2_v3", target_dedicated_nodes=1)
SHARED = AutoPoolSpec(pool=POOL, lifetime=PoolLifetime.JOB_SCHEDULE)
OWN = AutoPoolSpec(pool=POOL, lifetime=PoolLifetime.JOB)
HOUR = timedelta(hours=1)


def job(auto_pool: AutoPoolSpec) -> JobSpec:
    return JobSpec(id="", pool_id="", auto_pool=auto_pool)


def create(world: World, auto_pool: AutoPoolSpec = SHARED) -> None:
    spec = JobScheduleSpec(id="s", timing=Timing(recurrence_interval=HOUR), job=job(auto_pool))
    world.do(commands.create_job_schedule, ACCOUNT, spec)


def update(world: World, auto_pool: AutoPoolSpec) -> None:
    change = JobScheduleChange(job=job(auto_pool))
    world.do(commands.update_job_schedule, ACCOUNT, "s", change)


def pool_of(world: World, number: int) -> str:
    """The pool of a job, whose nodes come up if they have not."""
    for request in world.fleet.requests:
        if request.key not in world._numbers:
            world.bring_up(request)
    return str(world.job_now(f"s:job-{number}").pool_id)


def end_job(world: World, number: int) -> None:
    world.do(commands.terminate_job, ACCOUNT, f"s:job-{number}", None)


def next_job(world: World, number: int) -> str:
    """End a job, and return the pool of the one that follows when its time has come."""
    end_job(world, number)
    world.clock.pass_time(HOUR)
    world.settle()
    return pool_of(world, number + 1)


def state_of(world: World, pool_id: str) -> str | None:
    """The state of a pool, None if it is gone, once the fleet has ended what it was asked to."""
    while world.fleet.released:
        world.tell(NodeReleased(world.fleet.released.pop()))
    pools = world.store.reads.list_pools(ACCOUNT, 0, 100).items
    return next((str(view.pool.state) for view in pools if view.pool.id == pool_id), None)


def terminate(world: World) -> None:
    world.do(commands.terminate_job_schedule, ACCOUNT, "s")


def test_each_job_may_have_a_pool_of_its_own(world: World) -> None:
    create(world, OWN)
    first = pool_of(world, 1)
    second = next_job(world, 1)
    assert first != second
    assert (state_of(world, first), state_of(world, second)) == (None, "active")


def test_all_jobs_may_share_one_pool(world: World) -> None:
    create(world)
    first = pool_of(world, 1)
    assert [next_job(world, number) for number in (1, 2)] == [first, first]
    world.tasks("one", job_id="s:job-3")
    assert world.assigned() == ["task-1-1"]
    assert state_of(world, first) == "active"


def test_the_shared_pool_goes_when_the_schedule_is_completed(world: World) -> None:
    create(world)
    pool = pool_of(world, 1)
    terminate(world)
    assert world.job_now("s:job-1").state == "completed"
    assert state_of(world, pool) is None


def test_it_goes_with_a_schedule_that_has_no_more_jobs_to_make(world: World) -> None:
    spec = JobScheduleSpec(id="s", timing=Timing(), job=job(SHARED))
    world.do(commands.create_job_schedule, ACCOUNT, spec)
    pool = pool_of(world, 1)
    end_job(world, 1)
    assert state_of(world, pool) is None


@pytest.mark.parametrize("is_forced", [False, True])
def test_it_goes_with_a_schedule_that_is_deleted(world: World, *, is_forced: bool) -> None:
    create(world)
    pool = pool_of(world, 1)
    world.do(partial(commands.delete_job_schedule, is_forced=is_forced), ACCOUNT, "s")
    assert state_of(world, pool) is None


def test_it_stays_if_it_is_kept_alive(world: World) -> None:
    """J-49."""
    create(world, replace(SHARED, keep_alive=True))
    pool = pool_of(world, 1)
    terminate(world)
    assert state_of(world, pool) == "active"


def test_an_update_may_keep_it_alive_and_goes_on_sharing_it(world: World) -> None:
    create(world)
    pool = pool_of(world, 1)
    update(world, replace(SHARED, keep_alive=True))
    assert next_job(world, 1) == pool
    terminate(world)
    assert state_of(world, pool) == "active"


def test_an_update_of_the_pool_counts_for_the_next_job(world: World) -> None:
    """SC-24: the former pool goes with the job that is in it."""
    create(world)
    first = pool_of(world, 1)
    update(world, replace(SHARED, id_prefix="other", keep_alive=True))
    assert state_of(world, first) == "active"
    second = next_job(world, 1)
    assert second.startswith("other_")
    assert (state_of(world, first), state_of(world, second)) == (None, "active")


def test_a_schedule_whose_jobs_share_no_pool_any_more_gives_up_the_one_they_shared(
    world: World,
) -> None:
    """J-48."""
    create(world)
    first = pool_of(world, 1)
    update(world, OWN)
    second = next_job(world, 1)
    assert first != second
    assert state_of(world, first) is None


def test_a_pool_that_a_user_deletes_is_made_again_for_the_next_job(world: World) -> None:
    create(world)
    first = pool_of(world, 1)
    world.do(commands.delete_pool, ACCOUNT, first)
    second = next_job(world, 1)
    assert second != first
    assert (state_of(world, first), state_of(world, second)) == (None, "active")
    assert next_job(world, 2) == second


def test_a_job_does_not_say_what_becomes_of_a_shared_pool(world: World) -> None:
    """J-31."""
    create(world)
    change = AutoPoolChange(lifetime=PoolLifetime.JOB_SCHEDULE, keep_alive=True)
    with pytest.raises(Refused) as refused:
        world.do(commands.update_job, ACCOUNT, "s:job-1", JobChange(auto_pool=change))
    assert refused.value.code is ErrorCode.INVALID_PROPERTY_VALUE
    name = "poolInfo.autoPoolSpecification.keepAlive"
    assert refused.value.values["PropertyName"] == name


def test_a_job_whose_shared_pool_cannot_be_made_says_why(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """J-51; the next one tries again."""
    world.pool("taken")
    with monkeypatch.context() as patch:
        patch.setattr(auto_pools, "name_pool", lambda *_: "taken")
        create(world)
    job_1 = world.job_now("s:job-1")
    assert (job_1.state, job_1.scheduling_error.code) == ("completed", "InvalidAutoPoolSettings")
    world.clock.pass_time(HOUR)
    world.settle()
    assert world.job_now("s:job-2").state == "active"
    terminate(world)
    assert state_of(world, "taken") == "active"


def test_a_shared_pool_outlives_a_restart(world: World) -> None:
    create(world)
    pool = pool_of(world, 1)
    world.restart()
    assert next_job(world, 1) == pool
