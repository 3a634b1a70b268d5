"""Conditions on lists, in the terms of the domain.

``wire`` reads them from ``$filter`` and checks names, operators and types; ``store`` turns them
into SQL. A resource without the field never matches, not even a "not equal" (O-4).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Operator(StrEnum):
    """The comparisons of OData. Source: O-1."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field` compares like this with `value`. Texts compare without case (O-2).

    Fields are dotted names in the domain's spelling, for example ``execution_info.start_time``.
    """

    field: str
    operator: Operator
    value: str | int | bool | datetime


@dataclass(frozen=True, slots=True)
class StartsWith:
    """The text of `field` starts with `text`, without case."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of `parts` holds."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of `parts` holds."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """`part` does not hold."""

    part: "Filter"


Filter = Comparison | StartsWith | AllOf | AnyOf | Not

#: What every list can be filtered by. Source: 08 OData. The store has a column for each.
POOL_FIELDS = {
    "id": str,
    "state": str,
    "state_transition_time": datetime,
    "allocation_state": str,
    "allocation_state_transition_time": datetime,
    "creation_time": datetime,
    "last_modified": datetime,
    "enable_auto_scale": bool,
    "enable_inter_node_communication": bool,
    "vm_size": str,
}
NODE_FIELDS = {
    "state": str,
    "state_transition_time": datetime,
    "last_boot_time": datetime,
    "allocation_time": datetime,
    "start_task_info.state": str,
    "start_task_info.result": str,
    "start_task_info.exit_code": int,
    "start_task_info.start_time": datetime,
    "start_task_info.end_time": datetime,
}
JOB_FIELDS = {
    "id": str,
    "state": str,
    "state_transition_time": datetime,
    "creation_time": datetime,
    "last_modified": datetime,
    "execution_info.start_time": datetime,
    "execution_info.end_time": datetime,
    "execution_info.pool_id": str,
}
JOB_SCHEDULE_FIELDS = {
    "id": str,
    "state": str,
    "state_transition_time": datetime,
    "creation_time": datetime,
    "last_modified": datetime,
    "execution_info.end_time": datetime,
    "schedule.do_not_run_until": datetime,
    "schedule.do_not_run_after": datetime,
}
TASK_FIELDS = {
    "id": str,
    "state": str,
    "state_transition_time": datetime,
    "creation_time": datetime,
    "last_modified": datetime,
    "execution_info.start_time": datetime,
    "execution_info.end_time": datetime,
    "execution_info.exit_code": int,
    "execution_info.result": str,
}
JOB_NODE_FIELDS = {
    "pool_id": str,
    "node_id": str,
    **{
        f"{run}_task_execution_info.{name}": kind
        for run in ("job_preparation", "job_release")
        for name, kind in {
            "state": str,
            "start_time": datetime,
            "end_time": datetime,
            "exit_code": int,
            "result": str,
        }.items()
    },
}
