"""The answers to "why does it wait": of one task, and of all tasks of a job together.

Everything is asked in one look at one state of the store. However many tasks a job has, the answer
costs about the same: tasks that are alike are counted, up to a bound, and never looked at one by
one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from batchyard.core import limits, waiting
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.model import Job, JobState, NodeKey, Task, TaskKey, TaskState
from batchyard.core.reasons import MEANINGS, Reason, WaitingCode
from batchyard.engine.facts import as_waiting, by_kind, gather
from batchyard.engine.ports import Transaction
from batchyard.engine.waited import WAITING, Wait, history_of, moments_of
from batchyard.engine.waits import Dependents, Held


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskWait:
    """Why a task waits; `reason` is None for one that does not."""

    task_id: str
    state: TaskState
    reason: Reason | None
    since: datetime | None
    history: Sequence[Wait]
    moments: Sequence[tuple[str, datetime]]


@dataclass(slots=True, kw_only=True)
class Group:
    """Tasks of a job that wait for the same reason; there are more if `count` is not exact."""

    reason: Reason
    count: int = 0
    is_exact: bool = True
    tasks: list[TaskKey] = field(default_factory=list)
    task_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWait:
    """Why the tasks of a job wait."""

    job_id: str
    state: JobState
    count: int
    groups: Sequence[Group]


def why_task(
    transaction: Transaction, account: str, job_id: str, task_id: str, held: Held
) -> TaskWait:
    """Return why one task waits, and has waited.

    Raises:
        Refused: ``JobNotFound``, ``TaskNotFound``.
    """
    job = _job(transaction, account, job_id)
    key = transaction.task_keys(job.key, [task_id]).get(task_id.lower())
    if key is None:
        raise Refused(ErrorCode.TASK_NOT_FOUND)
    task = transaction.tasks([key])[key]
    reason = _reason(transaction, job, task, held) if task.state in WAITING else None
    history = history_of(transaction, job, task, reason)
    return TaskWait(
        task_id=transaction.waits.task_ids([key])[0],
        state=task.state,
        reason=reason,
        since=history[-1].since if reason is not None and history else None,
        history=history,
        moments=moments_of(transaction, task),
    )


def why_job(transaction: Transaction, account: str, job_id: str, held: Held) -> JobWait:
    """Return why the tasks of a job wait, those of one reason together.

    Raises:
        Refused: ``JobNotFound``.
    """
    job = _job(transaction, account, job_id)
    groups = _Groups(transaction, job, held).all()
    merged: dict[WaitingCode, Group] = {}
    for group in groups:
        one = merged.setdefault(group.reason.code, Group(reason=group.reason))
        one.count += group.count
        one.is_exact = one.is_exact and group.is_exact
        one.tasks += group.tasks
    for one in merged.values():
        one.tasks = sorted(one.tasks)[: limits.WAITING_IDS_SHOWN]
        one.task_ids = transaction.waits.task_ids(one.tasks)
    return JobWait(
        job_id=job.id,
        state=job.state,
        count=sum(group.count for group in groups),
        groups=sorted(merged.values(), key=lambda one: -one.count),
    )


def _job(transaction: Transaction, account: str, job_id: str) -> Job:
    key = transaction.job_key(account, job_id)
    if key is None:
        raise Refused(ErrorCode.JOB_NOT_FOUND)
    return transaction.jobs([key])[key]


def _reason(transaction: Transaction, job: Job, task: Task, held: Held) -> Reason:
    if task.is_placed and task.node is not None:
        return _of_placed(transaction, task.node, task.state)
    ((_, facts),) = gather(transaction, [job], held)
    if task.dependencies_left:
        shown = limits.WAITING_IDS_SHOWN
        return waiting.why(
            as_waiting(job, task), facts, transaction.waits.dependencies(task, shown)
        )
    before = {"olderTasks": transaction.waits.older_tasks(task, limits.WAITING_LOOKS_MAX)}
    if job.pool is not None:
        before["tasksOfHigherPriority"] = transaction.waits.tasks_of_higher_priority(job, job.pool)
    reason = waiting.why(as_waiting(job, task), replace(facts, tasks_before=before))
    if reason.can_ever_run and task.node is not None and transaction.waits.is_ending(task.key):
        return waiting.of_ending(transaction.waits.node_id(task.node))
    return reason


def _of_placed(transaction: Transaction, node: NodeKey, state: TaskState) -> Reason:
    found = transaction.nodes([node]).get(node)
    name = transaction.waits.node_id(node)
    return waiting.of_placed(found, name, is_preparing=state is TaskState.PREPARING)


class _Groups:
    """The waiting tasks of a job by what keeps them."""

    def __init__(self, transaction: Transaction, job: Job, held: Held) -> None:
        self._waits = transaction.waits
        self._transaction = transaction
        self._job = job
        ((_, self._facts),) = gather(transaction, [job], held)
        self._shown = limits.WAITING_IDS_SHOWN

    def all(self) -> list[Group]:
        """Return all groups; several may have the same reason."""
        placed = self._placed()
        queued = WaitingCode.QUEUED_ON_NODE
        left = self._waits.active_tasks(self._job.key)
        left -= sum(group.count for group in placed if group.reason.code is queued)
        if left <= 0:
            return placed
        if waiting.of_job(self._job) is not None:
            return [*placed, self._of_job(left)]
        ending = self._ending()
        placed += ending
        left -= sum(group.count for group in ending)
        if left <= 0:
            return placed
        if not self._job.uses_task_dependencies:
            return placed + self._ready(left, is_exact=True)
        found = self._waits.dependents(self._job.key, limits.WAITING_LOOKS_MAX)
        seen = len(found.failed) + len(found.missing) + len(found.pending)
        ready = self._ready(left - seen, is_exact=found.is_whole)
        if not found.is_whole and all(group.is_exact for group in ready):
            seen = left - sum(group.count for group in ready)
        return placed + ready + self._dependents(found, seen)

    def _of_job(self, count: int) -> Group:
        """All tasks of a job that runs nothing wait for the same reason."""
        reason = waiting.of_job(self._job)
        assert reason is not None, self._job
        tasks = self._waits.first_active(self._job.key, self._shown)
        return Group(reason=reason, count=count, tasks=tasks)

    def _placed(self) -> list[Group]:
        limit = limits.WAITING_LOOKS_MAX
        begun = self._waits.begun_tasks(self._job.key, limit)
        groups = []
        for state in (TaskState.ACTIVE, TaskState.PREPARING):
            those = [one for one in begun if one.state is state]
            if those:
                reason = _of_placed(self._transaction, those[0].node, state)
                tasks = [one.key for one in those[: self._shown]]
                group = Group(reason=reason, count=len(those), tasks=tasks)
                group.is_exact = len(begun) < limit
                groups.append(group)
        return groups

    def _ending(self) -> list[Group]:
        """Tasks whose former run has to be over first."""
        limit = limits.WAITING_LOOKS_MAX
        found = self._waits.ending_tasks(self._job.key, limit)
        if not found:
            return []
        (first,) = self._transaction.tasks([found[0].key]).values()
        reason = waiting.why(as_waiting(self._job, first), self._facts)
        if reason.can_ever_run:
            reason = waiting.of_ending(self._waits.node_id(found[0].node))
        tasks = [one.key for one in found[: self._shown]]
        group = Group(reason=reason, count=len(found), tasks=tasks)
        group.is_exact = len(found) < limit
        return [group]

    def _ready(self, left: int, *, is_exact: bool) -> list[Group]:
        """Tasks that only need a place, by their classes; if that is exact, `left` in all."""
        looked = limits.WAITING_TASKS_LOOKED_AT
        first = self._transaction.waiting_tasks([self._job.key], looked)[self._job.key]
        sizes: dict[tuple[int, int], list[Task]] = {}
        for task in first:
            sizes.setdefault((task.required_slots, task.instances), []).append(task)
        groups = []
        for tasks in sizes.values():
            count = left if is_exact and len(sizes) == 1 else None
            groups += self._of_size(tasks, count)
        return groups

    def _of_size(self, tasks: Sequence[Task], count: int | None) -> list[Group]:
        """The classes of one size by their first tasks: those not seen are of the largest class.

        `count` is how many there are, None if that has to be found out.
        """
        is_exact = count is not None
        if count is None:
            limit = limits.WAITING_TASKS_COUNTED_MAX
            count = self._waits.count_waiting(tasks[0], limit)
            is_exact = count < limit
        kinds = by_kind(self._job, tasks)
        # A job has one manager: there is no other of its class among those that were not seen.
        are_known = count == len(tasks) or all(
            found[0].is_manager for found in sorted(kinds.values(), key=len)[:-1]
        )
        groups = []
        for found in sorted(kinds.values(), key=len):
            reason = waiting.why(as_waiting(self._job, found[0]), self._facts)
            group = Group(reason=reason, count=len(found), is_exact=is_exact and are_known)
            group.tasks = [task.key for task in found[: self._shown]]
            groups.append(group)
        groups[-1].count += count - len(tasks)
        return groups

    def _dependents(self, found: Dependents, count: int) -> list[Group]:
        """Tasks that wait for others: those that are hopeless by an id, and all the rest.

        A few of the rest are examined, for what became of the numbers of their ranges.
        """
        groups = []
        for tasks in (found.failed, found.missing):
            if tasks:
                reason = self._examined(tasks[:1])[0]
                group = Group(reason=reason, count=len(tasks), is_exact=found.is_whole)
                group.tasks = list(tasks[: self._shown])
                groups.append(group)
                count -= len(tasks)
        examined = found.pending[: self._shown]
        pending = []
        for task, reason in zip(examined, self._examined(examined), strict=True):
            if reason.code is not WaitingCode.DEPENDENCY_PENDING:
                groups.append(Group(reason=reason, count=1, is_exact=False, tasks=[task]))
                count -= 1
            else:
                pending.append(task)
        if count > 0:
            code = WaitingCode.DEPENDENCY_PENDING
            is_exact = found.is_whole and len(found.pending) <= self._shown
            group = Group(reason=Reason(code, MEANINGS[code].sentence), is_exact=is_exact)
            group.count = count
            group.tasks = pending
            groups.append(group)
        return groups

    def _examined(self, tasks: Iterable[TaskKey]) -> list[Reason]:
        found = self._transaction.tasks(tasks)
        return [
            waiting.why(
                as_waiting(self._job, task),
                self._facts,
                self._waits.dependencies(task, self._shown),
            )
            for task in found.values()
        ]
