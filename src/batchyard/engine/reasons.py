"""The history of why tasks wait: a row for each class of tasks of a job where its reason changes.

What could have changed a reason is noted while the engine works: tasks that wait, of sizes that are
not known yet; jobs and pools that changed. Looking costs some statements, so nothing is looked at
that is known: a job whose tasks come and go as before costs the look at a set in memory.

That no node has room and that there is none to spare for the job are one reason here: both come and
go with every task that ends. The answer to a caller is always made of the facts (`engine.why`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from batchyard.core import limits, waiting
from batchyard.core.keys import JobKey, PoolKey
from batchyard.core.model import Job, JobNode, Node, Pool
from batchyard.core.placement import takes_tasks
from batchyard.core.states import JobNodeState
from batchyard.engine.facts import as_waiting, by_kind, gather
from batchyard.engine.ports import Transaction
from batchyard.engine.waits import Past

if TYPE_CHECKING:
    from batchyard.engine.cascade import Cascade

#: So many slots are needed by tasks of the job, and whether by its manager.
Size = tuple[JobKey, int, bool]


@dataclass(slots=True)
class Noted:
    """What may have changed why tasks wait."""

    #: Tasks of these sizes wait that did not.
    waiting: set[Size] = field(default_factory=set)
    #: What a round of placement has left of jobs that it has seen whole: sizes of what waits.
    left: dict[JobKey, set[tuple[int, bool]]] = field(default_factory=dict)
    jobs: set[JobKey] = field(default_factory=set)
    pools: set[PoolKey] = field(default_factory=set)

    def update(self, other: "Noted") -> None:
        """Add what `other` holds."""
        self.waiting |= other.waiting
        self.left.update(other.left)
        self.jobs |= other.jobs
        self.pools |= other.pools

    def job(self, before: Job | None, after: Job | None) -> None:
        """Note a job that changed, if tasks of it may wait for another reason now."""
        if before is not None and after is not None and _of_job(before) != _of_job(after):
            self.jobs.add(after.key)

    def job_node(self, before: JobNode | None, after: JobNode | None) -> None:
        """Note a job whose preparation failed on a node, or may succeed there after all."""
        if after is not None and _has_failed(before) != _has_failed(after):
            self.jobs.add(after.job)

    def node(self, before: Node | None, after: Node | None) -> None:
        """Note the pool of a node that takes tasks now and did not, or the other way round."""
        if _of_node(before) != _of_node(after):
            self.pools.update(node.pool for node in (before, after) if node is not None)


def _of_job(job: Job) -> object:
    return job.state, job.pool_id, job.max_parallel_tasks, job.awaits_manager


def _has_failed(job_node: JobNode | None) -> bool:
    return job_node is not None and job_node.state is JobNodeState.FAILED


def _of_node(node: Node | None) -> object:
    return None if node is None else takes_tasks(node) or (node.state, node.plan)


class Reasons:
    """What is known to stand in the history; a hint that may be lost."""

    def __init__(self) -> None:
        self._known: set[Size] = set()
        self._profiles: dict[PoolKey, object] = {}
        #: Jobs that are still to be looked at.
        self._pending: set[JobKey] = set()

    @property
    def has_work(self) -> bool:
        """Whether jobs are still to be looked at."""
        return bool(self._pending)

    def forget(self) -> None:
        """Know nothing any more: what was written may not have happened."""
        self._known.clear()
        self._profiles.clear()

    def note(self, noted: Noted) -> None:
        """Have jobs looked at of which something is not known."""
        self._pending |= noted.jobs
        for job, *size in noted.waiting - self._known:
            left = noted.left.get(job)
            if left is None or tuple(size) in left:
                self._pending.add(job)

    def note_pool(self, transaction: Transaction, key: PoolKey) -> None:
        """Have the jobs of a pool looked at if it is not what it was for their tasks."""
        pool = transaction.pools([key]).get(key)
        if pool is None:
            self._profiles.pop(key, None)
            return
        profile = _profile(pool, transaction.nodes_of_pool(key))
        if self._profiles.get(key) != profile:
            self._profiles[key] = profile
            self._pending.update(job for job, _ in transaction.ready_jobs(key))

    def take(self) -> list[JobKey]:
        """Return jobs to look at, not too many at once."""
        jobs = list(islice(sorted(self._pending), limits.SWEEP_ENTITIES_MAX))
        self._pending.difference_update(jobs)
        return jobs

    def known(self, sizes: Iterable[Size]) -> None:
        """Remember sizes whose reason is written down."""
        if len(self._known) > _KNOWN_MAX:
            self._known.clear()
        self._known.update(sizes)


#: Sizes that are remembered; a job that is over is forgotten with all others once. Source: ours.
_KNOWN_MAX: Final = 100_000


def _profile(pool: Pool, nodes: Iterable[Node]) -> object:
    """Return what tasks may wait for in a pool, however many nodes are in each state."""
    return (
        pool.state,
        pool.allocation_state,
        pool.target_dedicated_nodes > 0,
        pool.target_low_priority_nodes > 0,
        pool.resize_errors,
        frozenset((_of_node(node), node.slots, node.is_dedicated) for node in nodes),
    )


def record(cascade: "Cascade") -> None:
    """Write down why classes of tasks wait, of jobs that are to be looked at, where it changed."""
    transaction, reasons, now = cascade.transaction, cascade.hints.reasons, cascade.now
    keys = reasons.take()
    # Two of a size: a job has one manager, which may be the first.
    firsts = transaction.waiting_tasks(keys, 2)
    jobs = list(transaction.jobs(key for key, tasks in firsts.items() if tasks).values())
    if not jobs:
        return
    last = transaction.waits.last_reasons([job.key for job in jobs])
    rows: list[tuple[JobKey, waiting.Kind, Past]] = []
    for job, facts in gather(transaction, jobs, cascade.hints.held):
        for kind, (sample, *_) in by_kind(job, firsts[job.key]).items():
            task = as_waiting(job, sample)
            reason = waiting.obstacle(task, facts) or waiting.turn(task)
            past = last.get((job.key, kind))
            if past is None or not waiting.is_same_wait(past.code, reason.code):
                number = 1 if past is None else past.number + 1
                rows.append((job.key, kind, Past(number, reason.code, reason.message, now)))
            reasons.known([(job.key, sample.required_slots, sample.is_manager)])
    if rows:
        transaction.waits.add_reasons(rows)
