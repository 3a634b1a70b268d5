"""Updates of jobs: requests to changes. Source: J-27 ... J-34; wire section 9."""

from typing import Final

import msgspec

from batchyard.core.specs import AutoPoolChange, JobChange
from batchyard.wire import auto_pools, bodies, checks, coverage, jobs, model, old_names
from batchyard.wire.versions import LATEST, ApiVersion

_PATCH_DECODER: Final = msgspec.json.Decoder(model.BatchJobUpdateOptions)
_PUT_DECODER: Final = msgspec.json.Decoder(model.BatchJob)


def read_job_patch(body: bytes, version: ApiVersion = LATEST) -> JobChange:
    """Return the change in the body of Jobs_UpdateJob: what it names, and nothing else.

    A named object replaces the former one whole (J-28).

    Raises:
        Refused: ``InvalidRequestBody``, ``MissingRequiredProperty``, ``UnsupportedProperty``,
            ``InvalidPropertyValue``, ``OutOfRangePriority``, ``EmptyMetadataKey``.
    """
    request = bodies.decode(old_names.modernised(body, version, old_names.JOB), _PATCH_DECODER)
    coverage.check(request)
    pool_info = None if request.pool_info is None else auto_pools.check_pool_info(request.pool_info)
    constraints = request.constraints
    on_all_tasks_complete = request.on_all_tasks_complete
    return JobChange(
        priority=None if request.priority is None else jobs.priority(request.priority),
        allow_task_preemption=request.allow_task_preemption,
        max_parallel_tasks=None
        if request.max_parallel_tasks is None
        else jobs.max_parallel_tasks(request.max_parallel_tasks),
        constraints=None if constraints is None else jobs.constraints(constraints),
        on_all_tasks_complete=None
        if on_all_tasks_complete is None
        else jobs.on_all_tasks_complete(on_all_tasks_complete),
        pool_id=None if pool_info is None else _pool_id(pool_info),
        auto_pool=None if pool_info is None else _auto_pool(pool_info),
        metadata=None if request.metadata is None else checks.metadata(request.metadata) or (),
    )


def read_job_replacement(body: bytes, version: ApiVersion = LATEST) -> JobChange:
    """Return the change in the body of Jobs_ReplaceJob: what it omits gets its default (J-29).

    Raises:
        Refused: As `read_job_patch`; ``UnsupportedProperty`` also for what only the creation of a
            job decides.
    """
    request = bodies.decode(old_names.modernised(body, version, old_names.JOB), _PUT_DECODER)
    coverage.check(request)
    pool_info = auto_pools.check_pool_info(request.pool_info)
    return JobChange(
        priority=jobs.priority(request.priority),
        allow_task_preemption=bool(request.allow_task_preemption),
        max_parallel_tasks=jobs.max_parallel_tasks(request.max_parallel_tasks),
        constraints=jobs.constraints(request.constraints),
        on_all_tasks_complete=jobs.on_all_tasks_complete(request.on_all_tasks_complete),
        pool_id=_pool_id(pool_info),
        auto_pool=_auto_pool(pool_info),
        metadata=checks.metadata(request.metadata) or (),
    )


def _pool_id(info: model.BatchPoolInfo) -> str | None:
    return None if info.pool_id is None else checks.identifier(info.pool_id, "poolInfo.poolId")


def _auto_pool(info: model.BatchPoolInfo) -> AutoPoolChange | None:
    given = info.auto_pool_specification
    return None if given is None else auto_pools.read_auto_pool_change(given)
