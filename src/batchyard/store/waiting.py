"""What waits in a job, and why it has had to: see `batchyard.engine.waits.Waits`.

No question looks at all tasks of a job: an index leads each of them, and what is counted is counted
up to a bound.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from sqlite3 import Connection, Cursor
from typing import Any, Final

from batchyard.core import limits
from batchyard.core.keys import JobKey, NodeKey, PoolKey, TaskKey
from batchyard.core.model import Job, Task
from batchyard.core.specs import TaskDependencies
from batchyard.core.states import TaskState
from batchyard.core.waiting import Dependencies, Kind
from batchyard.engine.waits import Begun, Dependents, Past
from batchyard.store import schema, sets
from batchyard.store.schema import TASK_SIZE
from batchyard.store.statements.specs import TASK_SPEC
from batchyard.store.values import from_microseconds, to_json, to_microseconds

#: A task that waits for a place; there is an index for it.
IS_WAITING: Final = "state = 'active' AND is_placed = 0 AND dependencies_left = 0"

#: The former run of a task, while it is being ended on its node.
_FORMER_RUN: Final = (
    "SELECT 1 FROM execution WHERE execution.id IN ("
    "'task-' || task.key || '-' || task.attempt, "
    "'primary-' || task.key || '-' || task.attempt, "
    "'subtask-' || task.key || '-' || task.attempt || '-0')"
)

#: A task that placement may place: no two runs of one are ever beside each other.
IS_READY: Final = f"{IS_WAITING} AND (attempt = 0 OR NOT EXISTS ({_FORMER_RUN}))"

#: Numbers of ranges that are looked at for one task, and satisfied ones that are passed for them.
#: Source: ours; about ten milliseconds.
_NUMBERS_MAX: Final = 100
_NUMBERS_PASSED_MAX: Final = 100_000

#: Jobs of a higher priority whose tasks are counted. Source: ours.
_JOBS_BEFORE_MAX: Final = 1000


#: Ids that tasks of a job wait for: the dependent, whether it is active, the state of the other.
_EDGES: Final = (
    "SELECT edge.dependent, own.state = 'active', parent.state FROM "
    "(SELECT parent, dependent FROM dependency WHERE job = ? LIMIT ?) AS edge "
    "JOIN task AS own ON own.key = edge.dependent "
    "LEFT JOIN task_spec AS spec ON spec.job = ? AND spec.id_folded = edge.parent "
    "LEFT JOIN task AS parent ON parent.key = spec.key"
)

#: The same of ranges; what became of their numbers is not looked at.
_BLOCKS: Final = (
    "SELECT block.dependent, own.state = 'active' AND own.dependencies_left > 0, 'active' FROM "
    "(SELECT dependent FROM dependency_block WHERE job = ? LIMIT ?) AS block "
    "JOIN task AS own ON own.key = block.dependent"
)


def _size(task: Task) -> int:
    """Return the `TASK_SIZE` of a task."""
    return task.required_slots + 1000 * task.instances


class SqlWaits:
    """See `batchyard.engine.waits.Waits`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def failed_preparations(
        self, jobs: Sequence[JobKey]
    ) -> dict[JobKey, dict[NodeKey, int | None]]:
        """Return where the preparation of jobs failed, with its exit codes."""
        found: dict[JobKey, dict[NodeKey, int | None]] = {}
        sql = (
            "SELECT job, node, preparation_exit_code FROM job_node "
            "WHERE job IN (SELECT value FROM json_each(?)) AND state = 'failed'"
        )
        for job, node, exit_code in self._execute(sql, to_json(list(jobs))):
            found.setdefault(JobKey(job), {})[NodeKey(node)] = exit_code
        return found

    def active_tasks(self, job: JobKey) -> int:
        """Return how many tasks of a job are active."""
        return int(self._one("SELECT active FROM job_counts WHERE job = ?", job))

    def older_tasks(self, task: Task, limit: int) -> int:
        """Return how many older tasks of its class wait for a place in its job, up to `limit`."""
        sql = (
            "SELECT count(*) FROM (SELECT 1 FROM task "
            f"WHERE job = ? AND {IS_WAITING} AND {TASK_SIZE} = ? AND key < ? LIMIT ?)"
        )
        return int(self._one(sql, task.job, _size(task), task.key, limit))

    def tasks_of_higher_priority(self, job: Job, pool: PoolKey) -> int:
        """Return how many active tasks the jobs of a pool have that come before a job."""
        sql = (
            "SELECT coalesce(sum(active), 0) FROM (SELECT key FROM job "
            "WHERE pool = ? AND state = 'active' AND priority > ? LIMIT ?) AS before "
            "JOIN job_counts ON job_counts.job = before.key"
        )
        return int(self._one(sql, pool, job.priority, _JOBS_BEFORE_MAX))

    def count_waiting(self, sample: Task, limit: int) -> int:
        """Return how many tasks of the class of one wait for a place, up to `limit`."""
        sql = (
            "SELECT count(*) FROM (SELECT 1 FROM task "
            f"WHERE job = ? AND {IS_READY} AND {TASK_SIZE} = ? LIMIT ?)"
        )
        return int(self._one(sql, sample.job, _size(sample), limit))

    def ending_tasks(self, job: JobKey, limit: int) -> list[Begun]:
        """Return tasks of a job that wait while their former run is being ended on a node."""
        sql = (
            "SELECT DISTINCT task.key, task.node, task.state FROM execution "
            "JOIN task ON task.key = execution.task AND task.attempt = execution.attempt "
            "WHERE execution.job = ? AND execution.number = 0 "
            "AND task.state = 'active' AND task.is_placed = 0 ORDER BY task.key LIMIT ?"
        )
        rows = self._execute(sql, job, limit)
        return [Begun(TaskKey(row[0]), NodeKey(row[1]), TaskState(row[2])) for row in rows]

    def is_ending(self, task: TaskKey) -> bool:
        """Return whether the former run of a task is being ended on its node."""
        sql = f"SELECT 1 FROM task WHERE key = ? AND attempt > 0 AND EXISTS ({_FORMER_RUN})"
        return self._execute(sql, task).fetchone() is not None

    def begun_tasks(self, job: JobKey, limit: int) -> list[Begun]:
        """Return tasks of a job that have a node and have not started."""
        sql = (
            "SELECT task.key, task.node, task.state FROM execution "
            "JOIN task ON task.key = execution.task "
            "WHERE execution.job = ? AND execution.kind IN ('task', 'subtask') "
            "AND execution.number = 0 AND task.is_placed = 1 "
            "AND task.state IN ('active', 'preparing') ORDER BY task.key LIMIT ?"
        )
        rows = self._execute(sql, job, limit)
        return [Begun(TaskKey(row[0]), NodeKey(row[1]), TaskState(row[2])) for row in rows]

    def first_active(self, job: JobKey, limit: int) -> list[TaskKey]:
        """Return the first active tasks of a job that have no node."""
        sql = (
            "SELECT key FROM task WHERE job = ? AND state = 'active' AND is_placed = 0 "
            "ORDER BY key LIMIT ?"
        )
        return [TaskKey(row[0]) for row in self._execute(sql, job, limit)]

    def dependents(self, job: JobKey, limit: int) -> Dependents:
        """Return tasks that wait for others; at most `limit` of what they wait for is looked at."""
        edges = self._execute(_EDGES, job, limit, job).fetchall()
        blocks = self._execute(_BLOCKS, job, limit).fetchall()
        keys: dict[str, dict[TaskKey, None]] = {"failed": {}, "missing": {}, "pending": {}}
        for key, is_active, parent_state in chain(edges, blocks):
            if is_active:
                found = "missing" if parent_state is None else _kind(parent_state)
                keys[found][TaskKey(key)] = None
        failed = keys["failed"]
        missing = {key: None for key in keys["missing"] if key not in failed}
        pending = [key for key in keys["pending"] if key not in failed and key not in missing]
        is_whole = len(edges) < limit and len(blocks) < limit
        return Dependents(list(failed), list(missing), pending, is_whole)

    def dependencies(self, task: Task, shown: int) -> Dependencies:
        """Return what a task waits for, with at most `shown` ids of each kind."""
        spec = TASK_SPEC.decode(self._one("SELECT spec FROM task_spec WHERE key = ?", task.key))
        wish = spec.depends_on or TaskDependencies()
        ids: dict[str, list[str]] = {"failed": [], "missing": [], "pending": []}
        looks = chain(self._named(task, wish.task_ids), self._numbers(task.job, wish))
        for task_id, kind in looks:
            if len(ids[kind]) < shown:
                ids[kind].append(task_id)
        return Dependencies(left=task.dependencies_left, **ids)

    def _named(self, task: Task, task_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the ids that a task still waits for, and why."""
        sql = (
            "SELECT wanted.key, spec.id, parent.state FROM json_each(?) AS wanted "
            "CROSS JOIN dependency AS edge "
            "ON edge.job = ? AND edge.parent = wanted.value AND edge.dependent = ? "
            "LEFT JOIN task_spec AS spec ON spec.job = edge.job AND spec.id_folded = edge.parent "
            "LEFT JOIN task AS parent ON parent.key = spec.key ORDER BY wanted.key"
        )
        wanted = list({one.lower(): one for one in task_ids}.items())
        batch = to_json([folded for folded, _ in wanted])
        for place, found, state in self._execute(sql, batch, task.job, task.key):
            yield (wanted[place][1], "missing") if state is None else (found, _kind(state))

    def _numbers(self, job: JobKey, wish: TaskDependencies) -> Iterator[tuple[str, str]]:
        """Yield the first numbers of ranges that are not satisfied, and why (D-4)."""
        gaps = chain.from_iterable(self._gaps(job, *ends) for ends in wish.task_id_ranges)
        numbers = list(dict.fromkeys(islice(gaps, _NUMBERS_MAX)))
        if not numbers:
            return
        spelt = {
            f"{number:0{width}}": number
            for number in numbers
            for width in range(len(str(number)), limits.ID_CHARS_MAX + 1)
        }
        sql = (
            "SELECT task_spec.id, task.state FROM task_spec JOIN task ON task.key = task_spec.key "
            "WHERE task_spec.job = ? AND id_folded IN (SELECT value FROM json_each(?))"
        )
        found: dict[int, tuple[str, str]] = {}
        for task_id, state in self._execute(sql, job, to_json(list(spelt))):
            number = spelt[task_id]
            if number not in found or state != TaskState.COMPLETED:
                found[number] = task_id, _kind(state)
        for number in numbers:
            yield found.get(number, (str(number), "missing"))

    def _gaps(self, job: JobKey, start: int, end: int) -> Iterator[int]:
        """Yield the numbers of a range that are not satisfied, in order."""
        sql = (
            "SELECT number FROM satisfied_number WHERE job = ? AND number BETWEEN ? AND ? "
            "ORDER BY number LIMIT ?"
        )
        expected = start
        passed = 0
        for (number,) in self._execute(sql, job, start, end, _NUMBERS_PASSED_MAX):
            yield from range(expected, number)
            expected = number + 1
            passed += 1
        if passed < _NUMBERS_PASSED_MAX:
            yield from range(expected, end + 1)

    def dependencies_time(self, task: TaskKey) -> datetime | None:
        """Return when the last of what a task depended on was completed, None for never."""
        return _instant(self._one("SELECT dependencies_time FROM task WHERE key = ?", task))

    def task_ids(self, tasks: Sequence[TaskKey]) -> list[str]:
        """Return the ids of tasks, in this order."""
        ids = dict(sets.select(self._connection, schema.task_spec, ("key", "id"), "key", tasks))
        return [ids[task] for task in tasks]

    def node_id(self, node: NodeKey) -> str:
        """Return the id of a node, gone or not."""
        return str(self._one("SELECT id FROM node WHERE key = ?", node))

    # The history.

    def history(self, job: JobKey, kind: Kind) -> list[Past]:
        """Return why a class of tasks has had to wait, the oldest first."""
        sql = (
            "SELECT number, code, message, since FROM waiting_reason "
            "WHERE job = ? AND kind = ? ORDER BY number"
        )
        return [_past(row) for row in self._execute(sql, job, kind)]

    def last_reasons(self, jobs: Sequence[JobKey]) -> Mapping[tuple[JobKey, Kind], Past]:
        """Return the newest reason of each class of waiting tasks of jobs."""
        sql = (
            "SELECT number, code, message, since, job, kind FROM waiting_reason "
            "WHERE job IN (SELECT value FROM json_each(?)) ORDER BY job, kind, number"
        )
        rows = self._execute(sql, to_json(list(jobs)))
        return {(JobKey(row[4]), row[5]): _past(row) for row in rows}

    def add_reasons(self, reasons: Iterable[tuple[JobKey, Kind, Past]]) -> None:
        """Add to the history of classes; what is too old to be kept goes."""
        rows: list[list[str | int | None]] = [
            [job, kind, past.number, past.code, past.message, to_microseconds(past.since)]
            for job, kind, past in reasons
        ]
        columns = ("job", "kind", "number", "code", "message", "since")
        sets.insert(self._connection, schema.waiting_reason, columns, rows)
        sql = (
            "DELETE FROM waiting_reason WHERE rowid IN (SELECT old.rowid FROM json_each(?) AS new "
            "JOIN waiting_reason AS old ON old.job = json_extract(new.value, '$[0]') "
            "AND old.kind = json_extract(new.value, '$[1]') "
            "AND old.number <= json_extract(new.value, '$[2]') - ?)"
        )
        self._execute(sql, to_json([row[:3] for row in rows]), limits.WAITING_REASONS_KEPT)

    # Below: how it is done.

    def _execute(self, sql: str, *parameters: str | int | None) -> Cursor:
        return self._connection.execute(sql, parameters)

    def _one(self, sql: str, *parameters: str | int | None) -> Any:  # noqa: ANN401  # A column.
        return self._execute(sql, *parameters).fetchone()[0]


def _kind(state: str) -> str:
    """Return what the state of a task means to those that still wait for it (D-7)."""
    return "failed" if state == TaskState.COMPLETED else "pending"


def _past(row: Sequence[Any]) -> Past:
    return Past(row[0], row[1], row[2], from_microseconds(row[3]))


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else from_microseconds(microseconds)
