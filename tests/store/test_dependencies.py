"""Who waits for whom in the store, held against a plain model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchyard.core.keys import JobKey, TaskKey
from batchyard.core.specs import TaskDependencies, TaskSpec
from batchyard.store import dependencies
from batchyard.store.store import MemoryStore
from tests.core import test_task
from tests.core.exploring import NOW

JOB = JobKey(1)

numbers = st.integers(0, 40)
ids = st.sampled_from(["a", "B", "c", "1", "01", "7", "12", "040", "x9"])
ranges = st.tuples(numbers, numbers).map(lambda ends: (min(ends), max(ends)))
wishes = st.builds(
    TaskDependencies,
    task_ids=st.lists(ids, max_size=4).map(tuple),
    task_id_ranges=st.lists(ranges, max_size=3).map(tuple),
)


class Model:
    """What tasks wait for, as plain sets."""

    def __init__(self) -> None:
        self.waiting: dict[TaskKey, list[object]] = {}
        self.completed: set[str] = set()
        self.numbers: set[int] = set()

    def add(self, key: TaskKey, wish: TaskDependencies) -> None:
        every: list[object] = [*{one.lower() for one in wish.task_ids}]
        for start, end in wish.task_id_ranges:
            every += range(start, end + 1)
        self.waiting[key] = [one for one in every if not self._is_done(one)]

    def _is_done(self, one: object) -> bool:
        return one in (self.completed if isinstance(one, str) else self.numbers)

    def complete(self, task_id: str) -> None:
        self.completed.add(task_id.lower())
        if task_id.isdigit():
            self.numbers.add(int(task_id))
        for key, waiting in self.waiting.items():
            self.waiting[key] = [one for one in waiting if not self._is_done(one)]


class Rows:
    """The same by the store."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.keys: dict[str, TaskKey] = {}

    def add(self, key: TaskKey, task_id: str, wish: TaskDependencies | None) -> None:
        self.keys[task_id] = key
        with self.store.transaction() as transaction:
            left = transaction.add_dependencies(JOB, [(key, wish)] if wish else [])
            task = test_task.new(key=key, job=JOB, dependencies_left=left.get(key, 0))
            transaction.add_tasks(JOB, [(task, TaskSpec(id=task_id, command_line="true"))])

    def complete(self, task_id: str) -> None:
        with self.store.transaction() as transaction:
            sql = "UPDATE task SET satisfies = 1, state = 'completed' WHERE key = ?"
            transaction._execute(sql, self.keys[task_id])
            transaction.satisfy_dependents(JOB, [self.keys[task_id]], NOW)

    def left(self) -> dict[TaskKey, int]:
        with self.store.transaction() as transaction:
            rows = transaction._execute("SELECT key, dependencies_left FROM task")
            return {TaskKey(row[0]): row[1] for row in rows}


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.just("add"), wishes) | st.tuples(st.just("complete"), ids), max_size=20
    )
)
def test_tasks_wait_for_what_they_name_and_for_nothing_else(
    steps: list[tuple[str, TaskDependencies | str]],
) -> None:
    model, rows = Model(), Rows()
    for number, (_, what) in enumerate(steps, 100):
        if isinstance(what, TaskDependencies):
            model.add(TaskKey(number), what)
            rows.add(TaskKey(number), f"dependent-{number}", what)
        elif what not in rows.keys:
            rows.add(TaskKey(number), what, None)
            rows.complete(what)
            model.complete(what)
    left = rows.left()
    assert {key: left[key] for key in model.waiting} == {
        key: len(waiting) for key, waiting in model.waiting.items()
    }
    rows.store.close()


@given(ends=st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)))
def test_a_range_takes_a_few_dozen_blocks_however_long_it_is(ends: tuple[int, int]) -> None:
    start, end = sorted(ends)
    found = list(dependencies.blocks(start, end))
    assert len(found) <= 62
    assert sum(1 << level for level, _ in found) == end - start + 1
    firsts = sorted(block << level for level, block in found)
    assert firsts[0] == start


@pytest.mark.parametrize(
    ("task_id", "number"),
    [("0", 0), ("12", 12), ("004", 4), ("5flamingoes", None), ("-1", None), ("٣", None)],
)
def test_only_an_integer_is_a_number(task_id: str, number: int | None) -> None:
    """D-4."""
    assert dependencies.number_of(task_id) == number


@pytest.fixture
def rows() -> Iterator[Rows]:
    found = Rows()
    yield found
    found.store.close()


def test_a_number_counts_once_whatever_ids_mean_it(rows: Rows) -> None:
    """D-4."""
    rows.add(TaskKey(9), "sum", TaskDependencies(task_id_ranges=((3, 4),)))
    for key, task_id in enumerate(("4", "04", "004"), 1):
        rows.add(TaskKey(key), task_id, None)
        rows.complete(task_id)
    assert rows.left()[TaskKey(9)] == 1


def test_two_ranges_that_overlap_are_counted_and_satisfied_alike(rows: Rows) -> None:
    rows.add(TaskKey(9), "sum", TaskDependencies(task_id_ranges=((1, 3), (3, 5))))
    assert rows.left()[TaskKey(9)] == 6
    rows.add(TaskKey(1), "3", None)
    rows.complete("3")
    assert rows.left()[TaskKey(9)] == 4


def test_what_tasks_wait_for_goes_with_their_job(rows: Rows) -> None:
    wish = TaskDependencies(task_ids=("a", "b"), task_id_ranges=((1, 9),))
    rows.add(TaskKey(9), "sum", wish)
    rows.add(TaskKey(1), "1", None)
    rows.complete("1")
    with rows.store.transaction() as transaction:
        while transaction.delete_tasks(JOB, 1):
            pass
        for table in ("dependency", "dependency_block", "satisfied_number", "task"):
            assert transaction._one(f"SELECT count(*) FROM {table}") == 0


def test_the_same_job_is_meant(rows: Rows, tmp_path: Path) -> None:
    """Ids are those of one job (D-15)."""
    rows.add(TaskKey(9), "sum", TaskDependencies(task_ids=("a",), task_id_ranges=((1, 1),)))
    with rows.store.transaction() as transaction:
        task = test_task.new(key=TaskKey(1), job=JobKey(2))
        transaction.add_tasks(JobKey(2), [(task, TaskSpec(id="a", command_line="true"))])
        assert not transaction.satisfy_dependents(JobKey(2), [TaskKey(1)], NOW)
    assert rows.left()[TaskKey(9)] == 2
