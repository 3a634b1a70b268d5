"""How long tasks of a job run, from what nodes have told so far: what prefetching goes by.

A hint in memory: after a start it is unknown, and nothing is prefetched until a task has ended.
"""

from collections import OrderedDict
from datetime import timedelta
from typing import Final

from batchyard.core.keys import JobKey

#: Part of the distance to a new run that the mean moves. Source: ours; one long run among short
#: ones ends prefetching at once, and it begins again a dozen short ones later.
_WEIGHT: Final = 0.2

#: Jobs that are remembered, those that were heard of last. Source: ours.
_JOBS_MAX: Final = 10_000


class RunTimes:
    """Mean run times by job, the latest runs counting most."""

    def __init__(self) -> None:
        self._seconds: OrderedDict[JobKey, float] = OrderedDict()

    def note(self, job: JobKey, run_time: timedelta) -> None:
        """Take a run into account."""
        seconds = run_time.total_seconds()
        mean = self._seconds.pop(job, seconds)
        self._seconds[job] = mean + (seconds - mean) * _WEIGHT
        if len(self._seconds) > _JOBS_MAX:
            self._seconds.popitem(last=False)

    def mean(self, job: JobKey) -> timedelta | None:
        """Return the mean run time of a job, None while it is unknown."""
        seconds = self._seconds.get(job)
        return None if seconds is None else timedelta(seconds=seconds)
