"""The scheduler: which waiting task goes to which node of one pool.

A plan is made from a snapshot and changes nothing. Jobs of a higher priority come first; jobs of
equal priority take turns (J-10), or the first of them takes all that it can (J-11); within a job
the order is that of its tasks (J-15). A node takes a task if enough of its slots are free and the
job's preparation has not failed there (T-33, J-69). ``spread`` takes the node with the most free
slots, ``pack`` the one with the fewest that suffice (T-34). A task prefers the node of its affinity
while that one has room (T-35). A task that fits nowhere does not hold up smaller ones behind it.

Where no slot is free, a task may *queue* on a node that will probably start it within
`limits.PREFETCH_TIME`: so a node of short tasks never waits for the next one. Nothing queues in
front of a job of a higher priority that has to wait.

A task may need several nodes at once, all or none of them (T-58), or a node with nothing else on it
(J-61). Smaller tasks would take every slot that becomes free before enough of them are: so where
such a task has to wait, nodes are *held* for it, the emptiest ones, and nobody else gets anything
there. Only the first that waits holds nodes; those behind it hold theirs in their turn.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Final

from msgspec import Struct

from batchyard.core import limits
from batchyard.core.keys import JobKey, NodeKey, TaskKey
from batchyard.core.model import Node, Pool
from batchyard.core.states import JobDefaultOrder, NodeFillType, NodePlan, NodeState

#: States of a node that takes tasks. Source: T-33.
TAKING: Final = (NodeState.IDLE, NodeState.RUNNING)


class FreeNode(Struct, frozen=True):
    """A usable node: all its slots, and those that are free, or less than 0 if tasks queue."""

    key: NodeKey
    slots: int
    slots_free: int
    is_dedicated: bool = True


class WaitingTask(Struct, frozen=True):
    """A task that could be placed; `affinity` is the node that it prefers.

    It runs on `nodes` nodes at once, and needs `required_slots` on each of them, or with
    `is_exclusive` all of them. One that `goes_first` lets no other task of its job be placed before
    it (J-57), unless the pool has no nodes that could ever take it. It may wait for those others
    while it runs: so it does not count as one of the job's (J-13), and nothing queues behind it.
    """

    key: TaskKey
    required_slots: int = 1
    affinity: NodeKey | None = None
    nodes: int = 1
    is_exclusive: bool = False
    needs_dedicated: bool = False
    goes_first: bool = False
    is_restarted_manager: bool = False
    is_multi_instance: bool = False

    @property
    def holds_nodes(self) -> bool:
        """Whether nodes are held for it while it waits."""
        return self.nodes > 1 or self.is_multi_instance or self.is_exclusive

    @property
    def is_plain(self) -> bool:
        """Whether all that it wants is so many slots: where one finds none, none of its size do."""
        return not self.holds_nodes and not self.needs_dedicated

    @property
    def may_queue(self) -> bool:
        """Whether it may wait on a node for a slot there."""
        return self.is_plain and not self.goes_first


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


def takes_tasks(node: Node) -> bool:
    """Return whether a node is given tasks at all, if it has room. Source: T-33."""
    return node.state in TAKING and node.plan is NodePlan.STAY


def may_cooperate(pool: Pool) -> bool:
    """Return whether a pool takes multi-instance tasks. Source: T-57."""
    return pool.has_inter_node_communication and pool.task_slots_per_node == 1


def is_suitable(task: WaitingTask, *, slots: int, is_dedicated: bool) -> bool:
    """Return whether a node of so many slots could take a task if nothing else were there.

    One that wants all slots of a node wants no fewer than it requires. Source: T-32.
    """
    return slots >= task.required_slots and (is_dedicated or not task.needs_dedicated)


def slots_taken(task: WaitingTask, *, slots: int) -> int:
    """Return how many slots a task takes of a suitable node that has `slots`. Source: J-61."""
    return slots if task.is_exclusive else task.required_slots


class PoolSnapshot(Struct, frozen=True, kw_only=True):
    """What placement needs to know of one pool; of jobs of equal priority the first comes first."""

    fill_type: NodeFillType
    nodes: Sequence[FreeNode]
    jobs: Sequence[WaitingJob]
    job_order: JobDefaultOrder = JobDefaultOrder.NONE
    may_queue: bool = True
    #: Whether its nodes may work together: else it takes no multi-instance task (T-57).
    may_cooperate: bool = True
    #: Nodes that an earlier plan of the same round holds.
    held: frozenset[NodeKey] = frozenset()


class Placement(Struct, frozen=True):
    """This task to that node, where it takes `slots`, and as many of each of `others` (T-58)."""

    task: TaskKey
    job: JobKey
    node: NodeKey
    slots: int
    others: tuple[NodeKey, ...] = ()


class Plan(Struct, frozen=True):
    """Placements in the order of their importance.

    `held_up` is the highest priority of a job that has to wait for slots, None if there is none.
    `held` are the nodes where nobody else gets anything, for the sake of a task that waits.
    """

    placements: Sequence[Placement]
    held_up: int | None = None
    held: frozenset[NodeKey] = frozenset()


@dataclass(slots=True)
class _Nodes:
    """The nodes by their number of free slots; those that changed last come last."""

    fill_type: NodeFillType
    slots_free: dict[NodeKey, int] = field(default_factory=dict)
    by_free: dict[int, dict[NodeKey, None]] = field(default_factory=dict)
    #: Of each node, those that are taken included.
    slots: dict[NodeKey, int] = field(default_factory=dict)
    low_priority: frozenset[NodeKey] = frozenset()
    may_cooperate: bool = True
    #: Nodes of which nobody gets anything any more.
    held: frozenset[NodeKey] = frozenset()
    #: For how many slots tasks may queue behind what this plan has placed.
    queue_max: dict[NodeKey, int] = field(default_factory=dict)

    def put(self, node: NodeKey, slots_free: int) -> None:
        self.slots_free[node] = slots_free
        self.by_free.setdefault(slots_free, {})[node] = None

    def drop(self, node: NodeKey) -> int:
        """Let nobody find a node; return how many slots it had free."""
        slots_free = self.slots_free.pop(node)
        of_its_kind = self.by_free[slots_free]
        del of_its_kind[node]
        if not of_its_kind:
            del self.by_free[slots_free]
        return slots_free

    def take(self, node: NodeKey, slots: int) -> None:
        self.put(node, self.drop(node) - slots)

    def find(self, task: WaitingTask, unfit: frozenset[NodeKey]) -> Sequence[NodeKey]:
        """Return the nodes that a task gets now, the primary's first; none if it has to wait."""
        if task.needs_dedicated:
            unfit = unfit | self.low_priority
        if task.holds_nodes:
            return self._find_together(task, unfit)
        node = self._find_one(task, unfit)
        return () if node is None else (node,)

    def suitable(self, task: WaitingTask, unfit: frozenset[NodeKey]) -> list[NodeKey]:
        """Return the nodes that could take a task if nothing else were there."""
        if task.is_multi_instance and not self.may_cooperate:
            return []
        return [
            node
            for node, slots in self.slots.items()
            if is_suitable(task, slots=slots, is_dedicated=node not in self.low_priority)
            and node not in unfit
        ]

    def emptiest(self, nodes: Iterable[NodeKey]) -> list[NodeKey]:
        """Return nodes in the order of what is taken of them."""
        return sorted(nodes, key=lambda node: self.slots[node] - self.slots_free[node])

    def hold(self, nodes: Iterable[NodeKey]) -> None:
        """Keep nodes for a task that waits."""
        self.held = frozenset(nodes)
        for node in self.held:
            self.drop(node)

    def _find_together(self, task: WaitingTask, unfit: frozenset[NodeKey]) -> Sequence[NodeKey]:
        suitable = set(self.suitable(task, unfit))
        free = [
            node
            for node, slots_free in self.slots_free.items()
            if node in suitable and slots_free >= slots_taken(task, slots=self.slots[node])
        ]
        if len(free) < task.nodes:
            return ()
        return sorted(free, key=lambda node: node != task.affinity)[: task.nodes]

    def _find_one(self, task: WaitingTask, unfit: frozenset[NodeKey]) -> NodeKey | None:
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

    def find_queue(self, task: WaitingTask, job: WaitingJob) -> Sequence[NodeKey]:
        """Return the node with the shortest queue that the task may join, if there is one."""
        most = max(job.queue_slots_max.values(), default=0)
        for free in sorted(self.by_free, reverse=True):
            if free + most < task.required_slots:
                break
            for node in self.by_free[free]:
                bound = job.queue_slots_max.get(node, 0)
                room = free + min(bound, self.queue_max.get(node, bound))
                fits = task.required_slots <= min(room, self.slots[node])
                if fits and node in job.queue_slots_max:
                    return (node,)
        return ()


