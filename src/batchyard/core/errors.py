"""The two ways to fail.

``Refused``   A request broke a rule of the service. Expected, answered, tested.
``Defect``    Our own code broke a promise. Never caught except at the edge of the process.

No HTTP here: ``wire.errors`` alone gives a code its status and its text.
"""

from enum import StrEnum, unique


@unique
class ErrorCode(StrEnum):
    """The codes of the service's refusals, spelt as on the wire. Source: 08 E-3 and E-6."""

    AUTHENTICATION_FAILED = "AuthenticationFailed"
    CONDITION_NOT_MET = "ConditionNotMet"
    EMPTY_METADATA_KEY = "EmptyMetadataKey"
    FILE_NOT_FOUND = "FileNotFound"
    INSUFFICIENT_ACCOUNT_PERMISSIONS = "InsufficientAccountPermissions"
    INTERNAL_ERROR = "InternalError"
    INVALID_AUTHENTICATION_INFO = "InvalidAuthenticationInfo"
    INVALID_HEADER_VALUE = "InvalidHeaderValue"
    INVALID_PROPERTY_VALUE = "InvalidPropertyValue"
    INVALID_QUERY_PARAMETER_VALUE = "InvalidQueryParameterValue"
    INVALID_RANGE = "InvalidRange"
    INVALID_REQUEST_BODY = "InvalidRequestBody"
    INVALID_URI = "InvalidUri"
    JOB_BEING_DELETED = "JobBeingDeleted"
    JOB_BEING_TERMINATED = "JobBeingTerminated"
    JOB_COMPLETED = "JobCompleted"
    JOB_DISABLED = "JobDisabled"
    JOB_EXISTS = "JobExists"
    JOB_NOT_FOUND = "JobNotFound"
    JOB_PREPARATION_TASK_NOT_SPECIFIED = "JobPreparationTaskNotSpecified"
    JOB_SCHEDULE_BEING_DELETED = "JobScheduleBeingDeleted"
    JOB_SCHEDULE_BEING_TERMINATED = "JobScheduleBeingTerminated"
    JOB_SCHEDULE_COMPLETED = "JobScheduleCompleted"
    JOB_SCHEDULE_DISABLED = "JobScheduleDisabled"
    JOB_SCHEDULE_EXISTS = "JobScheduleExists"
    JOB_SCHEDULE_NOT_FOUND = "JobScheduleNotFound"
    JOB_SCHEDULE_WITH_SAME_ID_EXISTS = "JobScheduleWithSameIdExists"
    JOB_WITH_SAME_ID_EXISTS = "JobWithSameIdExists"
    MISSING_REQUIRED_HEADER = "MissingRequiredHeader"
    MISSING_REQUIRED_PROPERTY = "MissingRequiredProperty"
    MISSING_REQUIRED_QUERY_PARAMETER = "MissingRequiredQueryParameter"
    MULTIPLE_CONDITION_HEADERS_NOT_SUPPORTED = "MultipleConditionHeadersNotSupported"
    NODE_BEING_CREATED = "NodeBeingCreated"
    NODE_BEING_REBOOTED = "NodeBeingRebooted"
    NODE_BEING_STARTED = "NodeBeingStarted"
    NODE_NOT_FOUND = "NodeNotFound"
    NODE_NOT_READY = "NodeNotReady"
    NODE_STATE_UNUSABLE = "NodeStateUnusable"
    NOT_IMPLEMENTED = "NotImplemented"
    OPERATION_INVALID_FOR_CURRENT_STATE = "OperationInvalidForCurrentState"
    OPERATION_NOT_VALID_ON_NODE = "OperationNotValidOnNode"
    OPERATION_NOT_VALID_ON_POOL = "OperationNotValidOnPool"
    OUT_OF_RANGE_PRIORITY = "OutOfRangePriority"
    OUT_OF_RANGE_QUERY_PARAMETER_VALUE = "OutOfRangeQueryParameterValue"
    POOL_BEING_DELETED = "PoolBeingDeleted"
    POOL_BEING_RESIZED = "PoolBeingResized"
    POOL_EXISTS = "PoolExists"
    POOL_NOT_FOUND = "PoolNotFound"
    REQUEST_BODY_TOO_LARGE = "RequestBodyTooLarge"
    RESOURCE_NOT_FOUND = "ResourceNotFound"
    SERVER_BUSY = "ServerBusy"
    TASK_COMPLETED = "TaskCompleted"
    TASK_DEPENDENCIES_NOT_SPECIFIED_ON_JOB = "TaskDependenciesNotSpecifiedOnJob"
    TASK_DEPENDENCY_LIST_TOO_LONG = "TaskDependencyListTooLong"
    TASK_DEPENDENCY_RANGES_TOO_LONG = "TaskDependencyRangesTooLong"
    TASK_EXISTS = "TaskExists"
    TASK_FILES_CLEANEDUP = "TaskFilesCleanedup"
    TASK_FILES_UNAVAILABLE = "TaskFilesUnavailable"
    TASK_ID_SAME_AS_JOB_PREPARATION_TASK = "TaskIdSameAsJobPreparationTask"
    TASK_ID_SAME_AS_JOB_RELEASE_TASK = "TaskIdSameAsJobReleaseTask"
    TASK_NOT_COMPLETED = "TaskNotCompleted"
    TASK_NOT_FOUND = "TaskNotFound"
    TASK_SUCCEEDED = "TaskSucceeded"
    UNSUPPORTED_HEADER = "UnsupportedHeader"
    UNSUPPORTED_HTTP_VERB = "UnsupportedHttpVerb"
    UNSUPPORTED_PROPERTY = "UnsupportedProperty"
    UNSUPPORTED_QUERY_PARAMETER = "UnsupportedQueryParameter"
    UNSUPPORTED_REQUEST_VERSION = "UnsupportedRequestVersion"


class Refused(Exception):
    """The service will not do this, and the caller can know why from `code` and `values`.

    `values` names the offending thing in the order in which the wire shows it, for example
    ``PropertyName``, ``PropertyValue`` and a ``Reason`` that says the cure.
    """

    def __init__(self, code: ErrorCode, **values: str) -> None:
        super().__init__(f"{code}: {values}" if values else str(code))
        self.code = code
        self.values = values

    @classmethod
    def of_property(cls, name: str, value: object, reason: str) -> "Refused":
        """Return the refusal of one property of a request's body (``InvalidPropertyValue``)."""
        return cls(
            ErrorCode.INVALID_PROPERTY_VALUE,
            PropertyName=name,
            PropertyValue=str(value),
            Reason=reason,
        )


class Defect(AssertionError):
    """A promise between two of our own modules was broken."""


class InvalidTransition(Defect):
    """An event reached an entity whose state cannot take it."""
