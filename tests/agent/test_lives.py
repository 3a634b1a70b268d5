"""How nodes, agents and supervisors begin, die and are found again."""

import os
import signal
import subprocess
import sys

import pytest

from batchyard.agent import processes, supervision
from batchyard.agent.settings import (
    ALREADY_SERVED_EXIT_CODE,
    ENDED_EXIT_CODE,
    SUPERVISOR_LOST_EXIT_CODE,
    Watch,
)
from batchyard.core.states import EndCause
from batchyard.link.messages import Acknowledge, Ended, Shutdown, Started, StatFile, Stop
from tests.agent.nodes import Node, Service, assignment, wait_until


def is_gone(pid: int) -> bool:
    return processes.start_time(pid) is None


def test_a_killed_agent_harms_no_task_and_misses_no_end(node: Node, service: Service) -> None:
    gate = "/bin/sh -c 'until [ -e go ]; do sleep 0.01; done; exit 5'"
    service.assign(
        assignment("/bin/sh -c 'read x < /dev/tty || sleep 1000'", name="long", slots=3),
        assignment(gate, name="short"),
        assignment("true", name="queued", slots=4),
    )
    service.started("long")
    service.started("short")
    (before, *_) = sorted(processes.children(node.supervisor_pid()))
    node.kill_agent()
    (node.layout.work_items / "j/job-1/short/wd/go").touch()
    wait_until(lambda: len(processes.children(node.supervisor_pid())) == 1)
    node.start()
    later = Service(node, acknowledged=service.numbers[-1])
    assert later.welcome.known == ["long"]
    assert [type(r) for r in later.welcome.reports] == [Ended]
    assert later.ended("short").exit_code == 5
    assert not is_gone(before)
    later.assign(assignment("true", name="large", slots=2), assignment("true", name="queued"))
    later.send(Stop(["long"], 0.0))
    later.ended("queued")
    names = [r.execution_id for r in later.reports if isinstance(r, Ended | Started)]
    assert names.index("long") < names.index("large") < names.index("queued")


def test_reports_come_again_until_they_are_acknowledged(node: Node) -> None:
    deaf = Service(node, is_acknowledging=False)
    deaf.assign(assignment("true"))
    first = deaf.started("t")
    wait_until(lambda: '"ended"' in (node.layout.private / "reports.log").read_text())
    deaf.close()
    service = Service(node, is_acknowledging=False)
    service.ended("t")
    assert service.reports[0] == first
    assert service.numbers == [1, 2]
    service.send(Acknowledge(1))
    service.close()
    last = Service(node)
    assert last.numbers == [2]


def test_one_batch_of_reports_is_under_way_at_a_time(node: Node) -> None:
    service = Service(node, is_acknowledging=False)
    service.assign(assignment("true", name="a"))
    service.next_reports()
    seen = service.numbers[-1]
    service.assign(*[assignment("true", name=f"b{n}") for n in range(20)])
    wait_until(lambda: node.processes() == set())
    log = node.layout.private / "reports.log"
    wait_until(lambda: log.read_text().count('"ended"') == 21)
    service.send(Acknowledge(seen))
    service.next_reports()
    service.send(Acknowledge(service.numbers[-1]))
    while len(service.numbers) < 42:
        service.next_reports()
        service.send(Acknowledge(service.numbers[-1]))
    assert service.numbers == list(range(1, 43))
    assert len(service.batches) <= 4


def test_numbers_go_on_after_all_is_acknowledged_and_the_agent_is_killed(node: Node) -> None:
    service = Service(node)
    service.run("true")
    service.run("true", name="t2")
    last = service.numbers[-1]
    node.kill_agent()
    node.start()
    later = Service(node, acknowledged=last)
    later.run("true", name="t3")
    assert later.numbers == [last + 1, last + 2]


def test_numbers_begin_after_what_the_service_has_of_earlier_lives(node: Node) -> None:
    service = Service(node, acknowledged=1000)
    service.run("true")
    assert service.numbers[0] == 1001


