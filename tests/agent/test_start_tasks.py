"""The start task: its directory, its variables, and what it leaves running until the node ends."""

import sys
import time
from collections.abc import Callable

import msgspec
import pytest

from batchyard.agent import processes
from batchyard.agent.settings import TaskAccount
from batchyard.core.states import EndCause, ExecutionKind
from batchyard.link.messages import Assignment, Ended, ResourceFileOrder, Shutdown, Stop
from tests.agent import web
from tests.agent.nodes import Node, Service, assignment, wait_until
from tests.agent.test_accounts import needs_root
from tests.agent.test_process_trees import DAEMON, STRIPPED
from tests.agent.web import Web

#: Leaves a process of its own session, one of ours, and one that writes its pid.
LEAVE = "/bin/sh -c 'setsid sleep 1000 & sleep 1000 & echo $! > left; exit {}'"

#: Three processes that are new ones, each of its own session, every few milliseconds.
CHAINS_THAT_COUNT = """
import os, time
for number in range(3):
    open(str(number), "w").close()
    if os.fork() == 0:
        while True:
            if os.fork():
                os._exit(0)
            os.setsid()
            os.write(os.open(str(number), os.O_WRONLY | os.O_APPEND), b".")
            time.sleep(0.002)
"""


def start_task(command_line: str, attempt: int = 1, **changes: object) -> Assignment:
    return assignment(
        command_line,
        execution_id=f"start-{attempt}",
        kind=ExecutionKind.START,
        job_id="",
        task_id="",
        directory="startup",
        slots=0,
        **changes,
    )


def run(service: Service, command_line: str, attempt: int = 1, **changes: object) -> Ended:
    one = start_task(command_line, attempt, **changes)
    service.assign(one)
    return service.ended(one.execution_id)


def program(node: Node, text: str) -> str:
    path = node.home / "program.py"
    path.write_text(text)
    return f"{sys.executable} -I -S {path}"


def output(node: Node) -> str:
    return (node.layout.startup / "stdout.txt").read_text()


def left(node: Node) -> list[int]:
    """Return what lives of all that the supervisor adopted or started."""
    found = processes.children(node.supervisor_pid())
    return sorted(pid for pid in found if processes.start_time(pid) is not None)


def test_it_runs_in_the_startup_directory_with_variables_of_no_task(
    node: Node, service: Service
) -> None:
    assert run(service, "/bin/sh -c 'pwd; echo error >&2; env'").exit_code == 0
    startup = node.layout.startup
    first, *lines = output(node).splitlines()
    assert first == f"{startup}/wd"
    assert (startup / "stderr.txt").read_text() == "error\n"
    variables = dict(line.split("=", 1) for line in lines)
    assert variables["AZ_BATCH_TASK_DIR"] == variables["AZ_BATCH_NODE_STARTUP_DIR"] == str(startup)
    assert variables["AZ_BATCH_TASK_WORKING_DIR"] == variables["HOME"] == f"{startup}/wd"
    assert variables["AZ_BATCH_CERTIFICATES_DIR"] == f"{startup}/certs"
    assert not variables.keys() & {
        "AZ_BATCH_JOB_ID", "AZ_BATCH_TASK_ID", "AZ_BATCH_JOB_PREP_DIR",
        "AZ_BATCH_JOB_PREP_WORKING_DIR",
    }  # fmt: skip


def test_it_does_not_wait_for_tasks(make_node: Callable[..., Node]) -> None:
    node = make_node(slots=1)
    service = Service(node)
    service.assign(assignment("sleep 1000", name="long"), assignment("true", name="waiting"))
    service.started("long")
    assert run(service, "true").exit_code == 0
    service.send(Stop(["waiting", "long"], 0.0))
    service.ended("long")


def test_it_has_resource_files(node: Node, service: Service, server: Web) -> None:
    server.answers["/a"] = web.text("fetched\n")
    files = [ResourceFileOrder(f"{server.url}/a", "bin/a", 0o770)]
    assert run(service, "cat bin/a", resource_files=files).exit_code == 0
    assert output(node) == "fetched\n"


