"""What happened, in one order: lines that tasks append, and facts that the test notes between.

Every process of a task appends a line when it begins and one right before it exits. Both are single
writes to one file that is open for appending, so their order is that in which they happened. What
the test knows (a client has asked, an answer has come, a supervisor is about to be killed) stands
between them as the number of a fact.
"""

import threading
from pathlib import Path
from typing import Final, Generic, TypeVar

Fact = TypeVar("Fact")

#: Arguments: kind, seconds, and the exit code; ``once`` fails the first time only. The last word of
#: a beginning is the node's settings, for they tell in which life of the node it is. Only an
#: administrator may read them: the start task, which copies them for the others, and the release
#: task, which does not wait for the start task.
_SCRIPT: Final = """\
settings="$AZ_BATCH_NODE_ROOT_DIR/../node.json"
life="$AZ_BATCH_NODE_SHARED_DIR/life"
if [ "$1" = start ]; then
    cp "$settings" "$life.new" && chmod 644 "$life.new"
    mv "$life.new" "$life"
fi
[ -r "$settings" ] || settings=$life
read -r node < "$settings"
case $node in *}}) ;; *) exit 9 ;; esac  # Its disk has lost its power.
job=${{AZ_BATCH_JOB_ID:--}} task=${{AZ_BATCH_TASK_ID:--}}
echo "begin $1 $BATCHYARD_EXECUTION $job $task $node" >> {ledger}
sleep "$2"
code=$3
if [ "$code" = once ]; then
    code=0
    strike={strikes}/$job.$task
    [ -e "$strike" ] || {{ : > "$strike"; code=7; }}
fi
echo "end $BATCHYARD_EXECUTION $code" >> {ledger}
exit "$code"
"""


class Ledger(Generic[Fact]):
    """The file, and the facts that stand in it by their numbers."""

    def __init__(self, folder: Path) -> None:
        self.path: Final = folder / "ledger"
        self.facts: Final[list[Fact]] = []
        strikes = folder / "strikes"
        strikes.mkdir()
        strikes.chmod(0o777)
        self.path.touch()
        self.path.chmod(0o666)
        self._script: Final = folder / "task.sh"
        self._script.write_text(_SCRIPT.format(ledger=self.path, strikes=strikes))
        self._script.chmod(0o644)
        self._lock: Final = threading.Lock()

    def note(self, fact: Fact) -> None:
        """Put a fact after everything that has happened so far."""
        with self._lock, self.path.open("ab", buffering=0) as file:
            self.facts.append(fact)
            file.write(b"note %d\n" % (len(self.facts) - 1))

    def command_line(self, kind: str, seconds: float, code: str = "0") -> str:
        """Return the command line of a task that keeps the ledger."""
        return f"/bin/sh {self._script} {kind} {seconds:.3f} {code}"

    def lines(self) -> list[str]:
        """Return everything, in the order in which it happened."""
        return self.path.read_text().splitlines()


class Tail:
    """Gives the lines of a ledger that are new."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> list[str]:
        """Return the whole lines that came since the last call."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        new = new[: new.rfind(b"\n") + 1]
        self._offset += len(new)
        return new.decode().splitlines()
