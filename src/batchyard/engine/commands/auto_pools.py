"""Auto pools: the service makes a pool for a job, and deletes it with the job.

The pool comes in the transaction of its job, and goes in the one in which the job ends: the life
cycle of the job says when (`core.job`). A job schedule may have one pool for all of its jobs: it
comes with the first of them, and goes with the schedule. Source: J-31, J-46 ... J-52, SC-19.
"""

from typing import Final
from uuid import UUID, uuid5

from msgspec.structs import replace

from batchyard.core.errors import Refused
from batchyard.core.keys import JobKey, PoolKey
from batchyard.core.model import Failure, JobSchedule
from batchyard.core.specs import AutoPoolChange, AutoPoolSpec, JobScheduleSpec, JobSpec
from batchyard.core.states import ErrorCategory, PoolLifetime, PoolState
from batchyard.engine.cascade import Cascade
from batchyard.engine.commands.pools import add_pool

#: What the ids of auto pools are made from. Source: ours; any fixed number will do.
_NAMESPACE: Final = UUID("2f7c0d5e-8a4b-4b57-9d0e-6f2a1c3b4d5e")

_PLACE: Final = "poolInfo.autoPoolSpecification"


def create(
    cascade: Cascade, account: str, job: JobKey, spec: JobSpec, auto_pool: AutoPoolSpec
) -> tuple[JobSpec, PoolKey | None]:
    """Make the auto pool of a new job; return the job's specification, which names it now.

    The key is None if its id is that of another pool: see `id_is_taken`.
    """
    pool_id = name_pool(cascade, account, job, auto_pool)
    named = replace(spec, pool_id=pool_id)
    if cascade.transaction.pool_key(account, pool_id) is not None:
        return named, None
    return named, add_pool(cascade, account, replace(auto_pool.pool, id=pool_id)).key


def share(
    cascade: Cascade, schedule: JobSchedule, job: JobKey, spec: JobScheduleSpec
) -> tuple[JobSpec, PoolKey | None]:
    """Return what the next job of a schedule is made from, and the pool that it shares.

    The first job that shares a pool has it made, and the next one after the pool has gone. The key
    is None if the job shares none.
    """
    auto_pool = spec.job.auto_pool
    if auto_pool is None or auto_pool.lifetime is not PoolLifetime.JOB_SCHEDULE:
        return spec.job, None
    present = None if schedule.auto_pool is None else cascade.pools.get(schedule.auto_pool)
    if spec.job.pool_id and present is not None and present.state is PoolState.ACTIVE:
        return spec.job, present.key
    named, pool = create(cascade, schedule.account, job, spec.job, auto_pool)
    if pool is None:
        return spec.job, None
    cascade.transaction.update_job_schedule_spec(schedule.key, replace(spec, job=named))
    return named, pool


def shared_by(spec: JobScheduleSpec, wanted: JobSpec) -> JobSpec:
    """Return what a changed schedule makes jobs from: they go on sharing the same auto pool."""
    before, after = spec.job.auto_pool, wanted.auto_pool
    if before is None or after is None or replace(before, keep_alive=after.keep_alive) != after:
        return wanted
    return replace(wanted, pool_id=spec.job.pool_id)


def keeps_shared_pool(schedule: JobSchedule, spec: JobScheduleSpec) -> bool:
    """Return whether the present shared pool of a schedule outlives it (J-49).

    Jobs that no longer share it have no say.
    """
    auto_pool = spec.job.auto_pool
    if auto_pool is None or not spec.job.pool_id:
        return schedule.keeps_pool
    return auto_pool.keep_alive


def name_pool(cascade: Cascade, account: str, job: JobKey, spec: AutoPoolSpec) -> str:
    """Return the id of the auto pool of a job: a prefix and a GUID (J-47).

    Keys of jobs are used once only, so the id is new; and it is the same wherever the same things
    happen, so simulated worlds can be lived through again.
    """
    guid = str(uuid5(_NAMESPACE, f"{account} {job} {cascade.now.isoformat()}")).upper()
    return guid if spec.id_prefix is None else f"{spec.id_prefix}_{guid}"


def id_is_taken(pool_id: str) -> Failure:
    """Return why a job whose auto pool cannot have its id will never run (J-51)."""
    return Failure(
        category=ErrorCategory.USER_ERROR,
        code="InvalidAutoPoolSettings",
        message="The auto pool of the job could not be created: its id is that of another pool",
        details=(
            ("PoolId", pool_id),
            ("Reason", "Delete that pool or give another autoPoolIdPrefix, and create a new job"),
        ),
    )


def change(spec: JobSpec, wanted: AutoPoolChange) -> JobSpec:
    """Return the job's specification with what an update changes of its auto pool (J-31).

    Raises:
        Refused: ``InvalidPropertyValue`` for anything but ``keepAlive``.
    """
    present = spec.auto_pool
    if present is None:
        raise Refused.of_property(_PLACE, "", "the job was given a poolId; give a poolId")
    if wanted.lifetime is not present.lifetime:
        raise _fixed("poolLifetimeOption", wanted.lifetime)
    if wanted.id_prefix not in (None, present.id_prefix):
        raise _fixed("autoPoolIdPrefix", wanted.id_prefix)
    if wanted.pool not in (None, present.pool):
        raise _fixed("pool", "")
    if wanted.keep_alive is present.keep_alive:
        return spec
    if present.lifetime is not PoolLifetime.JOB:
        reason = "the pool lives as long as the job schedule; change that"
        raise Refused.of_property(f"{_PLACE}.keepAlive", _word(wanted.keep_alive), reason)
    return replace(spec, auto_pool=replace(present, keep_alive=wanted.keep_alive))


def _fixed(name: str, value: object) -> Refused:
    reason = "of an auto pool only keepAlive can be changed; leave it out, or as it is"
    return Refused.of_property(f"{_PLACE}.{name}", value, reason)


def _word(truth: bool) -> str:  # noqa: FBT001  # A value, not a switch.
    return "true" if truth else "false"
