"""What a judge is: somebody who is told facts and knows which of them cannot be."""

from batchyard.sim.audit.history import History, Job, Run, Task
from batchyard.sim.audit.shown import Shown


class Judge:
    """Looks at one subject. Each method raises `Violation` for what must never happen.

    The history holds everything that was before the fact; the fact itself is added afterwards.
    """

    def __init__(self, history: History) -> None:
        self.history = history

    def run_started(self, run: Run) -> None:
        """A process starts, of whatever kind."""

    def task_started(self, run: Run, job: Job, task: Task) -> None:
        """A process of a task starts."""

    def subtask_started(self, run: Run, job: Job, task: Task) -> None:
        """An instance of a multi-instance task starts."""

    def application_started(self, run: Run, job: Job, task: Task) -> None:
        """The application of a multi-instance task starts."""

    def preparation_started(self, run: Run, job: Job) -> None:
        """A process of a job preparation task starts."""

    def release_started(self, run: Run, job: Job) -> None:
        """A process of a job release task starts."""

    def run_over(self, run: Run) -> None:
        """A process is over, in whatever way."""

    def look(self, shown: Shown) -> None:
        """The service shows this, at any time."""

    def rest(self, shown: Shown) -> None:
        """The service shows this once there are no faults, no requests, and time enough."""
