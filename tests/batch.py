"""Short words for what the tests ask of the service through its official client."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest
from azure.batch import BatchClient, models
from azure.batch.models._models import BatchJobTerminateOptions, BatchNodeRebootOptions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.waiting import wait_until

LINUX_IMAGE = models.VirtualMachineConfiguration(
    image_reference=models.BatchVmImageReference(
        publisher="canonical",
        offer="0001-com-ubuntu-server-jammy",
        sku="22_04-lts",
        version="latest",
    ),
    node_agent_sku_id="batch.node.ubuntu 22.04",
)

WINDOWS_IMAGE = models.VirtualMachineConfiguration(
    image_reference=models.BatchVmImageReference(
        publisher="microsoftwindowsserver",
        offer="windowsserver",
        sku="2022-datacenter-core",
        version="latest",
    ),
    node_agent_sku_id="batch.node.windows amd64",
)


def sh(script: str) -> str:
    """Return the command line that has a shell run `script`, which holds no single quote."""
    return f"/bin/sh -c '{script}'"


def create_pool(
    client: BatchClient,
    pool_id: str,
    nodes: int,
    slots: int = 1,
    *,
    image: models.VirtualMachineConfiguration = LINUX_IMAGE,
    vm_size: str = "standard_d2_v3",
    **options: Any,
) -> str:
    """Create a pool of `nodes` dedicated nodes and return its id."""
    pool = models.BatchPoolCreateOptions(
        id=pool_id,
        vm_size=vm_size,
        virtual_machine_configuration=image,
        target_dedicated_nodes=nodes,
        task_slots_per_node=slots,
        **options,
    )
    client.create_pool(pool)
    return pool_id


def wait_for_nodes(client: BatchClient, pool_id: str, count: int) -> list[models.BatchNode]:
    """Return the nodes of a pool once `count` of them are idle or running."""

    def ready() -> list[models.BatchNode]:
        nodes = list(client.list_nodes(pool_id))
        usable = [node for node in nodes if node.state in ("idle", "running")]
        return usable if len(usable) == count else []

    return wait_until(ready, 30, f"{count} usable nodes in pool {pool_id}")


def wait_for_node(
    client: BatchClient, pool_id: str, node_id: str, *states: str, seconds: float = 20
) -> models.BatchNode:
    """Return a node once it is in one of `states`."""

    def reached() -> models.BatchNode | None:
        node = client.get_node(pool_id, node_id)
        return node if node.state in states else None

    found = wait_until(reached, seconds, f"node {node_id} of pool {pool_id} {states}")
    assert found is not None
    return found


def has_pool(client: BatchClient, pool_id: str) -> bool:
    """Return whether there is a pool with this id."""
    try:
        client.get_pool(pool_id)
    except ResourceNotFoundError:
        return False
    return True


def the_node(client: BatchClient, pool_id: str) -> str:
    """Return the id of the only node of a pool."""
    (node,) = client.list_nodes(pool_id)
    return node.id


def ask_reboot(client: BatchClient, pool_id: str, node_id: str, option: str = "requeue") -> None:
    """Ask for a restart of a node and return once the service has taken it over."""
    # Version 15.1 of the client cannot send this request without options either.
    options = BatchNodeRebootOptions(node_reboot_kind=option)
    client.begin_reboot_node(pool_id, node_id, options, polling_interval=1)


def reboot(client: BatchClient, pool_id: str, node_id: str) -> models.BatchNode:
    """Restart a node and return it once it takes tasks again."""
    ask_reboot(client, pool_id, node_id)
    return wait_for_node(client, pool_id, node_id, "idle", "running")


def resize(client: BatchClient, pool_id: str, nodes: int, option: str | None = None) -> None:
    """Ask for another number of dedicated nodes."""
    options = models.BatchPoolResizeOptions(
        target_dedicated_nodes=nodes, node_deallocation_option=option
    )
    client.begin_resize_pool(pool_id, options, polling_interval=1)


def remove_nodes(
    client: BatchClient, pool_id: str, nodes: Sequence[str], option: str | None = None
) -> None:
    """Ask for nodes to leave their pool."""
    options = models.BatchNodeRemoveOptions(node_ids=list(nodes), node_deallocation_option=option)
    client.begin_remove_nodes(pool_id, options, polling_interval=1)


def wait_until_steady(client: BatchClient, pool_id: str, nodes: int) -> models.BatchPool:
    """Return a pool once it is steady with this number of dedicated nodes."""

    def reached() -> models.BatchPool | None:
        pool = client.get_pool(pool_id)
        is_steady = pool.allocation_state == "steady" and pool.current_dedicated_nodes == nodes
        return pool if is_steady else None

    found = wait_until(reached, 30, f"pool {pool_id} steady with {nodes} nodes")
    assert found is not None
    return found


def start_task_of(node: models.BatchNode) -> models.BatchStartTaskInfo:
    """Return how a node's start task went, which must be there."""
    assert node.start_task_info is not None
    return node.start_task_info


