"""The jobs that are prepared on this node, remembered across restarts of the agent.

The report of a preparation is acknowledged and forgotten long before the last task asks for it.
"""

import logging
from pathlib import Path
from typing import Final

import msgspec

_LOG: Final = logging.getLogger(__name__)


class PreparedJobs:
    """Ids of jobs whose latest preparation task here succeeded, with that task's directory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._directories: dict[str, str] = {}
        if path.exists():
            self._directories = msgspec.json.decode(path.read_bytes(), type=dict[str, str])

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
        new = self._path.with_suffix(".new")
        try:
            new.write_bytes(msgspec.json.encode(self._directories))
            new.rename(self._path)
        except OSError as error:
            # A full disk must not stop the node; what is lost is lost with this agent only.
            _LOG.warning("Cannot save which jobs are prepared: %s", error)
