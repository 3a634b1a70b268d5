"""What the engine remembers between transactions to be fast; all of it may be lost at any time."""

from batchyard.core.keys import NodeKey, PoolKey
from batchyard.engine.ready import Ready
from batchyard.engine.reasons import Reasons
from batchyard.engine.run_times import RunTimes


class Hints:
    """The hints of one engine."""

    def __init__(self) -> None:
        self.ready = Ready()
        self.run_times = RunTimes()
        self.reasons = Reasons()
        #: The nodes of pools that the last round of placement held; of most pools none.
        self.held: dict[PoolKey, frozenset[NodeKey]] = {}

        #: Nodes that gave back what queued there, until a task ends on them: it takes its time.
        self.stalled: set[NodeKey] = set()

    def forget(self) -> None:
        """Know nothing any more of what a transaction did that did not happen."""
        self.ready.forget()
        self.reasons.forget()
