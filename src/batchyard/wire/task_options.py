"""Exit conditions, dependencies and tokens of tasks.

Source: T-26 ... T-31, D-1 ... D-5, D-16, J-64; L-19.
"""

from collections.abc import Sequence

from batchyard.core import limits
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.specs import ExitConditions, ExitOptions, TaskDependencies
from batchyard.core.states import DependencyAction, JobAction
from batchyard.wire import checks, model


def read_exit_conditions(given: model.ExitConditions | None) -> ExitConditions | None:
    """Return the exit conditions of a task.

    Raises:
        Refused: ``MissingRequiredProperty``, ``InvalidPropertyValue``.
    """
    if given is None:
        return None
    place = "exitConditions"
    return ExitConditions(
        exit_codes=tuple(
            (
                checks.required(one.code, f"{place}.exitCodes[{index}].code"),
                _options(one.exit_options, f"{place}.exitCodes[{index}].exitOptions"),
            )
            for index, one in enumerate(given.exit_codes or ())
        ),
        exit_code_ranges=tuple(
            _exit_code_range(one, f"{place}.exitCodeRanges[{index}]")
            for index, one in enumerate(given.exit_code_ranges or ())
        ),
        pre_processing_error=_optional(given.pre_processing_error),
        file_upload_error=_optional(given.file_upload_error),
        default=_optional(given.default),
    )


def _exit_code_range(given: model.ExitCodeRangeMapping, place: str) -> tuple[int, int, ExitOptions]:
    start, end = _ends(given, place)
    return start, end, _options(given.exit_options, f"{place}.exitOptions")


def _ends(
    given: model.ExitCodeRangeMapping | model.BatchTaskIdRange, place: str
) -> tuple[int, int]:
    start = checks.required(given.start, f"{place}.start")
    end = checks.required(given.end, f"{place}.end")
    if start > end:
        raise Refused.of_property(f"{place}.end", end, f"give a number from {start} on")
    return start, end


def _options(given: model.ExitOptions | None, place: str) -> ExitOptions:
    return _read(checks.required(given, place))


def _optional(given: model.ExitOptions | None) -> ExitOptions | None:
    return None if given is None else _read(given)


def _read(given: model.ExitOptions) -> ExitOptions:
    return ExitOptions(
        job_action=None if given.job_action is None else JobAction(given.job_action),
        dependency_action=None
        if given.dependency_action is None
        else DependencyAction(given.dependency_action),
    )


def write_exit_conditions(conditions: ExitConditions | None) -> model.ExitConditions | None:
    """Return exit conditions as they were given."""
    if conditions is None:
        return None
    return model.ExitConditions(
        exit_codes=[
            model.ExitCodeMapping(code=code, exit_options=_write(options))
            for code, options in conditions.exit_codes
        ]
        or None,
        exit_code_ranges=[
            model.ExitCodeRangeMapping(start=start, end=end, exit_options=_write(options))
            for start, end, options in conditions.exit_code_ranges
        ]
        or None,
        pre_processing_error=_write(conditions.pre_processing_error),
        file_upload_error=_write(conditions.file_upload_error),
        default=_write(conditions.default),
    )


def _write(options: ExitOptions | None) -> model.ExitOptions | None:
    if options is None:
        return None
    return model.ExitOptions(
        job_action=None
        if options.job_action is None
        else model.BatchJobActionKind(options.job_action),
        dependency_action=None
        if options.dependency_action is None
        else model.DependencyAction(options.dependency_action),
    )


def read_dependencies(given: model.BatchTaskDependencies | None) -> TaskDependencies | None:
    """Return what a task depends on; nothing at all is no dependency.

    Raises:
        Refused: ``TaskDependencyListTooLong``, ``TaskDependencyRangesTooLong``,
            ``MissingRequiredProperty``, ``InvalidPropertyValue``.
    """
    if given is None:
        return None
    ids, ranges = given.task_ids or [], given.task_id_ranges or []
    if not (ids or ranges):
        return None
    _check_sizes(ids, ranges)
    return TaskDependencies(
        task_ids=tuple(
            checks.identifier(one, f"dependsOn.taskIds[{index}]") for index, one in enumerate(ids)
        ),
        task_id_ranges=tuple(
            _id_range(one, f"dependsOn.taskIdRanges[{index}]") for index, one in enumerate(ranges)
        ),
    )


def _check_sizes(ids: Sequence[str], ranges: Sequence[model.BatchTaskIdRange]) -> None:
    length = sum(map(len, ids))
    if length > limits.DEPENDENCY_IDS_CHARS_MAX:
        raise Refused(
            ErrorCode.TASK_DEPENDENCY_LIST_TOO_LONG,
            PropertyName="dependsOn.taskIds",
            PropertyValue=f"{length} characters",
            Reason=f"name tasks with {limits.DEPENDENCY_IDS_CHARS_MAX} characters at most, or use"
            " taskIdRanges",
        )
    if len(ranges) > limits.DEPENDENCY_RANGES_MAX:
        raise Refused(
            ErrorCode.TASK_DEPENDENCY_RANGES_TOO_LONG,
            PropertyName="dependsOn.taskIdRanges",
            PropertyValue=f"{len(ranges)} ranges",
            Reason=f"give at most {limits.DEPENDENCY_RANGES_MAX} ranges",
        )


def _id_range(given: model.BatchTaskIdRange, place: str) -> tuple[int, int]:
    start, end = _ends(given, place)
    if start < 0:
        raise Refused.of_property(f"{place}.start", start, "give a number from 0 on")
    return start, end


def write_dependencies(given: TaskDependencies | None) -> model.BatchTaskDependencies | None:
    """Return what a task depends on as it was given (D-16)."""
    if given is None:
        return None
    return model.BatchTaskDependencies(
        task_ids=list(given.task_ids) or None,
        task_id_ranges=[
            model.BatchTaskIdRange(start=start, end=end) for start, end in given.task_id_ranges
        ]
        or None,
    )


def read_token_settings(given: model.AuthenticationTokenSettings | None) -> bool:
    """Return whether a task gets a token for its job: the only access that there is (J-64)."""
    return given is not None and bool(given.access)


def write_token_settings(*, accesses_job: bool) -> model.AuthenticationTokenSettings | None:
    """Return what access a task was given, None for none."""
    if not accesses_job:
        return None
    return model.AuthenticationTokenSettings(access=[model.AccessScope.JOB])
