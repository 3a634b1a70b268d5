"""The status, the words and the JSON body of every refusal. Source: 08 E-1, E-3, E-6."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Final

from batchyard.core.errors import ErrorCode, Refused
from batchyard.wire import model, values

_BAD: Final = HTTPStatus.BAD_REQUEST
_CONFLICT: Final = HTTPStatus.CONFLICT
_NOT_FOUND: Final = HTTPStatus.NOT_FOUND

#: The first line of the message is what clients match on (E-6).
_ROWS: Final[Mapping[ErrorCode, tuple[HTTPStatus, str]]] = {
    ErrorCode.AUTHENTICATION_FAILED: (
        HTTPStatus.FORBIDDEN,
        (
            "The server failed to authenticate the request. Verify that the value of "
            "Authorization header is formed correctly and includes the signature."
        ),
    ),
    ErrorCode.CONDITION_NOT_MET: (
        HTTPStatus.PRECONDITION_FAILED,
        "The condition specified using HTTP conditional header(s) is not met.",
    ),
    ErrorCode.EMPTY_METADATA_KEY: (
        _BAD,
        "The key for one of the metadata key-value pairs is empty.",
    ),
    ErrorCode.FILE_NOT_FOUND: (_NOT_FOUND, "The specified file does not exist."),
    ErrorCode.INSUFFICIENT_ACCOUNT_PERMISSIONS: (
        HTTPStatus.FORBIDDEN,
        (
            "The account being accessed does not have sufficient permissions to execute this "
            "operation."
        ),
    ),
    ErrorCode.INTERNAL_ERROR: (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Server encountered an internal error. Please try again after some time.",
    ),
    ErrorCode.INVALID_AUTHENTICATION_INFO: (
        _BAD,
        (
            "The authentication information was not provided in the correct format. "
            "Verify the value of Authorization header."
        ),
    ),
    ErrorCode.INVALID_HEADER_VALUE: (
        _BAD,
        "The value provided for one of the HTTP headers was not in the correct format.",
    ),
    ErrorCode.INVALID_PROPERTY_VALUE: (
        _BAD,
        "The value provided for one of the properties in the request body is invalid.",
    ),
    ErrorCode.INVALID_QUERY_PARAMETER_VALUE: (
        _BAD,
        "Value for one of the query parameters specified in the request URI is invalid.",
    ),
    ErrorCode.INVALID_RANGE: (
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
        "The range specified is invalid for the current size of the resource.",
    ),
    ErrorCode.INVALID_REQUEST_BODY: (
        _BAD,
        "The specified Request Body is not syntactically valid.",
    ),
    ErrorCode.INVALID_URI: (_BAD, "The requested URI does not represent any resource."),
    ErrorCode.JOB_BEING_DELETED: (
        _CONFLICT,
        "The specified job has been marked for deletion and is being garbage collected.",
    ),
    ErrorCode.JOB_BEING_TERMINATED: (_CONFLICT, "The specified job is being terminated."),
    ErrorCode.JOB_COMPLETED: (_CONFLICT, "The specified job is already in a completed state."),
    ErrorCode.JOB_DISABLED: (_CONFLICT, "The specified job is disabled."),
    ErrorCode.JOB_EXISTS: (_CONFLICT, "The specified job already exists."),
    ErrorCode.JOB_NOT_FOUND: (_NOT_FOUND, "The specified job does not exist."),
    ErrorCode.JOB_PREPARATION_TASK_NOT_SPECIFIED: (
        _CONFLICT,
        "The specified job does not have job preparation task.",
    ),
    ErrorCode.JOB_SCHEDULE_BEING_DELETED: (
        _CONFLICT,
        "The specified job schedule has been marked for deletion and is being garbage collected.",
    ),
    ErrorCode.JOB_SCHEDULE_BEING_TERMINATED: (
        _CONFLICT,
        "The specified job schedule is being terminated.",
    ),
    ErrorCode.JOB_SCHEDULE_COMPLETED: (
        _CONFLICT,
        "The specified job schedule is already in a completed state.",
    ),
    ErrorCode.JOB_SCHEDULE_DISABLED: (_CONFLICT, "The specified job schedule is disabled."),
    ErrorCode.JOB_SCHEDULE_EXISTS: (_CONFLICT, "The specified job schedule already exists."),
    ErrorCode.JOB_SCHEDULE_NOT_FOUND: (_NOT_FOUND, "The specified job schedule does not exist."),
    ErrorCode.JOB_SCHEDULE_WITH_SAME_ID_EXISTS: (
        _CONFLICT,
        "A job schedule with the specified id already exists.",
    ),
    ErrorCode.JOB_WITH_SAME_ID_EXISTS: (_CONFLICT, "A job with the specified id already exists."),
    ErrorCode.MISSING_REQUIRED_HEADER: (_BAD, "A required HTTP header was not specified."),
    ErrorCode.MISSING_REQUIRED_PROPERTY: (
        _BAD,
        "A required property was not specified in the request body.",
    ),
    ErrorCode.MISSING_REQUIRED_QUERY_PARAMETER: (
        _BAD,
        "A required query parameter was not specified in the request URI.",
    ),
    ErrorCode.MULTIPLE_CONDITION_HEADERS_NOT_SUPPORTED: (
        _BAD,
        "Multiple condition headers are not supported.",
    ),
    ErrorCode.NODE_BEING_CREATED: (_CONFLICT, "The specified node is being created."),
    ErrorCode.NODE_BEING_REBOOTED: (_CONFLICT, "The specified node is being rebooted."),
    ErrorCode.NODE_BEING_STARTED: (_CONFLICT, "The specified node is being started."),
    ErrorCode.NODE_NOT_FOUND: (_NOT_FOUND, "The specified node does not exist."),
    ErrorCode.NODE_NOT_READY: (
        _CONFLICT,
        "Node is not able to perform the requested operations in its current state.",
    ),
    ErrorCode.NODE_STATE_UNUSABLE: (_CONFLICT, "The specified node is unusable."),
    ErrorCode.NOT_IMPLEMENTED: (
        HTTPStatus.NOT_IMPLEMENTED,
        "The requested operation is not implemented by the server.",
    ),
    ErrorCode.OPERATION_INVALID_FOR_CURRENT_STATE: (
        _CONFLICT,
        "The specified operation is not valid for the current state of the resource.",
    ),
    ErrorCode.OPERATION_NOT_VALID_ON_NODE: (
        _CONFLICT,
        "The specified operation is not valid on the node.",
    ),
    ErrorCode.OPERATION_NOT_VALID_ON_POOL: (
        _CONFLICT,
        "The specified operation is not valid on the pool.",
    ),
    ErrorCode.OUT_OF_RANGE_PRIORITY: (
        _BAD,
        "The specified priority is out of range.",
    ),
    ErrorCode.OUT_OF_RANGE_QUERY_PARAMETER_VALUE: (
        _BAD,
        "A query parameter specified in the request URI is outside the permissible range.",
    ),
    ErrorCode.POOL_BEING_DELETED: (
        _CONFLICT,
        "The specified pool has been marked for deletion and is being reclaimed.",
    ),
    ErrorCode.POOL_BEING_RESIZED: (_CONFLICT, "The specified pool is being resized."),
    ErrorCode.POOL_EXISTS: (_CONFLICT, "The specified pool already exists."),
    ErrorCode.POOL_NOT_FOUND: (_NOT_FOUND, "The specified pool does not exist."),
    ErrorCode.REQUEST_BODY_TOO_LARGE: (
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The size of the request body exceeds the maximum size permitted.",
    ),
    ErrorCode.RESOURCE_NOT_FOUND: (_NOT_FOUND, "The specified resource does not exist."),
    ErrorCode.SERVER_BUSY: (HTTPStatus.SERVICE_UNAVAILABLE, "The server is busy."),
    ErrorCode.TASK_COMPLETED: (
        _CONFLICT,
        "The specified task is already in a completed state.",
    ),
    ErrorCode.TASK_DEPENDENCIES_NOT_SPECIFIED_ON_JOB: (
        _BAD,
        "The job must have usesTaskDependencies set to true for its tasks to depend on others.",
    ),
    ErrorCode.TASK_DEPENDENCY_LIST_TOO_LONG: (
        _BAD,
        "The ids of the tasks that the task depends on are too long together.",
    ),
    ErrorCode.TASK_DEPENDENCY_RANGES_TOO_LONG: (
        _BAD,
        "The task depends on too many ranges of task ids.",
    ),
    ErrorCode.TASK_EXISTS: (_CONFLICT, "The specified task already exists."),
    ErrorCode.TASK_FILES_CLEANEDUP: (
        _CONFLICT,
        "The files of the specified task have been cleaned up from the node.",
    ),
    ErrorCode.TASK_FILES_UNAVAILABLE: (
        _CONFLICT,
        "The files of the specified task are not available on the node.",
    ),
    ErrorCode.TASK_ID_SAME_AS_JOB_PREPARATION_TASK: (
        _CONFLICT,
        "The specified task id is the same as the id of the job preparation task.",
    ),
    ErrorCode.TASK_ID_SAME_AS_JOB_RELEASE_TASK: (
        _CONFLICT,
        "The specified task id is the same as the id of the job release task.",
    ),
    ErrorCode.TASK_NOT_COMPLETED: (
        _CONFLICT,
        "The specified task has not completed.",
    ),
    ErrorCode.TASK_SUCCEEDED: (
        _CONFLICT,
        "The specified task has succeeded and cannot be reactivated.",
    ),
    ErrorCode.TASK_NOT_FOUND: (_NOT_FOUND, "The specified task does not exist."),
    ErrorCode.UNSUPPORTED_HEADER: (_BAD, "One of the specified headers is not supported."),
    ErrorCode.UNSUPPORTED_HTTP_VERB: (
        HTTPStatus.METHOD_NOT_ALLOWED,
        "The resource doesn't support the specified HTTP verb.",
    ),
    ErrorCode.UNSUPPORTED_PROPERTY: (
        _BAD,
        "One of the properties specified in the request body is not supported.",
    ),
    ErrorCode.UNSUPPORTED_QUERY_PARAMETER: (
        _BAD,
        "One of the query parameters specified in the request URI is not supported.",
    ),
    ErrorCode.UNSUPPORTED_REQUEST_VERSION: (
        _BAD,
        "The specified request version is not supported.",
    ),
}
assert _ROWS.keys() == set(ErrorCode), "every code has a row"


def status(code: ErrorCode) -> HTTPStatus:
    """Return the HTTP status of a code; on a read, ``ConditionNotMet`` is 304 instead."""
    return _ROWS[code][0]


def render(error: Refused, *, request_id: str, now: datetime) -> model.BatchError:
    """Return the error's JSON, also used for one result of a collection (E-1, T-3)."""
    text = _ROWS[error.code][1]
    trailer = f"\nRequestId:{request_id}\nTime:{values.write_instant(now)}"
    return model.BatchError(
        code=error.code,
        message=model.BatchErrorMessage(lang="en-US", value=text + trailer),
        values=[model.BatchErrorDetail(key=key, value=value) for key, value in error.values.items()]
        or None,
    )
