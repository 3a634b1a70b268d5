"""What the engine remembers between transactions to be fast; all of it may be lost at any time."""

from batchyard.engine.ready import Ready
from batchyard.engine.run_times import RunTimes


class Hints:
    """The hints of one engine."""

    def __init__(self) -> None:
        self.ready = Ready()
        self.run_times = RunTimes()
