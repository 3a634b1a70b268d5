"""Pages of tasks: whatever the filter and however little a page looks at, nothing is left out."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.core import limits
from batchyard.core.keys import JobKey, TaskKey
from batchyard.core.model import Job, Task
from batchyard.core.specs import JobSpec, TaskSpec
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
from batchyard.store.store import SqliteStore
from batchyard.store.task_lists import states
from tests.core import test_job, test_task
from tests.core.exploring import NOW

IDS = [f"Task-{letter}{number}" for number in range(10) for letter in "ab"]
STATES = [*TaskState]
JOBS = (JobKey(1), JobKey(2))


def task_of(job: JobKey, number: int) -> tuple[Task, TaskSpec]:
    """Return a task; its state, age and exit code follow from its number."""
    key = TaskKey(2 * number + job)
    task = test_task.new(
        key=key,
        job=job,
        state=STATES[number % len(STATES)],
        state_time=NOW + timedelta(seconds=number),
        exit_code=number % 3 or None,
    )
    return task, TaskSpec(id=IDS[number], command_line="true")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """Two jobs whose tasks lie between one another."""
    store = SqliteStore(tmp_path_factory.mktemp("store") / "store.db", is_durable=False)
    with store.transaction() as transaction:
        for key in JOBS:
            job: Job = test_job.new(key=key, id=f"job-{key}")
            transaction.add_job(job, JobSpec(id=job.id, pool_id="pool"))
        for number in range(len(IDS)):
            for key in JOBS:
                transaction.add_tasks(key, [task_of(key, number)])
    yield store
    store.close()


def holds(condition: Filter, task: Task, spec: TaskSpec) -> bool:
    """Say what a filter means, one task at a time."""
    values: dict[str, Any] = {
        "id": spec.id.lower(),
        "state": task.state,
        "state_transition_time": task.state_time,
        "execution_info.exit_code": task.exit_code,
    }
    match condition:
        case Comparison(field, operator, value):
            wanted = value.lower() if isinstance(value, str) else value
            if values[field] is None:
                return False
            compare = {
                Operator.EQ: lambda: values[field] == wanted,
                Operator.NE: lambda: values[field] != wanted,
                Operator.GT: lambda: values[field] > wanted,
                Operator.GE: lambda: values[field] >= wanted,
                Operator.LT: lambda: values[field] < wanted,
                Operator.LE: lambda: values[field] <= wanted,
            }
            return bool(compare[operator]())
        case StartsWith(field, text):
            return bool(values[field].startswith(text.lower()))
        case AllOf(parts):
            return all(holds(part, task, spec) for part in parts)
        case AnyOf(parts):
            return any(holds(part, task, spec) for part in parts)
        case Not(part):
            return not holds(part, task, spec)


EQUALITY = st.sampled_from([Operator.EQ, Operator.NE])
LEAVES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Comparison, st.just("state"), EQUALITY, st.sampled_from([*STATES, "Active", "odd"])),
    st.builds(Comparison, st.just("id"), st.sampled_from([*Operator]), st.sampled_from(IDS)),
    st.builds(StartsWith, st.just("id"), st.sampled_from(["", "task-", "TASK-A", "task-b1", "_"])),
    st.builds(Comparison, st.just("execution_info.exit_code"), EQUALITY, st.integers(0, 3)),
    st.builds(
        Comparison,
        st.just("state_transition_time"),
        st.sampled_from([*Operator]),
        st.integers(0, len(IDS)).map(lambda number: NOW + timedelta(seconds=number)),
    ),
)
FILTERS: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)


@given(st.none() | FILTERS, st.integers(1, 7), st.integers(1, 25), st.sampled_from(JOBS))
def test_the_pages_together_are_what_a_look_at_every_task_finds(
    store: SqliteStore, condition: Filter | None, limit: int, looked_at: int, job: JobKey
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "FILTERED_TASKS_MAX", looked_at)
        found: list[int] = []
        after: int | None = 0
        while after is not None:
            page = store.reads.list_tasks("account", f"job-{job}", after, limit, condition)
            assert len(page.items) <= limit
            found += [view.task.key for view in page.items]
            assert page.next_after is None or page.next_after > after
            after = page.next_after
    every = [task_of(job, number) for number in range(len(IDS))]
    assert found == [
        task.key for task, spec in every if condition is None or holds(condition, task, spec)
    ]


@given(FILTERS)
def test_no_task_for_which_a_filter_holds_is_in_another_state_than_it_allows(
    condition: Filter,
) -> None:
    for number in range(len(IDS)):
        task, spec = task_of(JOBS[0], number)
        assert task.state in states(condition, holds=holds(condition, task, spec))


def test_a_page_that_has_looked_at_enough_goes_on_with_the_next_even_when_it_is_empty(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FILTERED_TASKS_MAX", 5)
    nothing = Comparison("execution_info.exit_code", Operator.EQ, 77)
    page = store.reads.list_tasks("account", "job-1", 0, 1000, nothing)
    assert not page.items
    assert page.next_after == task_of(JOBS[0], 4)[0].key


def test_states_alone_are_found_by_their_index_however_many_other_tasks_there_are(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FILTERED_TASKS_MAX", 1)
    completed = Comparison("state", Operator.EQ, "completed")
    page = store.reads.list_tasks("account", "job-1", 0, 1000, completed)
    assert page.next_after is None
    assert {view.task.state for view in page.items} == {TaskState.COMPLETED}


def test_one_task_by_its_id_is_found_by_its_index_however_many_others_there_are(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FILTERED_TASKS_MAX", 2)
    last = Comparison("id", Operator.EQ, IDS[-1].upper())
    page = store.reads.list_tasks("account", "job-1", 0, 1000, last)
    assert [view.spec.id for view in page.items] == [IDS[-1]]
    assert page.next_after is None
