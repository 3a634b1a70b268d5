"""Job preparation and release tasks: the JobPrepRelease sample, with azure-batch 15.1.

It creates a pool of two nodes and a job with a *job preparation task*, which runs on a node before
the job's first task there, and a *job release task*, which runs there when the job ends:

* the preparation task writes the id of its node into a file that all tasks of the node share;
* eight tasks add their own ids to it;
* the sample prints the file of each node and ends the job;
* the release task deletes the file.

Run it against any service that speaks the Azure Batch API::

    python job_prep_release.py --endpoint http://127.0.0.1:8460 --account NAME --key KEY
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence

from azure.batch import BatchClient, models

# Version 15.1 of the client exports this class under no public name, see `terminate_job`.
from azure.batch.models._models import BatchJobTerminateOptions
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

NODE_COUNT = 2
TASK_COUNT = 8
POLL_SECONDS = 0.5

#: A node's shared directory is seen by all of its tasks and lives as long as the node.
SHARED_FILE = "job_prep_and_release.txt"
SHARED_FILE_IN_COMMAND = f"$AZ_BATCH_NODE_SHARED_DIR/{SHARED_FILE}"


def shell(script: str) -> str:
    """Return a command line that a shell runs: the service itself expands no variables."""
    return f"/bin/sh -c '{script}'"


def create_pool(client: BatchClient, pool_id: str) -> None:
    """Create the pool, unless it exists already."""
    print(f"Attempting to create pool: {pool_id}")
    pool = models.BatchPoolCreateOptions(
        id=pool_id,
        vm_size="standard_d2_v3",
        target_dedicated_nodes=NODE_COUNT,
        virtual_machine_configuration=models.VirtualMachineConfiguration(
            image_reference=models.BatchVmImageReference(
                publisher="canonical",
                offer="0001-com-ubuntu-server-jammy",
                sku="22_04-lts",
                version="latest",
            ),
            node_agent_sku_id="batch.node.ubuntu 22.04",
        ),
    )
    try:
        client.create_pool(pool)
    except HttpResponseError as error:
        if code_of(error) != "PoolExists":
            raise
        print(f"The pool {pool_id} already existed")
    else:
        print(f"Created pool {pool_id} with {NODE_COUNT} nodes")


def create_job(client: BatchClient, job_id: str, pool_id: str) -> None:
    """Create the job with its preparation and release tasks, unless it exists already."""
    print(f"Checking for existing job {job_id}...")
    try:
        client.get_job(job_id)
    except ResourceNotFoundError as error:
        if code_of(error) != "JobNotFound":
            raise
        print(f"Job {job_id} not found, creating...")
    else:
        print(f"Job {job_id} exists")
        return
    job = models.BatchJobCreateOptions(
        id=job_id,
        pool_info=models.BatchPoolInfo(pool_id=pool_id),
        job_preparation_task=models.BatchJobPreparationTask(
            command_line=shell(f'echo "$AZ_BATCH_NODE_ID tasks:" > {SHARED_FILE_IN_COMMAND}')
        ),
        job_release_task=models.BatchJobReleaseTask(
            command_line=shell(f"rm {SHARED_FILE_IN_COMMAND}")
        ),
    )
    client.create_job(job)


def add_tasks(client: BatchClient, job_id: str) -> None:
    """Add the tasks; each of them writes its own id into the shared file of its node."""
    command_line = shell(f'echo "  $AZ_BATCH_TASK_ID" >> {SHARED_FILE_IN_COMMAND}')
    tasks = [
        models.BatchTaskCreateOptions(id=f"task{number:03}", command_line=command_line)
        for number in range(1, TASK_COUNT + 1)
    ]
    client.create_tasks(job_id, tasks)


def all_tasks_completed(client: BatchClient, job_id: str) -> bool:
    """Return whether no task of the job has anything left to do."""
    return all(task.state == models.BatchTaskState.COMPLETED for task in client.list_tasks(job_id))


def print_shared_files(client: BatchClient, job_id: str, pool_id: str) -> None:
    """Print the shared file of each node on which the job was prepared."""
    for status in client.list_job_preparation_and_release_task_status(job_id):
        # A fast first node may have run all of the tasks: then it is the only one here.
        node_id = status.node_id or ""
        chunks = client.download_node_file(pool_id, node_id, f"shared/{SHARED_FILE}")
        print(f"\nContents of shared/{SHARED_FILE} on {node_id}:")
        print("-" * 43)
        print(b"".join(chunks).decode(), end="")


def terminate_job(client: BatchClient, job_id: str) -> None:
    """Ask the service to end the job, which makes it run the release tasks."""
    # Without options, version 15.1 of the client fails before it has sent the request.
    options = BatchJobTerminateOptions(termination_reason="UserTerminate")
    client.begin_terminate_job(job_id, options=options)


def job_is_completed(client: BatchClient, job_id: str) -> bool:
    """Return whether the job has ended, with its release tasks."""
    return client.get_job(job_id).state == models.BatchJobState.COMPLETED


def print_exit_codes(client: BatchClient, job_id: str) -> bool:
    """Print how preparation and release went on each node; return whether all went well."""
    exit_codes = []
    for status in client.list_job_preparation_and_release_task_status(job_id):
        preparation = status.job_preparation_task_execution_info
        release = status.job_release_task_execution_info
        preparation_code = preparation.exit_code if preparation else None
        release_code = release.exit_code if release else None
        print(f"\n{status.node_id}:")
        print(f"  Prep task exit code:    {preparation_code}")
        print(f"  Release task exit code: {release_code}")
        exit_codes += [preparation_code, release_code]
    return bool(exit_codes) and all(code == 0 for code in exit_codes)


def run(client: BatchClient, options: argparse.Namespace, confirm: Callable[[str], bool]) -> int:
    """Do the sample's steps and return the exit code: 0 only if everything went as it should."""
    deadline = time.monotonic() + options.timeout
    create_pool(client, options.pool)
    create_job(client, options.job, options.pool)

    print("Submitting tasks and awaiting completion...")
    add_tasks(client, options.job)
    is_complete = wait_for(lambda: all_tasks_completed(client, options.job), deadline)
    print("All tasks completed." if is_complete else "Timed out before all tasks had completed.")
    print_shared_files(client, options.job, options.pool)

    terminate_job(client, options.job)
    print(f"\nWaiting for job {options.job} to reach state Completed")
    # The release tasks get their time even when the tasks have used up theirs.
    release_deadline = max(deadline, time.monotonic() + 30)
    is_ended = wait_for(lambda: job_is_completed(client, options.job), release_deadline)
    is_clean = print_exit_codes(client, options.job)

    print()
    if confirm("Delete job? [yes] "):
        client.begin_delete_job(options.job, polling_interval=1).wait(options.timeout)
    if confirm("Delete pool? [yes] "):
        client.begin_delete_pool(options.pool, polling_interval=1).wait(options.timeout)
    is_good = is_complete and is_ended and is_clean
    print("\nSample complete." if is_good else "\nSample failed.")
    return 0 if is_good else 1


