"""The jobs that are prepared on this node, remembered across restarts of the agent.

The report of a preparation is acknowledged and forgotten long before the last task asks for it.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

_LOG: Final = logging.getLogger(__name__)


class PreparedJobs:
    """Ids of jobs whose latest preparation task here succeeded, with that task's directory."""

    def __init__(
        self, directories: dict[str, str], save: Callable[[Mapping[str, str]], None]
    ) -> None:
        """Begin with what an earlier agent saved."""
        self._directories = directories
        self._save_all = save

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._directories

    def add(self, job_id: str, directory: str) -> None:
        """Note that a preparation succeeded."""
        self._directories[job_id] = directory
        self._save()

    def discard(self, job_id: str) -> None:
        """Note that a preparation is to run (again): what an earlier one did counts no more."""
        if self._directories.pop(job_id, None) is not None:
            self._save()

    def discard_below(self, path: str) -> None:
        """Note that a directory and all below it is gone, and with it its jobs.

        A job whose preparation's own directory goes, and no more, is as prepared as before: that
        is the end of its retention time (F-9).
        """
        gone = [
            job_id
            for job_id, directory in self._directories.items()
            if directory.startswith(f"{path}/")
        ]
        for job_id in gone:
            self.discard(job_id)

    def _save(self) -> None:
        self._save_all(self._directories)


def load(path: Path) -> PreparedJobs:
    """Return what the file at `path` says, and keep it up to date."""
    return PreparedJobs(_read(path), lambda current: _save(path, current))


def _read(path: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError as error:
        # The machine lost power before the file was on disk, and this life of the node ended with
        # it. What was to wait for a preparation is assigned anew.
        _LOG.warning("It is not known any more which jobs were prepared: %s", error)
        return {}


def _save(path: Path, directories: Mapping[str, str]) -> None:
    new = path.with_suffix(".new")
    try:
        new.write_bytes(msgspec.json.encode(directories))
        new.rename(path)
    except OSError as error:
        # A full disk must not stop the node; what is lost is lost with this agent only.
        _LOG.warning("Cannot save which jobs are prepared: %s", error)
