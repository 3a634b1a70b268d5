"""Resource files are there before the command runs, or the execution ends and says why not."""

import asyncio
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from batchyard.agent import fetching, processes
from batchyard.agent.fetch_link import NotFetched
from batchyard.agent.fetching import Fetching
from batchyard.agent.journal import Begun
from batchyard.agent.placing import WorkingDirectory
from batchyard.core.states import EndCause, ExecutionKind
from batchyard.link.messages import Ended, ResourceFileOrder, Shutdown, Started, Stop
from tests.agent import web
from tests.agent.nodes import Node, Service, assignment, wait_until
from tests.agent.web import Web


def files(server: Web, *paths: str, mode: int = 0o770) -> list[ResourceFileOrder]:
    """Orders of files whose URL has the last part of their path."""
    return [
        ResourceFileOrder(f"{server.url}/{path.rpartition('/')[2]}?sig=secret", path, mode)
        for path in paths
    ]


def working_directory(node: Node, name: str = "t") -> Path:
    return node.layout.work_items / "j/job-1" / name / "wd"


def fetchers(node: Node) -> list[int]:
    assert node.agent is not None
    found = set(processes.children(node.agent.pid)) - {node.supervisor_pid()}
    return [pid for pid in found if processes.start_time(pid) is not None]


def leftovers(node: Node, name: str = "t") -> list[str]:
    return [path.name for path in working_directory(node, name).rglob(".batchyard*")]


def test_files_are_there_when_the_command_starts(node: Node, service: Service, server: Web) -> None:
    server.answers |= {"/a.txt": web.text("one\n"), "/b.txt": web.text("two\n")}
    ended = service.run(
        "cat a.txt deep/er/b.txt", resource_files=files(server, "a.txt", "./deep//er/b.txt")
    )
    assert (ended.cause, ended.exit_code, node.output()) == (EndCause.EXITED, 0, "one\ntwo\n")
    assert leftovers(node) == []


def test_the_program_itself_may_be_a_resource_file(
    node: Node, service: Service, server: Web
) -> None:
    server.answers["/run.sh"] = web.text("#!/bin/sh\necho ran\n")
    assert service.run("./run.sh", resource_files=files(server, "run.sh")).exit_code == 0
    assert node.output() == "ran\n"


def test_a_file_has_the_mode_that_was_asked_for(node: Node, service: Service, server: Web) -> None:
    server.answers["/a"] = web.text("x")
    service.run("true", resource_files=files(server, "a", mode=0o640))
    assert stat.S_IMODE((working_directory(node) / "a").stat().st_mode) == 0o640


def test_a_second_attempt_replaces_what_the_first_one_fetched(
    node: Node, service: Service, server: Web
) -> None:
    server.answers["/a"] = web.in_turn(web.text("a long first text"), web.text("second"))
    for attempt in (1, 2):
        service.run("true", execution_id=f"t-{attempt}", resource_files=files(server, "a"))
    assert (working_directory(node) / "a").read_text() == "second"


def test_many_files_come_and_not_all_at_once(node: Node, service: Service, server: Web) -> None:
    server.answers["/a"] = web.text("x" * 1000)
    orders = [ResourceFileOrder(f"{server.url}/a", f"d{n % 7}/{n}", 0o600) for n in range(300)]
    assert service.run("true", resource_files=orders).exit_code == 0
    found = [path for path in working_directory(node).rglob("*") if path.is_file()]
    assert {path.stat().st_size for path in found} == {1000}
    assert len(found) == 300


def test_a_file_that_is_not_to_be_had_ends_the_execution(
    node: Node, service: Service, server: Web
) -> None:
    server.answers |= {"/good": web.text("x"), "/bad": web.status(403)}
    ended = service.run("touch ran", resource_files=files(server, "good", "d/bad"))
    assert (ended.cause, ended.exit_code) == (EndCause.FILE_ACCESS_DENIED, None)
    assert ended.message.startswith(f"d/bad: {server.url}/bad answered 403")
    assert ended.start_time == service.started("t").time
    assert not (working_directory(node) / "ran").exists()
    assert node.output() == ""
    assert leftovers(node) == []
    assert "secret" not in ended.message + node.log()


def place(directory: WorkingDirectory, path: str) -> None:
    with directory.part_file(path, 0) as file:
        file.write(b"x")
        file.finish(0o600)


@pytest.mark.parametrize("path", ["../a", "/tmp/a", "d/../../a", "", "d/", ".", "a\0b", "x" * 300])
def test_a_path_that_is_none_of_the_working_directory_is_not_written(
    tmp_path: Path, path: str
) -> None:
    (tmp_path / "wd").mkdir()
    with (
        closing(WorkingDirectory(str(tmp_path / "wd"), None)) as directory,
        pytest.raises(NotFetched) as caught,
    ):
        place(directory, path)
    assert caught.value.cause is EndCause.FILE_WRITE_FAILED
    assert [one for one in tmp_path.rglob("*") if not one.is_dir()] == []


