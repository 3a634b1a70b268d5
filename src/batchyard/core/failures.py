"""How an execution ended, as Azure Batch tells it: results and ``failureInfo``.

Source: T-11 ... T-13, T-19 ... T-21 and the table of failure codes in 03.
"""

from typing import Final

from batchyard.core import limits
from batchyard.core.model import Ending, Failure
from batchyard.core.states import EndCause, ErrorCategory, TaskResult

#: The task was ended by a request, or by the end of its job. Source: T-21, J-40.
TASK_ENDED: Final = Failure(
    category=ErrorCategory.USER_ERROR,
    code="TaskEnded",
    message="Task Was Ended by User Request",
)

#: The task was not completed in its lifetime. Source: T-8.
LIFETIME_OVER: Final = Failure(
    category=ErrorCategory.USER_ERROR,
    code="TaskEnded",
    message="The task was not completed within the lifetime of a task and was ended",
    details=(("Message", f"Added more than {limits.TASK_LIFETIME_MAX.days} days ago"),),
)

#: The service lost too many nodes under one task. Source: T-15.
TOO_MANY_RECOVERIES: Final = Failure(
    category=ErrorCategory.USER_ERROR,
    code="MaxInternalRetryCountReached",
    message="The task was given to another node too often because its nodes were lost",
)

_FAILURE_EXIT_CODE: Final = Failure(
    category=ErrorCategory.USER_ERROR,
    code="FailureExitCode",
    message="The task exited with an exit code representing a failure",
    details=(
        ("Message", "The task process exited with an unexpected exit code"),
        ("AdditionalErrorCode", "FailureExitCode"),
    ),
)


def result(ending: Ending) -> TaskResult:
    """Return success for an exit with 0 and nothing else. Source: T-12."""
    succeeded = ending.cause is EndCause.EXITED and ending.exit_code == 0
    return TaskResult.SUCCESS if succeeded else TaskResult.FAILURE


def is_retryable(ending: Ending) -> bool:
    """Return whether a retry may help: only after an exit code that is not zero. Source: T-14."""
    return ending.cause is EndCause.EXITED and ending.exit_code != 0


#: Category, code and message by cause, for whatever kept a command from running. Source: 03.
_NOT_RUN: Final = {
    EndCause.PROGRAM_NOT_FOUND: (
        ErrorCategory.USER_ERROR,
        "CommandProgramNotFound",
        "The specified command program is not found",
    ),
    EndCause.LAUNCH_FAILED: (
        ErrorCategory.USER_ERROR,
        "CommandLaunchFailed",
        "The specified command program could not be started",
    ),
    EndCause.DIRECTORY_FAILED: (
        ErrorCategory.SERVER_ERROR,
        "ResourceDirectoryCreateFailed",
        "The directories of the task could not be created",
    ),
    EndCause.FILE_NOT_FOUND: (
        ErrorCategory.USER_ERROR,
        "BlobNotFound",
        "The specified resource file does not exist",
    ),
    EndCause.FILE_ACCESS_DENIED: (
        ErrorCategory.USER_ERROR,
        "BlobAccessDenied",
        "Access to the specified resource file is denied",
    ),
    EndCause.FILE_TIMED_OUT: (
        ErrorCategory.SERVER_ERROR,
        "BlobDownloadTimedOut",
        "The specified resource file could not be downloaded in time",
    ),
    EndCause.FILE_DOWNLOAD_FAILED: (
        ErrorCategory.SERVER_ERROR,
        "BlobDownloadMiscError",
        "The specified resource file could not be downloaded",
    ),
    EndCause.FILE_WRITE_FAILED: (
        ErrorCategory.SERVER_ERROR,
        "ResourceFileWriteFailed",
        "The specified resource file could not be written on the node",
    ),
}


def failure(ending: Ending) -> Failure | None:
    """Return the ``failureInfo`` of an ending, None for a success."""
    if ending.cause is EndCause.EXITED:
        return None if ending.exit_code == 0 else _FAILURE_EXIT_CODE
    if ending.cause in (EndCause.TIMED_OUT, EndCause.STOPPED):
        return TASK_ENDED
    category, code, message = _NOT_RUN[ending.cause]
    details = (("Message", ending.message),)
    return Failure(category=category, code=code, message=message, details=details)


assert {*_NOT_RUN, EndCause.EXITED, EndCause.TIMED_OUT, EndCause.STOPPED} == set(EndCause)