def file(url: str, path: str, mode: str | None = None) -> models.ResourceFile:
    """Return a resource file."""
    return models.ResourceFile(http_url=url, file_path=path, file_mode=mode)


def setting(name: str, value: str) -> models.EnvironmentSetting:
    """Return an environment variable to set."""
    return models.EnvironmentSetting(name=name, value=value)


def create_job(client: BatchClient, job_id: str, pool_id: str, **options: Any) -> str:
    """Create a job in a pool and return its id."""
    pool = models.BatchPoolInfo(pool_id=pool_id)
    client.create_job(models.BatchJobCreateOptions(id=job_id, pool_info=pool, **options))
    return job_id


def task(task_id: str, command_line: str, **options: Any) -> models.BatchTaskCreateOptions:
    """Return a task to add."""
    return models.BatchTaskCreateOptions(id=task_id, command_line=command_line, **options)


def add_tasks(client: BatchClient, job_id: str, tasks: Sequence[object]) -> None:
    """Add tasks in as many requests as it takes; each of them must be taken."""
    wishes = [one for one in tasks if isinstance(one, models.BatchTaskCreateOptions)]
    client.create_tasks(job_id, wishes)


def tasks_of(client: BatchClient, job_id: str) -> dict[str, models.BatchTask]:
    """Return the tasks of a job by id."""
    return {one.id: one for one in client.list_tasks(job_id)}


def wait_for_tasks(
    client: BatchClient, job_id: str, seconds: float = 30
) -> dict[str, models.BatchTask]:
    """Return the tasks of a job once all of them are completed."""

    def completed() -> dict[str, models.BatchTask]:
        tasks = tasks_of(client, job_id)
        is_done = all(one.state == "completed" for one in tasks.values())
        return tasks if is_done else {}

    return wait_until(completed, seconds, f"all tasks of job {job_id} completed")


def run_task(
    client: BatchClient, job_id: str, wish: models.BatchTaskCreateOptions
) -> models.BatchTask:
    """Add one task and return it once it is completed."""
    client.create_task(job_id, wish)
    return wait_for_task(client, job_id, wish.id, "completed")


def wait_for_task(
    client: BatchClient, job_id: str, task_id: str, state: str, seconds: float = 20
) -> models.BatchTask:
    """Return a task once it is in `state`."""

    def reached() -> models.BatchTask | None:
        one = client.get_task(job_id, task_id)
        return one if one.state == state else None

    found = wait_until(reached, seconds, f"task {task_id} of job {job_id} {state}")
    assert found is not None
    return found


def terminate(
    client: BatchClient, job_id: str, reason: str = "UserTerminate", *, is_forced: bool = False
) -> None:
    """Ask for the end of a job and return once the service has taken it over."""
    # Version 15.1 of the client cannot send this request without options.
    options = BatchJobTerminateOptions(termination_reason=reason)
    client.begin_terminate_job(job_id, options=options, polling_interval=1, force=is_forced)


def wait_for_job(
    client: BatchClient, job_id: str, state: str = "completed", seconds: float = 20
) -> models.BatchJob:
    """Return a job once it is in `state`."""

    def reached() -> models.BatchJob | None:
        job = client.get_job(job_id)
        return job if job.state == state else None

    found = wait_until(reached, seconds, f"job {job_id} {state}")
    assert found is not None
    return found


def end_job(client: BatchClient, job_id: str) -> models.BatchJob:
    """Terminate a job and return it once it is completed."""
    terminate(client, job_id)
    return wait_for_job(client, job_id)


