"""Start tasks through the official client: rows SA-62 … SA-79 of the source article."""

import io
import zipfile

import pytest
from azure.batch import BatchClient, models
from azure.batch.models._models import BatchNodeReimageOptions
from azure.core.exceptions import HttpResponseError

from tests import batch
from tests.batch import sh
from tests.waiting import wait_until

START = models.BatchStartTask
SHARED = "$AZ_BATCH_NODE_SHARED_DIR"


def counting() -> models.BatchStartTask:
    """A start task that adds a line to a file of its node each time."""
    return START(command_line=sh(f"echo started >> {SHARED}/starts.txt"))


def test_sa_62_the_start_task_prepares_every_node(client, make_pool, create_job):
    mark = sh(f"echo $AZ_BATCH_NODE_ID > {SHARED}/mark.txt")
    pool = make_pool(nodes=3, start_task=START(command_line=mark))
    job = create_job(pool)
    seen = sh(f"cat {SHARED}/mark.txt; sleep 0.5")
    batch.add_tasks(client, job, [batch.task(f"t{n}", seen) for n in range(3)])

    tasks = batch.wait_for_tasks(client, job)

    assert len(batch.by_node(tasks.values())) == 3
    for name, one in tasks.items():
        assert batch.stdout(client, job, name) == f"{batch.node_of(one)}\n"


def test_sa_63_the_start_task_may_install_programs_and_start_background_processes(
    client, make_pool, create_job
):
    install = (
        f'printf "#!/bin/sh\\necho installed\\n" > {SHARED}/program; chmod 755 {SHARED}/program; '
        f"nohup sleep 9999 > /dev/null 2>&1 & echo $! > {SHARED}/pid"
    )
    pool = make_pool(start_task=START(command_line=sh(install)))
    job = create_job(pool)

    use = sh(f'{SHARED}/program && tr "\\0" " " < /proc/$(cat {SHARED}/pid)/cmdline')
    done = batch.run_task(client, job, batch.task("t", use))

    assert batch.execution_of(done).exit_code == 0
    assert batch.stdout(client, job, "t") == "installed\nsleep 9999 "


def test_sa_64_the_start_task_runs_every_time_the_node_starts(client, make_pool):
    pool = make_pool(start_task=counting())
    node = batch.the_node(client, pool)
    first = batch.start_task_of(client.get_node(pool, node))
    assert batch.node_text(client, pool, node, "shared/starts.txt") == "started\n"

    again = batch.start_task_of(batch.reboot(client, pool, node))

    assert batch.node_text(client, pool, node, "shared/starts.txt") == "started\n" * 2
    assert again.start_time > first.start_time
    assert (again.state, again.result, again.retry_count) == ("completed", "success", 0)


def test_sa_65_a_node_of_virtual_machines_cannot_be_reimaged(client, make_pool):
    pool = make_pool(start_task=counting())
    node = batch.the_node(client, pool)
    options = BatchNodeReimageOptions(node_reimage_option="requeue")

    with pytest.raises(HttpResponseError) as caught:
        client.begin_reimage_node(pool, node, options, polling_interval=1)

    assert caught.value.status_code == 409
    assert batch.code_of(caught.value) == "OperationNotValidOnNode"
    assert client.get_node(pool, node).state == "idle"
    assert batch.node_text(client, pool, node, "shared/starts.txt") == "started\n"


def test_sa_66_a_pool_grows_by_a_new_target_alone(client, make_pool, create_job):
    pool = make_pool(start_task=counting())
    first = batch.the_node(client, pool)

    batch.resize(client, pool, 3)
    nodes = {one.id for one in batch.wait_for_nodes(client, pool, 3)}
    batch.wait_until_steady(client, pool, 3)

    assert first in nodes
    for node in nodes:
        assert batch.node_text(client, pool, node, "shared/starts.txt") == "started\n"
    job = create_job(pool)
    batch.add_tasks(client, job, [batch.task(f"t{n}", sh("sleep 0.5")) for n in range(3)])
    tasks = batch.wait_for_tasks(client, job)
    assert set(batch.by_node(tasks.values())) == nodes


def test_sa_67_the_start_task_has_resource_files_and_a_command_line(client, make_pool, web):
    files = [batch.file(web.serve("/sa-67.txt", "from the web\n"), "data/in.txt")]
    pool = make_pool(start_task=START(command_line="cat data/in.txt", resource_files=files))
    node = batch.the_node(client, pool)

    text = batch.node_text(client, pool, node, "startup/stdout.txt")

    assert text == "from the web\n"
    assert "startup/wd/data/in.txt" in batch.node_files(client, pool, node)


