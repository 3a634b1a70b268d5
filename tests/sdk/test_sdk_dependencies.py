"""Dependencies and exit conditions through the official client: rows SA-99 … SA-105."""

from typing import Any

import pytest
from azure.batch import models
from azure.core.exceptions import HttpResponseError

from tests import batch
from tests.batch import sh

SATISFY = models.ExitOptions(dependency_action=models.DependencyAction.SATISFY)


def after(*ids: str, ranges: Any = ()) -> models.BatchTaskDependencies:
    return models.BatchTaskDependencies(
        task_ids=list(ids),
        task_id_ranges=[models.BatchTaskIdRange(start=start, end=end) for start, end in ranges],
    )


def ends(client: Any, job: str) -> dict[str, Any]:
    found = batch.wait_for_tasks(client, job)
    return {name: task.execution_info for name, task in found.items()}


def test_sa_99_102_tasks_wait_for_those_that_they_list(client, wide, create_job):
    job = create_job(wide, uses_task_dependencies=True)
    batch.add_tasks(
        client,
        job,
        [
            batch.task("sum", "true", depends_on=after("flower", ranges=[(1, 3)])),
            batch.task("flower", "true", depends_on=after("1")),
            *(batch.task(str(number), sh("sleep 0.1")) for number in (1, 2, 3)),
        ],
    )

    times = ends(client, job)

    assert times["flower"].start_time >= times["1"].end_time
    assert all(times["sum"].start_time >= times[one].end_time for one in ("1", "2", "3", "flower"))
    depends_on = client.get_task(job, "sum").depends_on
    assert depends_on.task_ids == ["flower"]
    assert [(one.start, one.end) for one in depends_on.task_id_ranges] == [(1, 3)]
    assert client.get_job(job).uses_task_dependencies is True


def test_sa_100_a_task_uses_the_output_of_the_one_before(client, wide, create_job):
    job = create_job(wide, uses_task_dependencies=True)
    path = "$AZ_BATCH_NODE_SHARED_DIR/$AZ_BATCH_JOB_ID.txt"
    batch.add_tasks(
        client,
        job,
        [
            batch.task("reads", sh(f"cat {path}"), depends_on=after("writes")),
            batch.task("writes", sh(f"sleep 0.2; echo of the first > {path}")),
        ],
    )
    batch.wait_for_tasks(client, job)
    assert batch.stdout(client, job, "reads") == "of the first\n"


@pytest.mark.parametrize("first", [["a"], ["a", "b"]], ids=["sa_103", "sa_104"])
def test_sa_103_104_a_task_starts_after_all_that_it_depends_on(
    client, wide, create_job, gate, first
):
    job = create_job(wide, uses_task_dependencies=True)
    lines = {"a": "true", "b": "true"} | {first[-1]: sh(f"cat {gate.path}")}
    tasks = [batch.task(name, lines[name]) for name in first]
    batch.add_tasks(client, job, [batch.task("last", "true", depends_on=after(*first)), *tasks])
    batch.wait_for_task(client, job, first[-1], "running")
    for name in first[:-1]:
        batch.wait_for_task(client, job, name, "completed")
    assert client.get_task(job, "last").state == "active"
    assert client.get_node(wide, batch.the_node(client, wide)).running_task_slots_count == 1

    gate.open()

    times = ends(client, job)
    assert all(times["last"].start_time >= times[name].end_time for name in first)


def test_sa_105_a_task_starts_after_a_whole_range(client, wide, create_job):
    job = create_job(wide, uses_task_dependencies=True)
    batch.add_tasks(
        client,
        job,
        [
            batch.task("d", "true", depends_on=after(ranges=[(1, 10)])),
            *(batch.task(str(number), "true") for number in range(1, 10)),
        ],
    )
    for number in range(1, 10):
        batch.wait_for_task(client, job, str(number), "completed")
    assert client.get_task(job, "d").state == "active"

    client.create_task(job, batch.task("10", "true"))

    times = ends(client, job)
    assert times["d"].start_time >= max(times[str(number)].end_time for number in range(1, 11))


def test_a_task_that_fails_blocks_unless_its_exit_conditions_say_otherwise(
    client, wide, create_job
):
    job = create_job(wide, uses_task_dependencies=True)
    conditions = models.ExitConditions(
        exit_codes=[models.ExitCodeMapping(code=2, exit_options=SATISFY)],
        exit_code_ranges=[models.ExitCodeRangeMapping(start=5, end=7, exit_options=SATISFY)],
    )
    batch.add_tasks(
        client,
        job,
        [
            batch.task("two", sh("exit 2"), exit_conditions=conditions),
            batch.task("six", sh("exit 6"), exit_conditions=conditions),
            batch.task("nine", sh("exit 9"), exit_conditions=conditions),
            batch.task("goes", "true", depends_on=after("two", "six")),
            batch.task("stays", "true", depends_on=after("nine")),
        ],
    )

    batch.wait_for_task(client, job, "goes", "completed")
    batch.wait_for_task(client, job, "nine", "completed")

    assert client.get_task(job, "stays").state == "active"
    echoed = client.get_task(job, "six").exit_conditions
    assert echoed.exit_code_ranges[0].exit_options.dependency_action == "satisfy"


def test_a_task_that_fails_ends_a_job_that_performs_its_action(client, wide, create_job):
    mode = models.BatchTaskFailureMode.PERFORM_EXIT_OPTIONS_JOB_ACTION
    job = create_job(wide, task_failure_mode=mode)
    client.create_task(job, batch.task("one", sh("exit 1")))

    ended = batch.wait_for_job(client, job)

    assert ended.execution_info is not None
    assert ended.execution_info.termination_reason == "TaskFailed"
    assert ended.task_failure_mode == mode


def test_sa_101_dependencies_must_be_enabled_on_the_job(client, wide, create_job):
    job = create_job(wide)
    with pytest.raises(HttpResponseError) as refused:
        client.create_task(job, batch.task("one", "true", depends_on=after("two")))
    assert refused.value.status_code == 400
    assert batch.code_of(refused.value) == "TaskDependenciesNotSpecifiedOnJob"


def test_a_failed_task_is_reactivated(client, wide, create_job, gate):
    """T-22."""
    job = create_job(wide)
    marker = gate.path.parent / "marker"
    client.create_task(job, batch.task("one", sh(f"test -e {marker}")))
    batch.wait_for_task(client, job, "one", "completed")
    marker.touch()
    client.reactivate_task(job, "one")
    again = batch.wait_for_task(client, job, "one", "completed")
    assert again.execution_info is not None
    assert (again.execution_info.result, again.execution_info.exit_code) == ("success", 0)
    with pytest.raises(HttpResponseError) as refused:
        client.reactivate_task(job, "one")
    assert (refused.value.status_code, batch.code_of(refused.value)) == (409, "TaskSucceeded")