def is_gone(client: BatchClient, job_id: str) -> bool:
    """Return whether there is no job with this id."""
    try:
        client.get_job(job_id)
    except ResourceNotFoundError:
        return True
    return False


def delete_job(client: BatchClient, job_id: str) -> None:
    """Delete a job and return once it is gone."""
    client.begin_delete_job(job_id, polling_interval=1)
    wait_until(lambda: is_gone(client, job_id), 20, f"job {job_id} gone")


def statuses(
    client: BatchClient, job_id: str
) -> dict[str, models.BatchJobPreparationAndReleaseTaskStatus]:
    """Return how preparation and release of a job went, by node id."""
    found = list(client.list_job_preparation_and_release_task_status(job_id))
    by_node = {one.node_id: one for one in found if one.node_id is not None}
    assert len(by_node) == len(found), "one entry for each node"
    return by_node


def preparation_of(
    status: models.BatchJobPreparationAndReleaseTaskStatus,
) -> models.BatchJobPreparationTaskExecutionInfo:
    """Return the preparation part of a status, which must be there."""
    assert status.job_preparation_task_execution_info is not None
    return status.job_preparation_task_execution_info


def release_of(
    status: models.BatchJobPreparationAndReleaseTaskStatus,
) -> models.BatchJobReleaseTaskExecutionInfo:
    """Return the release part of a status, which must be there."""
    assert status.job_release_task_execution_info is not None
    return status.job_release_task_execution_info


def execution_of(one: models.BatchTask) -> models.BatchTaskExecutionInfo:
    """Return how a task's run went, which must be there."""
    assert one.execution_info is not None
    return one.execution_info


def start_of(one: models.BatchTask) -> datetime:
    """Return when a task's latest run started, which must be there."""
    start = execution_of(one).start_time
    assert start is not None
    return start


def end_of(one: models.BatchTask) -> datetime:
    """Return when a task ended, which must be there."""
    end = execution_of(one).end_time
    assert end is not None
    return end


def prepared_time(status: models.BatchJobPreparationAndReleaseTaskStatus) -> datetime:
    """Return when a node's preparation ended, which must be there."""
    end = preparation_of(status).end_time
    assert end is not None
    return end


def node_of(one: models.BatchTask) -> str:
    """Return the id of the node that a task ran on."""
    assert one.node_info is not None
    assert one.node_info.node_id is not None
    return one.node_info.node_id


def by_node(tasks: Iterable[models.BatchTask]) -> dict[str, list[models.BatchTask]]:
    """Return tasks by the node that they ran on."""
    found: dict[str, list[models.BatchTask]] = {}
    for one in tasks:
        found.setdefault(node_of(one), []).append(one)
    return found


def failure_of(
    info: models.BatchTaskExecutionInfo
    | models.BatchJobPreparationTaskExecutionInfo
    | models.BatchJobReleaseTaskExecutionInfo
    | models.BatchStartTaskInfo,
) -> str:
    """Return the code of why a run failed, which must be there."""
    assert info.failure_info is not None
    assert info.failure_info.code is not None
    return info.failure_info.code


def stdout(client: BatchClient, job_id: str, task_id: str) -> str:
    """Return what a task has written to standard output."""
    return b"".join(client.download_task_file(job_id, task_id, "stdout.txt")).decode()


def node_text(client: BatchClient, pool_id: str, node_id: str, path: str) -> str:
    """Return the content of a file of a node."""
    return b"".join(client.download_node_file(pool_id, node_id, path)).decode()


def node_files(client: BatchClient, pool_id: str, node_id: str) -> set[str]:
    """Return the names of all files and directories of a node."""
    found = client.list_node_files(pool_id, node_id, recursive=True)
    return {one.name for one in found if one.name is not None}


def code_of(error: HttpResponseError) -> str:
    """Return the service's code of an error."""
    return getattr(error.error, "code", None) or ""


def refusal_of(
    download: Callable[..., Iterator[bytes]], *arguments: str, **options: str
) -> tuple[int, str]:
    """Return status and code with which a download is refused, as it must be."""
    with pytest.raises(HttpResponseError) as caught:
        b"".join(download(*arguments, **options))
    # The client raises before it has read the answer to a download, so it knows no code.
    response: Any = caught.value.response
    response.read()
    return response.status_code, response.json()["code"]
