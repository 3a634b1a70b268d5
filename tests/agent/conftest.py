"""Nodes that are ended after each test, with a look for what they left running."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batchyard.agent.accounts import ensure_task_account
from batchyard.agent.settings import TaskAccount
from tests.agent.nodes import Node, Service
from tests.agent.web import Web


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other accounts can enter, with a short path: pytest's own is neither."""
    path = Path(tempfile.mkdtemp(prefix="by-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def make_node(folder: Path) -> Iterator[Callable[..., Node]]:
    nodes: list[Node] = []

    def make(**settings: object) -> Node:
        node = Node(folder / f"n{len(nodes)}", **settings)  # type: ignore[arg-type]  # As given.
        nodes.append(node)
        node.start()
        return node

    yield make
    for node in nodes:
        node.close()


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    return make_node()


@pytest.fixture
def service(node: Node) -> Service:
    return Service(node)


@pytest.fixture
def server() -> Iterator[Web]:
    with Web() as server:
        yield server


@pytest.fixture
def account() -> TaskAccount:
    account = ensure_task_account()
    assert account is not None
    return account