def wait_for(condition: Callable[[], bool], deadline: float) -> bool:
    """Return True once `condition` holds, or False when it is past `deadline`."""
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def code_of(error: HttpResponseError) -> str | None:
    """Return the service's own code of an error, such as ``PoolExists``."""
    # The client attaches a BatchError; its base class knows other kinds only.
    return getattr(error.error, "code", None)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options, from the command line or else from the environment."""
    environment = os.environ.get
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--endpoint", default=environment("BATCH_ENDPOINT"), metavar="URL")
    parser.add_argument("--account", default=environment("BATCH_ACCOUNT"), metavar="NAME")
    parser.add_argument("--key", default=environment("BATCH_KEY"), metavar="BASE64")
    parser.add_argument("--pool", default="JobPrepReleaseSamplePool", metavar="ID")
    parser.add_argument("--job", default="JobPrepReleaseSampleJob", metavar="ID")
    parser.add_argument(
        "--timeout", default=300.0, type=float, metavar="SECONDS", help="default: %(default)s"
    )
    answer = parser.add_mutually_exclusive_group()
    answer.add_argument("--yes", action="store_true", help="delete job and pool, do not ask")
    answer.add_argument("--no", action="store_true", help="keep job and pool, do not ask")
    options = parser.parse_args(arguments)
    for name in ("endpoint", "account", "key"):
        if not getattr(options, name):
            parser.error(f"give --{name} or set BATCH_{name.upper()}")
    return options


def asker(options: argparse.Namespace) -> Callable[[str], bool]:
    """Return how to decide on a deletion: by option, by asking, or by the default, which is yes."""

    def confirm(question: str) -> bool:
        if options.yes or options.no or not sys.stdin.isatty():
            print(f"{question}{'no' if options.no else 'yes'}")
            return not options.no
        return input(question).strip().lower() in ("", "y", "yes")

    return confirm


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sample from the command line."""
    options = parse(arguments)
    credential = AzureNamedKeyCredential(options.account, options.key)
    try:
        with BatchClient(endpoint=options.endpoint, credential=credential) as client:
            return run(client, options, asker(options))
    except HttpResponseError as error:
        print(f"The service refused: {code_of(error) or error.status_code}", file=sys.stderr)
        print(error.message, file=sys.stderr)
    except AzureError as error:
        print(f"No answer from {options.endpoint}: {error.message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
