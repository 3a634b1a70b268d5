"""Frames: a length of four bytes, then one message as MessagePack."""

import struct
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

import msgspec

from batchyard.link.messages import FromAgent, ToAgent

#: Bytes of one frame; a peer that announces more is not ours. An order of 1000 executions with
#: 1 MiB of settings each would be larger: such orders are sent in pieces.
FRAME_BYTES_MAX: Final = 64 * 1024 * 1024

_LENGTH: Final = struct.Struct("!I")
_ENCODER: Final = msgspec.msgpack.Encoder()

Content = TypeVar("Content")


class FrameTooLarge(Exception):
    """The peer announced a frame of more than `FRAME_BYTES_MAX` bytes."""


def encode(message: ToAgent | FromAgent) -> bytes:
    """Return `message` as one frame."""
    body = _ENCODER.encode(message)
    return _LENGTH.pack(len(body)) + body


class FrameReader(Generic[Content]):
    """Cuts a stream of bytes into messages of one direction."""

    def __init__(self, content: type[Content]) -> None:
        self._decoder = msgspec.msgpack.Decoder(content)
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Content]:
        """Yield the messages that `data` completes.

        Raises:
            FrameTooLarge: The stream is not one of ours.
            msgspec.ValidationError: A frame holds no message of this direction.
        """
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > FRAME_BYTES_MAX:
                raise FrameTooLarge(f"{length} bytes")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(memoryview(self._buffer)[_LENGTH.size : end])
            del self._buffer[:end]
            yield self._decoder.decode(body)


def from_agent() -> FrameReader[FromAgent]:
    """Return a reader for the service's end of a connection."""
    return FrameReader(FromAgent)  # type: ignore[arg-type]  # A union is no type to mypy.


def to_agent() -> FrameReader[ToAgent]:
    """Return a reader for the node's end of a connection."""
    return FrameReader(ToAgent)  # type: ignore[arg-type]  # A union is no type to mypy.
