"""Where the homes of local nodes lie.

A task's account must be able to reach its directory. So when we are root, and the data folder lies
below a folder that others may not search, the homes lie in the system's state folder instead, under
an id of the data folder (architecture.md section 8).
"""

import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import Final

from batchyard.core.keys import NodeKey

#: The system's folder for the state of services (File Hierarchy Standard).
_STATE_FOLDER: Final = Path("/var/lib/batchyard")

#: File beside homes in the state folder that names their data folder.
_OWNER: Final = "data-folder"


class NodeHomes:
    """The folder of all homes of one data folder."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder: Final = folder
        self._data = data

    @property
    def is_forsaken(self) -> bool:
        """Whether the data folder that the homes belong to was removed."""
        return not self._data.exists()

    def make(self) -> None:
        """Make the folder, open for passing through and closed for looking around."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        if not self.folder.is_relative_to(self._data):
            (self.folder / _OWNER).write_text(str(self._data))
        if os.geteuid() == 0:
            # Tasks run as another account, which must be able to pass through here as well.
            parent = self.folder.parent
            parent.chmod(parent.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    def home(self, node: NodeKey) -> Path:
        """Return the home of a node."""
        return self.folder / str(node)

    def all(self) -> list[Path]:
        """Return the homes that exist."""
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if path.name.isdecimal())

    def remove(self) -> None:
        """Remove the folder and everything in it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def homes_of(data: Path) -> NodeHomes:
    """Return where the homes of a data folder lie."""
    if os.geteuid() != 0 or _is_searchable(data):
        return NodeHomes(data / "nodes", data)
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return NodeHomes(_STATE_FOLDER / name, data)


def forsaken_homes() -> list[NodeHomes]:
    """Return the homes in the system's state folder whose data folders were removed."""
    owners = sorted(_STATE_FOLDER.glob(f"*/{_OWNER}"))
    found = [NodeHomes(owner.parent, Path(owner.read_text())) for owner in owners]
    return [homes for homes in found if homes.is_forsaken]


def _is_searchable(data: Path) -> bool:
    """Whether every account may pass through all parents of `data`; it itself we can open up."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in data.parents if parent.exists())
