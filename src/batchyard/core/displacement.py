"""Which running tasks make room for one that must not wait: a second planner beside placement.

A job manager task that is restarted may take the place of tasks of its own job, or of jobs of a
lower priority (J-58); any task the place of those whose job lets itself be preempted by jobs of a
higher priority (J-12). It is asked for only where such a task found no room. As little as possible
is lost: of the nodes that would do, the one where the least important tasks have to go, then the
fewest, then those that began last.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from msgspec import Struct
from msgspec.structs import replace

from batchyard.core import placement
from batchyard.core.keys import JobKey, NodeKey, TaskKey
from batchyard.core.placement import FreeNode, WaitingJob, WaitingTask


class RunningTask(Struct, frozen=True):
    """A task that is on a node; one that queues there has no `start_time`."""

    key: TaskKey
    job: JobKey
    node: NodeKey
    slots: int
    priority: int
    start_time: datetime | None = None
    #: Whether its job lets itself be preempted (``allowTaskPreemption``).
    is_preemptible: bool = False
    is_manager: bool = False


def may_displace(task: WaitingTask, job: WaitingJob, running: RunningTask) -> bool:
    """Return whether a task that waits may take the place of one that runs."""
    if running.is_manager:
        return False
    if running.is_preemptible and running.priority < job.priority:
        return True
    return task.is_restarted_manager and (running.job == job.key or running.priority < job.priority)


class Room(Struct, frozen=True):
    """Who has to leave, and the nodes where nobody else gets anything until the room is there.

    Without that, a less important task would take every slot that becomes free before enough are,
    and have to leave again.
    """

    leaving: Sequence[RunningTask] = ()
    held: frozenset[NodeKey] = frozenset()


@dataclass(slots=True)
class _Places:
    """Nodes with the slots that are free, and those that are free or will be."""

    nodes: dict[NodeKey, FreeNode]
    free: dict[NodeKey, int]
    held: set[NodeKey] = field(default_factory=set)

    def find(self, task: WaitingTask, job: WaitingJob) -> FreeNode | None:
        """Return a node that has room for a task, or else one that will have, which is held."""
        fitting = [
            node
            for node in self.nodes.values()
            if _could_take(node, task, job) and node.slots_free >= _needed(task, node)
        ]
        at_once = [node for node in fitting if self.free[node.key] >= _needed(task, node)]
        if not at_once:
            self.held.update(node.key for node in fitting[:1])
        return next(iter(at_once or fitting), None)

    def vacate(self, leaving: Sequence[RunningTask]) -> FreeNode:
        """Count what leaves a node, which is held, as free soon; return the node."""
        key = leaving[0].node
        node = self.nodes[key]
        slots_free = node.slots_free + sum(one.slots for one in leaving)
        self.nodes[key] = replace(node, slots_free=slots_free)
        self.held.add(key)
        return self.nodes[key]

    def take(self, task: WaitingTask, node: FreeNode) -> None:
        """Give a task its slots of a node."""
        slots = _needed(task, node)
        self.nodes[node.key] = replace(node, slots_free=node.slots_free - slots)
        self.free[node.key] -= slots


def make_room(
    jobs: Iterable[WaitingJob],
    nodes: Iterable[FreeNode],
    coming: Mapping[NodeKey, int],
    running: Iterable[RunningTask],
) -> Room:
    """Return who has to leave, so that what waits and must not has room.

    `jobs` come in the order of their importance. `coming` are slots of what is on its way off a
    node: nothing more has to leave for a task that will have room by that. For a task of several
    nodes nobody leaves.
    """
    present = {node.key: node for node in nodes}
    places = _Places(
        nodes={
            key: replace(node, slots_free=node.slots_free + coming.get(key, 0))
            for key, node in present.items()
        },
        free={key: node.slots_free for key, node in present.items()},
    )
    left = {one.key: one for one in running}
    leaving: list[RunningTask] = []
    for job in jobs:
        most = job.tasks_max
        in_vain: set[int] = set()
        for task in job.tasks:
            if most == 0 and not task.goes_first:
                break
            if task.nodes > 1 or (task.is_plain and task.required_slots in in_vain):
                continue
            place = places.find(task, job)
            if place is None:
                chosen = displace(task, job, places.nodes.values(), list(left.values()))
                if not chosen:
                    if task.is_plain:
                        in_vain.add(task.required_slots)
                    continue
                place = places.vacate(chosen)
                leaving += chosen
                for one in chosen:
                    del left[one.key]
            places.take(task, place)
            if most is not None and not task.goes_first:
                most -= 1
    return Room(leaving, frozenset(places.held))


def _could_take(node: FreeNode, task: WaitingTask, job: WaitingJob) -> bool:
    """Return whether a node could take a task if nothing else were there."""
    is_suitable = placement.is_suitable(task, slots=node.slots, is_dedicated=node.is_dedicated)
    return is_suitable and node.key not in job.unfit


def _needed(task: WaitingTask, node: FreeNode) -> int:
    return placement.slots_taken(task, slots=node.slots)


def displace(
    task: WaitingTask, job: WaitingJob, nodes: Iterable[FreeNode], running: Sequence[RunningTask]
) -> Sequence[RunningTask]:
    """Return the tasks that have to leave one node so that `task` fits there; none if it cannot."""
    by_node: dict[NodeKey, list[RunningTask]] = {}
    for one in running:
        if may_displace(task, job, one):
            by_node.setdefault(one.node, []).append(one)
    choices = [
        chosen
        for node in nodes
        if node.key in by_node
        and _could_take(node, task, job)
        and (chosen := _choose(task, node, by_node[node.key]))
    ]
    return min(choices, key=_loss, default=())


def _choose(
    task: WaitingTask, node: FreeNode, candidates: list[RunningTask]
) -> Sequence[RunningTask]:
    """Return the least that has to leave a node; nothing if even all candidates are too few."""
    missing = _needed(task, node) - node.slots_free
    chosen: list[RunningTask] = []
    for one in sorted(candidates, key=_importance):
        if missing <= 0:
            break
        chosen.append(one)
        missing -= one.slots
    return chosen if missing <= 0 else ()


def _importance(task: RunningTask) -> tuple[int, float]:
    """What goes first: a low priority, then what has not begun, then what began last."""
    began = task.start_time
    return task.priority, -inf if began is None else -began.timestamp()


def _loss(chosen: Sequence[RunningTask]) -> tuple[int, int, float]:
    priority, began = max(map(_importance, chosen))
    return priority, len(chosen), began
