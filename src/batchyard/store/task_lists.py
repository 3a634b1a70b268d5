"""Where a page of a job's tasks is found: by which index, and after how many tasks it ends.

A list is in the order of its keys, and its filter may hold for all of a million tasks or for none.
So an index leads to the *candidates*: those in a state that the filter allows, those whose id it
names, or else simply the next ones. Where the index alone decides, a page has as many candidates as
it may have results. Where more conditions have to be looked at, it has at most
`limits.FILTERED_TASKS_MAX`, and goes on behind them with its next link, even when it is empty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, func, select, union_all
from sqlalchemy.engine import Row
from sqlalchemy.sql.selectable import GenerativeSelect

from batchyard.core import limits
from batchyard.core.states import TaskState
from batchyard.engine.filters import (
    AllOf,
    AnyOf,
    Comparison,
    Filter,
    Not,
    Operator,
    StartsWith,
)
from batchyard.store import filters, schema

_ALL: Final = frozenset(TaskState)

#: Follows in order on every character that an id can have (L-1).
_AFTER_IDS: Final = "\x7f"


@dataclass(frozen=True, slots=True)
class TaskRows:
    """The rows of one page; `next_after` is the key that the next one follows, if there is one."""

    rows: Sequence[Row[Any]]
    next_after: int | None


def page(
    connection: Connection,
    query: Select[Any],
    *,
    job: int,
    after: int,
    limit: int,
    condition: Filter | None,
) -> TaskRows:
    """Return at most `limit` rows of `query`, of tasks of a job whose keys follow `after`."""
    task = schema.task
    allowed = _ALL if condition is None else states(condition)
    is_decided = condition is None or _is_of_states(condition)
    most = limit + 1 if is_decided else limits.FILTERED_TASKS_MAX
    candidates = _by_id(connection, job, after, condition)
    if candidates is None:
        if not allowed:
            return TaskRows((), None)
        candidates = _by_state(job, after, allowed)
    candidates = candidates.limit(most)
    found = query.where(task.c.key.in_(candidates)).order_by(task.c.key).limit(limit + 1)
    if condition is not None:
        found = found.where(filters.to_sql(condition, filters.TASKS))
    rows = connection.execute(found).all()
    if len(rows) > limit:
        return TaskRows(rows[:limit], rows[limit - 1].key)
    if is_decided:
        return TaskRows(rows, None)
    looked_at = candidates.subquery()
    count, last = connection.execute(select(func.count(), func.max(looked_at.c.key))).one()
    return TaskRows(rows, last if count == most else None)


def states(condition: Filter, *, holds: bool = True) -> frozenset[TaskState]:
    """Return the states in one of which a task is, if `condition` holds for it, or does not."""
    match condition:
        case Comparison("state", operator, value):
            is_meant = (operator is Operator.EQ) is holds
            named = frozenset(state for state in TaskState if state == str(value).lower())
            return named if is_meant else _ALL - named
        case Not(part):
            return states(part, holds=not holds)
        case AllOf(parts) | AnyOf(parts):
            each = [states(part, holds=holds) for part in parts]
            is_all = isinstance(condition, AllOf) is holds
            return frozenset.intersection(*each) if is_all else frozenset.union(*each)
        case _:
            return _ALL


def _is_of_states(condition: Filter) -> bool:
    """Whether `condition` asks for nothing but states, so that `states` says all of it."""
    match condition:
        case Comparison(field):
            return field == "state"
        case Not(part):
            return _is_of_states(part)
        case AllOf(parts) | AnyOf(parts):
            return all(map(_is_of_states, parts))
        case _:
            return False


def _by_state(job: int, after: int, allowed: frozenset[TaskState]) -> GenerativeSelect:
    """Return the keys of tasks in some states. Each state's come in order and are merged."""
    task = schema.task
    of_job = select(task.c.key).where(task.c.job == job, task.c.key > after)
    if allowed == _ALL:
        return of_job.order_by(task.c.key)
    parts = [of_job.where(task.c.state == state) for state in sorted(allowed)]
    if len(parts) == 1:
        return parts[0].order_by(task.c.key)
    return union_all(*parts).order_by("key")


def _by_id(
    connection: Connection, job: int, after: int, condition: Filter | None
) -> GenerativeSelect | None:
    """Return the keys of tasks by the id, or the start of it, that `condition` asks for.

    None where it asks for none, or where too many ids have that start: they would have to be sorted
    by key for each page, and the next ones by key are about as likely to be among them.
    """
    name, folded = _name(condition), schema.task_spec.c.id_folded
    if name is None:
        return None
    if isinstance(name, StartsWith):
        start = name.text.lower()
        named = and_(folded >= start, folded < start + _AFTER_IDS)
    else:
        named = folded == str(name.value).lower()
    spec = schema.task_spec
    found = select(spec.c.key).where(spec.c.job == job, named)
    beyond = found.offset(limits.FILTERED_TASKS_MAX - 1).limit(1)
    if connection.execute(beyond).first() is not None:
        return None
    return found.where(spec.c.key > after)


def _name(condition: Filter | None) -> Comparison | StartsWith | None:
    """Return the part of a filter that must hold and names an id or the start of one, if any."""
    match condition:
        case Comparison("id", Operator.EQ) as name:
            return name
        case StartsWith("id") as start:
            return start
        case AllOf(parts):
            return next((name for name in map(_name, parts) if name is not None), None)
        case _:
            return None
