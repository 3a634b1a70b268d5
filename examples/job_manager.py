"""A job manager task that makes the tasks of its job, with azure-batch 15.1.

Run it against any batchyard server::

    python job_manager.py --endpoint http://127.0.0.1:8460 --account NAME --key KEY

It creates a pool of two nodes and a job whose *job manager task* runs this very program on one of
them. There it finds the token of its job in its environment, so it

* adds a task for each word it was given, which counts the letters of that word;
* waits until they are completed, and reads what they found;
* adds one more task that is told the sum, waits for it, and ends.

The end of the manager ends the job.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from azure.batch import BatchClient, models
from azure.core.credentials import AzureKeyCredential, AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import AzureKeyCredentialPolicy

POLL_SECONDS = 0.2
WORDS = ("batch", "pool", "node", "job", "task")

#: The manager finds its own program here: its node may share nothing else with this machine.
PROGRAM = "JOB_MANAGER_PROGRAM"


def shell(script: str) -> str:
    """Return a command line that a shell runs: the service itself expands no variables."""
    return f"/bin/sh -c '{script}'"


# What runs inside the job manager task.


def client_of_task() -> BatchClient:
    """Return a client that may do everything to the job of this task, and nothing else."""
    token = AzureKeyCredential(os.environ["AZ_BATCH_AUTHENTICATION_TOKEN"])
    return BatchClient(
        os.environ["AZ_BATCH_ACCOUNT_URL"],
        token,  # type: ignore[arg-type]  # The policy is what is used.
        authentication_policy=AzureKeyCredentialPolicy(token, "Authorization", prefix="Bearer"),
    )


def manage(words: Sequence[str]) -> None:
    """Make the tasks of the job, one step after the other."""
    job_id = os.environ["AZ_BATCH_JOB_ID"]
    with client_of_task() as client:
        counting = {f"count-{word}": shell(f"printf %s {word} | wc -c") for word in words}
        run(client, job_id, counting)
        total = sum(int(output(client, job_id, task_id)) for task_id in counting)
        run(client, job_id, {"total": shell(f"echo {total} letters")})
    print(f"counted {total} letters in {len(words)} words")


def run(client: BatchClient, job_id: str, commands: dict[str, str]) -> None:
    """Add a task for each command and wait until all of them are completed."""
    wishes = [
        models.BatchTaskCreateOptions(id=task_id, command_line=command)
        for task_id, command in commands.items()
    ]
    client.create_tasks(job_id, wishes)
    while not all(
        task.state == models.BatchTaskState.COMPLETED
        for task in client.list_tasks(job_id)
        if task.id in commands
    ):
        time.sleep(POLL_SECONDS)


def output(client: BatchClient, job_id: str, task_id: str) -> str:
    """Return what a task has written to standard output."""
    return b"".join(client.download_task_file(job_id, task_id, "stdout.txt")).decode()


# What runs outside.


def submit(client: BatchClient, pool_id: str, job_id: str) -> int:
    """Create pool and job, and wait for the end of the job; return an exit code."""
    create_pool(client, pool_id)
    program = Path(__file__).read_text(encoding="utf-8")
    manager = models.BatchJobManagerTask(
        id="manager",
        command_line=shell(f'printf %s "${PROGRAM}" > manager.py && {sys.executable} manager.py'),
        environment_settings=[models.EnvironmentSetting(name=PROGRAM, value=program)],
        # The Python that runs this may lie where accounts without rights cannot go.
        user_identity=models.UserIdentity(
            auto_user=models.AutoUserSpecification(elevation_level=models.ElevationLevel.ADMIN)
        ),
    )
    pool = models.BatchPoolInfo(pool_id=pool_id)
    client.create_job(
        models.BatchJobCreateOptions(id=job_id, pool_info=pool, job_manager_task=manager)
    )
    print(f"Created job {job_id}; its manager makes the tasks")
    job = client.get_job(job_id)
    while job.state != models.BatchJobState.COMPLETED:
        time.sleep(POLL_SECONDS)
        job = client.get_job(job_id)
    for task in client.list_tasks(job_id):
        print(f"{task.id}: {output(client, job_id, task.id).strip()}")
    info, ended = client.get_task(job_id, "manager").execution_info, job.execution_info
    print(f"The job ended: {ended and ended.termination_reason}")
    return 0 if info is not None and info.exit_code == 0 else 1


def create_pool(client: BatchClient, pool_id: str) -> None:
    """Create the pool, unless it exists already: the manager has one of its nodes for itself."""
    pool = models.BatchPoolCreateOptions(
        id=pool_id,
        vm_size="standard_d2_v3",
        target_dedicated_nodes=2,
        task_slots_per_node=2,
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
        if getattr(error.error, "code", None) != "PoolExists":
            raise


def main() -> int:
    """Manage the job where a task of a job is, and submit it elsewhere."""
    if "AZ_BATCH_AUTHENTICATION_TOKEN" in os.environ:
        manage(WORDS)
        return 0
    parser = argparse.ArgumentParser(description="Run a job with a job manager task.")
    for name in ("endpoint", "account", "key"):
        value = os.environ.get(f"BATCH_{name.upper()}")
        parser.add_argument(f"--{name}", default=value, required=value is None)
    parser.add_argument("--pool", default="JobManagerSamplePool")
    parser.add_argument("--job", default="JobManagerSampleJob")
    options = parser.parse_args()
    credential = AzureNamedKeyCredential(options.account, options.key)
    with BatchClient(options.endpoint, credential) as client:
        return submit(client, options.pool, options.job)


if __name__ == "__main__":
    sys.exit(main())
