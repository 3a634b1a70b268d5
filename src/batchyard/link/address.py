"""Addresses of Unix sockets, whatever the length of their paths."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

#: Bytes of ``sun_path`` without its end mark: 108 on Linux and 104 on the BSDs and macOS.
ADDRESS_BYTES_MAX: Final = 103

_DESCRIPTORS: Final = Path("/proc/self/fd")


class AddressTooLong(Exception):
    """The path is too long for a socket, and this system has no way around that."""


@contextmanager
def address_of(path: Path) -> Iterator[str]:
    """Give an address that ``bind`` and ``connect`` take for the socket at `path`.

    The address is good inside the ``with`` block only: for a long path it goes through a
    descriptor of the folder that is open so long. A bound socket stays at `path` afterwards.

    Raises:
        AddressTooLong: The path is long, and the system has no ``/proc/self/fd``.
        FileNotFoundError: The path is long, and its folder does not exist.
    """
    if len(os.fsencode(path)) <= ADDRESS_BYTES_MAX:
        yield str(path)
        return
    if not _DESCRIPTORS.is_dir():
        raise AddressTooLong(
            f"The path of the socket {path} is longer than {ADDRESS_BYTES_MAX} bytes;"
            " use a data folder with a shorter path."
        )
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield str(_DESCRIPTORS / str(folder) / path.name)
    finally:
        os.close(folder)
