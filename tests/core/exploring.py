"""Walks a life cycle from its beginnings through every event, and says which moves there are."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from batchyard.core.effects import (
    Step,
)
from batchyard.core.errors import InvalidTransition, Refused

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

Move = tuple[Any, type[Any], Any]


def explore(
    beginnings: Iterable[Any],
    events: Callable[[Any], Iterable[Any]],
    step: Callable[[Any, Any, datetime], Step[Any]],
    state: Callable[[Any], Any],
    check: Callable[[Any], None],
    is_stale: Callable[[Any, Any], bool] = lambda _entity, _event: False,
    is_interesting: Callable[[Any], bool] = lambda _entity: True,
) -> set[Move]:
    """Return every (state, event type, next state) that can be reached; check each entity."""
    waiting = deque(beginnings)
    seen: set[Hashable] = set(waiting)
    moves: set[Move] = set()
    while waiting:
        entity = waiting.popleft()
        check(entity)
        for event in events(entity):
            if is_stale(entity, event):
                assert step(entity, event, NOW).entity is entity, (entity, event)
                continue
            try:
                after = step(entity, event, NOW).entity
            except (InvalidTransition, Refused):
                continue
            moves.add((state(entity), type(event), None if after is None else state(after)))
            if after is not None and after not in seen and is_interesting(after):
                seen.add(after)
                waiting.append(after)
    return moves


def listed(table: Mapping[tuple[Any, type[Any]], Iterable[Any]]) -> set[Move]:
    """Return the moves of a table, one by one."""
    return {(state, event, after) for (state, event), nexts in table.items() for after in nexts}


def assert_cell(
    entity: Any,
    event: Any,
    step: Callable[[Any, Any, datetime], Step[Any]],
    state: Callable[[Any], Any],
    moves: Mapping[tuple[Any, type[Any]], Iterable[Any]],
    refusals: Mapping[tuple[Any, type[Any]], Any],
    is_stale: Callable[[Any, Any], bool],
) -> None:
    """Assert that one cell of a table is listed, refused with its code, stale, or a defect."""
    cell = (state(entity), type(event))
    if is_stale(entity, event):
        assert step(entity, event, NOW).entity is entity
    elif cell in refusals:
        with pytest.raises(Refused) as refused:
            step(entity, event, NOW)
        assert refused.value.code is refusals[cell]
        assert cell not in moves
    elif cell in moves:
        after = step(entity, event, NOW).entity
        assert (None if after is None else state(after)) in moves[cell]
    else:
        with pytest.raises(InvalidTransition):
            step(entity, event, NOW)
