"""The api-versions that are served, and what differs between them.

The service speaks 2025-06-01 and understands everything back to 2019-08-01.10.0. Two things were
different before 2020-09-01.12.0 and are kept so for clients that ask for those versions: the task
slots of a pool were called ``maxTasksPerNode``, and the task counts of a job were not nested.
Everything else that older versions lack is additional, and their clients pass over it. Long
integers are strings in every recorded version (F-21), also where a definition calls them numbers.
"""

import re
from dataclasses import dataclass
from typing import Final

from batchyard.core.errors import ErrorCode, Refused

#: Oldest first.
KNOWN: Final = (
    "2019-08-01.10.0",
    "2020-03-01.11.0",
    "2020-09-01.12.0",
    "2021-06-01.14.0",
    "2022-01-01.15.0",
    "2022-10-01.16.0",
    "2023-05-01.17.0",
    "2023-11-01.18.0",
    "2024-02-01.19.0",
    "2024-07-01.20.0",
    "2025-06-01",
)
NEWEST: Final = KNOWN[-1]

_FIRST_WITH_TASK_SLOTS: Final = "2020-09-01"

_VERSION: Final = re.compile(r"\d{4}-\d{2}-\d{2}(\.\d{1,4}\.\d{1,4})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ApiVersion:
    """The api-version of one request; `text` is what the client said."""

    text: str

    @property
    def is_unknown(self) -> bool:
        """Whether it is newer than all that is known, and served as the newest one."""
        return self.text[:10] > NEWEST

    @property
    def warning(self) -> str | None:
        """The ``Warning`` header of the answer."""
        if not self.is_unknown:
            return None
        return f'299 - "api-version {self.text} is not known; served as {NEWEST}"'

    @property
    def has_task_slots(self) -> bool:
        """Whether task slots exist: ``taskSlotsPerNode`` of pools, nested task counts."""
        return self.text[:10] >= _FIRST_WITH_TASK_SLOTS


#: What is spoken where nothing else is said.
LATEST: Final = ApiVersion(NEWEST)


def parse(text: str | None) -> ApiVersion:
    """Return the version of a request from its query parameter.

    Raises:
        Refused: ``MissingRequiredQueryParameter``; ``UnsupportedRequestVersion`` when it is older
            than `KNOWN`, between two of them, or no version at all.
    """
    if text is None:
        raise Refused(
            ErrorCode.MISSING_REQUIRED_QUERY_PARAMETER,
            QueryParameterName="api-version",
            Reason=f"add ?api-version={NEWEST} to the address",
        )
    if text in KNOWN:
        return ApiVersion(text)
    if _VERSION.fullmatch(text) and text[:10] > NEWEST:
        return ApiVersion(text)
    raise Refused(
        ErrorCode.UNSUPPORTED_REQUEST_VERSION,
        QueryParameterName="api-version",
        QueryParameterValue=text[:64],
        Reason=f"versions from {KNOWN[0]} to {NEWEST} are served; use {NEWEST}",
    )
