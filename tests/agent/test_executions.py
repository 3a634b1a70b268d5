"""What becomes of an execution: its process, its exit code, its files and variables."""

import os
import shlex
import signal
import socket
from pathlib import Path

import pytest

from batchyard.agent.accounts import own_name
from batchyard.core.states import EndCause, ExecutionKind
from batchyard.link import frames
from batchyard.link.messages import PROTOCOL, Hello, Refusal, Started
from tests.agent.nodes import Node, Service, assignment, connect


def script(node: Node, text: str, *, name: str = "script", mode: int = 0o755) -> Path:
    path = node.home / name
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_exit_code_is_that_of_the_main_process(service: Service) -> None:
    ended = service.run("/bin/sh -c 'exit 7'")
    assert (ended.cause, ended.exit_code) == (EndCause.EXITED, 7)
    assert ended.start_time is not None
    assert ended.start_time <= ended.end_time


def test_a_start_is_reported_before_the_end(service: Service) -> None:
    ended = service.run("true")
    started = service.reports[0]
    assert isinstance(started, Started)
    assert service.reports[1] == ended
    assert abs((ended.start_time or started.time) - started.time).total_seconds() < 0.1


def test_the_exit_code_of_a_killed_process_is_minus_the_signal(service: Service) -> None:
    ended = service.run("/bin/sh -c 'kill -9 $$'")
    assert (ended.cause, ended.exit_code) == (EndCause.EXITED, -9)


def test_output_and_errors_go_to_files_above_the_working_directory(
    node: Node, service: Service
) -> None:
    service.run("/bin/sh -c 'echo out; echo err >&2; pwd'")
    task = node.layout.work_items / "j/job-1/t"
    assert (task / "stdout.txt").read_text() == f"out\n{task}/wd\n"
    assert (task / "stderr.txt").read_text() == "err\n"


def test_a_second_attempt_finds_its_directory_with_emptied_logs(
    node: Node, service: Service
) -> None:
    service.run("/bin/sh -c 'echo one; touch kept'", execution_id="t-1")
    service.run("/bin/sh -c 'ls'", execution_id="t-2")
    assert node.output() == "kept\n"


def test_no_shell_reads_the_command_line(node: Node, service: Service) -> None:
    service.run("echo $HOME '*' * \"two words\" > file; a&b | c `d`")
    assert node.output() == "$HOME * * two words > file; a&b | c `d`\n"
    assert list((node.layout.work_items / "j/job-1/t/wd").iterdir()) == []


@pytest.mark.parametrize("command_line", ["no-such-program --help", "./missing", "/no/such/file"])
def test_a_missing_program_is_not_found_and_leaves_empty_logs(
    node: Node, service: Service, command_line: str
) -> None:
    ended = service.run(command_line)
    assert (ended.cause, ended.exit_code) == (EndCause.PROGRAM_NOT_FOUND, None)
    assert shlex.split(command_line)[0].lstrip("./") in ended.message
    assert ended.start_time is not None
    task = node.layout.work_items / "j/job-1/t"
    assert (task / "stdout.txt").read_bytes() == (task / "stderr.txt").read_bytes() == b""


@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [
        ("#!/bin/sh\n", 0o644, "is not executable"),
        ("#!/no/such/interpreter\n", 0o755, "interpreter"),
        ("echo no first line\n", 0o755, "neither a binary"),
    ],
)
def test_a_program_that_cannot_run_says_why(
    node: Node, service: Service, text: str, mode: int, reason: str
) -> None:
    ended = service.run(str(script(node, text, mode=mode)))
    assert (ended.cause, ended.exit_code) == (EndCause.LAUNCH_FAILED, None)
    assert reason in ended.message


@pytest.mark.parametrize(
    ("command_line", "reason"),
    [
        ("echo it's", "No closing quotation"),
        ("", "names no program"),
        ("''", "names no program"),
        ("echo \0", "null"),
        ("/", "not executable"),
    ],
)
def test_a_command_line_without_meaning_cannot_be_launched(
    service: Service, command_line: str, reason: str
) -> None:
    ended = service.run(command_line)
    assert (ended.cause, ended.exit_code) == (EndCause.LAUNCH_FAILED, None)
    assert reason in ended.message


