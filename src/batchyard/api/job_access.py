"""What the token of a task is good for: operations of its job, as long as the job lives (J-64)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.states import JobState
from batchyard.engine.tokens import JobAccess
from batchyard.wire.operations import Operation

if TYPE_CHECKING:
    from batchyard.engine.service import Service

#: Where the operations of one job are.
_OF_A_JOB: Final = "/jobs/{jobId}"


async def check(
    service: "Service", access: JobAccess, operation: Operation, params: Mapping[str, str]
) -> None:
    """Refuse an operation that a token is not good for.

    Raises:
        Refused: As `check_job`.
    """
    if operation.path != _OF_A_JOB and not operation.path.startswith(f"{_OF_A_JOB}/"):
        raise _not_allowed(operation.name)
    await check_job(service, access, operation.name, params["jobId"])


async def check_job(service: "Service", access: JobAccess, asked: str, job_id: str) -> None:
    """Refuse what is `asked` of a job that a token is not good for.

    Another job that exists is refused like one that does not: nobody can find out which there are.

    Raises:
        Refused: ``InsufficientAccountPermissions``; ``AuthenticationFailed`` once the job is over.
    """
    try:
        job = (await service.get_job(access.account, job_id)).job
    except Refused:
        raise _not_allowed(asked) from None
    if not access.is_of(job):
        raise _not_allowed(asked)
    if job.state is JobState.COMPLETED:
        raise Refused(
            ErrorCode.AUTHENTICATION_FAILED,
            AuthenticationErrorDetail="the job that the token was good for is completed",
        )


def _not_allowed(asked: str) -> Refused:
    return Refused(
        ErrorCode.INSUFFICIENT_ACCOUNT_PERMISSIONS,
        Operation=asked,
        Reason="the token of a task is good for operations of the task's own job only",
    )
