"""Tasks run with the rights of an account of their own, when we are root."""

import os
import pwd
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from batchyard.agent.accounts import ACCOUNT_NAME, ensure_task_account
from batchyard.agent.settings import TaskAccount
from batchyard.core.states import EndCause, ExecutionKind
from batchyard.link.messages import ResourceFileOrder, Stop
from tests.agent import web
from tests.agent.nodes import Node, Service, assignment
from tests.agent.web import Web

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up its rights")


@pytest.fixture
def node(make_node: Callable[..., Node], account: TaskAccount) -> Node:
    return make_node(account=account)


@needs_root
def test_the_account_is_made_once_and_can_do_nothing_special(account: TaskAccount) -> None:
    assert ensure_task_account() == account
    entry = pwd.getpwnam(ACCOUNT_NAME)
    assert (entry.pw_uid, entry.pw_gid) == (account.uid, account.gid)
    assert account.uid != 0 != account.gid


@needs_root
def test_a_task_has_the_rights_of_the_account_only(
    node: Node, service: Service, account: TaskAccount
) -> None:
    service.run("/bin/sh -c 'id -un; id -G; grep -E \"^(Uid|Gid|CapEff)\" /proc/$$/status; whoami'")
    ids = f"{account.uid}\t" * 3 + f"{account.uid}"
    groups = f"{account.gid}\t" * 3 + f"{account.gid}"
    assert node.output() == (
        f"{ACCOUNT_NAME}\n{account.gid}\nUid:\t{ids}\nGid:\t{groups}\n"
        f"CapEff:\t{'0' * 16}\n{ACCOUNT_NAME}\n"
    )


@needs_root
def test_a_task_writes_where_it_may_and_nowhere_else(node: Node, service: Service) -> None:
    ended = service.run(
        "/bin/sh -c 'touch mine ../beside $AZ_BATCH_NODE_SHARED_DIR/all || exit 1;"
        " ls $AZ_BATCH_NODE_STARTUP_DIR $AZ_BATCH_NODE_ROOT_DIR >/dev/null || exit 2;"
        " touch $AZ_BATCH_NODE_ROOT_DIR/x && exit 3; touch ../../x && exit 4;"
        " ls $AZ_BATCH_NODE_ROOT_DIR/../private && exit 5; cat /etc/shadow && exit 6; exit 0'"
    )
    assert ended.exit_code == 0, (node.layout.work_items / "j/job-1/t/stderr.txt").read_text()


@needs_root
def test_the_files_of_a_task_belong_to_the_account(
    node: Node, service: Service, account: TaskAccount
) -> None:
    service.run("true")
    service.run("no-such-program", name="missing")
    for name in ("t", "missing"):
        task = node.layout.work_items / "j/job-1" / name
        for path in (task, task / "wd", task / "stdout.txt", task / "stderr.txt"):
            assert (path.stat().st_uid, path.stat().st_gid) == (account.uid, account.gid), path


@needs_root
def test_an_elevated_task_is_root(node: Node, service: Service) -> None:
    service.run("/bin/sh -c 'id -u; echo $USER'", is_elevated=True)
    assert node.output() == "0\nroot\n"


@needs_root
def test_the_supervisor_is_itself_again_after_each_start(node: Node, service: Service) -> None:
    service.run("true")
    service.run("/no/such/program", name="t2")
    status = Path(f"/proc/{node.supervisor_pid()}/status").read_text()
    assert "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n" in status


@needs_root
def test_a_link_in_the_place_of_a_log_leads_no_further_than_the_task(
    node: Node, service: Service
) -> None:
    target = node.home / "important"
    target.write_text("important")
    service.run(f"/bin/sh -c 'ln -sf {target} ../stdout.txt'", execution_id="t-1")
    ended = service.run("echo overwritten", execution_id="t-2")
    assert ended.cause in {EndCause.LAUNCH_FAILED, EndCause.DIRECTORY_FAILED}
    assert target.read_text() == "important"
    assert service.run("no-such-program", execution_id="t-3").cause is EndCause.PROGRAM_NOT_FOUND
    assert target.read_text() == "important"


@needs_root
def test_processes_of_the_account_are_stopped(node: Node, service: Service) -> None:
    service.assign(assignment("/bin/sh -c 'setsid sleep 1000 & sleep 1000'"))
    service.started("t")
    service.send(Stop(["t"], 5.0))
    assert service.ended("t").exit_code == -15
    assert node.processes() == set()


def test_who_is_not_root_has_no_account_for_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert ensure_task_account() is None


@needs_root
def test_resource_files_and_their_folders_belong_to_the_account(
    node: Node, service: Service, account: TaskAccount, server: Web
) -> None:
    server.answers["/a"] = web.text("x")
    file = ResourceFileOrder(f"{server.url}/a", "d/e/a", 0o770)
    ended = service.run("/bin/sh -c 'rm d/e/a; rmdir d/e; echo y > d/a'", resource_files=[file])
    assert ended.exit_code == 0, "they are the task's own"
    service.run("true", name="u", resource_files=[file])
    path = node.layout.work_items / "j/job-1/u/wd/d/e/a"
    for one in (path, path.parent, path.parent.parent):
        assert (one.stat().st_uid, one.stat().st_gid) == (account.uid, account.gid)
    assert stat.S_IMODE(path.stat().st_mode) == 0o770