def plan(snapshot: PoolSnapshot) -> Plan:
    """Return where tasks go: within the slots of every node, and its queue within its bound."""
    nodes = _nodes_of(snapshot)
    slots_max = max((node.slots for node in snapshot.nodes), default=0)
    placements: list[Placement] = []
    held_up: int | None = None
    by_priority = sorted(snapshot.jobs, key=lambda job: -job.priority)
    for priority, jobs in groupby(by_priority, key=lambda job: job.priority):
        may_queue = snapshot.may_queue and held_up is None
        placed, has_waiting = _take_turns(
            jobs, nodes, slots_max, snapshot.job_order, may_queue=may_queue
        )
        placements += placed
        if has_waiting and held_up is None:
            held_up = priority
    return Plan(placements, held_up, nodes.held)


def _nodes_of(snapshot: PoolSnapshot) -> _Nodes:
    nodes = _Nodes(snapshot.fill_type)
    for node in snapshot.nodes:
        nodes.slots[node.key] = node.slots
        nodes.put(node.key, node.slots_free)
    nodes.low_priority = frozenset(node.key for node in snapshot.nodes if not node.is_dedicated)
    nodes.may_cooperate = snapshot.may_cooperate
    nodes.hold(snapshot.held)
    return nodes


def queue_slots_max(slots: int, mean_run_time: timedelta) -> int:
    """Return up to how many slots tasks of this run time may queue for on a node of `slots`.

    It is what the node will probably start within `limits.PREFETCH_TIME`.
    """
    most = slots * limits.PREFETCH_SLOTS_FACTOR_MAX
    if mean_run_time * most <= slots * limits.PREFETCH_TIME:
        return most
    return slots * limits.PREFETCH_TIME // mean_run_time


