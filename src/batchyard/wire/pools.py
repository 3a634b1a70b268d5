"""Pools: requests to specifications, views to JSON. Source: 04 P-1 ... P-11, P-47, P-57."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from batchyard.core import limits
from batchyard.core.errors import Refused
from batchyard.core.model import Pool, ResizeError
from batchyard.core.specs import MetadataItem, PoolSpec
from batchyard.core.states import JobDefaultOrder, NodeFillType
from batchyard.engine.views import NodeCounts, PoolView
from batchyard.wire import (
    bodies,
    checks,
    coverage,
    echoes,
    links,
    model,
    old_names,
    properties,
    start_tasks,
    values,
)
from batchyard.wire.versions import ApiVersion

_MACHINE: Final = "virtualMachineConfiguration"

#: Standard_D16s_v5, Standard_NC24rs_v3: the first digits after the letters are the cores.
_CORES: Final = re.compile(r"(?:^|_)[A-Za-z]+(?P<cores>\d{1,4})", re.ASCII)

#: What a pool is made of, in a request of its own or as the auto pool of a job.
Requested = model.BatchPoolCreateOptions | model.BatchPoolSpecification

_DECODER: Final = msgspec.json.Decoder(model.BatchPoolCreateOptions)


def read_pool(body: bytes, version: ApiVersion) -> PoolSpec:
    """Return the specification in the body of Pools_CreatePool.

    Raises:
        Refused: ``InvalidRequestBody``, ``MissingRequiredProperty``, ``UnsupportedProperty``,
            ``InvalidPropertyValue``, ``EmptyMetadataKey``.
    """
    request = bodies.decode(old_names.modernised(body, version), _DECODER)
    coverage.check(request)
    return read_specification(request, checks.identifier(request.id, "id"))


def read_specification(request: Requested, pool_id: str, *, has_secrets: bool = True) -> PoolSpec:
    """Return the specification of a pool; one that was sent back has no secrets any more (P-7).

    Raises:
        Refused: ``MissingRequiredProperty``, ``InvalidPropertyValue``, ``EmptyMetadataKey``.
    """
    vm_size = checks.text(checks.required(request.vm_size, "vmSize"), "vmSize")
    if not vm_size or len(vm_size) > limits.ID_CHARS_MAX:
        raise Refused.of_property(
            "vmSize", coverage.shorten(vm_size), "give the name of a size, such as Standard_D2_v3"
        )
    return PoolSpec(
        id=pool_id,
        vm_size=vm_size.lower(),
        display_name=checks.display_name(request.display_name),
        is_windows=_is_windows(request.virtual_machine_configuration),
        task_slots_per_node=_task_slots(request.task_slots_per_node, vm_size),
        node_fill_type=_node_fill_type(request.task_scheduling_policy),
        job_default_order=_job_default_order(request.task_scheduling_policy),
        has_inter_node_communication=bool(request.enable_inter_node_communication),
        target_dedicated_nodes=target(request.target_dedicated_nodes, "targetDedicatedNodes") or 0,
        target_low_priority_nodes=target(
            request.target_low_priority_nodes, "targetLowPriorityNodes"
        )
        or 0,
        resize_timeout=checks.resize_timeout(request.resize_timeout),
        start_task=start_tasks.read_start_task(request.start_task),
        metadata=checks.metadata(request.metadata),
        echoed=_echoed(request, has_secrets=has_secrets),
    )


def _is_windows(machine: model.VirtualMachineConfiguration | None) -> bool:
    machine = checks.required(machine, _MACHINE)
    image = checks.required(machine.image_reference, f"{_MACHINE}.imageReference")
    sku_id = checks.required(machine.node_agent_sku_id, f"{_MACHINE}.nodeAgentSKUId")
    marketplace = (image.publisher, image.offer, image.sku)
    wholes = (
        image.virtual_machine_image_id,
        image.shared_gallery_image_id,
        image.community_gallery_image_id,
    )
    given = [whole for whole in wholes if whole is not None]
    is_complete = all(part is not None for part in marketplace) and not given
    if not is_complete:
        raise Refused.of_property(
            f"{_MACHINE}.imageReference",
            coverage.shorten(image),
            "give publisher, offer and sku; there are no images here to name by an id",
        )
    return "windows" in f"{sku_id} {image.publisher} {image.offer}".lower()


def _task_slots(given: int | None, vm_size: str) -> int:
    if given is None:
        return 1
    match = _CORES.search(vm_size)
    most = limits.TASK_SLOTS_PER_NODE_MAX
    if match is not None:
        cores = max(1, int(match["cores"]))
        most = min(most, limits.TASK_SLOTS_PER_CORE_MAX * cores)
    return checks.number(given, "taskSlotsPerNode", 1, most)


def _node_fill_type(policy: model.BatchTaskSchedulingPolicy | None) -> NodeFillType:
    if policy is None:
        return NodeFillType.SPREAD
    given = checks.required(policy.node_fill_type, "taskSchedulingPolicy.nodeFillType")
    return NodeFillType.PACK if given is model.BatchNodeFillType.PACK else NodeFillType.SPREAD


def _job_default_order(policy: model.BatchTaskSchedulingPolicy | None) -> JobDefaultOrder:
    if policy is None or policy.job_default_order is None:
        return JobDefaultOrder.NONE
    return JobDefaultOrder(policy.job_default_order)


def write_scheduling_policy(pool: Pool | PoolSpec) -> model.BatchTaskSchedulingPolicy:
    """Return how tasks spread; the order of jobs is told where it is not what it always was."""
    is_default = pool.job_default_order is JobDefaultOrder.NONE
    return model.BatchTaskSchedulingPolicy(
        job_default_order=(
            None if is_default else model.BatchJobDefaultOrder(pool.job_default_order)
        ),
        node_fill_type=model.BatchNodeFillType(pool.node_fill_type),
    )


def target(given: int | None, name: str) -> int | None:
    """Return how many nodes a pool is to have, when that is given."""
    return None if given is None else checks.number(given, name, 0, limits.TARGET_NODES_MAX)


def _echoed(request: Requested, *, has_secrets: bool) -> Mapping[str, object]:
    """Return what is stored only to be given back; only `write_pool` reads it again."""
    whole: dict[str, Any] = msgspec.to_builtins(request)
    echoed = {
        name: whole[name]
        for name, support in properties.PROPERTIES[type(request)].items()
        if support.fate is properties.Fate.ECHOED and whole.get(name)
    }
    echoed[_MACHINE] = whole[_MACHINE]
    # The version that an image of a marketplace has by default.
    echoed[_MACHINE]["imageReference"].setdefault("version", "latest")
    if request.network_configuration and request.network_configuration.subnet_id is not None:
        raise Refused.of_property(
            "networkConfiguration.subnetId",
            coverage.shorten(request.network_configuration.subnet_id),
            "there is no such subnet: nodes use the network of their machine; leave it out",
        )
    for number, account in enumerate(echoed.get("userAccounts", ())):
        _check_account(account, f"userAccounts[{number}]", has_secrets=has_secrets)
        _drop_secrets(account)
    return echoed


def _check_account(account: dict[str, Any], place: str, *, has_secrets: bool) -> None:
    """Refuse an account that Azure would refuse (P-53)."""
    name = checks.required(account.get("name"), f"{place}.name")
    if has_secrets:
        checks.required(account.get("password"), f"{place}.password")
    if not 0 < len(name) <= limits.USER_ACCOUNT_NAME_CHARS_MAX:
        raise Refused.of_property(
            f"{place}.name",
            coverage.shorten(name),
            f"use 1 to {limits.USER_ACCOUNT_NAME_CHARS_MAX} characters",
        )


def _drop_secrets(account: dict[str, Any]) -> None:
    """Keep no password and no key of an account (P-7)."""
    account.pop("password", None)
    linux = account.get("linuxUserConfiguration")
    if isinstance(linux, dict):
        linux.pop("sshPrivateKey", None)


def etag(view: PoolView) -> str:
    """Return the ETag of a pool."""
    pool = view.pool
    return links.etag("pool", pool.key, pool.creation_time.timestamp(), pool.revision)


def write_pool(view: PoolView, base_url: str) -> model.BatchPool:
    """Return a pool with all documented defaults (P-7)."""
    pool, spec = view.pool, view.spec
    echoed = msgspec.convert(dict(spec.echoed), model.BatchPool)
    resize_errors = [_resize_error(error) for error in pool.resize_errors]
    return model.BatchPool(
        id=spec.id,
        display_name=spec.display_name,
        url=links.pool(base_url, spec.id),
        etag=etag(view),
        last_modified=values.write_instant(pool.last_modified),
        creation_time=values.write_instant(pool.creation_time),
        state=model.BatchPoolState(pool.state),
        state_transition_time=values.write_instant(pool.state_time),
        allocation_state=model.AllocationState(pool.allocation_state),
        allocation_state_transition_time=values.write_instant(pool.allocation_state_time),
        vm_size=spec.vm_size,
        virtual_machine_configuration=echoes.machine(echoed.virtual_machine_configuration),
        resize_timeout=values.write_duration(pool.resize_timeout),
        resize_errors=resize_errors or None,
        current_dedicated_nodes=view.current_dedicated_nodes,
        current_low_priority_nodes=view.current_low_priority_nodes,
        target_dedicated_nodes=pool.target_dedicated_nodes,
        target_low_priority_nodes=pool.target_low_priority_nodes,
        enable_auto_scale=False,
        enable_inter_node_communication=pool.has_inter_node_communication,
        task_slots_per_node=pool.task_slots_per_node,
        task_scheduling_policy=write_scheduling_policy(pool),
        start_task=start_tasks.write_start_task(spec.start_task),
        metadata=write_metadata(spec.metadata),
        user_accounts=echoed.user_accounts,
        network_configuration=echoes.network(echoed.network_configuration),
        resource_tags=echoed.resource_tags,
        target_node_communication_mode=echoed.target_node_communication_mode,
    )


def _resize_error(error: ResizeError) -> model.ResizeError:
    return model.ResizeError(
        code=error.code,
        message=error.message,
        values=[model.NameValuePair(name=name, value=value) for name, value in error.values]
        or None,
    )


def write_metadata(
    items: Sequence[MetadataItem] | None,
) -> list[model.BatchMetadataItem] | None:
    """Return metadata items; absent when there are none (J-29, J-55)."""
    if not items:
        return None
    return [model.BatchMetadataItem(name=item.name, value=item.value) for item in items]


#: State of a node as on the wire, to what counts it: ``leavingpool`` to ``leaving_pool``.
_COUNT_NAMES: Final[Mapping[str, str]] = {
    field.encode_name.lower(): field.name for field in msgspec.structs.fields(model.BatchNodeCounts)
}


def write_node_counts(counts: NodeCounts) -> model.BatchPoolNodeCounts:
    """Return the nodes of one pool by state; states without nodes show zero (P-47)."""
    return model.BatchPoolNodeCounts(
        pool_id=counts.pool_id,
        dedicated=_counts(counts, is_dedicated=True),
        low_priority=_counts(counts, is_dedicated=False),
    )


def _counts(counts: NodeCounts, *, is_dedicated: bool) -> model.BatchNodeCounts:
    numbers = dict.fromkeys(_COUNT_NAMES.values(), 0)
    for (dedicated, state), count in counts.counts.items():
        if dedicated is is_dedicated:
            numbers[_COUNT_NAMES[state]] += count
            numbers["total"] += count
    return model.BatchNodeCounts(**numbers)