@pytest.mark.parametrize("exit_code", [0, 3])
def test_what_it_leaves_running_lives_on_and_its_end_does_not_wait_for_that(
    node: Node, service: Service, exit_code: int
) -> None:
    assert run(service, LEAVE.format(exit_code)).exit_code == exit_code
    before = left(node)
    assert len(before) == 2
    for number in range(3):
        service.run("/bin/sh -c 'setsid sleep 1000 & exit 0'", name=f"t{number}")
    assert left(node) == before


def test_a_daemon_with_its_cookie_lives_on(node: Node, service: Service) -> None:
    run(service, program(node, DAEMON))
    (pid,) = left(node)
    service.run("true")
    assert left(node) == [pid]
    # What it starts later is its own too, also when that loses its parent.
    assert processes.variable(pid, "BATCHYARD_EXECUTION") == "start-1"


def test_a_process_without_cookie_lives_on_by_its_session(node: Node, service: Service) -> None:
    run(service, "/bin/sh -c 'env -i /bin/sleep 1000 & exit 0'")
    (pid,) = left(node)
    assert wait_until(lambda: processes.variable(pid, "PATH") is None)
    service.run("/bin/sh -c 'env -i /bin/sleep 1000 & exit 0'")
    assert left(node) == [pid]


def test_a_process_without_cookie_and_session_lives_on(node: Node, service: Service) -> None:
    run(service, program(node, STRIPPED))
    (pid,) = left(node)
    service.run("true")
    assert left(node) == [pid]


def test_what_forks_all_the_time_lives_on(node: Node, service: Service) -> None:
    run(service, program(node, CHAINS_THAT_COUNT))
    for number in range(10):
        service.run("true", name=f"t{number}")
    files = [node.layout.startup / f"wd/{number}" for number in range(3)]
    sizes = [file.stat().st_size for file in files]
    wait_until(lambda: all(f.stat().st_size > s for f, s in zip(files, sizes, strict=True)))
    service.send(Shutdown())
    assert node.exit_code() == 0
    assert node.processes() == set()


def test_a_stray_of_a_task_is_killed_when_nothing_of_the_start_task_is_left(
    node: Node, service: Service
) -> None:
    run(service, "true")
    service.run("true")
    service.run(program(node, STRIPPED), name="t2")
    assert left(node) == []


def test_a_stop_ends_it_with_its_whole_tree(node: Node, service: Service) -> None:
    service.assign(start_task("/bin/sh -c 'setsid sleep 1000 & sleep 1000'"))
    service.started("start-1")
    wait_until(lambda: len(node.processes()) == 3)
    service.send(Stop(["start-1"], 0.0))
    assert service.ended("start-1").cause is EndCause.STOPPED
    assert node.processes() == set()


def test_its_time_limit_ends_it_with_its_whole_tree(node: Node, service: Service) -> None:
    ended = run(service, "/bin/sh -c 'setsid sleep 1000 & sleep 1000'", wall_clock_seconds_max=0.1)
    assert ended.cause is EndCause.TIMED_OUT
    assert node.processes() == set()


def test_a_retry_lets_alone_what_the_first_attempt_left(node: Node, service: Service) -> None:
    run(service, LEAVE.format(1))
    before = left(node)
    first_left = (node.layout.startup / "wd/left").read_text()
    assert run(service, "/bin/sh -c 'cat left; setsid sleep 1000 & exit 0'", 2).exit_code == 0
    assert output(node) == first_left
    after = left(node)
    assert len(after) == 3
    assert set(before) < set(after)
    service.assign(start_task("/bin/sh -c 'setsid sleep 1000 & sleep 1000'", 3))
    service.started("start-3")
    service.send(Stop(["start-3"], 0.0))
    service.ended("start-3")
    assert left(node) == after


