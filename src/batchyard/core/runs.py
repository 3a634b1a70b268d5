"""Runs of the tasks that a service adds on its own: preparation, release and start tasks.

Their life is told by one value, the latest run, and not by a state of their own (S-13, S-19).
"""

from datetime import datetime

from msgspec.structs import replace

from batchyard.core import failures, limits
from batchyard.core.model import Ending, Run


def again(run: Run, retry_count: int) -> Run:
    """Return the next run after `run`; a retry keeps when the first one of its kind started."""
    return Run(
        attempt=run.attempt + 1,
        retry_count=retry_count,
        start_time=run.start_time if retry_count else None,
        last_retry_time=run.last_retry_time if retry_count else None,
    )


def started(run: Run, time: datetime) -> Run:
    """Return `run` from its start on."""
    return replace(run, start_time=time, last_retry_time=time if run.retry_count else None)


def ended(run: Run, ending: Ending) -> Run:
    """Return `run` with its end."""
    return replace(
        run,
        end_time=ending.end_time,
        exit_code=ending.exit_code,
        result=failures.result(ending),
        failure=failures.failure(ending),
    )


def may_retry(run: Run, ending: Ending, retry_count_max: int) -> bool:
    """Return whether `ending` is one that a retry may mend, and there is a retry left (T-14)."""
    if not failures.is_retryable(ending):
        return False
    return retry_count_max == limits.RETRY_COUNT_UNLIMITED or run.retry_count < retry_count_max