def test_a_variable_without_a_usable_name_cannot_be_launched(service: Service) -> None:
    assert service.run("true", environment={"A=B": "c"}).cause is EndCause.LAUNCH_FAILED
    assert service.run("true", name="t2", environment={"A": "b\0"}).cause is EndCause.LAUNCH_FAILED


def test_a_program_is_looked_for_in_the_path_of_the_task(node: Node, service: Service) -> None:
    script(node, "#!/bin/sh\necho found\n", name="tool")
    service.run("tool", environment={"PATH": f"/nowhere:{node.home}"})
    assert node.output() == "found\n"


def test_a_relative_program_is_relative_to_the_working_directory(
    node: Node, service: Service
) -> None:
    service.run("/bin/sh -c 'echo \"#!/bin/echo\" > x; chmod +x x'", execution_id="t-1")
    service.run("./x argument", execution_id="t-2")
    assert node.output() == f"{node.layout.work_items}/j/job-1/t/wd/./x argument\n"


def test_a_directory_that_cannot_be_made_fails_the_execution(node: Node, service: Service) -> None:
    (node.layout.work_items / "j").touch()
    ended = service.run("true")
    assert ended.cause is EndCause.DIRECTORY_FAILED
    assert "workitems/j" in ended.message


def test_a_link_in_the_place_of_the_working_directory_is_not_entered(
    node: Node, service: Service
) -> None:
    task = node.layout.work_items / "j/job-1/t"
    task.mkdir(parents=True)
    (task / "wd").symlink_to("/")
    assert service.run("true").cause is EndCause.DIRECTORY_FAILED


def variables(node: Node, name: str = "t") -> dict[str, str]:
    return dict(line.split("=", 1) for line in node.output(name).splitlines())


def test_a_task_sees_the_variables_of_the_service_and_no_others(
    node: Node, service: Service
) -> None:
    service.run("env", preparation_directory="workitems/j/job-1/prep", environment={"MINE": "é="})
    root = node.layout.root
    task = f"{root}/workitems/j/job-1/t"
    assert variables(node) == {
        "AZ_BATCH_ACCOUNT_NAME": "account",
        "AZ_BATCH_ACCOUNT_URL": "http://service/",
        "AZ_BATCH_CERTIFICATES_DIR": f"{task}/certs",
        "AZ_BATCH_JOB_ID": "j",
        "AZ_BATCH_JOB_PREP_DIR": f"{root}/workitems/j/job-1/prep",
        "AZ_BATCH_JOB_PREP_WORKING_DIR": f"{root}/workitems/j/job-1/prep/wd",
        "AZ_BATCH_NODE_ID": "node",
        "AZ_BATCH_NODE_IS_DEDICATED": "true",
        "AZ_BATCH_NODE_MOUNTS_DIR": f"{root}/fsmounts",
        "AZ_BATCH_NODE_ROOT_DIR": str(root),
        "AZ_BATCH_NODE_SHARED_DIR": f"{root}/shared",
        "AZ_BATCH_NODE_STARTUP_DIR": f"{root}/startup",
        "AZ_BATCH_POOL_ID": "pool",
        "AZ_BATCH_TASK_DIR": task,
        "AZ_BATCH_TASK_ID": "t",
        "AZ_BATCH_TASK_RESERVED_EPHEMERAL_DISK_SPACE_BYTES": "1000000",
        "AZ_BATCH_TASK_WORKING_DIR": f"{task}/wd",
        "BATCHYARD_EXECUTION": "t",
        "BATCHYARD_NODE": str(node.home),
        "HOME": f"{task}/wd",
        "LANG": "C.UTF-8",
        "LOGNAME": own_name(),
        "MINE": "é=",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "SHELL": "/bin/sh",
        "USER": own_name(),
    }


def test_a_task_sees_the_token_that_it_was_given_whatever_its_user_set(
    node: Node, service: Service
) -> None:
    """J-64."""
    mine = {"AZ_BATCH_AUTHENTICATION_TOKEN": "mine"}
    service.run("env", authentication_token="content.signature", environment=mine)
    assert variables(node)["AZ_BATCH_AUTHENTICATION_TOKEN"] == "content.signature"


def test_a_preparation_does_not_see_its_own_directory_as_that_of_a_preparation(
    node: Node, service: Service
) -> None:
    service.run("env", kind=ExecutionKind.PREPARATION, preparation_directory="workitems/j/job-1/t")
    assert "AZ_BATCH_JOB_PREP_DIR" not in variables(node)