def test_a_dead_supervisor_means_a_lost_node_and_no_strays(node: Node, service: Service) -> None:
    service.assign(
        assignment("/bin/sh -c 'setsid sleep 1000 & sleep 1000'", name="tree"),
        assignment("/usr/bin/env -i /bin/sleep 1000", name="bare"),
    )
    service.started("tree")
    service.started("bare")
    wait_until(lambda: len(node.processes()) >= 4)
    node.kill_supervisor()
    assert node.exit_code() == SUPERVISOR_LOST_EXIT_CODE
    assert node.processes() == set()
    node.start()
    assert node.exit_code() == SUPERVISOR_LOST_EXIT_CODE, "as long as the epoch stays"
    node.raise_epoch()
    node.start()
    later = Service(node)
    assert (later.welcome.known, later.numbers) == ([], [])
    assert later.run("true").exit_code == 0


def test_strays_of_a_node_that_died_altogether_are_swept(node: Node, service: Service) -> None:
    service.assign(assignment("/bin/sh -c 'setsid sleep 1000 & sleep 1000'"))
    service.started("t")
    wait_until(lambda: len(node.processes()) == 3)
    node.kill_agent()
    node.kill_supervisor()
    node.start()
    assert node.exit_code() == SUPERVISOR_LOST_EXIT_CODE
    assert node.processes() == set()


def test_a_new_epoch_ends_what_the_old_one_ran(node: Node, service: Service) -> None:
    service.assign(assignment("sleep 1000"))
    service.started("t")
    old = node.supervisor_pid()
    node.kill_agent()
    node.raise_epoch()
    node.start()
    later = Service(node)
    assert is_gone(old)
    assert node.processes() == set()
    assert (later.welcome.known, later.welcome.epoch) == ([], 2)
    assert later.welcome.boot_time > service.welcome.boot_time


def test_two_agents_never_serve_one_node(node: Node, service: Service) -> None:
    second = subprocess.run([sys.executable, "-m", "batchyard.agent", str(node.home)], check=False)
    assert second.returncode == ALREADY_SERVED_EXIT_CODE
    assert service.run("true").exit_code == 0


def test_a_shutdown_ends_tasks_supervisor_and_agent(node: Node, service: Service) -> None:
    service.assign(assignment("/bin/sh -c 'trap \"\" TERM; setsid sleep 1000 & sleep 1000'"))
    service.started("t")
    supervisor = node.supervisor_pid()
    service.send(Shutdown())
    assert node.exit_code() == ENDED_EXIT_CODE
    assert is_gone(supervisor)
    assert node.processes() == set()


def test_a_node_whose_root_is_gone_ends_with_its_tasks(node: Node, service: Service) -> None:
    service.assign(assignment("sleep 1000"))
    service.started("t")
    supervisor = node.supervisor_pid()
    node.layout.root.rename(node.home / "gone")
    assert node.exit_code() == ENDED_EXIT_CODE
    assert is_gone(supervisor)
    assert node.processes() == set()


def test_a_supervisor_alone_ends_when_the_root_is_gone(node: Node, service: Service) -> None:
    service.assign(assignment("sleep 1000"))
    service.started("t")
    supervisor = node.supervisor_pid()
    node.kill_agent()
    node.layout.root.rename(node.home / "gone")
    wait_until(lambda: is_gone(supervisor))
    assert node.processes() == set()


def test_a_node_without_server_and_task_ends_and_keeps_its_reports(make_node) -> None:
    node = make_node(alone_seconds_max=0.1)
    service = Service(node, is_acknowledging=False)
    service.assign(assignment("true"))
    service.started("t")
    supervisor = node.supervisor_pid()
    service.close()
    assert node.exit_code() == ENDED_EXIT_CODE
    assert is_gone(supervisor)
    node.start()
    later = Service(node)
    assert [type(report) for report in later.welcome.reports] == [Started, Ended]
    assert later.welcome.boot_time == service.welcome.boot_time
    later.run("true", name="t2")
    assert later.numbers == [1, 2, 3, 4]