@pytest.mark.parametrize("target", ["wd/link/a", "wd/link"])
def test_a_link_in_the_working_directory_is_not_followed(
    node: Node, service: Service, server: Web, target: str
) -> None:
    server.answers["/a"] = server.answers["/link"] = web.text("new")
    outside = node.home / "outside"
    outside.mkdir()
    (outside / "a").write_text("old")
    working_directory(node).mkdir(parents=True)
    if target.endswith("/a"):
        (working_directory(node) / "link").symlink_to(outside)
        assert service.run("true", resource_files=files(server, "link/a")).cause is (
            EndCause.FILE_WRITE_FAILED
        )
    else:
        (working_directory(node) / "link").symlink_to(outside / "a")
        assert service.run("cat link", resource_files=files(server, "link")).exit_code == 0
        assert node.output() == "new"
    assert (outside / "a").read_text() == "old"


def test_a_folder_in_the_place_of_a_file_is_not_replaced(
    node: Node, service: Service, server: Web
) -> None:
    server.answers["/a"] = web.text("x")
    (working_directory(node) / "a").mkdir(parents=True)
    ended = service.run("true", resource_files=files(server, "a"))
    assert ended.cause is EndCause.FILE_WRITE_FAILED
    assert ended.message == "a: it cannot be written: Is a directory"


def test_a_full_disk_fails_the_write(folder: Path, server: Web) -> None:
    home = folder / "small"
    home.mkdir(mode=0o755)
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(home)],
        check=False, capture_output=True,
    )  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip("only root can mount a small disk")
    try:
        node = Node(home)
        node.start()
        server.answers["/a"] = web.text(b"x" * 4_000_000)
        ended = Service(node).run("true", resource_files=files(server, "a"))
        assert ended.cause is EndCause.FILE_WRITE_FAILED
        assert ended.message == "a: it cannot be written: No space left on device"
        node.close()
    finally:
        subprocess.run(["/bin/umount", "-l", str(home)], check=True)


def test_an_execution_without_files_does_not_wait_for_those_of_others(
    service: Service, server: Web
) -> None:
    server.answers["/slow"] = web.silence
    service.assign(assignment("true", name="slow", resource_files=files(server, "slow")))
    service.started("slow")
    assert service.run("true", name="quick").exit_code == 0
    service.send(Stop(["slow"], 5.0))
    service.ended("slow")


def test_slots_are_taken_while_files_are_fetched(make_node, server: Web) -> None:
    node = make_node(slots=1)
    service = Service(node)
    server.answers["/slow"] = web.silence
    service.assign(
        assignment("true", name="slow", resource_files=files(server, "slow")),
        assignment("true", name="next"),
    )
    server.wait_for_requests(1)
    service.send(Stop(["slow"], 5.0))
    service.ended("next")
    names = [(type(r), r.execution_id) for r in service.reports if isinstance(r, Started | Ended)]
    assert names.index((Ended, "slow")) < names.index((Started, "next"))


def test_a_stop_ends_a_download(node: Node, service: Service, server: Web) -> None:
    server.answers["/slow"] = web.silence
    service.assign(assignment("touch ran", resource_files=files(server, "slow")))
    server.wait_for_requests(1)
    service.send(Stop(["t"], 1000.0), Stop(["t"], 0.0))
    ended = service.ended("t")
    assert (ended.cause, ended.exit_code) == (EndCause.STOPPED, None)
    assert ended.start_time == service.started("t").time
    assert list(working_directory(node).iterdir()) == []


def test_the_time_limit_counts_from_before_the_download(
    node: Node, service: Service, server: Web
) -> None:
    server.answers["/slow"] = web.silence
    ended = service.run("true", resource_files=files(server, "slow"), wall_clock_seconds_max=0.3)
    assert (ended.cause, ended.exit_code) == (EndCause.TIMED_OUT, None)
    assert ended.start_time is not None
    assert (ended.end_time - ended.start_time).total_seconds() >= 0.3
    assert leftovers(node) == []


def test_a_download_uses_up_the_time_of_the_command(service: Service, server: Web) -> None:
    def after_a_while(handler: web.Handler) -> None:
        handler.server.web.is_over.wait(0.5)
        web.text("x")(handler)

    server.answers["/a"] = after_a_while
    begin = time.monotonic()
    ended = service.run("sleep 1000", resource_files=files(server, "a"), wall_clock_seconds_max=1.0)
    assert (ended.cause, ended.exit_code) == (EndCause.TIMED_OUT, -15)
    assert time.monotonic() - begin < 1.5
    assert ended.start_time == service.started("t").time


def test_a_killed_agent_is_followed_by_one_that_goes_on_fetching(
    node: Node, service: Service, server: Web
) -> None:
    server.answers["/a"] = web.in_turn(web.silence, web.text("x"))
    service.assign(
        assignment("cat a", kind=ExecutionKind.PREPARATION, resource_files=files(server, "a"))
    )
    server.wait_for_requests(1)
    begin = service.started("t").time
    (old,) = fetchers(node)
    node.kill_agent()
    wait_until(lambda: processes.start_time(old) is None)
    node.start()
    later = Service(node, acknowledged=service.numbers[-1])
    assert later.welcome.known == ["t"]
    ended = later.ended("t")
    assert (ended.exit_code, ended.start_time) == (0, begin)
    assert not any(isinstance(report, Started) for report in later.reports)
    assert later.run("true", name="next", wait_for="t").exit_code == 0