@needs_root
def test_links_of_the_account_lead_resource_files_nowhere(
    node: Node, service: Service, server: Web
) -> None:
    server.answers["/a"] = web.text("new")
    secret = node.home / "secret"
    secret.mkdir()
    for name, is_elevated in (("plain", False), ("elevated", True)):
        service.run(f"ln -s {secret} d", name=name, execution_id=f"{name}-1")
        ended = service.run(
            "true",
            name=name,
            execution_id=f"{name}-2",
            is_elevated=is_elevated,
            resource_files=[ResourceFileOrder(f"{server.url}/a", "d/a", 0o770)],
        )
        assert ended.cause is EndCause.FILE_WRITE_FAILED
    service.run(f"/bin/sh -c 'mv ../wd ../old; ln -s {secret} ../wd'", execution_id="t-4")
    ended = service.run(
        "true",
        execution_id="t-5",
        resource_files=[ResourceFileOrder(f"{server.url}/a", "a", 0o770)],
    )
    assert ended.cause is EndCause.DIRECTORY_FAILED
    assert list(secret.iterdir()) == []


@needs_root
@pytest.mark.parametrize("kind", [ExecutionKind.START, ExecutionKind.PREPARATION])
def test_tasks_read_and_cannot_change_the_files_of_an_elevated_start_or_preparation_task(
    node: Node, service: Service, server: Web, kind: ExecutionKind
) -> None:
    server.answers["/run.sh"] = web.text("#!/bin/sh\nid -u\n")
    directory = "startup" if kind is ExecutionKind.START else "workitems/j/job-1/prep"
    ended = service.run(
        "./run.sh",
        name="prep",
        directory=directory,
        kind=kind,
        slots=0,
        is_elevated=True,
        resource_files=[ResourceFileOrder(f"{server.url}/run.sh", "run.sh", 0o770)],
    )
    assert ended.exit_code == 0
    script = f"{node.layout.root}/{directory}/wd/run.sh"
    assert service.run(script).exit_code == 0
    change = f"/bin/sh -c 'echo x >> {script} || rm -f {script} || mv {script} {script}.old'"
    assert service.run(change, name="u").exit_code != 0
    assert (node.layout.root / directory / "stdout.txt").read_text() == "0\n"


@needs_root
def test_what_a_plain_preparation_shares_a_plain_release_can_take_away(
    node: Node, service: Service
) -> None:
    shared = "$AZ_BATCH_NODE_SHARED_DIR"
    make = f"/bin/sh -c 'mkdir {shared}/d && echo x > {shared}/d/f'"
    assert service.run(make, name="prep", kind=ExecutionKind.PREPARATION, slots=0).exit_code == 0
    assert service.run(f"/bin/sh -c 'echo y >> {shared}/d/f'").exit_code == 0
    take = f"/bin/sh -c 'rm -r {shared}/d'"
    assert service.run(take, name="rel", kind=ExecutionKind.RELEASE, slots=0).exit_code == 0
    assert list(node.layout.shared.iterdir()) == []


@needs_root
def test_what_an_elevated_preparation_shares_tasks_can_read_and_an_elevated_release_take_away(
    node: Node, service: Service
) -> None:
    shared = "$AZ_BATCH_NODE_SHARED_DIR"
    assert (
        service.run(
            f"/bin/sh -c 'umask 022; mkdir {shared}/d; echo x > {shared}/d/f; echo x > {shared}/f'",
            name="prep",
            kind=ExecutionKind.PREPARATION,
            slots=0,
            is_elevated=True,
        ).exit_code
        == 0
    )
    read = f"/bin/sh -c 'cat {shared}/d/f {shared}/f && rm -f {shared}/f && ! rm -rf {shared}/d'"
    assert service.run(read).exit_code == 0
    take = f"/bin/sh -c 'rm -r {shared}/d'"
    ended = service.run(take, name="rel", kind=ExecutionKind.RELEASE, slots=0, is_elevated=True)
    assert ended.exit_code == 0
    assert list(node.layout.shared.iterdir()) == []


@needs_root
def test_what_a_task_must_not_see_it_does_not_see(
    node: Node, service: Service, server: Web
) -> None:
    server.answers["/a"] = web.text("x")
    file = ResourceFileOrder(f"{server.url}/a?sig=secret", "a", 0o770)
    ended = service.run(
        f"/bin/sh -c 'cat {node.layout.agent_log} || ls {node.layout.private}"
        " || grep -l sig=secret /proc/[0-9]*/cmdline /proc/[0-9]*/environ'",
        resource_files=[file],
    )
    assert ended.exit_code not in (0, None)


@needs_root
def test_a_home_in_a_place_of_its_own_needs_no_way_to_the_data_folder(
    folder: Path, account: TaskAccount, server: Web
) -> None:
    """As when the data folder lies below one that only root may search."""
    closed = folder / "closed"
    (closed / "data").mkdir(parents=True)
    closed.chmod(0o700)
    home = folder / "open/n"
    home.parent.mkdir()
    node = Node(home, account=account)
    node.home.chmod(0o711)
    node.start()
    try:
        server.answers["/a"] = web.text("x")
        file = ResourceFileOrder(f"{server.url}/a", "a", 0o770)
        ended = Service(node).run(
            f"/bin/sh -c 'cat a && touch $AZ_BATCH_NODE_SHARED_DIR/b && ! ls {closed}/data'",
            resource_files=[file],
        )
        assert ended.exit_code == 0
    finally:
        node.close()


@needs_root
def test_a_directory_that_a_killed_agent_had_only_made_is_given_to_the_account(
    node: Node, service: Service
) -> None:
    (node.layout.work_items / "j/job-1/t/wd").mkdir(parents=True)

    assert service.run("true").exit_code == 0
