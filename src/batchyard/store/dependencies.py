"""Who waits for whom: rows that make the end of a task cost what depends on it, and nothing more.

A task counts in `task.dependencies_left` what has to be completed before it: one for each id that
it names, and one for each number of its ranges. An id is an edge, a row that goes when it is
satisfied. A range is never written out: it is cut into blocks of 1, 2, 4, 8 ... numbers, each of
which begins at a multiple of its length. So however long it is it takes a few dozen rows, and a
number lies in one block of each length. The numbers that a completed task has satisfied are kept:
several ids may mean the same number, and only the first of them counts (D-4).

The statements are those of SQLite, as in `sets`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from sqlite3 import Connection
from typing import Final

from batchyard.core.keys import JobKey, TaskKey
from batchyard.core.specs import TaskDependencies
from batchyard.store import schema, sets
from batchyard.store.values import to_json, to_microseconds

#: Bits of the largest number in a range: a block is at most so many times twice as long as one.
_LEVELS: Final = 31

_FORGET: Final = tuple(
    f"DELETE FROM {table.name} WHERE rowid IN "  # noqa: S608  # A table of ours.
    f"(SELECT rowid FROM {table.name} WHERE job = ? LIMIT ?)"
    for table in (schema.dependency, schema.dependency_block, schema.satisfied_number)
)


def blocks(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the blocks of an inclusive range: `level` and `block`, of numbers >> level == block."""
    level = 0
    while start <= end:
        if start & 1:
            yield level, start
            start += 1
        if not end & 1:
            yield level, end
            end -= 1
        start, end, level = start >> 1, end >> 1, level + 1


def number_of(task_id: str) -> int | None:
    """Return the number that an id means in ranges, None if it means none (D-4)."""
    if not (task_id.isascii() and task_id.isdigit()):
        return None
    number = int(task_id)
    return number if number < 1 << _LEVELS else None


def add(
    connection: Connection, job: JobKey, dependents: Sequence[tuple[TaskKey, TaskDependencies]]
) -> dict[TaskKey, int]:
    """Write down what new tasks wait for; return how much of that is not satisfied yet."""
    named = {key: {one.lower() for one in wish.task_ids} for key, wish in dependents}
    satisfied = _satisfied_ids(connection, job, set().union(*named.values()))
    edges: list[sets.Row] = [
        [job, one, key] for key, ids in named.items() for one in sorted(ids - satisfied)
    ]
    sets.insert(connection, schema.dependency, ("job", "parent", "dependent"), edges)
    left = Counter({key: len(ids - satisfied) for key, ids in named.items()})
    ranges = [(key, *ends) for key, wish in dependents for ends in wish.task_id_ranges]
    rows = [
        [job, level, block, number, key]
        for number, (key, start, end) in enumerate(ranges)
        for level, block in blocks(start, end)
    ]
    columns = ("job", "level", "block", "range", "dependent")
    sets.insert(connection, schema.dependency_block, columns, rows)
    for (key, start, end), done in zip(ranges, _satisfied_in(connection, job, ranges), strict=True):
        left[key] += end - start + 1 - done
    return dict(left)


def satisfy(
    connection: Connection, job: JobKey, tasks: Iterable[TaskKey], now: datetime
) -> set[int]:
    """Count completed tasks off from what waits for them; return slots of what may run."""
    found = sets.select(connection, schema.task_spec, ("key", "id_folded"), "key", tasks)
    ids = [row[1] for row in found]
    sql = (
        "DELETE FROM dependency WHERE job = ? AND parent IN (SELECT value FROM json_each(?)) "
        "RETURNING dependent"
    )
    counted = Counter(row[0] for row in connection.execute(sql, (job, to_json(ids))))
    numbers = {number for one in ids if (number := number_of(one)) is not None}
    counted.update(_in_blocks(connection, job, _newly_satisfied(connection, job, numbers)))
    if not counted:
        return set()
    sql = (
        "UPDATE task SET dependencies_left = dependencies_left - batch.count, "
        "dependencies_time = CASE WHEN dependencies_left = batch.count THEN ? END FROM ("
        "SELECT json_extract(value, '$[0]') AS dependent, json_extract(value, '$[1]') AS count "
        "FROM json_each(?)) AS batch WHERE task.key = batch.dependent "
        "RETURNING dependencies_left, required_slots"
    )
    batch = to_json(list(counted.items()))
    left = connection.execute(sql, (to_microseconds(now), batch)).fetchall()
    return {row[1] for row in left if row[0] == 0}


def forget(connection: Connection, job: JobKey, limit: int) -> int:
    """Delete at most `limit` rows of each kind of a job; return how many of them were deleted."""
    return sum(connection.execute(sql, (job, limit)).rowcount for sql in _FORGET)


def _satisfied_ids(connection: Connection, job: JobKey, ids: set[str]) -> set[str]:
    """Return those of the ids whose tasks are completed, and satisfy."""
    if not ids:
        return set()
    sql = (
        "SELECT task_spec.id_folded FROM task_spec JOIN task ON task.key = task_spec.key "
        "WHERE task_spec.job = ? AND task_spec.id_folded IN (SELECT value FROM json_each(?)) "
        "AND task.satisfies = 1"
    )
    return {row[0] for row in connection.execute(sql, (job, to_json(sorted(ids))))}


def _satisfied_in(
    connection: Connection, job: JobKey, ranges: Sequence[tuple[TaskKey, int, int]]
) -> list[int]:
    """Return for each range how many of its numbers are satisfied."""
    sql = (
        "SELECT (SELECT count(*) FROM satisfied_number WHERE job = ? "
        "AND number BETWEEN json_extract(value, '$[1]') AND json_extract(value, '$[2]')) "
        "FROM json_each(?) ORDER BY key"
    )
    if not ranges:
        return []
    return [row[0] for row in connection.execute(sql, (job, to_json(ranges)))]


def _newly_satisfied(connection: Connection, job: JobKey, numbers: set[int]) -> list[int]:
    if not numbers:
        return []
    sql = (
        "INSERT INTO satisfied_number (job, number) SELECT ?, value FROM json_each(?) WHERE true "
        "ON CONFLICT DO NOTHING RETURNING number"
    )
    rows = connection.execute(sql, (job, to_json(sorted(numbers))))
    return [row[0] for row in rows.fetchall()]


def _in_blocks(connection: Connection, job: JobKey, numbers: Sequence[int]) -> Iterator[int]:
    """Yield the dependents of the numbers, each as often as a range of its holds one of them."""
    levels = _levels(connection, job) if numbers else []
    wanted = [[level, number >> level] for number in numbers for level in levels]
    if not wanted:
        return
    sql = (
        "SELECT dependent FROM json_each(?) AS wanted CROSS JOIN dependency_block AS found "
        "ON found.job = ? AND found.level = json_extract(wanted.value, '$[0]') "
        "AND found.block = json_extract(wanted.value, '$[1]')"
    )
    for row in connection.execute(sql, (to_json(wanted), job)):
        yield row[0]


def _levels(connection: Connection, job: JobKey) -> list[int]:
    """Return the lengths of the blocks of a job, jumping from one to the next."""
    sql = "SELECT min(level) FROM dependency_block WHERE job = ? AND level > ?"
    levels: list[int] = []
    level = connection.execute(sql, (job, -1)).fetchone()[0]
    while level is not None:
        levels.append(level)
        level = connection.execute(sql, (job, level)).fetchone()[0]
    return levels
