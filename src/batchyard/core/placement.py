"""The scheduler: which waiting task goes to which node of one pool.

A plan is made from a snapshot and changes nothing. Jobs of a higher priority come first; jobs of
equal priority take turns (J-10); within a job the order is that of its tasks (J-15). A node takes a
task if enough of its slots are free and the job's preparation has not failed there (T-33, J-69).
``spread`` takes the node with the most free slots, ``pack`` the one with the fewest that suffice
(T-34). A task prefers the node of its affinity while that one has room (T-35). A task that fits
nowhere does not hold up smaller ones behind it.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from batchyard.core.model import JobKey, NodeFillType, NodeKey, TaskKey


@dataclass(frozen=True, slots=True)
class FreeNode:
    """A usable node and its free slots."""

    key: NodeKey
    slots_free: int


@dataclass(frozen=True, slots=True)
class WaitingTask:
    """A task that could be placed; `affinity` is the node that it prefers."""

    key: TaskKey
    required_slots: int = 1
    affinity: NodeKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingJob:
    """An active job with the first of its waiting tasks, in order.

    `unfit` holds the nodes where its preparation failed.
    """

    key: JobKey
    priority: int
    tasks: Sequence[WaitingTask]
    unfit: frozenset[NodeKey] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSnapshot:
    """What placement needs to know of one pool."""

    fill_type: NodeFillType
    nodes: Sequence[FreeNode]
    jobs: Sequence[WaitingJob]


@dataclass(frozen=True, slots=True)
class Placement:
    """This task to that node."""

    task: TaskKey
    job: JobKey
    node: NodeKey


@dataclass(slots=True)
class _Nodes:
    """The nodes by their number of free slots; those that changed last come last."""

    fill_type: NodeFillType
    slots_free: dict[NodeKey, int] = field(default_factory=dict)
    by_free: dict[int, dict[NodeKey, None]] = field(default_factory=dict)

    def put(self, node: NodeKey, slots_free: int) -> None:
        self.slots_free[node] = slots_free
        self.by_free.setdefault(slots_free, {})[node] = None

    def take(self, node: NodeKey, slots: int) -> None:
        slots_free = self.slots_free[node]
        del self.by_free[slots_free][node]
        self.put(node, slots_free - slots)

    def find(self, task: WaitingTask, unfit: frozenset[NodeKey]) -> NodeKey | None:
        wanted = task.affinity
        if (
            wanted is not None
            and wanted not in unfit
            and self.slots_free.get(wanted, 0) >= task.required_slots
        ):
            return wanted
        enough = [
            free for free, nodes in self.by_free.items() if free >= task.required_slots and nodes
        ]
        for free in sorted(enough, reverse=self.fill_type is NodeFillType.SPREAD):
            for node in self.by_free[free]:
                if node not in unfit:
                    return node
        return None


def plan(snapshot: PoolSnapshot) -> list[Placement]:
    """Return placements that respect the slots of every node, in the order of their importance."""
    nodes = _Nodes(snapshot.fill_type)
    for node in snapshot.nodes:
        nodes.put(node.key, node.slots_free)
    placements: list[Placement] = []
    by_priority = sorted(snapshot.jobs, key=lambda job: -job.priority)
    for _, jobs in groupby(by_priority, key=lambda job: job.priority):
        placements += _take_turns(jobs, nodes)
    return placements


def _take_turns(jobs: Iterable[WaitingJob], nodes: _Nodes) -> list[Placement]:
    placements: list[Placement] = []
    turns = deque((job, iter(job.tasks), set[int]()) for job in jobs)
    while turns:
        job, tasks, too_large = turns.popleft()
        for task in tasks:
            if task.required_slots in too_large:
                continue
            node = nodes.find(task, job.unfit)
            if node is None:
                too_large.add(task.required_slots)
                continue
            nodes.take(node, task.required_slots)
            placements.append(Placement(task.key, job.key, node))
            turns.append((job, tasks, too_large))
            break
    return placements
