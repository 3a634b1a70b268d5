"""The scheduler: which waiting task goes to which node of one pool.

A plan is made from a snapshot and changes nothing. Jobs of a higher priority come first; jobs of
equal priority take turns (J-10); within a job the order is that of its tasks (J-15). A node takes a
task if enough of its slots are free and the job's preparation has not failed there (T-33, J-69).
``spread`` takes the node with the most free slots, ``pack`` the one with the fewest that suffice
(T-34). A task prefers the node of its affinity while that one has room (T-35). A task that fits
nowhere does not hold up smaller ones behind it.

Where no slot is free, a task may *queue* on a node that will probably start it within
`limits.PREFETCH_TIME`: so a node of short tasks never waits for the next one. Nothing queues in
front of a job of a higher priority that has to wait.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby

from msgspec import Struct

from batchyard.core import limits
from batchyard.core.model import JobKey, NodeFillType, NodeKey, TaskKey


class FreeNode(Struct, frozen=True):
    """A usable node: all its slots, and those that are free, or less than 0 if tasks queue."""

    key: NodeKey
    slots: int
    slots_free: int


class WaitingTask(Struct, frozen=True):
    """A task that could be placed; `affinity` is the node that it prefers."""

    key: TaskKey
    required_slots: int = 1
    affinity: NodeKey | None = None


class WaitingJob(Struct, frozen=True, kw_only=True):
    """An active job with the first of its waiting tasks, in order.

    `unfit` holds the nodes where its preparation failed. `queue_slots_max` says on which nodes its
    tasks may queue, and up to how many slots all that queue there may need. `tasks_max` is how many
    more of its tasks may be on nodes (J-13), None for any number.
    """

    key: JobKey
    priority: int
    tasks: Sequence[WaitingTask]
    unfit: frozenset[NodeKey] = frozenset()
    queue_slots_max: Mapping[NodeKey, int] = {}
    tasks_max: int | None = None


class PoolSnapshot(Struct, frozen=True, kw_only=True):
    """What placement needs to know of one pool."""

    fill_type: NodeFillType
    nodes: Sequence[FreeNode]
    jobs: Sequence[WaitingJob]
    may_queue: bool = True


class Placement(Struct, frozen=True):
    """This task to that node."""

    task: TaskKey
    job: JobKey
    node: NodeKey


class Plan(Struct, frozen=True):
    """Placements in the order of their importance.

    `held_up` is the highest priority of a job that has to wait for slots, None if there is none.
    """

    placements: Sequence[Placement]
    held_up: int | None = None


@dataclass(slots=True)
class _Nodes:
    """The nodes by their number of free slots; those that changed last come last."""

    fill_type: NodeFillType
    slots_free: dict[NodeKey, int] = field(default_factory=dict)
    by_free: dict[int, dict[NodeKey, None]] = field(default_factory=dict)
    #: Of each node, those that are taken included.
    slots: dict[NodeKey, int] = field(default_factory=dict)

    def put(self, node: NodeKey, slots_free: int) -> None:
        self.slots_free[node] = slots_free
        self.by_free.setdefault(slots_free, {})[node] = None

    def take(self, node: NodeKey, slots: int) -> None:
        slots_free = self.slots_free[node]
        of_its_kind = self.by_free[slots_free]
        del of_its_kind[node]
        if not of_its_kind:
            del self.by_free[slots_free]
        self.put(node, slots_free - slots)

    def find(self, task: WaitingTask, unfit: frozenset[NodeKey]) -> NodeKey | None:
        """Return a node with enough free slots."""
        wanted = task.affinity
        if (
            wanted is not None
            and wanted not in unfit
            and self.slots_free.get(wanted, 0) >= task.required_slots
        ):
            return wanted
        enough = [free for free in self.by_free if free >= task.required_slots]
        for free in sorted(enough, reverse=self.fill_type is NodeFillType.SPREAD):
            for node in self.by_free[free]:
                if node not in unfit:
                    return node
        return None

    def find_queue(self, task: WaitingTask, job: WaitingJob) -> NodeKey | None:
        """Return the node with the shortest queue that the task may join."""
        most = max(job.queue_slots_max.values(), default=0)
        for free in sorted(self.by_free, reverse=True):
            if free + most < task.required_slots:
                break
            for node in self.by_free[free]:
                room = free + job.queue_slots_max.get(node, 0)
                fits = task.required_slots <= min(room, self.slots[node])
                if fits and node in job.queue_slots_max:
                    return node
        return None


def plan(snapshot: PoolSnapshot) -> Plan:
    """Return where tasks go: within the slots of every node, and its queue within its bound."""
    nodes = _Nodes(snapshot.fill_type)
    for node in snapshot.nodes:
        nodes.slots[node.key] = node.slots
        nodes.put(node.key, node.slots_free)
    slots_max = max((node.slots for node in snapshot.nodes), default=0)
    placements: list[Placement] = []
    held_up: int | None = None
    by_priority = sorted(snapshot.jobs, key=lambda job: -job.priority)
    for priority, jobs in groupby(by_priority, key=lambda job: job.priority):
        may_queue = snapshot.may_queue and held_up is None
        placed, has_waiting = _take_turns(jobs, nodes, slots_max, may_queue=may_queue)
        placements += placed
        if has_waiting and held_up is None:
            held_up = priority
    return Plan(placements, held_up)


def queue_slots_max(slots: int, mean_run_time: timedelta) -> int:
    """Return up to how many slots tasks of this run time may queue for on a node of `slots`.

    It is what the node will probably start within `limits.PREFETCH_TIME`.
    """
    most = slots * limits.PREFETCH_SLOTS_FACTOR_MAX
    if mean_run_time * most <= slots * limits.PREFETCH_TIME:
        return most
    return slots * limits.PREFETCH_TIME // mean_run_time


def _take_turns(
    jobs: Iterable[WaitingJob], nodes: _Nodes, slots_max: int, *, may_queue: bool
) -> tuple[list[Placement], bool]:
    """Place tasks of jobs of one priority; return also whether one of them has to wait."""
    placements: list[Placement] = []
    has_waiting = False
    turns = deque((job, iter(job.tasks), set[int](), job.tasks_max) for job in jobs)
    while turns:
        job, tasks, too_large, most = turns.popleft()
        for task in tasks if most != 0 else ():
            if task.required_slots in too_large:
                continue
            node = nodes.find(task, job.unfit)
            if node is None and may_queue:
                node = nodes.find_queue(task, job)
            if node is None:
                too_large.add(task.required_slots)
                has_waiting = has_waiting or task.required_slots <= slots_max
                continue
            nodes.take(node, task.required_slots)
            placements.append(Placement(task.key, job.key, node))
            turns.append((job, tasks, too_large, None if most is None else most - 1))
            break
    return placements, has_waiting
