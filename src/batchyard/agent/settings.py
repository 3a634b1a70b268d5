"""What a node is told at its start, where its things lie, and how its agent ends.

An exit code that is none of those below, or a signal, is a defect or somebody's kill: tasks run on,
and the next agent with the same epoch takes over.
"""

import os
from pathlib import Path
from typing import Final

import msgspec

from batchyard.core import limits

#: The node has ended in order: told to, or nothing was left to live for.
ENDED_EXIT_CODE: Final = 0

#: The supervisor of this epoch is gone, and its processes are killed: the node is lost. A new life
#: needs a higher epoch in ``node.json``; until then every start of an agent ends like this.
SUPERVISOR_LOST_EXIT_CODE: Final = 70

#: Another agent serves this node.
ALREADY_SERVED_EXIT_CODE: Final = 71

#: No supervisor can be started on this machine; ``agent.log`` says why.
SUPERVISOR_FAILED_EXIT_CODE: Final = 72


class TaskAccount(msgspec.Struct, frozen=True):
    """The unprivileged account that tasks run as, unless they are elevated. Source: T-39."""

    name: str
    uid: int
    gid: int


class Watch(msgspec.Struct, frozen=True):
    """A process, named for good by its pid and start time (`processes.start_time`)."""

    pid: int
    start_time: int


class NodeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``HOME/node.json``, written by the fleet before it starts the agent.

    Without a `task_account` all tasks run as the agent's own user. With a `server_watch` the node
    and its home go when that process is gone.
    """

    pool_id: str
    node_id: str
    epoch: int
    is_dedicated: bool
    slots: int
    task_account: TaskAccount | None
    server_watch: Watch | None
    alone_seconds_max: float = limits.NODE_ALONE_TIME_MAX.total_seconds()

    def save(self, home: Path) -> None:
        """Write ``node.json``; whoever reads it sees the whole old one or the whole new one."""
        new = home / "node.json.new"
        new.write_bytes(msgspec.json.encode(self))
        new.rename(home / "node.json")


def load(home: Path) -> NodeSettings:
    """Read ``node.json``.

    Raises:
        FileNotFoundError: There is none.
        msgspec.DecodeError: It is none of ours.
    """
    return msgspec.json.decode((home / "node.json").read_bytes(), type=NodeSettings)


class Layout:
    """The files and folders of a node."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.private = home / "private"
        self.agent_lock = self.private / "agent.lock"
        self.agent_socket = self.private / "agent.sock"
        self.agent_log = self.private / "agent.log"
        self.supervisor_lock = self.private / "supervisor.lock"
        self.supervisor_socket = self.private / "supervisor.sock"
        self.prepared_jobs = self.private / "prepared.json"
        self.trash = self.private / "trash"
        #: AZ_BATCH_NODE_ROOT_DIR; what clients see of a node. Source: F-1, F-2.
        self.root = home / "root"
        self.applications = self.root / "applications"
        self.mounts = self.root / "fsmounts"
        self.shared = self.root / "shared"
        self.startup = self.root / "startup"
        self.volatile = self.root / "volatile"
        self.work_items = self.root / "workitems"

    @property
    def fixed_folders(self) -> tuple[Path, ...]:
        """The folders that are there as long as the node is."""
        return (
            self.applications,
            self.mounts,
            self.shared,
            self.startup,
            self.volatile,
            self.work_items,
        )

    def make(self, account: TaskAccount | None) -> None:
        """Make what is missing of the folders, for the use of `account`.

        Only we and the task account may enter the root; `shared` is for all tasks to write to
        (F-11). What stands above a task's directory is ours, so that no task can put a link in
        the place of another one's directory.
        """
        self.private.mkdir(mode=0o700, exist_ok=True)
        self.private.chmod(0o700)
        self.trash.mkdir(mode=0o700, exist_ok=True)
        self.root.mkdir(mode=0o750, exist_ok=True)
        self.root.chmod(0o750)
        for folder in self.fixed_folders:
            folder.mkdir(mode=0o755, exist_ok=True)
        if account is not None:
            os.chown(self.root, 0, account.gid)
            os.chown(self.shared, account.uid, account.gid)
