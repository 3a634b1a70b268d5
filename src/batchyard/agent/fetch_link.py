"""What the agent and the process that fetches resource files for it say to one another.

Lines of JSON, one a message, over the socket that is that process's standard input.
"""

import msgspec

from batchyard.core.states import EndCause
from batchyard.link.messages import ResourceFileOrder


class Owner(msgspec.Struct, frozen=True, array_like=True):
    """Who gets what is made, and which permissions no file has, whatever its order says."""

    uid: int
    gid: int
    withheld: int = 0


class Fetch(msgspec.Struct, frozen=True, array_like=True, tag="fetch"):
    """Fetch files into `directory`, an absolute path. Without an `owner` they are our own."""

    number: int
    directory: str
    owner: Owner | None
    files: list[ResourceFileOrder]


class Cancel(msgspec.Struct, frozen=True, array_like=True, tag="cancel"):
    """Fetch no more of this one. It is answered by its `Fetched` all the same."""

    number: int


class Fetched(msgspec.Struct, frozen=True, array_like=True, tag="fetched"):
    """Answers `Fetch`: all files are there, or why not. Nothing is written after it."""

    number: int
    cause: EndCause | None = None
    message: str = ""


FetchOrder = Fetch | Cancel


class NotFetched(Exception):
    """A resource file is not there; `cause` says why in one word, the message in a sentence."""

    def __init__(self, cause: EndCause, message: str) -> None:
        super().__init__(message)
        self.cause = cause
