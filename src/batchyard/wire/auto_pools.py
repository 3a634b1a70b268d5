"""Auto pools: the ``poolInfo`` of jobs, read and written. Source: J-7, J-31, J-46 ... J-52."""

from typing import Final

import msgspec

from batchyard.core import limits
from batchyard.core.errors import Refused
from batchyard.core.specs import AutoPoolChange, AutoPoolSpec, JobSpec, PoolSpec
from batchyard.core.states import PoolLifetime
from batchyard.wire import checks, coverage, model, pools, start_tasks, values

_PLACE: Final = "poolInfo.autoPoolSpecification"


def check_pool_info(given: model.BatchPoolInfo | None) -> model.BatchPoolInfo:
    """Return a ``poolInfo`` that names exactly one pool (J-7).

    Raises:
        Refused: ``MissingRequiredProperty``, ``InvalidPropertyValue``.
    """
    info = checks.required(given, "poolInfo")
    if info.auto_pool_specification is None:
        checks.required(info.pool_id, "poolInfo.poolId")
    elif info.pool_id is not None:
        raise Refused.of_property(
            "poolInfo.poolId",
            coverage.shorten(info.pool_id),
            "give either poolId or autoPoolSpecification",
        )
    return info


def read_auto_pool(
    given: model.BatchAutoPoolSpecification | None,
    *,
    is_scheduled: bool = False,
    has_secrets: bool = True,
) -> AutoPoolSpec | None:
    """Return the auto pool of a new job, or of the jobs of a job schedule.

    One that was sent back has no secrets any more (P-7).

    Raises:
        Refused: As the creation of a pool; ``InvalidPropertyValue`` for the lifetime
            ``jobschedule`` of a job that has no schedule (J-48).
    """
    if given is None:
        return None
    lifetime = _lifetime(given)
    if lifetime is PoolLifetime.JOB_SCHEDULE and not is_scheduled:
        raise Refused.of_property(
            f"{_PLACE}.poolLifetimeOption",
            lifetime,
            "a job without a job schedule has none that its pool could live as long as; give job",
        )
    place = f"{_PLACE}.pool"
    requested = checks.required(given.pool, place)
    with checks.below(f"{place}."):
        pool = pools.read_specification(requested, "", has_secrets=has_secrets)
    return AutoPoolSpec(
        pool=pool,
        id_prefix=_id_prefix(given),
        lifetime=lifetime,
        keep_alive=bool(given.keep_alive),
    )


def read_auto_pool_change(given: model.BatchAutoPoolSpecification) -> AutoPoolChange:
    """Return an auto pool as an update of its job names it: what was read of it may be sent back.

    Raises:
        Refused: As `read_auto_pool`.
    """
    pool: PoolSpec | None = None
    if given.pool is not None:
        with checks.below(f"{_PLACE}.pool."):
            pool = pools.read_specification(given.pool, "", has_secrets=False)
    return AutoPoolChange(
        lifetime=_lifetime(given),
        keep_alive=bool(given.keep_alive),
        id_prefix=_id_prefix(given),
        pool=pool,
    )


def _lifetime(given: model.BatchAutoPoolSpecification) -> PoolLifetime:
    return PoolLifetime(checks.required(given.pool_lifetime_option, f"{_PLACE}.poolLifetimeOption"))


def _id_prefix(given: model.BatchAutoPoolSpecification) -> str | None:
    """Source: J-47, L-3. An empty prefix is none."""
    if not given.auto_pool_id_prefix:
        return None
    name = f"{_PLACE}.autoPoolIdPrefix"
    prefix = checks.identifier(given.auto_pool_id_prefix, name)
    if len(prefix) > limits.AUTO_POOL_ID_PREFIX_CHARS_MAX:
        raise Refused.of_property(
            name, prefix, f"use at most {limits.AUTO_POOL_ID_PREFIX_CHARS_MAX} characters"
        )
    return prefix


def write_pool_info(spec: JobSpec) -> model.BatchPoolInfo:
    """Return where a job was said to run: the id of an auto pool does not stand here (J-52)."""
    if spec.auto_pool is None:
        return model.BatchPoolInfo(pool_id=spec.pool_id)
    return model.BatchPoolInfo(auto_pool_specification=_write_auto_pool(spec.auto_pool))


def _write_auto_pool(spec: AutoPoolSpec) -> model.BatchAutoPoolSpecification:
    return model.BatchAutoPoolSpecification(
        auto_pool_id_prefix=spec.id_prefix,
        pool_lifetime_option=model.BatchPoolLifetimeOption(spec.lifetime),
        keep_alive=spec.keep_alive,
        pool=_write_pool(spec.pool),
    )


def _write_pool(spec: PoolSpec) -> model.BatchPoolSpecification:
    """Return a pool that is to be made, with all documented defaults (J-50)."""
    echoed = msgspec.convert(dict(spec.echoed), model.BatchPoolSpecification)
    return msgspec.structs.replace(
        echoed,
        display_name=spec.display_name,
        vm_size=spec.vm_size,
        task_slots_per_node=spec.task_slots_per_node,
        task_scheduling_policy=pools.write_scheduling_policy(spec),
        resize_timeout=values.write_duration(spec.resize_timeout),
        target_dedicated_nodes=spec.target_dedicated_nodes,
        target_low_priority_nodes=spec.target_low_priority_nodes,
        enable_auto_scale=False,
        enable_inter_node_communication=spec.has_inter_node_communication,
        start_task=start_tasks.write_start_task(spec.start_task),
        metadata=pools.write_metadata(spec.metadata),
    )
