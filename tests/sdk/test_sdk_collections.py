"""Many tasks in one call, through the official client."""

import pytest
from azure.batch import models
from azure.core.exceptions import HttpResponseError, ResourceExistsError

from tests import batch


def test_250_tasks_are_taken_in_requests_of_a_hundred_and_all_of_them_run(client, wide, create_job):
    job = create_job(wide)
    wishes = [batch.task(f"t{number:03}", "true") for number in range(250)]

    answer = client.create_tasks(job, wishes)

    results = answer.result_values or []
    assert sorted(one.task_id for one in results) == [one.id for one in wishes]
    assert {one.status for one in results} == {"success"}
    tasks = batch.wait_for_tasks(client, job, seconds=60)
    assert len(tasks) == 250
    assert {batch.execution_of(one).exit_code for one in tasks.values()} == {0}


def test_a_list_longer_than_a_page_is_read_page_by_page(client, wide, create_job):
    job = create_job(wide)
    batch.add_tasks(client, job, [batch.task(f"t{number:02}", "true") for number in range(25)])

    pages = [list(page) for page in client.list_tasks(job, max_results=10).by_page()]

    assert [len(page) for page in pages] == [10, 10, 5]
    assert len({one.id for page in pages for one in page}) == 25


def test_one_bad_task_does_not_spoil_the_others(client, wide, create_job):
    job = create_job(wide)
    client.create_task(job, batch.task("there", "true"))
    group = models.BatchTaskGroup(
        task_values=[
            batch.task("good", "true"),
            batch.task("there", "true"),
            batch.task("not an id", "true"),
        ]
    )

    answer = client.create_task_collection(job, group)

    results = {one.task_id: one for one in answer.result_values or []}
    assert results["good"].status == "success"
    assert results["good"].error is None
    refused = {name: results[name] for name in ("there", "not an id")}
    assert {one.status for one in refused.values()} == {"clienterror"}
    codes = {name: one.error.code for name, one in refused.items() if one.error is not None}
    assert codes == {"there": "TaskExists", "not an id": "InvalidPropertyValue"}
    assert set(batch.tasks_of(client, job)) == {"there", "good"}


def test_a_collection_of_more_than_a_hundred_is_refused_as_a_whole(client, wide, create_job):
    job = create_job(wide)
    wishes = [batch.task(f"t{number}", "true") for number in range(101)]

    with pytest.raises(HttpResponseError) as caught:
        client.create_task_collection(job, models.BatchTaskGroup(task_values=wishes))

    assert caught.value.status_code == 400
    assert batch.tasks_of(client, job) == {}


def test_a_body_above_one_mebibyte_is_refused_with_the_code_that_makes_clients_split(
    client, wide, create_job
):
    job = create_job(wide)
    filling = [models.EnvironmentSetting(name="FILLING", value="x" * 60_000)]
    wishes = [
        batch.task(f"t{number}", "true", environment_settings=filling) for number in range(20)
    ]

    with pytest.raises(HttpResponseError) as caught:
        client.create_task_collection(job, models.BatchTaskGroup(task_values=wishes))

    assert caught.value.status_code == 413
    assert batch.code_of(caught.value) == "RequestBodyTooLarge"
    # The client's own helper answers that code with smaller requests.
    assert len(client.create_tasks(job, wishes).result_values or []) == 20


def test_an_id_can_be_used_once(client, wide, create_job):
    job = create_job(wide)
    client.create_task(job, batch.task("t", "true"))

    with pytest.raises(ResourceExistsError) as caught:
        client.create_task(job, batch.task("t", "true"))

    assert batch.code_of(caught.value) == "TaskExists"
