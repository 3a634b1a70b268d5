"""Placement of the waiting tasks of a pool: what `placement.plan` has to know, and what follows.

A round looks at the jobs of the ready index in the order of their turns until no node has room.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from itertools import chain, islice, takewhile
from typing import Final

from batchyard.core import limits, placement
from batchyard.core.effects import WakePlacement
from batchyard.core.job_events import JobNodeOpened, PrepareJobNode
from batchyard.core.keys import JobKey, NodeKey, PoolKey, TaskKey
from batchyard.core.model import Job, JobNode, Pool, Task
from batchyard.core.states import JobDefaultOrder, JobNodeState, PoolState
from batchyard.core.task_events import RecallExecution, TaskPlaced
from batchyard.engine import displacing
from batchyard.engine.cascade import Cascade
from batchyard.engine.facts import as_waiting
from batchyard.engine.orders import must_wait
from batchyard.engine.ports import UsableNode
from batchyard.engine.ready import ReadyJobs

#: Jobs that are looked at together, at least. Source: ours.
_JOBS_A_LOOK: Final = 16


def place(cascade: Cascade, pool_key: PoolKey) -> None:
    """Give waiting tasks of a pool to nodes with room, in rounds until nothing fits.

    If a job has to wait while tasks of a lower priority queue, those are recalled.
    """
    pool = cascade.pools.get(pool_key)
    if pool is None or pool.state is not PoolState.ACTIVE:
        cascade.hints.ready.close(pool_key)
        return
    nodes = _Nodes(cascade, pool_key)
    if not nodes.usable:
        return
    ready = cascade.hints.ready.of_pool(cascade.transaction, pool_key)
    _Round(cascade, pool, nodes, ready).run()


def affinity_id(node_id: str) -> str:
    """Return the name under which a task may prefer this node. Source: P-31, T-35."""
    return f"TVM:{node_id}"


class _Nodes:
    """The usable nodes of a pool, their free slots, and how much may queue there."""

    def __init__(self, cascade: Cascade, pool: PoolKey) -> None:
        self._cascade = cascade
        found = cascade.transaction.usable_nodes(pool)
        self.usable: dict[NodeKey, UsableNode] = {node.key: node for node in found}
        self.slots_free = {node.key: node.slots - node.slots_used for node in found}
        self.slots_max = max((node.slots for node in found), default=0)
        #: Jobs of which tasks run or queue on a node.
        self.open: dict[NodeKey, list[JobKey]] = {}
        for place in cascade.transaction.open_jobs(self.usable):
            self.open.setdefault(place.node, []).append(place.job)
        #: Where nothing queues: the job manager task there may wait for it, or a task takes long.
        self._closed = {node.key for node in found if node.managers_running > 0}
        self._closed |= cascade.hints.stalled & self.usable.keys()
        self._queue_bounds = {key: self._queue_bound(key) for key in self.usable}
        self.held: frozenset[NodeKey] = frozenset()
        self.measure()

    @property
    def crowded(self) -> list[NodeKey]:
        """The nodes on which tasks queue."""
        return [key for key, free in self.slots_free.items() if free < 0]

    def take(self, node: NodeKey, slots: int, job: JobKey, *, is_closed: bool) -> None:
        """Count slots that a placement needs; `measure` once all of them are counted.

        Where it `is_closed` nothing queues any more.
        """
        self.slots_free[node] -= slots
        mean = None if is_closed else self._cascade.hints.run_times.mean(job)
        bound = 0
        if mean is not None:
            bound = placement.queue_slots_max(self.usable[node].slots, mean)
        self._queue_bounds[node] = min(bound, self._queue_bounds[node])

    def hold(self, nodes: frozenset[NodeKey]) -> None:
        """Give nobody anything on these nodes in this round: they are for a task that waits."""
        self.held = nodes

    def measure(self) -> None:
        """Find out what room there is, once for all jobs that are looked at together."""
        free = [slots for key, slots in self.slots_free.items() if key not in self.held]
        #: The most slots that one node has free.
        self.slots_free_max = max(0, max(free, default=0))
        #: How many slots are free.
        self.free_room = sum(max(0, slots) for slots in free)
        #: For how many slots the shortest tasks could queue.
        self.queue_room = sum(
            max(0, bound + min(0, self.slots_free[key]))
            for key, bound in self._queue_bounds.items()
            if key not in self.held
        )

    def may_queue(self, job: JobKey) -> bool:
        """Return whether tasks of a job are known to be short enough to queue somewhere."""
        mean = self._cascade.hints.run_times.mean(job)
        return mean is not None and placement.queue_slots_max(self.slots_max, mean) > 0

    def queues(self, jobs: Sequence[JobKey]) -> dict[JobKey, dict[NodeKey, int]]:
        """Return on which nodes tasks of jobs may queue: where the job is prepared (J-69)."""
        short = [job for job in jobs if self.may_queue(job)]
        queues: dict[JobKey, dict[NodeKey, int]] = {job: {} for job in short}
        for job, node in self._cascade.transaction.prepared_job_nodes(short):
            mean = self._cascade.hints.run_times.mean(job)
            if node in self.usable and mean is not None:
                bound = placement.queue_slots_max(self.usable[node].slots, mean)
                queues[job][node] = min(bound, self._queue_bounds[node])
        return queues

    def _queue_bound(self, key: NodeKey) -> int:
        """Return for how many slots tasks may queue behind those that a node has.

        The longest of them counts: a queue behind a task of an hour would wait an hour.
        """
        if key in self._closed:
            return 0
        means = [self._cascade.hints.run_times.mean(job) for job in self.open.get(key, ())]
        known = [mean for mean in means if mean is not None]
        if len(known) < len(means):
            return 0
        return placement.queue_slots_max(self.usable[key].slots, max(known, default=timedelta()))


def _size(task: Task) -> tuple[int, int]:
    """Return how many slots a task needs, and on how many nodes, 0 where it is on one alone."""
    return (task.required_slots, task.instances)


def _cut(waiting: dict[JobKey, list[Task]], limit: int) -> dict[JobKey, set[tuple[int, int]]]:
    """Return of which jobs, and sizes, more may wait: at most `limit` of each size were read."""
    cut = {}
    for job, tasks in waiting.items():
        counts = Counter(map(_size, tasks)) if len(tasks) >= limit else {}
        sizes = {size for size, count in counts.items() if count >= limit}
        if sizes:
            cut[job] = sizes
    return cut


class _Round:
    """One round of placement in one pool."""

    def __init__(self, cascade: Cascade, pool: Pool, nodes: _Nodes, ready: ReadyJobs) -> None:
        self._cascade = cascade
        self._pool = pool
        self._nodes = nodes
        self._ready = ready
        self._placements_left = limits.PLACEMENTS_PER_ROUND_MAX
        #: The highest priority of a job that has to wait for slots.
        self._held_up: int | None = None
        self._by_affinity = {affinity_id(node.id): node.key for node in nodes.usable.values()}
        self._prepared: set[tuple[JobKey, NodeKey]] = set()

    def run(self) -> None:
        """Look at one group of jobs after the other, as long as there is room."""
        self._make_room()
        nodes = self._nodes
        has_room = nodes.free_room + nodes.queue_room > 0
        in_order = self._ready.in_order(self._pool.job_default_order)
        turns: Iterator[JobKey] = iter(list(in_order) if has_room else ())
        while self._placements_left > 0 and self._has_room:
            jobs = list(islice(self._that_may_fit(turns), max(nodes.free_room, _JOBS_A_LOOK)))
            if not jobs:
                break
            turns = chain(self._place(jobs), turns)
        self._recall_lower()
        if nodes.held or self._pool.key in self._cascade.hints.held:
            self._cascade.hints.held[self._pool.key] = nodes.held

    @property
    def _has_room(self) -> bool:
        """Whether anything more can be placed: nothing queues once a job has to wait for slots."""
        if self._nodes.free_room > 0:
            return True
        return self._held_up is None and self._nodes.queue_room > 0

    def _that_may_fit(self, turns: Iterator[JobKey]) -> Iterator[JobKey]:
        for job in turns:
            if not self._has_room:
                return
            least = self._ready.least_slots(job)
            if least <= self._nodes.slots_free_max or self._nodes.may_queue(job):
                yield job
            elif self._held_up is None and least <= self._nodes.slots_max:
                self._held_up = self._ready.priority(job)

    def _place(self, keys: Sequence[JobKey]) -> list[JobKey]:
        """Place tasks of jobs in their order; return those to look at next.

        Of many jobs only the first tasks are looked at. Where that was too few, the rest is looked
        at before jobs of a lower priority.
        """
        cascade = self._cascade
        cascade.jobs.read(keys)
        queues = self._nodes.queues(keys)
        room = self._nodes.free_room + (self._nodes.queue_room if queues else 0)
        room = min(room, self._placements_left)
        limit = room if len(keys) == 1 else 1 + 2 * room // len(keys)
        waiting = self._waiting_tasks(keys, limit)
        parallel_room = self._parallel_room(keys)
        cut = _cut(waiting, limit) if limit < room else {}
        keys, later = self._part(keys, cut)
        jobs = [job for job in map(cascade.jobs.get, keys) if job is not None and waiting[job.key]]
        plan = placement.plan(
            self._snapshot(self._waiting_jobs(jobs, waiting, queues, parallel_room))
        )
        by_key = {task.key: task for tasks in waiting.values() for task in tasks}
        for item in plan.placements:
            cascade.tasks.known([(item.task, by_key[item.task])])
            task = by_key[item.task]
            is_closed = task.is_manager or task.instances > 0
            for node in (item.node, *item.others):
                self._nodes.take(node, item.slots, item.job, is_closed=is_closed)
        self._nodes.hold(plan.held)
        self._nodes.measure()
        cascade.job_nodes.read(
            (item.job, node) for item in plan.placements for node in (item.node, *item.others)
        )
        for item in plan.placements:
            self._carry_out(item)
        self._placements_left -= len(plan.placements)
        if self._held_up is None:
            self._held_up = plan.held_up
        placed = {item.task for item in plan.placements}
        self._note_turns(keys, waiting, placed, limit)
        placed_of = Counter(
            item.job for item in plan.placements if not by_key[item.task].is_manager
        )
        limited = [key for key in keys if key in parallel_room]
        full = {
            key
            for key in limited
            if placed_of[key] >= parallel_room[key]
            and not any(task.is_manager and task.key not in placed for task in waiting[key])
        }
        for key in full:
            self._ready.drop(key)  # Until one of its tasks is over.
        if self._placements_left == 0:
            cascade.run([WakePlacement(self._pool.key)])
        again = [
            key
            for key in keys
            if key not in full
            and cut.get(key, set())
            - {_size(task) for task in waiting[key] if task.key not in placed}
        ]
        if again:
            cascade.flush()  # The next look must not find what is placed already.
        return again + later

    def _part(
        self, keys: Sequence[JobKey], cut: Collection[JobKey]
    ) -> tuple[Sequence[JobKey], list[JobKey]]:
        """Part jobs into those that do not come after any of `cut`, and the others."""
        if self._pool.job_default_order is JobDefaultOrder.CREATION_TIME:
            seen = next((place for place, key in enumerate(keys, 1) if key in cut), len(keys))
            return keys[:seen], list(keys[seen:])
        least = max(map(self._ready.priority, cut), default=None)
        if least is None:
            return keys, []
        now = [key for key in keys if self._ready.priority(key) >= least]
        return now, [key for key in keys if self._ready.priority(key) < least]

    def _parallel_room(self, keys: Sequence[JobKey]) -> dict[JobKey, int]:
        """Return of jobs with a limit how many more tasks they may have on nodes (J-13).

        Managers do not count: one may wait for tasks that a limit of one would never let run.
        """
        limited = {
            job.key: job.max_parallel_tasks
            for job in map(self._cascade.jobs.get, keys)
            if job is not None and job.max_parallel_tasks != limits.PARALLEL_TASKS_UNLIMITED
        }
        transaction = self._cascade.transaction
        counts = transaction.open_task_counts(list(limited))
        led = [key for key in limited if self._has_manager(key)]
        managed = transaction.open_managers(led) if led else set()
        return {
            key: max(0, most - counts.get(key, 0) + (key in managed))
            for key, most in limited.items()
        }

    def _has_manager(self, key: JobKey) -> bool:
        job = self._cascade.jobs.get(key)
        return job is not None and job.has_manager

    def _waiting_tasks(self, keys: Sequence[JobKey], limit: int) -> dict[JobKey, list[Task]]:
        """Return the first waiting tasks of jobs: before its manager, nothing of a job (J-57)."""
        waiting = self._cascade.transaction.waiting_tasks(keys, limit)
        for key, tasks in waiting.items():
            job = self._cascade.jobs.get(key)
            if job is not None and job.awaits_manager:
                waiting[key] = [task for task in tasks if task.is_manager]
        return waiting

    def _snapshot(self, jobs: Sequence[placement.WaitingJob]) -> placement.PoolSnapshot:
        nodes = self._nodes
        return placement.PoolSnapshot(
            fill_type=self._pool.node_fill_type,
            job_order=self._pool.job_default_order,
            nodes=[
                placement.FreeNode(
                    node.key, node.slots, nodes.slots_free[node.key], node.is_dedicated
                )
                for node in nodes.usable.values()
            ],
            jobs=jobs,
            may_queue=self._held_up is None,
            may_cooperate=placement.may_cooperate(self._pool),
            held=nodes.held,
        )

    def _waiting_jobs(
        self,
        jobs: Sequence[Job],
        waiting: dict[JobKey, list[Task]],
        queues: dict[JobKey, dict[NodeKey, int]],
        parallel_room: dict[JobKey, int],
    ) -> list[placement.WaitingJob]:
        prepared = [job.key for job in jobs if job.has_preparation]
        failed = self._cascade.transaction.failed_job_nodes(prepared)
        return [
            placement.WaitingJob(
                key=job.key,
                priority=job.priority,
                tasks=[self._waiting(job, task) for task in waiting[job.key]],
                unfit=frozenset(failed.get(job.key, ())),
                queue_slots_max=queues.get(job.key, {}),
                tasks_max=parallel_room.get(job.key),
            )
            for job in jobs
        ]

    def _waiting(self, job: Job, task: Task) -> placement.WaitingTask:
        wanted = None if task.affinity_id is None else self._by_affinity.get(task.affinity_id)
        return as_waiting(job, task, wanted)

    def _carry_out(self, item: placement.Placement) -> None:
        """Prepare the nodes for the job if need be, then place the task."""
        needs_preparation = False
        for node in (item.node, *item.others):
            needs_preparation |= self._is_to_prepare((item.job, node))
        placed = TaskPlaced(
            key=item.task,
            node=item.node,
            slots=item.slots,
            needs_preparation=needs_preparation,
            others=item.others,
        )
        self._cascade.run([placed])

    def _is_to_prepare(self, key: tuple[JobKey, NodeKey]) -> bool:
        """Prepare a node for a job if need be; return whether tasks have to wait for that."""
        if key not in self._prepared:
            self._prepared.add(key)
            self._prepare(key)
        job_node = self._cascade.job_nodes.get(key)
        assert job_node is not None, key
        return must_wait(job_node)

    def _prepare(self, key: tuple[JobKey, NodeKey]) -> None:
        cascade = self._cascade
        if cascade.job_nodes.get(key) is None:
            job = cascade.jobs.get(key[0])
            assert job is not None, key
            new = JobNode(
                job=job.key,
                node=key[1],
                state=JobNodeState.UNPREPARED,
                has_preparation=job.has_preparation,
                has_release=job.has_release,
                preparation_retry_count_max=job.preparation_retry_count_max,
                waits_for_preparation=job.waits_for_preparation,
                reruns_preparation=job.reruns_preparation,
            )
            cascade.job_nodes.put(key, new)
            cascade.run([JobNodeOpened(key=job.key)])
        cascade.run([PrepareJobNode(key=key)])

    def _note_turns(
        self,
        keys: Sequence[JobKey],
        waiting: dict[JobKey, list[Task]],
        placed: set[TaskKey],
        limit: int,
    ) -> None:
        """Tell the ready index what was seen: who had a turn, and of whom nothing waits any more.

        Of a job of which not all was seen more may fit at once: it is looked at again.
        """
        queue_room = self._nodes.queue_room
        unseen = _cut(waiting, limit)
        for key in keys:
            left = [task.required_slots for task in waiting[key] if task.key not in placed]
            if len(left) < len(waiting[key]):
                self._ready.had_turn(key)
            job = self._cascade.jobs.get(key)
            if len(waiting[key]) < limit and job is not None and not job.awaits_manager:
                self._cascade.noted.left[key] = {
                    (task.required_slots, task.is_manager)
                    for task in waiting[key]
                    if task.key not in placed
                }
            if left:
                self._ready.note_least_slots(
                    key, min([*left, *(slots for slots, _ in unseen.get(key, ()))])
                )
            elif len(waiting[key]) < limit:
                self._ready.drop(key)
            elif self._nodes.free_room > 0 or (queue_room and self._nodes.may_queue(key)):
                self._cascade.run([WakePlacement(self._pool.key)])

    def _make_room(self) -> None:
        """Have tasks leave for a manager that has to run again, or for a higher priority."""
        keys = self._that_displace()
        if not keys:
            return
        cascade = self._cascade
        cascade.jobs.read(keys)
        limit = limits.DISPLACED_PER_ROUND_MAX if self._ready.preemptible else 1
        waiting = self._waiting_tasks(keys, limit)
        for key in keys:
            if not any(task.is_restarted_manager for task in waiting[key]):
                self._ready.urgent.discard(key)
        found = [job for job in map(cascade.jobs.get, keys) if job is not None]
        jobs = self._waiting_jobs(found, waiting, {}, self._parallel_room(keys))
        held = displacing.make_room(cascade, jobs, self._nodes.usable, self._nodes.slots_free)
        self._nodes.hold(held)
        self._nodes.measure()
        cascade.flush()  # Who has to leave waits from now on.

    def _that_displace(self) -> list[JobKey]:
        """Return jobs for which others may have to leave, the most important first."""
        ready = self._ready
        keys = set(ready.urgent)
        if ready.preemptible:
            open_jobs = set(chain.from_iterable(self._nodes.open.values()))
            least = min(
                (ready.preemptible[job] for job in open_jobs & ready.preemptible.keys()),
                default=None,
            )
            higher = takewhile(
                lambda job: least is not None and ready.priority(job) > least,
                ready.in_order(self._pool.job_default_order),
            )
            keys.update(islice(higher, _JOBS_A_LOOK))
        return sorted(keys, key=lambda key: (-ready.priority(key), key))

    def _recall_lower(self) -> None:
        """Have nodes give back what queues in front of a job of a higher priority."""
        crowded = self._nodes.crowded
        if not crowded:
            return
        waiting = self._held_up
        if waiting is None and self._nodes.free_room == 0:
            waiting = self._ready.highest_priority
        if waiting is None:
            return
        cascade = self._cascade
        open_jobs = {job for key in crowded for job in self._nodes.open.get(key, ())}
        cascade.jobs.read(open_jobs)
        found = [job for job in map(cascade.jobs.get, open_jobs) if job is not None]
        lower = [job.key for job in found if job.priority < waiting]
        queued = cascade.transaction.assigned_executions(crowded, lower) if lower else []
        cascade.executions.known((execution.id, execution) for execution in queued)
        cascade.run(RecallExecution(key=execution.id) for execution in queued)
