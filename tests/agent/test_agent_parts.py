"""The small parts of the agent, each by itself."""

import asyncio
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchyard.agent import command, processes, supervision, supervisor
from batchyard.agent.journal import Attached, Entry, Outbox
from batchyard.agent.report_log import ReportLog
from batchyard.agent.settings import SUPERVISOR_FAILED_EXIT_CODE, NodeSettings, load
from batchyard.core import limits
from batchyard.link import address, frames
from batchyard.link.address import AddressTooLong, address_of
from batchyard.link.messages import DirectoryRemoved, ReadFile, Report
from tests.agent.nodes import Node, Service


@given(st.text("ab \t\n'\"\\#$*;é\v\x1c", max_size=12))
def test_a_command_line_is_split_as_posix_says(text: str) -> None:
    try:
        expected = shlex.split(text, posix=True)
    except ValueError:
        expected = []
    try:
        assert command.split(text) == expected
    except command.BadCommandLine:
        assert not expected or not expected[0]


@given(st.lists(st.binary(max_size=20), max_size=8), st.data())
def test_frames_are_found_however_the_stream_is_cut(contents: list[bytes], data) -> None:
    messages = [ReadFile(n, content.hex(), n, n) for n, content in enumerate(contents)]
    stream = b"".join(frames.encode(message) for message in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    reader = frames.to_agent()
    found: list[object] = []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += reader.feed(stream[begin:end])
    assert found == messages


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.text(max_size=5)),
        st.tuples(st.just("flush"), st.none()),
        st.tuples(st.just("acknowledge"), st.integers(0, 30)),
        st.tuples(st.just("reopen"), st.booleans()),
        st.tuples(st.just("shrink"), st.none()),
    ),
    max_size=30,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(OPERATIONS)
def test_the_log_keeps_what_is_not_acknowledged_under_its_number(
    tmp_path: Path, operations
) -> None:
    path = tmp_path / "reports.log"
    path.unlink(missing_ok=True)
    log = ReportLog(str(path), epoch=1)
    boot_time = log.boot_time
    kept: dict[int, str] = {}
    waiting: list[str] = []
    number = 0
    for name, value in operations:
        if name == "add":
            log.add([value])
            waiting.append(value)
        elif name == "flush":
            first, entries = log.flush()
            assert (first, len(entries)) == (number + 1, len(waiting))
            for one in waiting:
                number += 1
                kept[number] = one
            waiting.clear()
        elif name == "acknowledge":
            log.acknowledge(value)
            kept = {n: one for n, one in kept.items() if n > value}
            number = max(number, value)
        elif name == "shrink":
            log._size_max = 0
        else:
            acknowledged = log.acknowledged
            waiting.clear()
            if value:
                with path.open("a") as file:
                    file.write("[99,[half")
            log = ReportLog(str(path), epoch=1)
            # An acknowledgement is not on file before the next rewrite, and comes again.
            log.acknowledge(acknowledged)
        assert log.number == number
        found = [json.loads(entry)[0] for entry in log.unacknowledged()]
        assert found == [kept[n] for n in sorted(kept)]
    assert log.boot_time == boot_time
    assert ReportLog(str(path), epoch=2).number == 0


def test_a_supervisor_on_a_full_disk_rests_between_its_attempts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "private").mkdir()
    log = ReportLog(str(tmp_path / "reports.log"), epoch=1)
    before = signal.getsignal(signal.SIGCHLD)
    own: dict[str, object] = {"server_watch": None, "alone_seconds_max": 60.0}
    one = supervisor.Supervisor(str(tmp_path), own, log)
    try:
        monkeypatch.setattr(log, "flush", lambda: (1, []))
        now = processes.boot_time()
        one._look_time = now + 60
        one._add_entries([["started", "one", 1.0]])
        one._tell_when_due(now)
        assert one._poll_seconds() > 0.5
    finally:
        one._agent.close()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, before)


def test_a_log_on_a_full_disk_tells_nothing_until_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = ReportLog(str(tmp_path / "reports.log"), epoch=1)
    real = os.write
    log.add(["one"])
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: real(fd, data[:4]))
        assert log.flush() == (1, [])
    with monkeypatch.context() as patch:

        def fail(_fd: int, _data: bytes) -> int:
            raise OSError(28, "No space left on device")

        patch.setattr(os, "write", fail)
        log.add(["two"])
        assert log.flush() == (1, [])
    assert log.flush() == (1, ['["one"]', '["two"]'])
    assert log.unacknowledged() == ['["one"]', '["two"]']


def removals(reports: list[Report]) -> list[int]:
    return [report.removal for report in reports if isinstance(report, DirectoryRemoved)]


