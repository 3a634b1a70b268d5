"""A server that keeps nothing leaves nothing, however it ends."""

import signal
from pathlib import Path

import pytest

from tests import batch, processes
from tests.batch import sh
from tests.waiting import wait_until
from tests.yard import Yard


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_server_in_memory_takes_everything_with_it(yard: Yard, number: signal.Signals):
    server = yard.up("--memory", environment={"TMPDIR": str(yard.temporary)})
    client = server.client()
    gate = yard.gate("gate")
    batch.create_pool(client, "p", nodes=2, slots=2)
    batch.create_job(client, "j", "p")
    where = batch.run_task(client, "j", batch.task("where", "printenv AZ_BATCH_NODE_ROOT_DIR"))
    assert batch.execution_of(where).exit_code == 0
    root = Path(batch.stdout(client, "j", "where").strip())
    assert root.is_dir()
    batch.add_tasks(
        client, "j", [batch.task(name, sh(yard.waiting_script(gate))) for name in ("a", "b")]
    )
    wait_until(lambda: yard.marks_of("a") and yard.marks_of("b"), 20, "both have begun")
    client.close()
    server.look()

    server.end(number)

    wait_until(lambda: not processes.alive(server.seen), 15, "all processes have ended")
    wait_until(lambda: not root.exists(), 15, "the node's root is gone")
    wait_until(lambda: not list(yard.temporary.iterdir()), 15, "the temporary folder is gone")
    assert not yard.data.exists()


def test_a_server_in_memory_without_any_node_leaves_no_folder(yard: Yard):
    server = yard.up("--memory", environment={"TMPDIR": str(yard.temporary)})

    assert server.end(signal.SIGTERM) == 0

    assert list(yard.temporary.iterdir()) == []
