"""A server that leaves nothing behind: its temporary folder, and who clears it away.

The nodes of such a server watch its process. Its folder is removed by itself at its end, and by a
tiny process that waits on a pipe if it has no time for that (kill -9).
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from batchyard.agent import processes
from batchyard.agent.settings import Watch
from batchyard.fleet.local import end_node
from batchyard.fleet.places import NodeHomes, homes_of

#: Waits for the end of the pipe, then removes folders; nodes may write to them a little longer.
_JANITOR: Final = """
read -r _
tries=0
until rm -rf -- "$@" 2>/dev/null || [ "$tries" -gt 200 ]; do tries=$((tries + 1)); sleep 0.1; done
"""

#: Nodes that are ended at the same time. Source: ours.
_ENDS_AT_ONCE: Final = 8


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder that goes with this process, whichever way it ends."""
    folder = Path(tempfile.mkdtemp(prefix="batchyard-"))
    folder.chmod(0o711)
    reading, writing = os.pipe()
    janitor = subprocess.Popen(  # noqa: S603  # The shell of the system, and folders of ours.
        ["/bin/sh", "-c", _JANITOR, "sh", str(folder), str(homes_of(folder).folder)],
        stdin=reading,
        start_new_session=True,
        close_fds=True,
    )
    os.close(reading)
    try:
        yield folder
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(writing)
        janitor.wait()


def own_watch() -> Watch | None:
    """Return this process as something to watch, None where processes cannot be told apart."""
    pid = os.getpid()
    start_time = processes.start_time(pid)
    return None if start_time is None else Watch(pid, start_time)


def end_nodes(homes: NodeHomes) -> int:
    """End all nodes of a data folder, and return how many there were; their files stay."""
    found = homes.all()
    with ThreadPoolExecutor(_ENDS_AT_ONCE) as threads:
        list(threads.map(end_node, found))
    return len(found)