def test_sa_68_files_are_there_before_the_command_runs(client, make_pool, web):
    files = [batch.file(web.serve(f"/sa-68/{n}.txt", f"{n}\n"), f"{n}.txt") for n in range(5)]
    present = " && ".join(f"test -s {n}.txt" for n in range(5))
    pool = make_pool(start_task=START(command_line=sh(present), resource_files=files))

    info = batch.start_task_of(client.get_node(pool, batch.the_node(client, pool)))

    assert (info.exit_code, info.result) == (0, "success")


def test_sa_69_files_may_be_tools_with_what_they_depend_on(client, make_pool, web):
    tool = "#!/bin/sh\n. ./lib/words.sh\necho $WORD\n"
    files = [
        batch.file(web.serve("/sa-69/tool.sh", tool), "tool.sh", mode="0755"),
        batch.file(web.serve("/sa-69/words.sh", "WORD=dependency\n"), "lib/words.sh"),
    ]
    pool = make_pool(start_task=START(command_line=sh("./tool.sh"), resource_files=files))
    node = batch.the_node(client, pool)

    assert batch.node_text(client, pool, node, "startup/stdout.txt") == "dependency\n"


def test_sa_70_reference_data_in_the_shared_directory_serve_all_tasks(
    client, make_pool, create_job, web
):
    files = [batch.file(web.serve("/sa-70.dat", "reference\n"), "in.dat")]
    start = START(command_line=sh(f"cp in.dat {SHARED}"), resource_files=files)
    pool = make_pool(slots=2, start_task=start)

    for _ in range(2):
        job = create_job(pool)
        read = sh(f"cat {SHARED}/in.dat")
        batch.add_tasks(client, job, [batch.task(f"t{n}", read) for n in range(3)])
        for name in batch.wait_for_tasks(client, job):
            assert batch.stdout(client, job, name) == "reference\n"


def test_sa_71_tasks_wait_for_the_start_task_by_default(client, make_pool, create_job):
    pool = make_pool(start_task=START(command_line=sh("sleep 1.5")), is_ready=False)
    job = create_job(pool)
    client.create_task(job, batch.task("t", "true"))

    waiting = _wait_for_first_node(client, pool, "waitingforstarttask")
    assert client.get_task(job, "t").state == "active"
    done = batch.wait_for_task(client, job, "t", "completed")

    info = batch.start_task_of(client.get_node(pool, waiting.id))
    assert info.end_time is not None
    assert batch.start_of(done) >= info.end_time


def test_sa_72_waiting_for_the_start_task_can_be_turned_off(client, make_pool, create_job):
    start = START(command_line=sh("sleep 60"), wait_for_success=False)
    pool = make_pool(start_task=start)
    job = create_job(pool)

    done = batch.run_task(client, job, batch.task("t", "true"))

    info = batch.start_task_of(client.get_node(pool, batch.node_of(done)))
    assert (info.state, info.end_time, info.exit_code) == ("running", None, None)


def test_sa_73_a_node_whose_start_task_failed_shows_it_and_gets_no_task(
    client, make_pool, create_job
):
    pool = make_pool(start_task=START(command_line=sh("exit 3")), is_ready=False)
    job = create_job(pool)
    client.create_task(job, batch.task("t", "true"))

    node = _wait_for_first_node(client, pool, "starttaskfailed")

    info = batch.start_task_of(node)
    assert (info.state, info.exit_code, info.result) == ("completed", 3, "failure")
    assert client.get_task(job, "t").state == "active"
    # The cure: another start task, and a restart.
    client.update_pool(pool, models.BatchPoolUpdateOptions(start_task=counting()))
    batch.reboot(client, pool, node.id)
    batch.wait_for_task(client, job, "t", "completed")


def test_sa_74_a_file_that_cannot_be_copied_fails_the_start_task(client, make_pool, web):
    missing = [batch.file(f"{web.url}/sa-74/missing", "in.txt")]
    start = START(command_line="true", resource_files=missing, max_task_retry_count=2)
    pool = make_pool(start_task=start, is_ready=False)

    info = batch.start_task_of(_wait_for_first_node(client, pool, "starttaskfailed"))

    assert (info.result, info.exit_code, info.retry_count) == ("failure", None, 0)
    assert batch.failure_of(info) == "BlobNotFound"


def test_sa_75_an_exit_code_other_than_zero_fails_the_start_task_after_its_tries(client, make_pool):
    start = START(command_line=sh("echo try >> tries.txt; exit 5"), max_task_retry_count=2)
    pool = make_pool(start_task=start, is_ready=False)

    node = _wait_for_first_node(client, pool, "starttaskfailed")

    info = batch.start_task_of(node)
    assert (info.result, info.exit_code, info.retry_count) == ("failure", 5, 2)
    assert batch.failure_of(info) == "FailureExitCode"
    assert batch.node_text(client, pool, node.id, "startup/wd/tries.txt") == "try\n" * 3


