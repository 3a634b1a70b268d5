"""The supervisor's numbered log: what the service must learn, kept until it is acknowledged.

A file of lines. The first one is a JSON object with the node's epoch and boot time and the number
that was acknowledged when the file was last rewritten; each line after it is ``[number,entry]``,
with consecutive numbers. No fsync: after a crash of the machine the node's life is over anyway.

Standard library only and few imports, as all that the supervisor uses.
"""

# pathlib is a large import for a small process.
# ruff: noqa: PTH104, PTH123

import json
import os
import time

#: Bytes of acknowledged entries that are worth a rewrite of the file. Source: ours.
GARBAGE_BYTES_MAX = 1024 * 1024

_to_json = json.JSONEncoder(separators=(",", ":")).encode


class ReportLog:
    """Appends entries and gives back those that are not acknowledged.

    Numbers start at 1 in each epoch of the node and never repeat in it, also when all entries
    are acknowledged and gone and the supervisor has ended and started again.
    """

    def __init__(self, path: str, epoch: int) -> None:
        self._path = path
        self.epoch = epoch
        #: When this life of the node began, in seconds since 1970.
        self.boot_time = time.time()
        #: Number of the last entry.
        self.number = 0
        self.acknowledged = 0
        self._waiting: list[str] = []
        #: Whether something waits for `flush` that is not to wait for long.
        self.hurries = False
        kept = self._load()
        self._descriptor = -1
        self._rewrite(kept)

    def _load(self) -> list[str]:
        """Take over an earlier file of the same epoch; return its entries as JSON."""
        try:
            with open(self._path, encoding="utf-8") as file:
                lines = file.read().split("\n")
            header = json.loads(lines[0])
            if header["epoch"] != self.epoch:
                return []
        except (FileNotFoundError, ValueError):
            return []
        self.boot_time = header["boot_time"]
        self.acknowledged = self.number = header["acknowledged"]
        entries: list[str] = []
        # What follows the last line end is empty, or the half of an entry that nobody was told.
        for line in lines[1:-1]:
            entries.append(line[line.index(",") + 1 : -1])
            self.number += 1
        return entries

    def _rewrite(self, entries: list[str]) -> None:
        """Replace the file by one with these unacknowledged entries."""
        header = {
            "epoch": self.epoch,
            "boot_time": self.boot_time,
            "acknowledged": self.acknowledged,
        }
        lines = [json.dumps(header)]
        lines += [f"[{n},{e}]" for n, e in enumerate(entries, self.acknowledged + 1)]
        data = ("\n".join(lines) + "\n").encode()
        new = f"{self._path}.new"
        with open(new, "wb") as file:
            file.write(data)
        descriptor = os.open(new, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.rename(new, self._path)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = descriptor
        self._size = len(data)
        self._size_max = 2 * self._size + GARBAGE_BYTES_MAX

    @property
    def has_waiting(self) -> bool:
        """Whether something waits for `flush`."""
        return bool(self._waiting)

    def add(self, entry: list[object], *, hurries: bool = True) -> None:
        """Give the next number to `entry`; it is on file, and may be told, after `flush`."""
        self.hurries = self.hurries or hurries
        self._waiting.append(_to_json(entry))

    def flush(self) -> tuple[int, list[str]]:
        """Write what was added; return the first number and the entries that are now on file.

        On a full disk that is none of them. They wait for the next flush, in order.
        """
        first = self.number + 1
        if not self._waiting:
            return first, []
        data = "".join([f"[{n},{e}]\n" for n, e in enumerate(self._waiting, first)]).encode()
        try:
            if os.write(self._descriptor, data) < len(data):
                os.ftruncate(self._descriptor, self._size)
                return first, []
        except OSError:
            return first, []
        written, self._waiting = self._waiting, []
        self.hurries = False
        self._size += len(data)
        self.number += len(written)
        return first, written

    def unacknowledged(self) -> list[str]:
        """Return the entries from number `acknowledged` + 1 on, as JSON."""
        with open(self._path, encoding="utf-8") as file:
            next(file)
            return [
                entry[:-2]
                for number, _, entry in (line[1:].partition(",") for line in file)
                if int(number) > self.acknowledged
            ]

    def acknowledge(self, number: int) -> None:
        """Forget the entries up to `number`; later ones get higher numbers in any case."""
        if number <= self.acknowledged:
            return
        self.acknowledged = number
        if number > self.number:
            self.number = number
            self._rewrite([])
        elif self._size > self._size_max:
            try:
                self._rewrite(self.unacknowledged())
            except OSError:
                # A full disk: the file serves on as it is, and the next acknowledgement retries.
                return
