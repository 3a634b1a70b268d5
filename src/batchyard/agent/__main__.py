"""``python -m batchyard.agent HOME``: the agent of the node at HOME, as a process."""

# Imports follow the one that must not happen.
# ruff: noqa: E402

import sys

# asyncio takes the ssl library when it finds one; here it would be a fifth of the memory for
# nothing, on every node.
sys.modules["ssl"] = None  # type: ignore[assignment]  # Documented: stops its import.

import asyncio
import fcntl
import gc
import logging
import os
import signal
import socket
from pathlib import Path
from typing import Final

from batchyard.agent import settings as node_settings
from batchyard.agent import supervision
from batchyard.agent.agent import Agent
from batchyard.agent.conversation import Conversation
from batchyard.agent.settings import Layout
from batchyard.link.address import address_of

#: Bytes of the agent's own log that are worth a fresh file. Source: ours.
LOG_BYTES_MAX: Final = 4 * 1024 * 1024

#: New objects after which to look for garbage in cycles, of which hardly any is made. Source: ours.
_COLLECTION_OBJECTS: Final = 20_000

_LOG: Final = logging.getLogger("batchyard.agent")


def main(home: Path) -> int:
    """Serve the node at `home` until it ends; return the exit code of the process."""
    os.umask(0o022)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    layout = Layout(home)
    settings = node_settings.load(home)
    layout.make(settings.task_account)
    lock = os.open(layout.agent_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return node_settings.ALREADY_SERVED_EXIT_CODE
    _open_log(layout.agent_log)
    try:
        return asyncio.run(_serve(layout, settings))
    except supervision.SupervisorLost as error:
        _LOG.error("The node is lost: its supervisor died. %s", error)
        return node_settings.SUPERVISOR_LOST_EXIT_CODE
    except supervision.SupervisorFailed as error:
        _LOG.error("The node cannot start: %s", error)
        return node_settings.SUPERVISOR_FAILED_EXIT_CODE


def _open_log(path: Path) -> None:
    """Make the node's log our standard output and error, so that nothing we say is lost."""
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.rename(path.with_suffix(".log.1"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


async def _serve(layout: Layout, settings: node_settings.NodeSettings) -> int:
    agent = Agent(layout, settings, supervision.attach(layout, settings))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    layout.agent_socket.unlink(missing_ok=True)
    with address_of(layout.agent_socket) as address:
        listener.bind(address)
    gc.freeze()
    gc.set_threshold(_COLLECTION_OBJECTS)
    # From here on a connection succeeds, and finds an agent that knows all it has to tell.
    await asyncio.get_running_loop().create_unix_server(lambda: Conversation(agent), sock=listener)
    return await agent.run()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
