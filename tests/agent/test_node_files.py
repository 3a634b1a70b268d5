"""Files of a node: listed, read and deleted below its root, and nowhere else."""

import contextlib
import os
import socket
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchyard.agent.files import NoSuchFile, Tree
from batchyard.core import limits
from batchyard.link.messages import (
    DeleteFile,
    FileChunk,
    FileDeleted,
    FileList,
    FileProperties,
    FileRefused,
    ListFiles,
    ReadFile,
    RemoveDirectory,
    StatFile,
)
from tests.agent.nodes import Node, Service, wait_until


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root beside a folder that must stay out of reach."""
    path = tmp_path / "root"
    path.mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    return path


def names(tree: Tree, path: str = "", **changes: object) -> list[str]:
    options = {"prefix": "", "after": None, "limit": 1000, "is_recursive": True} | changes
    return [entry.name for entry in tree.list_folder(path, **options)[0]]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path",
    [
        "../outside/secret",
        "folder/../../outside/secret",
        "/etc/passwd",
        "absolute",
        "relative",
        "up/outside/secret",
        "chain",
        "folder/deep",
        "loop",
        "dangling",
        "nul\0",
        "x" * 300,
        "x/" * 3000,
        "pipe",
        "socket",
        "folder",
        "",
        "missing",
        "plain/below",
    ],
)
def test_what_leads_out_of_the_root_or_is_no_file_is_not_read(root: Path, path: str) -> None:
    (root / "folder").mkdir()
    (root / "plain").write_text("")
    (root / "absolute").symlink_to(root.parent / "outside/secret")
    (root / "relative").symlink_to("../outside/secret")
    (root / "up").symlink_to("..")
    (root / "chain").symlink_to("relative")
    (root / "folder/deep").symlink_to("../../outside/secret")
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("nothing")
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        old = Path.cwd()
        os.chdir(root)
        listener.bind("socket")
        os.chdir(old)
    with pytest.raises(NoSuchFile):
        Tree(root).read(path, 0, 10)


@pytest.mark.parametrize(
    "target", ["../shared/data", "{root}/shared/data", "../here/../shared/./data"]
)
def test_a_link_inside_the_root_is_followed(root: Path, target: str) -> None:
    (root / "shared").mkdir()
    (root / "shared/data").write_text("data")
    (root / "here").mkdir()
    (root / "here/link").symlink_to(target.format(root=root))
    (root / "folder").symlink_to("here")
    tree = Tree(root)
    assert tree.read("here/link", 0, 10) == tree.read("folder/link", 0, 10) == b"data"
    assert tree.stat("here/link").size_bytes == 4


def test_a_root_with_a_longer_name_is_another_folder(root: Path) -> None:
    (root.parent / "root2").mkdir()
    (root.parent / "root2/secret").write_text("secret")
    (root / "link").symlink_to(root.parent / "root2/secret")
    with pytest.raises(NoSuchFile):
        Tree(root).read("link", 0, 10)


STEPS = st.sampled_from(["a", "b", "link", "..", ".", "", "file"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    path=st.lists(STEPS, max_size=6), target=st.lists(STEPS, max_size=6), is_rooted=st.booleans()
)
def test_no_path_and_no_link_reads_anything_outside(root: Path, path, target, is_rooted) -> None:
    for folder in ("a", "a/b", "a/a"):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / "file").write_text("inside")
    (root.parent / "file").write_text("outside")
    link = root / "a" / "link"
    link.unlink(missing_ok=True)
    link.symlink_to(("/" if is_rooted else "") + "/".join(target) or ".")
    with contextlib.suppress(NoSuchFile):
        assert Tree(root).read("/".join(path), 0, 10) == b"inside"


def test_a_range_is_short_only_at_the_end_of_the_file(root: Path) -> None:
    (root / "f").write_bytes(b"0123456789")
    tree = Tree(root)
    assert tree.read("f", 2, 3) == b"234"
    assert tree.read("f", 8, 5) == b"89"
    assert tree.read("f", 10, 5) == tree.read("f", 99, 5) == b""
    for offset, length in ((-1, 5), (0, -1), (0, limits.FILE_CHUNK_BYTES_MAX + 1)):
        with pytest.raises(ValueError, match="bytes from"):
            tree.read("f", offset, length)


def test_a_list_has_folders_and_sorts_by_character(root: Path) -> None:
    for name in ("a/b", "a-b", "a/c/d", "é", "B"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / os.fsdecode(b"not-\xff-text")).write_text("")
    tree = Tree(root)
    assert names(tree) == ["B", "a", "a-b", "a/b", "a/c", "a/c/d", "é"]
    assert names(tree, is_recursive=False) == ["B", "a", "a-b", "é"]
    assert names(tree, "a") == ["b", "c", "c/d"]
    assert names(tree, prefix="a/c") == ["a/c", "a/c/d"]
    assert names(tree, prefix="a/c/") == ["a/c/d"]
    assert [e.is_directory for e in tree.list_folder("a", "", None, 9, is_recursive=True)[0]] == [
        False, True, False,
    ]  # fmt: skip


def test_a_link_in_a_list_stands_for_what_it_leads_to_but_is_not_entered(root: Path) -> None:
    (root / "real").mkdir()
    (root / "real/file").write_text("four")
    (root / "folder").symlink_to("real")
    (root / "file").symlink_to("real/file")
    (root / "outside").symlink_to("../outside/secret")
    entries = {e.name: e for e in Tree(root).list_folder("", "", None, 99, is_recursive=True)[0]}
    assert list(entries) == ["file", "folder", "outside", "real", "real/file"]
    assert entries["file"].size_bytes == 4
    assert entries["folder"].is_directory
    assert stat.S_ISLNK(entries["outside"].mode)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    paths=st.sets(st.text("ab-/é", min_size=1, max_size=8), max_size=25),
    limit=st.integers(1, 7),
    prefix=st.text("ab-/", max_size=2),
    is_recursive=st.booleans(),
)
def test_pages_of_any_size_together_are_the_whole_list(
    root: Path, tmp_path_factory, paths, limit, prefix, is_recursive
) -> None:
    folder = tmp_path_factory.mktemp("tree")
    for path in paths:
        try:
            (folder / path.strip("/")).parent.mkdir(parents=True, exist_ok=True)
            (folder / path.strip("/")).touch()
        except OSError:
            continue  # One name is a file and a folder, or none at all.
    tree = Tree(folder)
    whole = sorted(
        name
        for path in folder.rglob("*")
        if (name := str(path.relative_to(folder))).startswith(prefix)
        and (is_recursive or "/" not in name)
    )
    after, found, has_more = None, [], True
    while has_more:
        entries, has_more = tree.list_folder("", prefix, after, limit, is_recursive=is_recursive)
        assert len(entries) == limit or not has_more
        found += [entry.name for entry in entries]
        after = found[-1] if found else None
    assert found == whole


def test_a_file_with_an_impossible_time_is_listed(root: Path) -> None:
    (root / "f").touch()
    os.utime(root / "f", (2**40, 2**40))
    assert names(Tree(root)) == ["f"]


def test_the_service_lists_reads_and_deletes(node: Node, service: Service) -> None:
    service.run("/bin/sh -c 'echo hello; mkdir -p d/e; echo x > d/f'")
    task = "workitems/j/job-1/t"
    answer = service.ask(ListFiles, task, True, "", None, 3)
    assert isinstance(answer, FileList)
    assert [e.name for e in answer.entries] == ["stderr.txt", "stdout.txt", "wd"]
    assert answer.has_more
    answer = service.ask(ListFiles, task, True, "", "wd", 1000)
    assert isinstance(answer, FileList)
    assert ([e.name for e in answer.entries], answer.has_more) == (
        ["wd/d", "wd/d/e", "wd/d/f"],
        False,
    )
    answer = service.ask(StatFile, f"{task}/stdout.txt")
    assert isinstance(answer, FileProperties)
    assert (answer.entry.size_bytes, answer.entry.is_directory) == (6, False)
    answer = service.ask(ReadFile, f"{task}/stdout.txt", 1, 3)
    assert isinstance(answer, FileChunk)
    assert answer.data == b"ell"
    answer = service.ask(DeleteFile, f"{task}/wd/d", False)
    assert isinstance(answer, FileRefused)
    assert answer.reason == "notempty"
    assert isinstance(service.ask(DeleteFile, f"{task}/wd/d/e", False), FileDeleted)
    assert isinstance(service.ask(DeleteFile, f"{task}/wd/d", True), FileDeleted)
    assert isinstance(service.ask(DeleteFile, f"{task}/stdout.txt", False), FileDeleted)
    for missing in ("stdout.txt", "wd/d", "../../../../private/agent.log"):
        answer = service.ask(StatFile, f"{task}/{missing}")
        assert isinstance(answer, FileRefused)
        assert answer.reason == "notfound"


def test_folders_of_the_node_itself_are_not_deleted(node: Node, service: Service) -> None:
    for path in ("", ".", "shared", "workitems/"):
        answer = service.ask(DeleteFile, path, True)
        assert isinstance(answer, FileRefused)
        assert answer.reason == "failed"
    assert node.layout.work_items.is_dir()


def test_a_link_is_deleted_and_not_what_it_leads_to(node: Node, service: Service) -> None:
    (node.home / "kept").mkdir()
    (node.layout.shared / "link").symlink_to(node.home / "kept")
    assert isinstance(service.ask(DeleteFile, "shared/link", True), FileDeleted)
    assert (node.home / "kept").is_dir()


def test_a_removed_directory_is_free_for_another_one_of_its_name(
    node: Node, service: Service
) -> None:
    service.run("touch old", execution_id="t-1")
    service.send(RemoveDirectory(1, "workitems/j/job-1/t"))
    service.removed(1)
    service.run("ls", execution_id="t-2")
    assert node.output() == ""
    service.send(RemoveDirectory(1, "workitems/j/job-1/other"))
    wait_until(lambda: list(node.layout.trash.iterdir()) == [])


def test_a_removal_whose_report_is_not_acknowledged_is_not_done_twice(node: Node) -> None:
    service = Service(node, is_acknowledging=False)
    (node.layout.shared / "d").mkdir()
    service.send(RemoveDirectory(1, "shared/d"))
    service.removed(1)
    (node.layout.shared / "d").mkdir()
    service.close()
    later = Service(node, is_acknowledging=False)
    later.send(RemoveDirectory(1, "shared/d"))
    assert isinstance(later.ask(StatFile, "shared/d"), FileProperties)


@pytest.mark.parametrize("path", ["", "..", "/", "/etc", "shared", "workitems", "../private", "no"])
def test_a_removal_of_what_is_not_to_be_removed_is_reported_all_the_same(
    node: Node, service: Service, path: str
) -> None:
    service.send(RemoveDirectory(7, path))
    service.removed(7)
    assert node.layout.work_items.is_dir()
    assert node.layout.private.is_dir()


def test_a_tree_deeper_than_a_path_can_be_is_removed(node: Node, service: Service) -> None:
    deep = "import os\nfor n in range(3000):\n os.mkdir('d'); os.chdir('d')\nopen('f', 'w')"
    (node.home / "deep.py").write_text(deep)
    assert service.run(f"{sys.executable} -I -S {node.home}/deep.py").exit_code == 0
    service.send(RemoveDirectory(1, "workitems/j"))
    service.removed(1)
    assert not (node.layout.work_items / "j").exists()
    wait_until(lambda: list(node.layout.trash.iterdir()) == [])
