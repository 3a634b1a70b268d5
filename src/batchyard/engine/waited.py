"""The history of one task that waits, or has waited.

It is made of what is known of the task itself and of its class: all tasks of a job that want the
same of nodes wait for the same reason (`engine.reasons`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Final

from batchyard.core import waiting
from batchyard.core.model import Job, Task
from batchyard.core.reasons import MEANINGS, Reason, WaitingCode
from batchyard.core.states import TaskState
from batchyard.engine.facts import as_waiting
from batchyard.engine.ports import Transaction
from batchyard.engine.waits import Past

#: States of a task that has not begun.
WAITING: Final = frozenset({TaskState.ACTIVE, TaskState.PREPARING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """For how long a task had to wait for one reason; `until` is None while it does."""

    code: str
    message: str
    since: datetime
    until: datetime | None


def moments_of(transaction: Transaction, task: Task) -> list[tuple[str, datetime]]:
    """Return what happened to a task itself, as far as it is known, in order."""
    came_back = task.attempt > 0 and task.state is TaskState.ACTIVE and not task.is_placed
    moments = (
        ("added", transaction.task_creation_time(task.key)),
        ("dependenciesSatisfied", transaction.waits.dependencies_time(task.key)),
        ("requeued", task.last_requeue_time),
        ("retried", task.last_retry_time),
        ("cameBack", task.state_time if came_back else None),
        ("started", task.start_time),
        ("completed", task.end_time),
    )
    known = [(name, time) for name, time in moments if time is not None]
    return sorted(known, key=lambda moment: moment[1])


def history_of(transaction: Transaction, job: Job, task: Task, reason: Reason | None) -> list[Wait]:
    """Return why a task has had to wait: for what it depends on, then with its class."""
    created = transaction.task_creation_time(task.key)
    ready = transaction.waits.dependencies_time(task.key)
    end = None if task.state in WAITING else task.start_time or task.end_time
    history = []
    if task.dependencies_left or ready is not None:
        code = WaitingCode.DEPENDENCY_PENDING
        until = end if ready is None else ready
        sentence = MEANINGS[code].sentence
        history.append(Wait(code=code, message=sentence, since=created, until=until))
    begin = created if ready is None else ready
    if not task.dependencies_left:
        if task.attempt and task.state is TaskState.ACTIVE and not task.is_placed:
            begin = task.state_time
        pasts = transaction.waits.history(task.job, waiting.kind(as_waiting(job, task)))
        history += _of_class(pasts, begin, end)
    if reason is None:
        return history
    return _up_to_now(history, reason, _since(job, task, reason, begin))


def _of_class(pasts: Sequence[Past], begin: datetime, end: datetime | None) -> list[Wait]:
    """Return the part of a class's history between two instants."""
    history = []
    for past, following in zip_longest(pasts, pasts[1:]):
        next_time = None if following is None else following.since
        since = max(past.since, begin)
        until = min((time for time in (next_time, end) if time is not None), default=None)
        if until is None or since < until:
            history.append(Wait(code=past.code, message=past.message, since=since, until=until))
    return history


def _since(job: Job, task: Task, reason: Reason, begin: datetime) -> datetime:
    """Return since when a reason can hold at all."""
    if reason.code in (WaitingCode.JOB_DISABLED, WaitingCode.JOB_ENDED):
        return max(begin, job.state_time)
    return max(begin, task.state_time)


def _up_to_now(history: list[Wait], reason: Reason, since: datetime) -> list[Wait]:
    """Let the history of a task that waits end with the reason that it has now."""
    last = history.pop() if history and history[-1].until is None else None
    if last is not None and waiting.is_same_wait(last.code, reason.code):
        since = last.since
    elif last is not None and last.since < since:
        history.append(Wait(code=last.code, message=last.message, since=last.since, until=since))
    return [*history, Wait(code=reason.code, message=reason.message, since=since, until=None)]
