"""Lists through the official client: pages that stay right, filters and selections."""

from datetime import UTC, datetime, timedelta

import pytest
from azure.batch import BatchClient, models
from azure.core.exceptions import HttpResponseError

from tests import batch
from tests.batch import sh
from tests.waiting import wait_until

MANY = 2500
PAGE = 100
SLOTS = 16


@pytest.mark.timeout(180)
def test_2500_tasks_that_run_are_listed_page_by_page_with_nothing_lost_and_nothing_doubled(
    client, make_pool, create_job, gate
):
    pool = make_pool(nodes=0, slots=SLOTS, is_ready=False, vm_size="standard_d8_v3")
    job = create_job(pool)
    names = [f"t{number:04}" for number in range(MANY)]
    # Those in the middle hold every slot until a walk has seen what is to come and what is over.
    middle = set(names[MANY // 2 : MANY // 2 + 2 * SLOTS])
    lines = {name: sh(f"cat {gate.path}") if name in middle else "true" for name in names}
    batch.add_tasks(client, job, [batch.task(name, line) for name, line in lines.items()])
    # All of them are there before the first one runs.
    batch.resize(client, pool, 2)
    walks = 0
    states_seen: set[str] = set()

    def walk(condition: str) -> list[str]:
        pages = client.list_tasks(
            job, max_results=PAGE, filter=condition, select=["id", "state"]
        ).by_page()
        tasks = [one for page in (list(page) for page in pages) for one in page]
        assert all(one.command_line is None for one in tasks)
        states_seen.update(str(getattr(one.state, "value", one.state)) for one in tasks)
        return [one.id for one in tasks]

    completed: set[str] = set()
    while len(completed) < MANY:
        assert sorted(walk("startswith(id,'t')")) == names
        assert sorted(walk(f"id ge '{names[MANY // 2]}'")) == names[MANY // 2 :]
        now_completed = walk("state eq 'completed'")
        assert len(now_completed) == len(set(now_completed))
        assert completed <= set(now_completed)
        completed = set(now_completed)
        walks += 1
        gate.open()

    assert walks > 1
    assert {"active", "completed"} <= states_seen
    assert walk("state ne 'completed'") == []
    assert sorted(walk("executionInfo/exitCode eq 0")) == names


def test_pages_are_as_long_as_they_are_asked_to_be(client, make_pool, create_job):
    job = create_job(make_pool(nodes=0, is_ready=False))
    batch.add_tasks(client, job, [batch.task(f"t{n:04}", "true") for n in range(250)])

    pages = [
        len(list(page))
        for page in client.list_tasks(job, max_results=PAGE, select=["id"]).by_page()
    ]

    assert pages == [100, 100, 50]


def test_tasks_are_filtered_by_how_they_went(client, wide, create_job):
    job = create_job(wide)
    lines = {"good": "true", "bad": sh("exit 4"), "worse": sh("exit 5")}
    batch.add_tasks(client, job, [batch.task(name, line) for name, line in lines.items()])
    batch.wait_for_tasks(client, job)
    batch.add_tasks(client, job, [batch.task("long", sh("sleep 60"))])
    batch.wait_for_task(client, job, "long", "running")

    def names(condition: str) -> set[str]:
        return {one.id for one in client.list_tasks(job, filter=condition)}

    start = batch.start_of(client.get_task(job, "long")).isoformat()
    assert names("state eq 'Completed'") == {"good", "bad", "worse"}
    assert names("state eq 'running'") == {"long"}
    assert names("executionInfo/result eq 'failure'") == {"bad", "worse"}
    assert names("executionInfo/exitCode gt 4") == {"worse"}
    assert names("executionInfo/exitCode ne 4") == {"good", "worse"}
    assert names("startswith(id,'LO') or executionInfo/exitCode eq 0") == {"good", "long"}
    assert names(f"executionInfo/startTime ge DateTime'{start}'") == {"long"}
    assert names("not (state eq 'completed') and id lt 'm'") == {"long"}


def test_jobs_are_filtered_by_state_pool_and_time(client, wide, narrow, create_job):
    before = datetime.now(UTC) - timedelta(seconds=1)
    first, second = create_job(wide), create_job(narrow)
    batch.end_job(client, first)

    def names(condition: str) -> set[str]:
        since = f"creationTime gt DateTime'{before.isoformat()}'"
        return {one.id for one in client.list_jobs(filter=f"{since} and {condition}")}

    assert names("state eq 'completed'") == {first}
    assert names("state ne 'completed'") == {second}
    assert names(f"executionInfo/poolId eq '{narrow}'") == {second}
    assert names(f"startswith(id,'{first}')") == {first}
    later = datetime.now(UTC) + timedelta(hours=1)
    assert names(f"executionInfo/endTime lt DateTime'{later.isoformat()}'") == {first}


def test_pools_are_filtered_by_size_and_state(client, trio, wide, make_pool):
    small = make_pool(nodes=0, is_ready=False, vm_size="standard_a1_v2")

    def names(condition: str) -> set[str]:
        return {one.id for one in client.list_pools(filter=condition)}

    assert names("vmSize eq 'STANDARD_A1_V2'") == {small}
    assert {trio, wide} <= names("state eq 'active' and allocationState eq 'steady'")
    assert names(f"id eq '{trio}' or id eq '{wide}'") == {trio, wide}
    assert names("startswith(id,'tri')") == {trio}
    assert trio not in names("enableAutoScale eq true")


def test_nodes_are_filtered_by_state_and_start_task(client, make_pool, gate):
    # Whichever node comes first to it fails.
    first = gate.path.parent / "first"
    first.parent.chmod(0o777)
    start = models.BatchStartTask(command_line=sh(f"mkdir {first} && exit 3; exit 0"))
    pool = make_pool(nodes=2, is_ready=False, start_task=start)

    def states(condition: str | None = None) -> list[str]:
        found = client.list_nodes(pool, filter=condition)
        return sorted(str(getattr(one.state, "value", one.state)) for one in found)

    wait_until(lambda: states() == ["idle", "starttaskfailed"], 20, "one of the nodes failed")

    assert states("state eq 'idle'") == ["idle"]
    assert states("startTaskInfo/result eq 'failure'") == ["starttaskfailed"]
    assert states("startTaskInfo/exitCode gt 0") == ["starttaskfailed"]
    assert states("startTaskInfo/state eq 'running'") == []
    assert len(states("allocationTime gt DateTime'2020-01-01T00:00:00Z'")) == 2


def test_counts_of_nodes_and_images_are_filtered(client, trio, wide):
    assert [one.pool_id for one in client.list_pool_node_counts(filter=f"poolId eq '{trio}'")] == [
        trio
    ]
    kinds = {one.os_type for one in client.list_supported_images(filter="osType eq 'linux'")}
    assert kinds == {"linux"}


def test_preparation_and_release_are_filtered_by_node_and_result(client, trio, create_job):
    job = create_job(
        trio,
        job_preparation_task=models.BatchJobPreparationTask(command_line="true"),
        job_release_task=models.BatchJobReleaseTask(command_line=sh("exit 2")),
    )
    batch.add_tasks(client, job, [batch.task(f"t{n}", sh("sleep 0.5")) for n in range(3)])
    nodes = set(batch.by_node(batch.wait_for_tasks(client, job).values()))
    one_node = min(nodes)
    batch.end_job(client, job)

    def found(condition: str) -> set[str | None]:
        listed = client.list_job_preparation_and_release_task_status(job, filter=condition)
        return {one.node_id for one in listed}

    assert found(f"nodeId eq '{one_node}'") == {one_node}
    assert found(f"nodeId ne '{one_node}'") == nodes - {one_node}
    assert found("jobReleaseTaskExecutionInfo/exitCode eq 2") == nodes
    assert found("jobPreparationTaskExecutionInfo/result eq 'failure'") == set()


def test_what_is_selected_is_all_that_comes(client: BatchClient, trio):
    (pool,) = client.list_pools(filter=f"id eq '{trio}'", select=["id", "state"])

    assert dict(pool) == {"id": trio, "state": "active"}
    read = client.get_pool(trio, select=["id", "vmSize"])
    assert set(read) - {"odata.metadata"} == {"id", "vmSize"}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"filter": "commandLine eq 'x'"}, "InvalidQueryParameterValue"),
        ({"filter": "id like 'x'"}, "InvalidQueryParameterValue"),
        ({"filter": "startswith(state,'a')"}, "InvalidQueryParameterValue"),
        ({"select": ["id", "nothing"]}, "InvalidQueryParameterValue"),
        ({"expand": ["everything"]}, "InvalidQueryParameterValue"),
        ({"max_results": 0}, "InvalidQueryParameterValue"),
        ({"max_results": 1001}, "OutOfRangeQueryParameterValue"),
    ],
)
def test_what_a_list_cannot_do_is_refused_with_its_reason(client, wide, create_job, options, code):
    with pytest.raises(HttpResponseError) as caught:
        list(client.list_tasks(create_job(wide), **options))

    assert caught.value.status_code == 400
    assert batch.code_of(caught.value) == code
    error = caught.value.model
    assert error is not None
    values = {one.key: one.value for one in error.error_values or []}
    assert set(values) == {"QueryParameterName", "QueryParameterValue", "Reason"}
    assert values["Reason"]
