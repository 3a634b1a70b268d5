"""What belongs to the service as a whole: accounts, pools, images, counts, versions."""

from typing import Any

import pytest
from azure.batch import BatchClient, models
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)

from tests import batch
from tests.service import FIRST, OTHER, Account, Service
from tests.waiting import wait_until


def test_accounts_do_not_see_one_another(client: BatchClient, other_client: BatchClient, wide: str):
    mine = batch.create_job(client, "mine", wide)
    batch.create_pool(other_client, "theirs", nodes=0)
    try:
        assert "theirs" in {one.id for one in other_client.list_pools()}
        assert "theirs" not in {one.id for one in client.list_pools()}
        assert wide not in {one.id for one in other_client.list_pools()}
        assert mine not in {one.id for one in other_client.list_jobs()}
        for ask in (lambda: other_client.get_pool(wide), lambda: other_client.get_job(mine)):
            with pytest.raises(ResourceNotFoundError):
                ask()
        assert wide not in {one.pool_id for one in other_client.list_pool_node_counts()}
        # The same names mean something else in the other account.
        batch.create_job(other_client, "mine", "theirs")
        batch.delete_job(other_client, "mine")
        assert client.get_job(mine).state == "active"
    finally:
        batch.delete_job(client, mine)
        other_client.begin_delete_pool("theirs", polling_interval=1)


def test_tasks_of_two_accounts_run_beside_one_another_on_pools_of_the_same_name(
    client: BatchClient, other_client: BatchClient
):
    for one in (client, other_client):
        batch.create_pool(one, "twin", nodes=1)
        batch.create_job(one, "twin", "twin")
        one.create_task("twin", batch.task("t", "printenv AZ_BATCH_ACCOUNT_NAME"))
    for one, account in ((client, FIRST), (other_client, OTHER)):
        batch.wait_for_tasks(one, "twin")
        assert batch.stdout(one, "twin", "t") == f"{account.name}\n"
        batch.delete_job(one, "twin")
        one.begin_delete_pool("twin", polling_interval=1)


def test_a_wrong_key_is_refused(server: Service):
    client = server.client(Account(FIRST.name, "d3JvbmcK"))
    with client, pytest.raises(HttpResponseError) as caught:
        list(client.list_pools())
    assert isinstance(caught.value, ClientAuthenticationError) or caught.value.status_code == 403
    assert batch.code_of(caught.value) == "AuthenticationFailed"


def test_an_unknown_account_is_refused(server: Service):
    client = server.client(Account("nobody", FIRST.key))
    with client, pytest.raises(HttpResponseError) as caught:
        list(client.list_pools())
    assert batch.code_of(caught.value) == "AuthenticationFailed"


def test_health_and_readiness_are_told_without_a_key(server: Service):
    assert server.get("/-/health")[0] == 200
    assert server.get("/-/ready")[0] == 200


def test_a_pool_grows_to_its_target_and_vanishes_when_it_is_deleted(client: BatchClient):
    pool = batch.create_pool(client, "short-lived", nodes=2, slots=3, display_name="For a while")
    found = client.get_pool(pool)
    assert found.state == "active"
    assert (found.target_dedicated_nodes, found.task_slots_per_node) == (2, 3)
    assert found.display_name == "For a while"
    assert client.pool_exists(pool)
    with pytest.raises(ResourceExistsError) as exists:
        batch.create_pool(client, pool, nodes=0)
    assert batch.code_of(exists.value) == "PoolExists"

    nodes = batch.wait_for_nodes(client, pool, 2)
    wait_until(lambda: client.get_pool(pool).allocation_state == "steady", 20, "pool is steady")
    assert client.get_pool(pool).current_dedicated_nodes == 2
    assert all(one.is_dedicated for one in nodes)
    assert client.get_node(pool, nodes[0].id).affinity_id == f"TVM:{nodes[0].id}"

    client.begin_delete_pool(pool, polling_interval=1)

    def code() -> str:
        try:
            client.get_pool(pool)
        except ResourceNotFoundError as error:
            return batch.code_of(error)
        return ""

    assert wait_until(code, 20, "the pool is gone") == "PoolNotFound"


def test_nodes_are_counted_by_state(client: BatchClient, trio: str):
    batch.wait_for_nodes(client, trio, 3)

    def all_idle() -> bool:
        counts = {one.pool_id: one for one in client.list_pool_node_counts()}
        dedicated, low_priority = counts[trio].dedicated, counts[trio].low_priority
        assert dedicated is not None
        assert low_priority is not None
        assert low_priority.total == 0
        return (dedicated.idle, dedicated.total) == (3, 3)

    wait_until(all_idle, 20, "three idle nodes are counted")


def test_the_supported_images_can_be_listed_and_any_of_them_makes_a_pool(client: BatchClient):
    images = list(client.list_supported_images())

    assert {"linux", "windows"} <= {one.os_type for one in images}
    assert all(one.node_agent_sku_id for one in images)
    linux = next(one for one in images if one.os_type == "linux")
    configuration = models.VirtualMachineConfiguration(
        image_reference=linux.image_reference, node_agent_sku_id=linux.node_agent_sku_id
    )
    pool = batch.create_pool(client, "listed-image", nodes=0, image=configuration)
    echoed = client.get_pool(pool).virtual_machine_configuration
    assert echoed is not None
    assert echoed.node_agent_sku_id == linux.node_agent_sku_id
    client.begin_delete_pool(pool, polling_interval=1)


def test_nodes_of_a_windows_image_are_honestly_not_to_be_had(client: BatchClient):
    pool = batch.create_pool(client, "windows", nodes=1, image=batch.WINDOWS_IMAGE)

    def settled() -> models.BatchPool | None:
        found = client.get_pool(pool)
        return found if found.allocation_state == "steady" and found.resize_errors else None

    found = wait_until(settled, 20, "the pool tells why it has no node")

    assert found is not None
    assert (found.state, found.current_dedicated_nodes) == ("active", 0)
    client.begin_delete_pool(pool, polling_interval=1)


@pytest.mark.parametrize("version", ["2019-08-01.10.0", "2022-10-01.16.0", "2024-02-01.19.0"])
def test_older_versions_of_the_api_are_served(server: Service, version: str):
    with server.client(FIRST, api_version=version) as client:
        assert isinstance(list(client.list_pools()), list)


def test_an_unknown_newer_version_is_served_with_a_warning(server: Service):
    headers: dict[str, str] = {}

    def keep(response: Any) -> None:
        headers.update(response.http_response.headers)

    with server.client(FIRST, api_version="2031-01-01") as client:
        list(client.list_pools(raw_response_hook=keep))

    assert any("warning" in name.lower() for name in headers), headers


def test_a_version_that_is_none_is_refused(server: Service):
    client = server.client(FIRST, api_version="yesterday")
    with client, pytest.raises(HttpResponseError) as caught:
        list(client.list_pools())

    assert caught.value.status_code == 400
    assert batch.code_of(caught.value) in (
        "UnsupportedRequestVersion",
        "InvalidQueryParameterValue",
    )


def test_an_operation_that_is_not_built_yet_says_so(client: BatchClient):
    with pytest.raises(HttpResponseError) as caught:
        list(client.list_applications())

    assert batch.code_of(caught.value) == "NotImplemented"
