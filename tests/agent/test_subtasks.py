"""Subtasks on a node: what a coordination command leaves lives until the subtask is stopped."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from batchyard.agent import processes
from batchyard.core.states import EndCause, ExecutionKind
from batchyard.link.messages import (
    Assignment,
    Coordinated,
    Ended,
    ResourceFileOrder,
    Shutdown,
    Started,
    Stop,
)
from tests.agent import web
from tests.agent.nodes import Node, Service, assignment, wait_until
from tests.agent.test_process_trees import DAEMON
from tests.agent.test_start_tasks import program
from tests.agent.web import Web

#: Leaves a process, whose pid it writes into the directory of all instances.
LEAVE = "/bin/sh -c 'sleep 1000 & echo $! > ../left; echo coordinated; exit {}'"


def subtask(command_line: str, **changes: object) -> Assignment:
    plain: dict[str, object] = {"execution_id": "subtask", "kind": ExecutionKind.SUBTASK}
    return assignment(command_line, **(plain | changes))


def application(command_line: str, **changes: object) -> Assignment:
    plain: dict[str, object] = {
        "execution_id": "primary",
        "kind": ExecutionKind.PRIMARY,
        "slots": 0,
    }
    return assignment(command_line, **(plain | changes))


def coordinated(service: Service) -> None:
    service.await_report(lambda report: isinstance(report, Coordinated))


def coordinate(service: Service, command_line: str = LEAVE.format(0), **changes: object) -> None:
    service.assign(subtask(command_line, **changes))
    coordinated(service)


def root(node: Node) -> Path:
    return node.layout.work_items / "j/job-1/t"


def left(node: Node) -> int:
    return int((root(node) / "left").read_text())


def is_gone(pid: int) -> bool:
    return processes.start_time(pid) is None


def test_what_the_command_leaves_lives_until_the_subtask_is_stopped(
    node: Node, service: Service
) -> None:
    """T-59, T-60."""
    coordinate(service)
    service.run("true", name="other")  # By then several looks at all processes are over.
    assert not is_gone(left(node))
    assert [type(report) for report in service.reports[:2]] == [Started, Coordinated]
    service.send(Stop(["subtask"], 10.0))
    ended = service.ended("subtask")
    assert (ended.cause, ended.exit_code) == (EndCause.STOPPED, 0)
    assert is_gone(left(node))


def test_it_stays_though_it_has_left_nothing(service: Service) -> None:
    coordinate(service, "true")
    service.run("true", name="other")
    service.send(Stop(["subtask"], 10.0))
    assert service.ended("subtask").cause is EndCause.STOPPED
    assert sum(isinstance(report, Ended) for report in service.reports) == 2


def test_what_does_not_hear_the_order_to_end_is_killed_after_its_grace(
    node: Node, service: Service
) -> None:
    deaf = 'trap "" TERM; while :; do sleep 0.01; done'
    coordinate(service, f"/bin/sh -c '( {deaf} ) & echo $! > ../left; sleep 0.05'")
    pid = left(node)
    service.send(Stop(["subtask"], 0.1))
    service.ended("subtask")
    assert is_gone(pid)


def test_a_daemon_of_the_command_ends_with_the_subtask(node: Node, service: Service) -> None:
    coordinate(service, program(node, DAEMON))
    pid = int((root(node) / "wd/daemon").read_text())
    assert not is_gone(pid)
    service.send(Stop(["subtask"], 0.0))
    service.ended("subtask")
    assert is_gone(pid)


def test_a_command_that_fails_ends_the_subtask_with_all_that_it_has_left(
    node: Node, service: Service
) -> None:
    """T-60."""
    service.assign(subtask(LEAVE.format(7)))
    ended = service.ended("subtask")
    assert (ended.cause, ended.exit_code) == (EndCause.EXITED, 7)
    assert is_gone(left(node))
    assert not any(isinstance(report, Coordinated) for report in service.reports)


def test_a_command_that_is_stopped_does_not_coordinate(node: Node, service: Service) -> None:
    service.assign(subtask("/bin/sh -c 'sleep 1000 & echo $! > ../left; wait'"))
    service.started("subtask")
    wait_until(lambda: _is_written(node))
    service.send(Stop(["subtask"], 0.0))
    assert service.ended("subtask").cause is EndCause.STOPPED
    assert is_gone(left(node))


def _is_written(node: Node) -> bool:
    try:
        return left(node) > 0
    except (FileNotFoundError, ValueError):
        return False


def test_the_time_limit_counts_for_the_command_and_not_for_the_stay(
    node: Node, service: Service
) -> None:
    """T-61."""
    service.assign(subtask("sleep 1000", wall_clock_seconds_max=0.1, name="u"))
    assert service.ended("subtask").cause is EndCause.TIMED_OUT
    coordinate(service, execution_id="next", wall_clock_seconds_max=0.5)
    assert service.run("sleep 0.6", name="other").exit_code == 0
    assert not is_gone(left(node))


def test_the_application_runs_beside_what_its_subtask_has_left(
    make_node: Callable[..., Node],
) -> None:
    """It takes no slot of its own, and goes on with the logs."""
    node = make_node(slots=1)
    service = Service(node)
    coordinate(service, LEAVE.format(0))
    service.assign(application("/bin/sh -c 'kill -0 $(cat ../left) && echo alive'"))
    assert service.ended("primary").exit_code == 0
    assert node.output() == "coordinated\nalive\n"
    assert not is_gone(left(node))


def test_a_next_attempt_begins_with_empty_logs(node: Node, service: Service) -> None:
    """T-18."""
    coordinate(service, "echo first")
    service.send(Stop(["subtask"], 0.0))
    service.ended("subtask")
    service.assign(subtask("echo second", execution_id="subtask-2"))
    service.await_report(
        lambda report: isinstance(report, Coordinated) and report.execution_id == "subtask-2"
    )
    assert node.output() == "second\n"


def test_common_resource_files_lie_above_the_working_directory(
    node: Node, service: Service, server: Web
) -> None:
    """F-5, T-59: in AZ_BATCH_TASK_SHARED_DIR; those of the application lie in its own."""
    server.answers |= {"/a": web.text("common\n"), "/b": web.text("own\n")}
    common = [ResourceFileOrder(f"{server.url}/a", "lib/a", 0o644)]
    own = [ResourceFileOrder(f"{server.url}/b", "b", 0o644)]
    coordinate(service, "/bin/sh -c 'cat $AZ_BATCH_TASK_SHARED_DIR/lib/a'", resource_files=common)
    service.assign(application("/bin/sh -c 'cat ../lib/a b'", resource_files=own))
    assert service.ended("primary").exit_code == 0
    assert node.output() == "common\ncommon\nown\n"


def test_a_new_agent_takes_over_a_subtask_that_stays(make_node: Callable[..., Node]) -> None:
    node = make_node(slots=1)
    service = Service(node)
    coordinate(service)
    node.kill_agent()
    node.start()
    later = Service(node, acknowledged=service.numbers[-1])
    assert later.welcome.known == ["subtask"]
    later.assign(assignment("true", name="next"))
    later.assign(application("/bin/sh -c 'kill -0 $(cat ../left)'"))
    assert later.ended("primary").exit_code == 0
    later.send(Stop(["subtask"], 0.0))
    later.ended("next")
    names = [report.execution_id for report in later.reports if isinstance(report, Ended | Started)]
    assert names.index("subtask") < names.index("next")  # Its slot was taken all the time.
    assert is_gone(left(node))


def test_what_is_coordinated_while_no_agent_lives_is_told_later(
    node: Node, service: Service
) -> None:
    service.assign(subtask("/bin/sh -c 'until [ -e ../go ]; do sleep 0.01; done; sleep 9 &'"))
    service.started("subtask")
    node.kill_agent()
    (root(node) / "go").touch()
    supervisor = node.supervisor_pid()
    wait_until(lambda: any(_is(pid, "sleep") for pid in processes.children(supervisor)))
    node.start()
    later = Service(node, acknowledged=service.numbers[-1])
    coordinated(later)
    assert later.welcome.known == ["subtask"]


def _is(pid: int, name: str) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == name
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("way", ["shutdown", "killed agent and supervisor"])
def test_the_end_of_a_node_is_the_end_of_a_subtask(node: Node, service: Service, way: str) -> None:
    coordinate(service)
    pid = left(node)
    if way == "shutdown":
        service.send(Shutdown())
        assert node.exit_code() == 0
    else:
        supervisor = node.supervisor_pid()
        node.kill_supervisor()
        node.exit_code()
        wait_until(lambda: processes.start_time(supervisor) is None)
    wait_until(lambda: is_gone(pid))


def test_a_subtask_keeps_a_node_up_that_is_alone(make_node: Callable[..., Node]) -> None:
    node = make_node(alone_seconds_max=0.1)
    service = Service(node)
    coordinate(service, "true")
    supervisor = node.supervisor_pid()
    service.close()
    # Several looks of the agent and the supervisor pass before one of them may end.
    end = time.monotonic() + 1.0
    wait_until(lambda: time.monotonic() > end or is_gone(supervisor))
    assert Service(node, acknowledged=service.numbers[-1]).welcome.known == ["subtask"]
