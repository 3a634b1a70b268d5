"""The ready index: which jobs may have tasks that wait for a place, in the order of their turns.

A hint in memory. The rows are the truth: a pool's jobs are read from them when it is first asked
for, and again after a transaction that failed. In between, every job that a transaction touched in
a way that matters is noted, and looked at again before the next turns. What the index names without
a reason costs one look; what has a reason is always named.

So a round of placement costs what it places, however many jobs and tasks there are.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from batchyard.core.keys import JobKey, PoolKey
from batchyard.core.states import JobDefaultOrder, JobState
from batchyard.engine.ports import Transaction


class ReadyJobs:
    """The jobs of one pool, by priority; of equal ones, the one whose last turn is longest ago.

    In a pool whose jobs go by their creation the older one is always first (J-11).
    """

    def __init__(self, jobs: Iterable[tuple[JobKey, int]]) -> None:
        #: Jobs whose manager has to run again: it may displace other tasks (J-58).
        self.urgent: set[JobKey] = set()
        #: Jobs whose tasks may be displaced, and their priorities (J-12).
        self.preemptible: dict[JobKey, int] = {}
        self._priorities: dict[JobKey, int] = {}
        self._least_slots: dict[JobKey, int] = {}
        self._turns: dict[int, dict[JobKey, None]] = {}
        for job, priority in jobs:
            self.put(job, priority)

    def put(self, job: JobKey, priority: int) -> None:
        """Let a job take its turns; the turn that it has at this priority stays."""
        self._least_slots.pop(job, None)
        if self._priorities.get(job) != priority:
            self.drop(job)
            self._priorities[job] = priority
            self._turns.setdefault(priority, {})[job] = None

    def drop(self, job: JobKey) -> None:
        """Forget a job: nothing of it waits."""
        self._least_slots.pop(job, None)
        self.urgent.discard(job)
        priority = self._priorities.pop(job, None)
        if priority is not None:
            turns = self._turns[priority]
            del turns[job]
            if not turns:
                del self._turns[priority]

    def forget(self, job: JobKey) -> None:
        """Forget a job: it is over, or not of this pool any more."""
        self.drop(job)
        self.preemptible.pop(job, None)

    def had_turn(self, job: JobKey) -> None:
        """Let a job wait until the others of its priority had theirs."""
        turns = self._turns[self._priorities[job]]
        turns[job] = turns.pop(job)

    @property
    def highest_priority(self) -> int | None:
        """The priority of the job whose turn is next, None if there is no job."""
        return max(self._turns, default=None)

    def priority(self, job: JobKey) -> int:
        """Return the priority of a job that is here."""
        return self._priorities[job]

    def least_slots(self, job: JobKey) -> int:
        """Return how many slots a task of the job needs at least, as far as is known."""
        return self._least_slots.get(job, 1)

    def note_least_slots(self, job: JobKey, slots: int) -> None:
        """Note how many slots a task of the job needs at least, until it changes."""
        self._least_slots[job] = slots

    def in_order(self, order: JobDefaultOrder) -> Iterator[JobKey]:
        """Return the jobs in the order of their turns. It must not change meanwhile."""
        for priority in sorted(self._turns, reverse=True):
            turns = self._turns[priority]
            # A job that was created later has a higher key.
            yield from sorted(turns) if order is JobDefaultOrder.CREATION_TIME else turns


class Ready:
    """The ready jobs of all pools that were asked for."""

    def __init__(self) -> None:
        self._pools: Final[dict[PoolKey, ReadyJobs]] = {}
        self._noted: Final[set[JobKey]] = set()

    def note(self, jobs: Iterable[JobKey]) -> None:
        """Have these jobs looked at: they changed, or tasks of theirs wait that did not."""
        self._noted.update(jobs)

    def forget(self) -> None:
        """Know nothing any more: what was noted may not have happened."""
        self._pools.clear()
        self._noted.clear()

    def close(self, pool: PoolKey) -> None:
        """Forget the jobs of a pool that takes no tasks any more."""
        self._pools.pop(pool, None)

    def of_pool(self, transaction: Transaction, pool: PoolKey) -> ReadyJobs:
        """Return the ready jobs of a pool."""
        self._look_at_noted(transaction)
        if pool not in self._pools:
            found = transaction.ready_jobs(pool)
            ready = self._pools[pool] = ReadyJobs(found)
            ready.urgent = transaction.restarted_managers(job for job, _ in found)
            ready.preemptible = dict(transaction.preemptible_jobs(pool))
        return self._pools[pool]

    def _look_at_noted(self, transaction: Transaction) -> None:
        jobs = transaction.jobs(self._noted)
        led = [key for key, job in jobs.items() if job.has_manager]
        urgent = transaction.restarted_managers(led) if led else set()
        for key in self._noted:
            job = jobs.get(key)
            for pool, ready in self._pools.items():
                if job is not None and job.pool == pool and job.state is JobState.ACTIVE:
                    ready.put(key, job.priority)
                    if key in urgent:
                        ready.urgent.add(key)
                    if job.allows_preemption:
                        ready.preemptible[key] = job.priority
                    else:
                        ready.preemptible.pop(key, None)
                else:
                    ready.forget(key)
        self._noted.clear()
