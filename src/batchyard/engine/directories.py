"""Where the files of jobs and tasks lie on a node, relative to its root. Source: F-2, F-3."""

from typing import Final

#: Directory of the start task. Source: F-4.
START_DIRECTORY: Final = "startup"


def job_directory(job_id: str) -> str:
    """Return the directory of all tasks of a job.

    The id of a job that a schedule made is split at its colon.
    """
    schedule, colon, number = job_id.partition(":")
    return f"workitems/{schedule}/{number if colon else 'job-1'}"


def task_directory(job_id: str, task_id: str) -> str:
    """Return the directory of one task, a preparation or release task included."""
    return f"{job_directory(job_id)}/{task_id}"
