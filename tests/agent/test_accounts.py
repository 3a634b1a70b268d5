"""Tasks run with the rights of an account of their own, when we are root."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from batchyard.agent.accounts import ACCOUNT_NAME, ensure_task_account
from batchyard.agent.settings import TaskAccount
from batchyard.core.model import EndCause
from batchyard.link.messages import Stop
from tests.agent.nodes import Node, Service, assignment

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up its rights")


@pytest.fixture
def account() -> TaskAccount:
    account = ensure_task_account()
    assert account is not None
    return account


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
