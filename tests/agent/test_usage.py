"""What executions use is counted by the kernel and told with their end."""

import os
import sys

import pytest

from batchyard.link.messages import Ended, Stop
from tests.agent.nodes import Node, Service, assignment, wait_until

PYTHON = f"{sys.executable} -I -S"

#: A tenth of a second in user mode, by the process's own count.
BURN = """
import time
while time.process_time() < 0.1: pass
"""

#: The same in a child that this one waits for.
CHILD = f"""
import os
if os.fork() == 0:
    exec({BURN!r})
    os._exit(0)
os.wait()
"""

#: The same in a process that nobody waits for and that goes on until it is killed.
ORPHAN = f"""
import os, time
if os.fork() == 0:
    os.setsid()
    exec({BURN!r})
    open("burnt", "w").close()
    time.sleep(1000)
while not os.path.exists("burnt"): time.sleep(0.001)
"""

#: 64 blocks to the disk.
WRITE = """
import os
descriptor = os.open("file", os.O_WRONLY | os.O_CREAT)
os.write(descriptor, bytes(64 * 512))
os.fsync(descriptor)
"""


#: A little less than a tenth of a second, in microseconds: clocks differ.
ALMOST = 90_000


def run(node: Node, service: Service, script: str) -> Ended:
    path = node.home / "script.py"
    path.write_text(script)
    ended = service.run(f"{PYTHON} {path}")
    assert ended.exit_code == 0
    return ended


def test_what_a_process_uses_is_told(node: Node, service: Service) -> None:
    user, kernel, _, _ = run(node, service, BURN).used
    assert ALMOST < user + kernel < 20 * ALMOST


def test_what_nothing_was_used_for_is_little(node: Node, service: Service) -> None:
    user, kernel, _, written = service.run("true").used
    assert user + kernel < ALMOST
    assert written == 0


def test_a_child_that_was_waited_for_counts(node: Node, service: Service) -> None:
    user, kernel, _, _ = run(node, service, CHILD).used
    assert user + kernel > ALMOST


def test_a_process_that_the_supervisor_adopts_and_ends_counts(node: Node, service: Service) -> None:
    user, kernel, _, _ = run(node, service, ORPHAN).used
    assert user + kernel > ALMOST


def test_blocks_that_are_written_count(node: Node, service: Service) -> None:
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", f"import os; os.chdir({str(node.home)!r})" + WRITE],
        {},
    )
    if os.wait4(pid, 0)[2].ru_oublock == 0:
        pytest.skip("the kernel counts no writes to this file system")
    assert run(node, service, WRITE).used[3] >= 64


def test_a_task_whose_program_is_missing_has_used_nothing(node: Node, service: Service) -> None:
    assert service.run("no-such-program").used == (0, 0, 0, 0)


def test_a_stopped_execution_tells_what_it_used_until_then(node: Node, service: Service) -> None:
    path = node.home / "script.py"
    path.write_text(BURN + "open('burnt', 'w').close(); time.sleep(1000)")
    service.assign(assignment(f"{PYTHON} {path}"))
    wait_until((node.layout.work_items / "j/job-1/t/wd/burnt").exists)
    service.send(Stop(["t"], 0.0))
    assert sum(service.ended("t").used[:2]) > ALMOST