@given(st.lists(st.sampled_from(["append", "send", "acknowledge", "restart"]), max_size=40))
def test_any_order_of_events_sends_each_report_in_order(events: list[str]) -> None:
    outbox = Outbox(1)
    heard: list[int] = []
    last = 0
    for event in events:
        if event == "append":
            last += 1
            outbox.append([DirectoryRemoved(last)])
            continue
        if event == "acknowledge":
            outbox.acknowledge(heard[-1] if heard else 0)
            continue
        batch = outbox.restart() if event == "restart" else outbox.next_batch()
        if event == "restart":
            heard = list(range(1, outbox.first))
        if batch is not None:
            first, reports = batch
            assert first == (heard[-1] if heard else 0) + 1
            assert removals(reports) == list(range(first, first + len(reports)))
            heard += range(first, first + len(reports))
    outbox.acknowledge(heard[-1] if heard else 0)
    batch = outbox.next_batch()
    assert heard + removals(batch[1] if batch else []) == list(range(1, last + 1))


@pytest.mark.parametrize("length", [10, 300])
def test_a_socket_is_reached_whatever_the_length_of_its_path(folder: Path, length: int) -> None:
    path = folder / ("x" * (length % 200)) / ("y" * (length // 2)) / "s.sock"
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as caller:
        with address_of(path) as name:
            listener.bind(name)
        listener.listen()
        assert path.is_socket()
        with address_of(path) as name:
            caller.connect(name)


def test_a_system_without_proc_says_that_the_path_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "_DESCRIPTORS", tmp_path / "none")
    with pytest.raises(AddressTooLong), address_of(tmp_path / ("x" * 200)):
        pass


def test_children_are_found_without_the_kernels_list_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    child = subprocess.Popen(["/bin/sleep", "1000"])
    try:
        assert child.pid in processes.children(os.getpid())
        assert child.pid in processes._children_by_search(os.getpid())
    finally:
        child.kill()
        child.wait()
    assert child.pid not in processes.children(os.getpid())
    assert processes.start_time(child.pid) is None


def test_a_dead_process_that_nobody_reaped_counts_as_gone() -> None:
    child = subprocess.Popen(["/bin/true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert processes.status(child.pid) is not None
    assert processes.start_time(child.pid) is None
    child.wait()


def test_settings_are_what_was_saved(tmp_path: Path) -> None:
    saved = NodeSettings(
        pool_id="p", node_id="n", epoch=3, is_dedicated=False, slots=2,
        task_account=None, server_watch=None,
    )  # fmt: skip
    saved.save(tmp_path)
    assert load(tmp_path) == saved


def test_the_supervisor_needs_the_standard_library_only() -> None:
    """Also through the ``__init__`` of our packages, which run in it too."""
    source = supervision._SUPERVISOR.parents[2]
    code = (
        f"import sys; sys.path.append({str(source)!r}); import batchyard.agent.supervisor;"
        "print(*sorted(name for name in sys.modules if name.startswith('batchyard')));"
        "print(*[m for m in ('typing', 'pathlib', 'asyncio', 'subprocess') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    ours, large = result.stdout.split("\n")[:2]
    assert ours.split() == [
        "batchyard",
        *(f"batchyard.agent{name}" for name in (
            "", ".launch", ".orphans", ".peer", ".processes", ".report_log", ".supervisor",
        )),
    ]  # fmt: skip
    assert large == ""


def test_the_constants_of_the_supervisor_are_those_of_the_limits() -> None:
    assert limits.STOP_GRACE_TIME.total_seconds() == supervisor.STOP_GRACE_SECONDS


def test_the_agent_stays_small(node: Node, service: Service) -> None:
    service.run("true")
    assert node.agent is not None
    assert "libssl" not in Path(f"/proc/{node.agent.pid}/maps").read_text()
    assert pss_mb(node.agent.pid) < 40
    assert pss_mb(node.supervisor_pid()) < 16


def pss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise AssertionError


def test_a_supervisor_that_cannot_start_ends_the_agent(folder: Path) -> None:
    node = Node(folder / "n")
    (node.home / "private").mkdir()
    (node.home / "private/reports.log").mkdir()
    node.start()
    assert node.exit_code() == SUPERVISOR_FAILED_EXIT_CODE
    assert "IsADirectoryError" in node.log()
    node.close()


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_defect_of_the_agent_is_told_from_the_death_of_the_supervisor(is_ours: bool) -> None:
    def refuse(_first: int, _entries: list[Entry]) -> None:
        raise AssertionError("defect")

    async def lose() -> Exception | None:
        lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        link = supervision.SupervisorLink(refuse, lost.set_result)
        ours, theirs = socket.socketpair()
        await link.open(supervision.Attachment(ours, Attached(1, 0.0, [], [], 1, []), b""))
        with theirs:
            if is_ours:
                theirs.send(b'{"first":1,"entries":[]}\n')
                return await lost
        return await lost

    assert isinstance(asyncio.run(lose()), AssertionError if is_ours else type(None))
