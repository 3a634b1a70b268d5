"""Reading from a socket with a buffer of one's own."""

import asyncio
from abc import abstractmethod
from typing import Final

#: Source: ours.
_BUFFER_BYTES: Final = 64 * 1024


class Receiver(asyncio.BufferedProtocol):
    """A protocol that is handed what has arrived.

    What an `asyncio.Protocol` reads into is allocated anew for each read, and so large that the
    system maps it and takes it away again: for a message of a line that is most of the cost.
    """

    def __init__(self) -> None:
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))

    @abstractmethod
    def data_received(self, data: bytes) -> None:
        """Take what has arrived."""

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return what to read into."""
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Hand on what was read."""
        self.data_received(bytes(self._buffer[:nbytes]))
