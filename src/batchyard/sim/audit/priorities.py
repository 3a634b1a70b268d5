"""Judges who goes first, where there are no faults that would excuse anything."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from batchyard.sim import rules
from batchyard.sim.audit.history import History, Job, Run, Task, require
from batchyard.sim.audit.judge import Judge
from batchyard.sim.audit.shown import Shown, ShownTask

#: How long a task has to be seen waiting before one of a lower priority starts, and after it.
_WAIT: Final = timedelta(seconds=2)
_MOMENT: Final = timedelta(seconds=0.5)


@dataclass(slots=True)
class _Overtaking:
    """A run of a lower priority started while a task was waiting; `seen` at the next look."""

    run: Run
    seen: datetime | None = None


@dataclass(slots=True)
class _Waiting:
    """A task that has been shown as waiting `since`, without faults, with this priority."""

    since: datetime
    priority: int | None
    overtaken: _Overtaking | None = None


class Priorities(Judge):
    """A task of a higher priority is not passed over (J-10)."""

    def __init__(self, history: History) -> None:
        super().__init__(history)
        self._waiting: dict[tuple[str, str], _Waiting] = {}

    def task_started(self, run: Run, job: Job, task: Task) -> None:
        """Where a task starts there was room for any other that needs no more slots."""
        for (other_job, other_task), waiting in self._waiting.items():
            other = self.history.jobs[other_job]
            if not other.pools & job.pools or other.is_end_asked or not _outranks(other, job):
                continue
            is_smaller = other.tasks[other_task].slots <= task.slots
            if is_smaller and self._is_noticed(waiting):
                waiting.overtaken = waiting.overtaken or _Overtaking(run)
        self._waiting.pop((run.job, run.task), None)

    def _is_noticed(self, waiting: _Waiting) -> bool:
        """Whether a task was seen waiting for so long that it must have been noticed."""
        time = self.history.look_time
        return time is not None and time - waiting.since >= _WAIT

    def look(self, shown: Shown) -> None:
        """A task that starts a moment later has not been overtaken: it was given a place too."""
        for task in shown.tasks:
            name = (task.job, task.task)
            if not self.history.is_calm or task.state != "active":
                self._waiting.pop(name, None)
                continue
            priority = self.history.jobs[task.job].strict_priority
            waiting = self._waiting.get(name)
            if waiting is None or waiting.priority != priority:
                waiting = self._waiting[name] = _Waiting(shown.time, priority)
            if waiting.overtaken is not None:
                _require_brief(task, waiting.overtaken, shown.time)


def _require_brief(task: ShownTask, overtaking: _Overtaking, now: datetime) -> None:
    seen = overtaking.seen = overtaking.seen or now
    facts = f"{overtaking.run} started while {task} waits"
    require(now - seen < _MOMENT, rules.PRIORITY, facts)


def _outranks(one: Job, other: Job) -> bool:
    if one.strict_priority is None or other.strict_priority is None:
        return False
    return one.strict_priority > other.strict_priority
