"""Routes of our own: why a task waits, and why the tasks of a job do.

They ask for the same signature as the Batch API, and answer its errors. The api-version may be left
out: there is one version of what is ours.
"""

from typing import TYPE_CHECKING

from starlette.responses import Response

from batchyard.api.http import json_response
from batchyard.api.routes import decode
from batchyard.core.errors import ErrorCode, Refused
from batchyard.wire import waiting as convert
from batchyard.wire.coverage import shorten

if TYPE_CHECKING:
    from batchyard.engine.service import Service


def names_of(path: str) -> tuple[str, ...] | None:
    """Return the job, or the job and the task, that a path asks about; None if it asks nothing.

    Raises:
        Refused: ``InvalidUri``.
    """
    match path.split("/"):
        case ["", "-", "jobs", job, "waiting"] if job:
            return (decode(job),)
        case ["", "-", "jobs", job, "tasks", task, "waiting"] if job and task:
            return decode(job), decode(task)
        case _:
            return None


async def answer(service: "Service", method: str, account: str, names: tuple[str, ...]) -> Response:
    """Return the answer to a question about these names of an account.

    Raises:
        Refused: ``JobNotFound``, ``TaskNotFound``, ``UnsupportedHttpVerb``.
    """
    if method != "GET":
        raise Refused(ErrorCode.UNSUPPORTED_HTTP_VERB, Method=shorten(method), Reason="use GET")
    if len(names) == 1:
        return json_response(convert.write_job(await service.why_job_waits(account, *names)), 200)
    return json_response(convert.write_task(await service.why_task_waits(account, *names)), 200)
