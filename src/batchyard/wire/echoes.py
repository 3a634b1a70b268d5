"""What the real service adds to what it gives back. Source: its recorded answers; P-7."""

from typing import Final

from msgspec.structs import replace

from batchyard.wire import model

_EVERY_PORT: Final = ["*"]


def network(given: model.NetworkConfiguration | None) -> model.NetworkConfiguration | None:
    """Return a network's configuration with its defaults."""
    if given is None:
        return None
    scope = given.dynamic_v_net_assignment_scope or model.DynamicVNetAssignmentScope.NONE
    endpoints = given.endpoint_configuration
    if endpoints is not None and endpoints.inbound_nat_pools:
        pools = [_nat_pool(pool) for pool in endpoints.inbound_nat_pools]
        endpoints = replace(endpoints, inbound_nat_pools=pools)
    return replace(given, dynamic_v_net_assignment_scope=scope, endpoint_configuration=endpoints)


def _nat_pool(given: model.BatchInboundNatPool) -> model.BatchInboundNatPool:
    rules = [
        replace(rule, source_port_ranges=rule.source_port_ranges or _EVERY_PORT)
        for rule in given.network_security_group_rules or ()
    ]
    return replace(given, network_security_group_rules=rules or None)


def machine(
    given: model.VirtualMachineConfiguration | None,
) -> model.VirtualMachineConfiguration | None:
    """Return a machine's configuration with the defaults of its disks."""
    if given is None or not given.data_disks:
        return given
    return replace(given, data_disks=[_disk(disk) for disk in given.data_disks])


def _disk(given: model.DataDisk) -> model.DataDisk:
    return replace(
        given,
        caching=given.caching or model.CachingType.NONE,
        storage_account_type=given.storage_account_type or model.StorageAccountType.STANDARD_LRS,
    )
