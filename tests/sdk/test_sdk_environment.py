"""The environment of tasks, through the official client. Named by the rows of the checklist."""

from urllib.parse import urlsplit

from azure.batch import models

from tests import batch
from tests.batch import setting, sh
from tests.service import FIRST


def variables(text: str) -> dict[str, str]:
    """Return what ``env`` has printed."""
    lines = [line.partition("=") for line in text.splitlines()]
    return {name: value for name, _, value in lines}


def test_sa_106_108_tasks_see_the_variables_of_the_service(client, server, wide, create_job):
    job = create_job(wide, job_preparation_task=models.BatchJobPreparationTask(command_line="true"))
    task = batch.run_task(client, job, batch.task("t", sh("env; pwd")))

    text = batch.stdout(client, job, "t")
    seen = variables(text)
    root = seen["AZ_BATCH_NODE_ROOT_DIR"]
    here = f"{root}/workitems/{job}/job-1"
    expected = {
        "AZ_BATCH_ACCOUNT_NAME": FIRST.name,
        "AZ_BATCH_POOL_ID": wide,
        "AZ_BATCH_NODE_ID": batch.node_of(task),
        "AZ_BATCH_NODE_IS_DEDICATED": "true",
        "AZ_BATCH_NODE_SHARED_DIR": f"{root}/shared",
        "AZ_BATCH_NODE_STARTUP_DIR": f"{root}/startup",
        "AZ_BATCH_NODE_MOUNTS_DIR": f"{root}/fsmounts",
        "AZ_BATCH_JOB_ID": job,
        "AZ_BATCH_TASK_ID": "t",
        "AZ_BATCH_TASK_DIR": f"{here}/t",
        "AZ_BATCH_TASK_WORKING_DIR": f"{here}/t/wd",
        "AZ_BATCH_JOB_PREP_DIR": f"{here}/jobpreparation",
        "AZ_BATCH_JOB_PREP_WORKING_DIR": f"{here}/jobpreparation/wd",
        "AZ_BATCH_CERTIFICATES_DIR": f"{here}/t/certs",
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert int(seen["AZ_BATCH_TASK_RESERVED_EPHEMERAL_DISK_SPACE_BYTES"]) >= 0
    assert urlsplit(seen["AZ_BATCH_ACCOUNT_URL"]).netloc == urlsplit(server.endpoint).netloc
    assert text.splitlines()[-1] == f"{here}/t/wd"


def test_sa_107_111_tasks_see_custom_variables_and_read_them_by_their_names(
    client, wide, create_job
):
    job = create_job(wide)
    own = [setting("MY_ENV_VAR", "its value; with $HOME and 'quotes'"), setting("EMPTY", "")]

    batch.run_task(
        client,
        job,
        batch.task("t", sh('echo "$MY_ENV_VAR[$EMPTY]"'), environment_settings=own),
    )

    assert batch.stdout(client, job, "t") == "its value; with $HOME and 'quotes'[]\n"


def test_sa_109_custom_variables_of_a_job_reach_all_of_its_tasks(client, wide, create_job):
    common = [setting("COMMON", "of the job"), setting("BOTH", "of the job")]
    show = "$COMMON, $BOTH"
    mark = f'echo "{show}" > $AZ_BATCH_NODE_SHARED_DIR/$AZ_BATCH_JOB_ID'
    job = create_job(
        wide,
        common_environment_settings=common,
        job_preparation_task=models.BatchJobPreparationTask(
            command_line=sh(f"{mark}.prep"), environment_settings=[setting("BOTH", "of prep")]
        ),
        job_release_task=models.BatchJobReleaseTask(command_line=sh(f"{mark}.release")),
    )
    own = [setting("BOTH", "of the task")]
    batch.add_tasks(
        client,
        job,
        [
            batch.task("plain", sh(f'echo "{show}"')),
            batch.task("own", sh(f'echo "{show}"'), environment_settings=own),
        ],
    )
    batch.wait_for_tasks(client, job)
    node = batch.the_node(client, wide)

    assert batch.stdout(client, job, "plain") == "of the job, of the job\n"
    assert batch.stdout(client, job, "own") == "of the job, of the task\n"
    batch.end_job(client, job)
    for name, expected in (
        ("prep", "of the job, of prep\n"),
        ("release", "of the job, of the job\n"),
    ):
        assert batch.node_text(client, wide, node, f"shared/{job}.{name}") == expected
    found = client.get_job(job).common_environment_settings
    assert [(one.name, one.value) for one in found] == [
        ("COMMON", "of the job"),
        ("BOTH", "of the job"),
    ]


def test_sa_110_clients_read_the_custom_variables_of_a_task(client, wide, create_job):
    """And those only: what is read can be sent again (F-14)."""
    job = create_job(wide)
    own = [setting("A", "1"), setting("B", "2")]
    client.create_task(job, batch.task("t", "true", environment_settings=own))
    found = client.get_task(job, "t").environment_settings
    assert [(one.name, one.value) for one in found] == [("A", "1"), ("B", "2")]
