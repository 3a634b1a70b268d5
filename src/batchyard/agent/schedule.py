"""Which execution starts next on a node: a queue, its slots, and the gates of preparation tasks.

Pure: it neither starts nor stops anything.
"""

from collections import deque
from collections.abc import Container

from batchyard.core.states import ExecutionKind
from batchyard.link.messages import Assignment


class Schedule:
    """The executions that have not started, and the slots of those that have.

    An execution that waits for a preparation is *held* until the preparation task of its job has
    succeeded here. Any success counts, not only that of the attempt it names: the service may
    have assigned another one meanwhile.
    """

    def __init__(self, slots: int, prepared_jobs: Container[str]) -> None:
        self._slots = slots
        self._slots_free = slots
        self._prepared = prepared_jobs
        self._queue: deque[Assignment] = deque()
        self._beside: deque[Assignment] = deque()
        self._held: dict[str, list[Assignment]] = {}
        self._ids: set[str] = set()

    @property
    def waiting(self) -> set[str]:
        """Ids of the executions that are queued or held."""
        return self._ids

    @property
    def is_idle(self) -> bool:
        """Whether nothing is queued; what is held waits for the service."""
        return not (self._queue or self._beside)

    @property
    def is_crowded(self) -> bool:
        """Whether something waits for slots."""
        return bool(self._queue)

    def tasks_queued(self) -> list[str]:
        """Return the ids of the tasks that wait for slots, in their order."""
        return [one.execution_id for one in self._queue if one.kind is ExecutionKind.TASK]

    def slots_of(self, assignment: Assignment) -> int:
        """Return the slots that an execution takes; one that wants more than all gets all."""
        return min(assignment.slots, self._slots)

    def add(self, assignments: list[Assignment]) -> None:
        """Queue or hold new executions."""
        for assignment in assignments:
            self._ids.add(assignment.execution_id)
            if assignment.wait_for is not None and assignment.job_id not in self._prepared:
                self._held.setdefault(assignment.job_id, []).append(assignment)
            else:
                self._enqueue(assignment)

    def _enqueue(self, assignment: Assignment) -> None:
        (self._beside if assignment.slots == 0 else self._queue).append(assignment)

    def release_held(self, job_id: str) -> None:
        """Queue what was held for a preparation of this job: it has succeeded."""
        for assignment in self._held.pop(job_id, []):
            self._enqueue(assignment)

    def take(self) -> list[Assignment]:
        """Remove and return what may start now, and count its slots as used.

        In the order of arrival: a large one at the head is not overtaken for ever by small ones.
        Executions without slots do not wait.
        """
        taken = list(self._beside)
        self._beside.clear()
        while self._queue and self.slots_of(self._queue[0]) <= self._slots_free:
            assignment = self._queue.popleft()
            self._slots_free -= self.slots_of(assignment)
            taken.append(assignment)
        self._ids.difference_update(assignment.execution_id for assignment in taken)
        return taken

    def occupy(self, slots: int) -> None:
        """Count slots of an execution that an earlier agent started."""
        self._slots_free -= slots

    def release(self, slots: int) -> None:
        """Give back the slots of an execution that is over."""
        self._slots_free += slots
        assert self._slots_free <= self._slots

    def remove(self, execution_id: str) -> bool:
        """Drop an execution that has not started; False if there is none."""
        if execution_id not in self._ids:
            return False
        self._ids.remove(execution_id)
        for group in (self._queue, self._beside, *self._held.values()):
            for assignment in group:
                if assignment.execution_id == execution_id:
                    group.remove(assignment)
                    return True
        raise AssertionError(f"{execution_id} is in no queue")