def test_the_limit_of_a_download_outlives_the_agent(
    node: Node, service: Service, server: Web
) -> None:
    server.answers["/a"] = web.silence
    service.assign(
        assignment("true", resource_files=files(server, "a"), wall_clock_seconds_max=1.0)
    )
    server.wait_for_requests(1)
    node.kill_agent()
    node.start()
    ended = Service(node).ended("t")
    assert ended.cause is EndCause.TIMED_OUT
    assert ended.start_time is not None
    assert 1.0 <= (ended.end_time - ended.start_time).total_seconds() < 2.0


def test_the_death_of_the_process_that_fetches_is_not_the_fault_of_the_task(
    node: Node, service: Service, server: Web
) -> None:
    server.answers["/a"] = web.in_turn(web.silence, web.text("x"))
    service.assign(assignment("cat a", resource_files=files(server, "a")))
    server.wait_for_requests(1)
    (fetcher,) = fetchers(node)
    os.kill(fetcher, 9)
    assert service.ended("t").exit_code == 0


def test_files_that_kill_who_fetches_them_end_their_execution(
    node: Node, service: Service, server: Web
) -> None:
    server.answers["/a"] = web.silence
    service.assign(assignment("cat a", resource_files=files(server, "a")))
    for number in (1, 2, 3):
        server.wait_for_requests(number)
        (fetcher,) = fetchers(node)
        os.kill(fetcher, 9)
    ended = service.ended("t")
    assert ended.cause is EndCause.FILE_DOWNLOAD_FAILED
    assert "died 3 times" in ended.message


def test_who_fetches_nothing_has_no_process_for_it(
    node: Node, service: Service, server: Web
) -> None:
    service.run("true")
    assert fetchers(node) == []
    server.answers["/a"] = web.text("x")
    service.run("true", name="u", resource_files=files(server, "a"))
    assert node.agent is not None
    assert len(fetchers(node)) == 1
    assert "libssl" not in Path(f"/proc/{node.agent.pid}/maps").read_text()


def fetch_here(
    orders: list[ResourceFileOrder], directory: Path, then: Callable[[Fetching], None]
) -> tuple[EndCause | None, str]:
    """Fetch as the agent does, in a loop of this test's own."""
    one = Begun(assignment("true", resource_files=orders), 0.0, processes.boot_time())

    async def run() -> tuple[EndCause | None, str]:
        over: asyncio.Future[tuple[EndCause | None, str]]
        over = asyncio.get_running_loop().create_future()
        fetching = Fetching(lambda _begun, cause, message: over.set_result((cause, message)))
        try:
            fetching.begin(one, str(directory), None)
            result = await over
            then(fetching)
            return result
        finally:
            fetching.close()

    return asyncio.run(run())


def test_the_process_that_fetches_goes_when_it_was_idle_for_a_while(
    tmp_path: Path, server: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["/a"] = web.text("x")
    before = set(processes.children(os.getpid()))

    def look(running: Fetching) -> None:
        running.rest()
        assert len(set(processes.children(os.getpid())) - before) == 1
        monkeypatch.setattr(fetching, "IDLE_SECONDS_MAX", -1.0)
        running.rest()
        assert set(processes.children(os.getpid())) <= before

    assert fetch_here(files(server, "a"), tmp_path, look) == (None, "")
    assert (tmp_path / "a").read_text() == "x"


def test_a_node_that_can_start_no_process_to_fetch_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    orders = [ResourceFileOrder("http://localhost/", "a", 0o600)]
    assert fetch_here(orders, tmp_path, Fetching.rest) == (
        EndCause.FILE_DOWNLOAD_FAILED,
        "the node cannot fetch files: Cannot allocate memory",
    )


def test_a_shutdown_during_a_download_leaves_nothing(
    node: Node, service: Service, server: Web
) -> None:
    server.answers["/slow"] = web.silence
    service.assign(assignment("true", resource_files=files(server, "slow")))
    server.wait_for_requests(1)
    (fetcher,) = fetchers(node)
    service.send(Shutdown())
    assert node.exit_code() == 0
    assert processes.start_time(fetcher) is None


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path / "both.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", str(path)],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


@pytest.mark.parametrize("is_trusted", [True, False])
def test_https_works_for_certificates_that_hold(
    folder: Path, certificate: Path, is_trusted: bool
) -> None:
    node = Node(folder / "n")
    trusted = {"SSL_CERT_FILE": str(certificate)} if is_trusted else {}
    node.start(environment={**os.environ, **trusted})
    try:
        with Web(certificate) as server:
            server.answers["/a"] = web.text("safe")
            ended = Service(node).run("cat a", resource_files=files(server, "a"))
            if is_trusted:
                assert (ended.exit_code, node.output()) == (0, "safe")
            else:
                assert ended.cause is EndCause.FILE_DOWNLOAD_FAILED
                assert "certificate that does not hold" in ended.message
    finally:
        node.close()