def test_a_user_may_change_the_home_but_no_variable_of_the_service(
    node: Node, service: Service
) -> None:
    service.run(
        "env",
        environment={
            "HOME": "/tmp",
            "AZ_BATCH_POOL_ID": "mine",
            "AZ_BATCH_TASK_ID": "mine",
            "BATCHYARD_EXECUTION": "mine",
            "BATCHYARD_NODE": "mine",
        },
    )
    seen = variables(node)
    assert seen["HOME"] == "/tmp"
    assert (seen["AZ_BATCH_POOL_ID"], seen["AZ_BATCH_TASK_ID"]) == ("pool", "t")
    assert (seen["BATCHYARD_EXECUTION"], seen["BATCHYARD_NODE"]) == ("t", str(node.home))


def test_a_task_has_three_open_files_and_a_plain_disposition_of_signals(
    node: Node, service: Service
) -> None:
    service.run("/bin/sh -c 'ls /proc/$$/fd; grep -E \"Sig(Blk|Ign)\" /proc/self/status; cat'")
    *descriptors, _, blocked, _, ignored = node.output().split()
    assert descriptors == ["0", "1", "2"]
    assert int(blocked, 16) == 0
    # The C library's own two signals, 32 and 33, are ignored after any posix_spawn of it.
    assert int(ignored, 16) & ~0x1_8000_0000 == 0


def test_a_task_ignores_no_signal_that_the_server_was_started_to_ignore(make_node) -> None:
    """A shell starts what it runs in the background with SIGINT and SIGQUIT ignored."""
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    node = Node(make_node().home.parent / "behind")
    try:
        node.start()
        service = Service(node)
        service.run("/bin/sh -c 'grep SigIgn /proc/self/status'")
        assert int(node.output().split()[1], 16) & 1 << signal.SIGQUIT - 1 == 0
        service.close()
    finally:
        signal.signal(signal.SIGQUIT, before)
        node.close()


def test_nothing_of_the_agents_own_surroundings_reaches_a_task(make_node) -> None:
    read, write = os.pipe()
    node = Node(make_node().home.parent / "leaky")
    node.start(environment={**os.environ, "SECRET": "s"}, pass_fds=[read, write])
    try:
        service = Service(node)
        service.run("/bin/sh -c 'env; ls /proc/$$/fd'")
        assert "SECRET" not in node.output()
        assert node.output().endswith("\n0\n1\n2\n")
        service.close()
    finally:
        node.close()
        os.close(read)
        os.close(write)


def test_an_execution_is_assigned_many_times_and_runs_once(node: Node, service: Service) -> None:
    one = assignment("/bin/sh -c 'echo ran >> log'")
    service.assign(one, one)
    service.assign(one)
    service.ended("t")
    service.run("true", name="after")
    assert (node.layout.work_items / "j/job-1/t/wd/log").read_text() == "ran\n"
    assert [type(r) for r in service.reports].count(Started) == 2


def test_a_long_home_needs_no_short_socket_path(folder: Path) -> None:
    parent = folder / ("long" * 30)
    parent.mkdir()
    node = Node(parent / "n")
    node.start()
    try:
        assert len(str(node.layout.agent_socket)) > 130
        service = Service(node)
        assert service.run("true").exit_code == 0
        service.close()
    finally:
        node.close()


def test_a_peer_of_another_protocol_or_life_is_refused(node: Node) -> None:
    for hello in (Hello(PROTOCOL + 1, 1, 0, "a", "u"), Hello(PROTOCOL, 2, 0, "a", "u")):
        connection = connect(node)
        connection.sendall(frames.encode(hello))
        data = b""
        while piece := connection.recv(65536):
            data += piece
        (answer,) = frames.from_agent().feed(data)
        assert isinstance(answer, Refusal)
        connection.close()


def test_a_peer_that_speaks_nonsense_is_hung_up_on(node: Node) -> None:
    connection: socket.socket = connect(node)
    connection.sendall(b"\0\0\0\4GET ")
    assert connection.recv(100) == b""
    connection.close()


def test_a_new_connection_takes_the_place_of_the_older_one(node: Node, service: Service) -> None:
    newer = Service(node)
    assert service.is_hung_up()
    assert newer.run("true").exit_code == 0
