"""What a task's exit conditions say of how it ended. Source: T-26 ... T-31, J-24."""

from typing import Final

from batchyard.core.model import Ending
from batchyard.core.specs import ExitConditions, ExitOptions
from batchyard.core.states import DependencyAction, EndCause, JobAction

#: What follows where the conditions say nothing. Source: T-31.
_AFTER_SUCCESS: Final = ExitOptions(JobAction.NONE, DependencyAction.SATISFY)
_AFTER_FAILURE: Final = ExitOptions(JobAction.TERMINATE, DependencyAction.BLOCK)

_NO_OPTIONS: Final = ExitOptions()

#: Ends that the command itself had no part in before it ran.
_AFTER_THE_START: Final = frozenset({EndCause.EXITED, EndCause.STOPPED, EndCause.TIMED_OUT})


def options(conditions: ExitConditions | None, ending: Ending | None) -> ExitOptions:
    """Return what follows the completion of a task, with both actions given.

    `ending` is None for a task that was ended, or given up, by the service.
    """
    is_success = ending is not None and ending.cause is EndCause.EXITED and ending.exit_code == 0
    usual = _AFTER_SUCCESS if is_success else _AFTER_FAILURE
    if conditions is None:
        return usual
    given = _matching(conditions, ending)
    if given is None and not is_success:
        given = conditions.default
    given = given or _NO_OPTIONS
    return ExitOptions(
        job_action=given.job_action or usual.job_action,
        dependency_action=given.dependency_action or usual.dependency_action,
    )


def _matching(conditions: ExitConditions, ending: Ending | None) -> ExitOptions | None:
    """Return the options of the condition that names this end; the default names none (T-27)."""
    if ending is None:
        return None
    if ending.cause not in _AFTER_THE_START:
        return conditions.pre_processing_error
    if ending.cause is not EndCause.EXITED or ending.exit_code is None:
        return None
    for code, given in conditions.exit_codes:
        if code == ending.exit_code:
            return given
    for start, end, given in conditions.exit_code_ranges:
        if start <= ending.exit_code <= end:
            return given
    return None


def has_job_actions(conditions: ExitConditions) -> bool:
    """Return whether any condition says what becomes of the job. Source: J-25."""
    every = [
        *(given for _, given in conditions.exit_codes),
        *(given for _, _, given in conditions.exit_code_ranges),
        conditions.pre_processing_error,
        conditions.file_upload_error,
        conditions.default,
    ]
    return any(given is not None and given.job_action is not None for given in every)