def test_an_old_attempt_does_not_write_into_the_logs_of_a_new_one(
    node: Node, service: Service
) -> None:
    loop = "while [ ! -e go ]; do sleep 0.005; done; echo old; touch done"
    (node.home / "loop.sh").write_text(loop)
    run(service, f"/bin/sh -c 'sh {node.home}/loop.sh & exit 1'")
    run(service, "echo new", 2)
    (node.layout.startup / "wd/go").touch()
    wait_until((node.layout.startup / "wd/done").exists)
    assert output(node) == "new\n"


def test_what_it_left_outlives_the_agent(node: Node, service: Service) -> None:
    run(service, LEAVE.format(0))
    before = left(node)
    node.kill_agent()
    node.start()
    later = Service(node)
    assert later.welcome.known == []
    later.run("true")
    assert left(node) == before


@pytest.mark.parametrize("is_agent_alive", [True, False])
def test_what_it_left_keeps_a_node_up_that_is_alone(
    make_node: Callable[..., Node], is_agent_alive: bool
) -> None:
    node = make_node(alone_seconds_max=0.1)
    service = Service(node)
    run(service, "/bin/sh -c 'until [ -e go ]; do sleep 0.01; done & exit 0'")
    supervisor = node.supervisor_pid()
    service.close()
    if not is_agent_alive:
        node.kill_agent()
    # Several looks of both pass before it may end.
    end = time.monotonic() + 2.0
    wait_until(lambda: time.monotonic() > end or processes.start_time(supervisor) is None)
    assert len(node.processes()) >= 1
    (node.layout.startup / "wd/go").touch()
    if is_agent_alive:
        assert node.exit_code() == 0
    wait_until(lambda: processes.start_time(supervisor) is None)


@pytest.mark.parametrize("way", ["shutdown", "killed agent", "killed agent and supervisor"])
def test_a_new_life_begins_without_what_it_left_and_with_its_files(
    node: Node, service: Service, way: str
) -> None:
    run(service, "/bin/sh -c 'setsid sleep 1000 & sleep 1000 & touch kept; exit 0'")
    service.run("touch kept")
    assert len(left(node)) == 2
    begin = time.monotonic()
    if way == "shutdown":
        service.send(Shutdown())
        assert node.exit_code() == 0
    else:
        node.kill_agent()
    if way == "killed agent and supervisor":
        node.kill_supervisor()
    node.raise_epoch()
    node.start()
    later = Service(node)
    assert time.monotonic() - begin < 5  # Seldom more than half a second.
    assert node.processes() == set()
    assert (later.welcome.epoch, later.welcome.known, later.welcome.reports) == (2, [], [])
    assert later.welcome.boot_time > service.welcome.boot_time
    assert (node.layout.startup / "wd/kept").exists()
    assert (node.layout.work_items / "j/job-1/t/wd/kept").exists()
    assert run(later, "ls", 2).exit_code == 0
    assert output(node) == "kept\n"


@needs_root
def test_its_directory_is_given_to_the_account_that_it_runs_as(
    make_node: Callable[..., Node], account: TaskAccount
) -> None:
    node = make_node(account=account)
    service = Service(node)
    secret = node.home / "secret"
    secret.write_text("secret")
    startup = node.layout.startup
    plain = f"/bin/sh -c 'id -u; cd ..; rm -f stdout.txt; ln -s {secret} stdout.txt'"
    assert run(service, plain).exit_code == 0
    assert (startup.stat().st_uid, (startup / "wd").stat().st_uid) == (account.uid, account.uid)
    assert run(service, "/usr/bin/id -u", 2, is_elevated=True).exit_code == 0
    assert (output(node), secret.read_text()) == ("0\n", "secret")
    assert (startup.stat().st_uid, (startup / "wd").stat().st_uid) == (0, 0)
    assert run(service, "/usr/bin/id -u", 3).exit_code == 0
    assert output(node) == f"{account.uid}\n"
    assert service.run(f"cat {startup}/stdout.txt").exit_code == 0


def test_an_assignment_keeps_its_form_on_its_way_to_the_supervisor_and_back() -> None:
    one = start_task("true", resource_files=[ResourceFileOrder("http://u", "p", 0o644)])
    assert msgspec.json.decode(msgspec.json.encode(one), type=Assignment) == one