def test_sa_76_a_changed_start_task_takes_effect_at_the_next_restart(client, make_pool):
    pool = make_pool(start_task=START(command_line=sh("echo old")))
    node = batch.the_node(client, pool)
    new = START(command_line=sh("echo new"))

    client.update_pool(pool, models.BatchPoolUpdateOptions(start_task=new))

    assert _start_command(client.get_pool(pool).start_task) == new.command_line
    assert _start_command(client.get_node(pool, node).start_task) == sh("echo old")
    assert batch.node_text(client, pool, node, "startup/stdout.txt") == "old\n"
    rebooted = batch.reboot(client, pool, node)
    assert _start_command(rebooted.start_task) == new.command_line
    assert batch.node_text(client, pool, node, "startup/stdout.txt") == "new\n"


def test_sa_77_the_size_of_a_start_task_is_limited(client, make_pool):
    def start(size: int) -> models.BatchStartTask:
        filling = [batch.setting("FILLING", "x" * size)]
        return START(command_line="printenv FILLING", environment_settings=filling)

    with pytest.raises(HttpResponseError) as caught:
        batch.create_pool(client, "sa-77", 1, start_task=start(40_000))

    assert caught.value.status_code == 400
    assert batch.code_of(caught.value) == "InvalidPropertyValue"
    pool = make_pool(start_task=start(1_000))
    node = batch.the_node(client, pool)
    assert batch.node_text(client, pool, node, "startup/stdout.txt") == "x" * 1_000 + "\n"


def test_sa_79_a_zip_file_is_the_way_round_the_size_limit(client, make_pool, create_job, web):
    content = "a line of a large file\n" * 5_000
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/large.txt", content)
    files = [batch.file(web.serve("/sa-79.zip", packed.getvalue()), "all.zip")]
    unpack = sh(f"python3 -m zipfile -e all.zip {SHARED}")
    pool = make_pool(start_task=START(command_line=unpack, resource_files=files))
    job = create_job(pool)

    batch.run_task(client, job, batch.task("t", sh(f"wc -c < {SHARED}/folder/large.txt")))

    assert batch.stdout(client, job, "t").strip() == str(len(content))


def test_processes_of_a_start_task_live_until_their_node_restarts(
    client, make_pool, create_job, server
):
    def lone_sleepers() -> list[str]:
        return [one.command_line() for one in server.look() if one.command_line() == "sleep 8888"]

    start = START(command_line=sh("nohup sleep 8888 > /dev/null 2>&1 &"))
    pool = make_pool(start_task=start)
    batch.run_task(client, create_job(pool), batch.task("t", "true"))
    assert len(lone_sleepers()) == 1

    once = START(command_line="true")
    client.update_pool(pool, models.BatchPoolUpdateOptions(start_task=once))
    batch.reboot(client, pool, batch.the_node(client, pool))

    assert lone_sleepers() == []


def test_a_start_task_that_nobody_waits_for_may_fail(client, make_pool, create_job):
    pool = make_pool(start_task=START(command_line=sh("exit 3"), wait_for_success=False))
    node = batch.the_node(client, pool)
    wait_until(
        lambda: batch.start_task_of(client.get_node(pool, node)).state == "completed", 10, "it ends"
    )

    batch.run_task(client, create_job(pool), batch.task("t", "true"))

    info = batch.start_task_of(client.get_node(pool, node))
    assert (info.result, info.exit_code) == ("failure", 3)


@pytest.mark.parametrize("way", ["remove", "resize", "delete"])
def test_a_node_can_leave_while_its_start_task_runs(client, make_pool, server, way: str):
    def sleepers() -> list[str]:
        return [one.command_line() for one in server.look() if "sleep 4444" in one.command_line()]

    pool = make_pool(start_task=START(command_line=sh("sleep 4444 & sleep 4444")), is_ready=False)
    node = _wait_for_first_node(client, pool, "waitingforstarttask")
    wait_until(lambda: len(sleepers()) > 1, 10, "the start task runs")
    batch.wait_until_steady(client, pool, 1)

    if way == "remove":
        batch.remove_nodes(client, pool, [node.id], "taskcompletion")
    elif way == "resize":
        batch.resize(client, pool, 0, "taskcompletion")
    else:
        client.begin_delete_pool(pool, polling_interval=1)

    wait_until(lambda: sleepers() == [], 15, "its processes are gone")
    if way == "delete":
        wait_until(
            lambda: pool not in {one.id for one in client.list_pools()}, 15, "the pool is gone"
        )
    else:
        batch.wait_until_steady(client, pool, 0)


def _wait_for_first_node(client: BatchClient, pool: str, state: str) -> models.BatchNode:
    """The only node of a pool, once it is in `state`."""

    def reached() -> list[models.BatchNode]:
        return [one for one in client.list_nodes(pool) if one.state == state]

    (node,) = wait_until(reached, 20, f"the node of pool {pool} {state}")
    return node


def _start_command(start_task: models.BatchStartTask | None) -> str:
    assert start_task is not None
    return start_task.command_line
