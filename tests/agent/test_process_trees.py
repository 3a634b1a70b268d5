"""Nothing of an execution outlives it, whatever its processes do."""

import os
import signal
import sys
import time

import pytest

from batchyard.agent import processes
from batchyard.core.states import EndCause
from batchyard.link.messages import Stop
from tests.agent.nodes import Node, Service, assignment, wait_until

#: Interpreters of children that know how to leave a process tree.
PYTHON = f"{sys.executable} -I -S"

DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("daemon", "w").write(str(os.getpid()))
        time.sleep(1000)
    os._exit(0)
while not os.path.exists("daemon") or not open("daemon").read(): time.sleep(0.001)
"""

DEAF = """
import os, signal, time
for _ in range(3):
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.setsid()
        time.sleep(1000)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("ready", "w").close()
time.sleep(1000)
"""

MANY = """
import os, time
for _ in range(300):
    if os.fork() == 0:
        os.setsid()
        time.sleep(1000)
open("ready", "w").close()
time.sleep(1000)
"""

CHAINS = """
import os, time
for _ in range(40):
    if os.fork() == 0:
        while True:
            if os.fork():
                os._exit(0)
            os.setsid()
            time.sleep(0.002)
open("ready", "w").close()
time.sleep(1000)
"""

STRIPPED = """
import os, sys
if os.fork() == 0:
    os.setsid()
    if (pid := os.fork()) == 0:
        os.execve("/bin/sleep", ["sleep", "1000"], {})
    while open(f"/proc/{pid}/comm").read() != "sleep\\n": pass
    os._exit(0)
os.wait()
"""


@pytest.fixture(autouse=True)
def programs(node: Node) -> None:
    for name, text in {
        "daemon": DAEMON, "deaf": DEAF, "many": MANY, "chains": CHAINS, "stripped": STRIPPED,
    }.items():  # fmt: skip
        (node.home / f"{name}.py").write_text(text)


def run(node: Node, name: str) -> str:
    return f"{PYTHON} {node.home}/{name}.py"


def children(node: Node) -> list[int]:
    return processes.children(node.supervisor_pid())


@pytest.mark.parametrize(
    "command_line",
    [
        "/bin/sh -c 'sleep 1000 & sleep 1000 & exit 0'",
        "/bin/sh -c 'setsid sleep 1000 & exit 0'",
        "/bin/sh -c '(setsid sh -c \"sleep 1000 & sleep 1000\" &) ; exit 0'",
    ],
)
def test_the_tree_is_killed_at_a_normal_exit(
    node: Node, service: Service, command_line: str
) -> None:
    ended = service.run(command_line)
    assert (ended.cause, ended.exit_code) == (EndCause.EXITED, 0)
    assert node.processes() == set()
    assert children(node) == []


@pytest.mark.parametrize("name", ["daemon", "stripped"])
def test_a_daemon_is_killed_at_the_end_of_its_task(node: Node, service: Service, name: str) -> None:
    assert service.run(run(node, name)).exit_code == 0
    assert node.processes() == set()
    assert children(node) == []


@pytest.mark.parametrize("name", ["deaf", "many", "chains"])
def test_a_stop_leaves_nothing(node: Node, service: Service, name: str) -> None:
    service.assign(assignment(run(node, name)))
    wait_until((node.layout.work_items / "j/job-1/t/wd/ready").exists)
    service.send(Stop(["t"], 0.05))
    assert service.ended("t").cause is EndCause.STOPPED
    assert node.processes() == set()
    assert children(node) == []


def test_children_have_the_grace_that_their_parent_did_not_need(
    node: Node, service: Service
) -> None:
    child = "trap 'echo saved; exit' TERM; echo up; while :; do sleep 0.01; done"
    (node.home / "child.sh").write_text(child)
    service.assign(assignment(f"/bin/sh -c 'sh {node.home}/child.sh & wait'"))
    service.started("t")
    wait_until(lambda: node.output() == "up\n")
    service.send(Stop(["t"], 1000.0))
    assert service.ended("t").exit_code == -signal.SIGTERM
    assert node.output() == "up\nsaved\n"


def test_a_daemon_of_a_task_that_runs_is_let_alone(node: Node, service: Service) -> None:
    service.assign(assignment(f"/bin/sh -c '{run(node, 'daemon')}; sleep 1000'", name="other"))
    pid_file = node.layout.work_items / "j/job-1/other/wd/daemon"
    wait_until(lambda: pid_file.exists() and pid_file.read_text())
    pid = int(pid_file.read_text())
    wait_until(lambda: (found := processes.status(pid)) and found[1] == node.supervisor_pid())
    service.run(run(node, "daemon"))
    assert processes.start_time(pid) is not None
    service.send(Stop(["other"], 0.0))
    service.ended("other")
    assert processes.start_time(pid) is None


def test_a_process_of_unknown_origin_lives_as_long_as_any_that_may_own_it(
    node: Node, service: Service
) -> None:
    service.assign(assignment("sleep 1000", name="other"))
    service.started("other")
    assert service.run(run(node, "stripped")).exit_code == 0
    (_, stray) = children(node)
    assert processes.start_time(stray) is not None
    service.send(Stop(["other"], 0.0))
    service.ended("other")
    service.run("true", name="later")
    wait_until(lambda: children(node) == [])


def test_a_time_limit_ends_the_whole_tree(node: Node, service: Service) -> None:
    begin = time.monotonic()
    ended = service.run("/bin/sh -c 'setsid sleep 1000 & sleep 1000'", wall_clock_seconds_max=0.1)
    assert (ended.cause, ended.exit_code) == (EndCause.TIMED_OUT, -signal.SIGTERM)
    assert time.monotonic() - begin > 0.1
    assert node.processes() == set()


def test_a_time_limit_holds_while_no_agent_lives(node: Node, service: Service) -> None:
    service.assign(assignment("sleep 1000", wall_clock_seconds_max=0.2))
    service.started("t")
    node.kill_agent()
    wait_until(lambda: node.processes() == set())
    node.start()
    later = Service(node)
    assert later.ended("t").cause is EndCause.TIMED_OUT
    later.close()


def test_a_limit_that_is_not_reached_changes_nothing(service: Service) -> None:
    assert service.run("/bin/sh -c 'exit 4'", wall_clock_seconds_max=1000.0).exit_code == 4


def test_a_stopped_process_is_killed_too(node: Node, service: Service) -> None:
    service.assign(assignment("sleep 1000"))
    service.started("t")
    (pid,) = children(node)
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: (found := processes.status(pid)) and found[0] == "T")
    service.send(Stop(["t"], 0.02))
    assert service.ended("t").exit_code == -signal.SIGKILL


def test_a_shorter_grace_counts_also_after_the_main_process(node: Node, service: Service) -> None:
    child = "trap '' TERM; echo up; while :; do sleep 0.01; done"
    (node.home / "child.sh").write_text(child)
    service.assign(assignment(f"/bin/sh -c 'sh {node.home}/child.sh & wait'"))
    service.started("t")
    wait_until(lambda: node.output() == "up\n")
    service.send(Stop(["t"], 1000.0))
    wait_until(lambda: node.output() == "up\n" and len(children(node)) == 1)
    service.send(Stop(["t"], 0.0))
    assert service.ended("t").exit_code == -signal.SIGTERM
    assert node.processes() == set()
