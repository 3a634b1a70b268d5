"""How the database finds what it is asked for: nothing looks at all tasks of the service."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from batchyard.core.specs import TaskConstraints
from batchyard.core.states import EndCause
from batchyard.engine import commands
from batchyard.engine.filters import AllOf, AnyOf, Comparison, Filter, Not, Operator, StartsWith
from batchyard.store.store import SqliteStore
from tests.engine.world import ACCOUNT, World

#: Tables with a row for each task; at a million of them a scan takes a second.
LARGE = ("task", "task_spec")

ACTIVE = Comparison("state", Operator.EQ, "active")
FAILED = Comparison("execution_info.exit_code", Operator.EQ, 7)
FILTERS: list[Filter | None] = [
    None,
    ACTIVE,
    Not(ACTIVE),
    FAILED,
    AllOf((ACTIVE, FAILED)),
    AnyOf((ACTIVE, FAILED)),
    Comparison("id", Operator.EQ, "one"),
    AllOf((ACTIVE, StartsWith("id", "o"))),
]


@contextmanager
def statements(store: SqliteStore) -> Iterator[list[str]]:
    """Collect every statement that the store sends to the database from now on."""
    seen: list[str] = []

    def begun(connection: Any) -> None:
        connection.connection.driver_connection.set_trace_callback(seen.append)

    with store.transaction():
        pass  # There is a connection from here on.
    assert store._connection is not None
    writing: Any = store._connection.driver_connection
    writing.set_trace_callback(seen.append)
    event.listen(store._reading, "begin", begun)
    yield seen
    event.remove(store._reading, "begin", begun)
    writing.set_trace_callback(None)


def plan(store: SqliteStore, statement: str) -> list[str]:
    """Return the steps in which the database carries a statement out."""
    with store._reading.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.set_trace_callback(None)
        return [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}")]


def scans(store: SqliteStore, statement: str) -> bool:
    """Whether a statement goes through a large table from its first row to its last."""
    return any(
        re.match(rf"SCAN ({'|'.join(LARGE)})\b(?! USING (COVERING )?INDEX ix_task_files_due)", step)
        for step in plan(store, statement)
    )


def can_be_explained(statement: str) -> bool:
    return statement.lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"))


def steps(world: World, act: Callable[[], object]) -> int:
    """Return how many tens of steps the database takes for what the writer does."""
    seen: list[None] = []

    def step() -> int:
        seen.append(None)
        return 0

    assert world.store._connection is not None
    writing: Any = world.store._connection.driver_connection
    writing.set_progress_handler(step, 10)
    act()
    writing.set_progress_handler(None, 10)
    return len(seen)


def test_a_task_costs_the_same_however_many_have_run_and_wait(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pool()
    world.job()
    world.tasks(*(f"task-{number}" for number in range(100)))

    def run_ten() -> None:
        for _ in range(10):
            world.run(world.assigned()[-1])

    run_ten()
    first = steps(world, run_ten)
    for hundred in range(1, 11):
        world.tasks(*(f"task-{hundred}-{number}" for number in range(100)))
    for _ in range(20):
        run_ten()
    assert steps(world, run_ten) <= first * 1.05
    world.store.close()


def test_nothing_in_the_life_of_a_task_looks_at_all_tasks(tmp_path: Path) -> None:
    world = World(tmp_path)
    with statements(world.store) as seen:
        world.pool(slots=2)
        world.job(preparation=True)
        world.tasks("one", "two", "three", "four", "five")
        preparation, first, second = world.assigned()
        world.run(preparation)
        world.run(first)
        world.do(commands.update_task, ACCOUNT, "job", "two", TaskConstraints())
        world.do(commands.terminate_task, ACCOUNT, "job", "four")
        world.do(commands.delete_task, ACCOUNT, "job", "five")
        world.clock.pass_time(2 * world.task("one").retention_time)
        world.engine.start()
        world.settle()
        world.do(commands.terminate_job, ACCOUNT, "job", None)
        world.do(commands.delete_job, ACCOUNT, "job")
        for stopped in world.stopped():
            world.report(world.ended(stopped, exit_code=None, cause=EndCause.STOPPED))
        assert second in world.stopped()
        assert not world.store.reads.list_jobs(ACCOUNT, 0, 10).items
    explained = [statement for statement in dict.fromkeys(seen) if can_be_explained(statement)]
    assert any("DELETE FROM task " in statement for statement in explained)
    assert not [statement for statement in explained if scans(world.store, statement)]
    world.store.close()


@pytest.mark.parametrize("condition", FILTERS, ids=str)
def test_a_page_of_tasks_is_led_by_an_index_whatever_the_filter(
    tmp_path: Path, condition: Filter | None
) -> None:
    world = World(tmp_path)
    world.pool(nodes=0)
    world.job()
    world.tasks("one", "two")
    with statements(world.store) as seen:
        world.store.reads.list_tasks(ACCOUNT, "job", 0, 10, condition)
        world.store.reads.task_counts(ACCOUNT, "job")
        world.store.reads.get_task(ACCOUNT, "job", "one")
    explained = [statement for statement in seen if can_be_explained(statement)]
    steps = [step for statement in explained for step in plan(world.store, statement)]
    assert not [statement for statement in explained if scans(world.store, statement)]
    assert "USE TEMP B-TREE FOR ORDER BY" not in steps
    world.store.close()


@pytest.mark.parametrize("condition", [None, ACTIVE, StartsWith("id", "j")], ids=str)
def test_a_page_of_jobs_is_read_in_its_order_and_never_sorted(
    tmp_path: Path, condition: Filter | None
) -> None:
    world = World(tmp_path)
    world.pool(nodes=0)
    world.job()
    with statements(world.store) as seen:
        assert world.store.reads.list_jobs(ACCOUNT, 0, 10, condition).items
    (page,) = [statement for statement in seen if can_be_explained(statement)]
    assert plan(world.store, page) == [
        "SEARCH job USING INDEX ix_job_account (account=? AND key>?)"
    ]
    world.store.close()
