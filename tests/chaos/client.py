"""A client that asks until it is answered, as every client of a service that may die must."""

import http.client
from typing import Final

from tests.raw import Answer, RawClient
from tests.waiting import wait_until

#: Pause before a request is sent again.
_AGAIN_SECONDS: Final = 0.05

#: Longer than any recovery may take.
_ANSWER_SECONDS_MAX: Final = 60.0


class PatientClient:
    """Sends requests again while nobody answers, or the answer is that the server failed."""

    def __init__(self, client: RawClient) -> None:
        self._client = client

    def ask(self, method: str, target: str, body: object = None) -> Answer:
        """Return the first answer that says yes or no.

        Raises:
            TimeoutError: There is none for a minute.
        """

        def answer() -> Answer | None:
            try:
                found = self._client.request(method, target, body)
            except (OSError, http.client.HTTPException):
                return None
            return found if found.status < 500 else None

        found = wait_until(answer, _ANSWER_SECONDS_MAX, f"{method} {target}", _AGAIN_SECONDS)
        assert found is not None
        return found
