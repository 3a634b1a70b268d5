"""Task counts: what a change of a task adds to them."""

from hypothesis import given
from hypothesis import strategies as st

from batchyard.core.counts import CountsChange, of_change, of_changes
from batchyard.core.model import Task, Usage
from batchyard.core.states import TaskState
from tests.core.test_task import a_task, ended, ending, new, placed, started

tasks = st.sampled_from(
    [
        None,
        *(a_task(state) for state in TaskState),
        ended(started(placed(new(required_slots=3))), ending(1)),
        ended(started(placed(new(retry_count_max=2))), ending(1, usage=Usage(1, 2, 3, 4, 5))),
        ended(started(), ending(usage=Usage(6, 7, 8, 9, 10))),
    ]
)


def test_a_new_task_is_active() -> None:
    assert of_change(None, new(required_slots=2)) == CountsChange(active=1, active_slots=2)


def test_preparing_counts_as_running() -> None:
    """T-64."""
    change = of_change(new(), placed(needs_preparation=True))
    assert change == CountsChange(active=-1, running=1, active_slots=-1, running_slots=1)


def test_an_end_counts_by_its_result() -> None:
    running = started()
    assert of_change(running, ended(running, ending(0))).succeeded == 1
    assert of_change(running, ended(running, ending(1))).failed == 1


def test_the_sums_of_a_job_gain_what_a_run_has_used_and_its_retry() -> None:
    """J-54."""
    running = started(placed(new(retry_count_max=1)))
    first = ended(running, ending(1, usage=Usage(1, 2, 3, 4, 5)))
    gain = of_change(running, first)
    assert (gain.retries, gain.user_microseconds, gain.kernel_microseconds) == (1, 1, 2)
    assert (gain.wall_microseconds, gain.read_blocks, gain.write_blocks) == (3, 4, 5)
    again = started(placed(first))
    gain = of_change(again, ended(again, ending(0, usage=Usage(10, 20, 30, 40, 50))))
    assert (gain.retries, gain.user_microseconds, gain.write_blocks) == (0, 10, 50)


@given(tasks, tasks, tasks)
def test_two_changes_add_up_to_one(
    first: Task | None, second: Task | None, third: Task | None
) -> None:
    """Whatever a batch merges into one update counts the same as step by step."""
    assert of_change(first, second) + of_change(second, third) == of_change(first, third)


@given(st.lists(st.tuples(tasks, tasks), max_size=5))
def test_a_batch_counts_as_its_changes_one_by_one(
    changes: list[tuple[Task | None, Task | None]],
) -> None:
    one_by_one = sum((of_change(*change) for change in changes), CountsChange())
    assert sum(of_changes(changes).values(), CountsChange()) == one_by_one