def _take_turns(
    jobs: Iterable[WaitingJob],
    nodes: _Nodes,
    slots_max: int,
    order: JobDefaultOrder,
    *,
    may_queue: bool,
) -> tuple[list[Placement], bool]:
    """Place tasks of jobs of one priority; return also whether one of them has to wait."""
    placements: list[Placement] = []
    has_waiting = False
    go_by_age = order is JobDefaultOrder.CREATION_TIME
    turns = deque((job, iter(job.tasks), set[int](), job.tasks_max) for job in jobs)
    while turns:
        job, tasks, too_large, most = turns.popleft()
        for task in tasks:
            if most == 0 and not task.goes_first:
                break
            if task.required_slots in too_large and task.is_plain:
                continue
            found = nodes.find(task, job.unfit)
            # Nothing queues in front of an older job that has to wait.
            may_join = may_queue and task.may_queue and not (go_by_age and has_waiting)
            if not found and may_join:
                found = nodes.find_queue(task, job)
            if found:
                placements.append(_take(nodes, task, job, found))
                again = turns.appendleft if go_by_age else turns.append
                if most is not None and not task.goes_first:
                    most -= 1
                again((job, tasks, too_large, most))
                break
            if task.is_plain:
                too_large.add(task.required_slots)
            could_fit = task.required_slots <= slots_max
            if not task.is_plain:
                could_fit = _await(nodes, task, job.unfit)
            has_waiting = has_waiting or could_fit
            if could_fit and task.goes_first:
                break
    return placements, has_waiting


def _take(nodes: _Nodes, task: WaitingTask, job: WaitingJob, found: Sequence[NodeKey]) -> Placement:
    """Place a task: what queues behind it waits as long as its job's tasks take.

    That is too long where its own job may not queue, and for ever where it goes first.
    """
    slots = slots_taken(task, slots=nodes.slots[found[0]])
    for node in found:
        nodes.take(node, slots)
        bound = 0 if task.goes_first else job.queue_slots_max.get(node, 0)
        nodes.queue_max[node] = min(bound, nodes.queue_max.get(node, bound))
    return Placement(task.key, job.key, found[0], slots, tuple(found[1:]))


def _await(nodes: _Nodes, task: WaitingTask, unfit: frozenset[NodeKey]) -> bool:
    """Hold nodes for a task if it wants that; return whether it could ever be placed."""
    suitable = nodes.suitable(task, unfit)
    could_fit = len(suitable) >= task.nodes
    if could_fit and task.holds_nodes and not nodes.held:
        nodes.hold(nodes.emptiest(suitable)[: task.nodes])
    return could_fit
