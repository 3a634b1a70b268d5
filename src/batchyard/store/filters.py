"""Conditions on lists as SQL. Each field is a typed column, or an expression over such.

Texts compare without case (O-2): a column here has them in lower case, so that its index serves.
"""

from collections.abc import Mapping
from datetime import datetime
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, case, func, literal, not_, or_

from batchyard.engine.filters import (
    AllOf,
    AnyOf,
    Comparison,
    Filter,
    Not,
    Operator,
    StartsWith,
)
from batchyard.store import schema
from batchyard.store.values import to_microseconds

Columns = Mapping[str, ColumnElement[Any]]

_COMPARE: Final = {
    Operator.EQ: eq,
    Operator.NE: ne,
    Operator.GT: gt,
    Operator.GE: ge,
    Operator.LT: lt,
    Operator.LE: le,
}


def to_sql(condition: Filter, columns: Columns) -> ColumnElement[bool]:
    """Return `condition` over `columns`. What has no value never matches (O-4).

    Raises:
        KeyError: A field has no column; ``wire`` lets none through.
    """
    match condition:
        case Comparison(field, operator, value):
            column, bound = columns[field], _bound(value)
            result: ColumnElement[bool] = _COMPARE[operator](column, literal(bound))
            return and_(column.is_not(None), result)
        case StartsWith(field, text):
            return columns[field].startswith(text.lower(), autoescape=True)
        case AllOf(parts):
            return and_(*(to_sql(part, columns) for part in parts))
        case AnyOf(parts):
            return or_(*(to_sql(part, columns) for part in parts))
        case Not(part):
            return not_(to_sql(part, columns))


def _bound(value: str | int | bool | datetime) -> str | int:  # noqa: FBT001  # A value, no flag.
    if isinstance(value, datetime):
        return to_microseconds(value)
    if isinstance(value, str):
        return value.lower()
    return int(value) if isinstance(value, bool) else value


def _run_state(table: Table, prefix: str) -> ColumnElement[Any]:
    """A run is running from its start to its end, and nothing before (S-13, S-19)."""
    return case(
        (table.c[f"{prefix}_end_time"].is_not(None), "completed"),
        (table.c[f"{prefix}_start_time"].is_not(None), "running"),
    )


def _run(table: Table, prefix: str, field: str) -> dict[str, ColumnElement[Any]]:
    """Return the columns of the latest run of a preparation, release or start task."""
    names = ("start_time", "end_time", "exit_code", "result")
    columns: dict[str, ColumnElement[Any]] = {
        f"{field}.{name}": table.c[f"{prefix}_{name}"] for name in names
    }
    return {**columns, f"{field}.state": _run_state(table, prefix)}


POOLS: Final[Columns] = {
    "id": schema.pool.c.id_folded,
    "state": schema.pool.c.state,
    "state_transition_time": schema.pool.c.state_time,
    "allocation_state": schema.pool.c.allocation_state,
    "allocation_state_transition_time": schema.pool.c.allocation_state_time,
    "creation_time": schema.pool.c.creation_time,
    "last_modified": schema.pool.c.last_modified,
    "vm_size": func.lower(schema.pool.c.vm_size),
    # Not built yet: no pool has it.
    "enable_auto_scale": literal(0),
    "enable_inter_node_communication": schema.pool.c.has_inter_node_communication,
}

NODES: Final[Columns] = {
    "state": schema.node.c.state,
    "state_transition_time": schema.node.c.state_time,
    "last_boot_time": schema.node.c.last_boot_time,
    "allocation_time": schema.node.c.allocation_time,
    **_run(schema.node, "start_run", "start_task_info"),
}

JOBS: Final[Columns] = {
    "id": schema.job.c.id_folded,
    "state": schema.job.c.state,
    "state_transition_time": schema.job.c.state_time,
    "creation_time": schema.job.c.creation_time,
    "last_modified": schema.job.c.last_modified,
    "execution_info.start_time": schema.job.c.start_time,
    "execution_info.end_time": schema.job.c.end_time,
    "execution_info.pool_id": schema.job.c.pool_id_folded,
}

JOB_SCHEDULES: Final[Columns] = {
    "id": schema.job_schedule.c.id_folded,
    "state": schema.job_schedule.c.state,
    "state_transition_time": schema.job_schedule.c.state_time,
    "creation_time": schema.job_schedule.c.creation_time,
    "last_modified": schema.job_schedule.c.last_modified,
    "execution_info.end_time": schema.job_schedule.c.end_time,
    "schedule.do_not_run_until": schema.job_schedule.c.do_not_run_until,
    "schedule.do_not_run_after": schema.job_schedule.c.do_not_run_after,
}

TASKS: Final[Columns] = {
    "id": schema.task_spec.c.id_folded,
    "state": schema.task.c.state,
    "state_transition_time": schema.task.c.state_time,
    "creation_time": schema.task_spec.c.creation_time,
    "last_modified": schema.task.c.last_modified,
    "execution_info.start_time": schema.task.c.start_time,
    "execution_info.end_time": schema.task.c.end_time,
    "execution_info.exit_code": schema.task.c.exit_code,
    "execution_info.result": schema.task.c.result,
}

JOB_NODES: Final[Columns] = {
    "pool_id": func.lower(schema.node.c.pool_id),
    "node_id": func.lower(schema.node.c.id),
    **_run(schema.job_node, "preparation", "job_preparation_task_execution_info"),
    **_run(schema.job_node, "release", "job_release_task_execution_info"),
}