def test_a_node_with_a_task_does_not_end_for_want_of_a_server(make_node) -> None:
    node = make_node(alone_seconds_max=1.0)
    service = Service(node)
    service.assign(assignment("sleep 3.5"))
    service.started("t")
    service.close()
    wait_until(lambda: node.processes() == set())
    later = Service(node)
    assert later.ended("t").exit_code == 0


def test_a_supervisor_without_agent_and_task_ends(make_node) -> None:
    node = make_node(alone_seconds_max=0.1)
    Service(node).close()
    supervisor = node.supervisor_pid()
    node.kill_agent()
    wait_until(lambda: is_gone(supervisor))
    assert node.layout.supervisor_lock.read_bytes() == b""


@pytest.mark.parametrize("is_agent_alive", [True, False])
def test_a_node_goes_with_the_server_that_it_watches(make_node, is_agent_alive: bool) -> None:
    server = subprocess.Popen(["/bin/sleep", "1000"])
    start_time = processes.start_time(server.pid)
    assert start_time is not None
    node = make_node(watch=Watch(server.pid, start_time))
    service = Service(node)
    service.assign(assignment("sleep 1000"))
    service.started("t")
    supervisor = node.supervisor_pid()
    if not is_agent_alive:
        node.kill_agent()
    server.kill()
    server.wait()
    if is_agent_alive:
        assert node.exit_code() == ENDED_EXIT_CODE
    wait_until(lambda: is_gone(supervisor))
    assert node.processes() == set()
    assert not node.home.exists()


def test_a_supervisor_that_hangs_is_killed_and_the_node_lost(
    node: Node, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.run("true")
    node.kill_agent()
    supervisor = node.supervisor_pid()
    os.kill(supervisor, signal.SIGSTOP)
    monkeypatch.setattr(supervision, "ANSWER_SECONDS_MAX", 0.1)
    with pytest.raises(supervision.SupervisorLost):
        supervision.attach(node.layout, node.settings)
    wait_until(lambda: is_gone(supervisor))


def test_ends_that_happen_while_the_agent_is_dead_carry_their_cause(
    node: Node, service: Service
) -> None:
    service.assign(assignment("/bin/sh -c 'until [ -e go ]; do sleep 0.01; done; kill -11 $$'"))
    service.started("t")
    node.kill_agent()
    (node.layout.work_items / "j/job-1/t/wd/go").touch()
    wait_until(lambda: node.processes() == set())
    node.start()
    later = Service(node)
    ended = later.ended("t")
    assert (ended.cause, ended.exit_code) == (EndCause.EXITED, -11)


def test_what_the_loss_of_power_left_empty_does_not_keep_a_node_from_its_next_life(
    node: Node, service: Service
) -> None:
    """None of these files is forced to disk: a life does not outlive the machine anyway."""
    service.run("true")
    node.kill_agent()
    node.kill_supervisor()
    for name in ("prepared.json", "reports.log"):
        (node.layout.private / name).write_bytes(b"")
    node.start()
    assert node.exit_code() == SUPERVISOR_LOST_EXIT_CODE
    node.raise_epoch()
    node.start()
    assert Service(node).run("true").exit_code == 0


def test_what_has_ended_by_itself_is_not_called_stopped_by_an_order_that_came_later(
    node: Node, service: Service
) -> None:
    """Its work is done: called stopped, it would be done again, or not be released."""
    service.assign(assignment("/bin/sh -c 'until [ -e go ]; do sleep 0.01; done'"))
    service.started("t")
    (pid,) = processes.children(node.supervisor_pid())
    os.kill(node.supervisor_pid(), signal.SIGSTOP)
    (node.layout.work_items / "j/job-1/t/wd/go").touch()
    wait_until(lambda: is_gone(pid))
    service.send(Stop(["t"], 0.0))
    service.ask(StatFile, "shared")  # The agent has passed on what came before this.
    os.kill(node.supervisor_pid(), signal.SIGCONT)

    ended = service.ended("t")

    assert (ended.cause, ended.exit_code) == (EndCause.EXITED, 0)
