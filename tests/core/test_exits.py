"""What exit conditions say of how a task ended: T-26 ... T-31."""

import pytest

from batchyard.core.exits import has_job_actions, options
from batchyard.core.model import Ending
from batchyard.core.specs import ExitConditions, ExitOptions
from batchyard.core.states import DependencyAction, EndCause, JobAction
from tests.core.exploring import NOW

SATISFY = ExitOptions(dependency_action=DependencyAction.SATISFY)
DISABLE = ExitOptions(job_action=JobAction.DISABLE)
NOTHING = ExitOptions(job_action=JobAction.NONE)


def ending(exit_code: int | None, cause: EndCause = EndCause.EXITED) -> Ending:
    return Ending(cause=cause, exit_code=exit_code, message="", start_time=NOW, end_time=NOW)


def job_action(conditions: ExitConditions, end: Ending | None) -> JobAction | None:
    return options(conditions, end).job_action


def test_without_conditions_success_satisfies_and_everything_else_blocks_and_terminates() -> None:
    """T-31, J-24, D-7."""
    success = ExitOptions(JobAction.NONE, DependencyAction.SATISFY)
    failure = ExitOptions(JobAction.TERMINATE, DependencyAction.BLOCK)
    for conditions in (None, ExitConditions()):
        assert options(conditions, ending(0)) == success
        assert options(conditions, ending(1)) == failure
        assert options(conditions, ending(None, EndCause.PROGRAM_NOT_FOUND)) == failure
        assert options(conditions, None) == failure


def test_a_code_comes_before_a_range_and_the_first_range_before_others() -> None:
    """T-28."""
    conditions = ExitConditions(
        exit_codes=((3, DISABLE),),
        exit_code_ranges=((2, 5, NOTHING), (5, 9, DISABLE)),
    )
    actions = [job_action(conditions, ending(code)) for code in (1, 2, 3, 5, 6, 9, 10)]
    assert actions == [
        JobAction.TERMINATE,
        JobAction.NONE,
        JobAction.DISABLE,
        JobAction.NONE,
        JobAction.DISABLE,
        JobAction.DISABLE,
        JobAction.TERMINATE,
    ]


def test_zero_may_be_named_but_is_no_case_for_the_default() -> None:
    """T-27."""
    named = ExitConditions(exit_codes=((0, DISABLE),))
    assert job_action(named, ending(0)) is JobAction.DISABLE
    assert job_action(ExitConditions(default=DISABLE), ending(0)) is JobAction.NONE


@pytest.mark.parametrize(
    "end",
    [
        ending(7),
        ending(None, EndCause.FILE_NOT_FOUND),
        ending(-15, EndCause.STOPPED),
        ending(None, EndCause.TIMED_OUT),
        None,
    ],
)
def test_the_default_is_for_every_other_failure(end: Ending | None) -> None:
    """T-27, T-30."""
    assert job_action(ExitConditions(default=DISABLE), end) is JobAction.DISABLE


def test_what_keeps_a_task_from_starting_is_a_case_of_its_own() -> None:
    conditions = ExitConditions(pre_processing_error=NOTHING, default=DISABLE)
    assert job_action(conditions, ending(None, EndCause.LAUNCH_FAILED)) is JobAction.NONE
    assert job_action(conditions, ending(1)) is JobAction.DISABLE


def test_an_option_that_is_left_out_is_as_without_conditions() -> None:
    found = options(ExitConditions(exit_codes=((4, SATISFY),)), ending(4))
    assert found == ExitOptions(JobAction.TERMINATE, DependencyAction.SATISFY)


def test_job_actions_are_found_wherever_they_stand() -> None:
    """J-25."""
    assert not has_job_actions(ExitConditions(default=SATISFY, exit_codes=((1, SATISFY),)))
    assert has_job_actions(ExitConditions(exit_codes=((1, DISABLE),)))
    assert has_job_actions(ExitConditions(exit_code_ranges=((1, 2, DISABLE),)))
    assert has_job_actions(ExitConditions(file_upload_error=DISABLE))
