"""Which running tasks make room for one that must not wait: a second planner beside placement.

A job manager task that is restarted may take the place of tasks of its own job, or of jobs of a
lower priority (J-58); any task the place of those whose job lets itself be preempted by jobs of a
higher priority (J-12). It is asked for only where such a task found no room. As little as possible
is lost: of the nodes that would do, the one where the least important tasks have to go, then the
fewest, then those that began last.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import inf

from msgspec import Struct
from msgspec.structs import replace

from batchyard.core.model import JobKey, NodeKey, TaskKey
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


def make_room(
    jobs: Iterable[WaitingJob], nodes: Iterable[FreeNode], running: Iterable[RunningTask]
) -> list[RunningTask]:
    """Return the tasks that have to leave, so that what waits and must not has room.

    `jobs` come in the order of their importance. The slots of what leaves already count as free: so
    nothing more has to leave for a task whose place is on its way. For a task of several nodes
    nobody leaves.
    """
    places = {node.key: node for node in nodes}
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
            place = _find(task, job, places)
            if place is None:
                chosen = displace(task, job, places.values(), list(left.values()))
                if not chosen:
                    if task.is_plain:
                        in_vain.add(task.required_slots)
                    continue
                place = places[chosen[0].node]
                leaving += chosen
                for one in chosen:
                    del left[one.key]
                    place = replace(place, slots_free=place.slots_free + one.slots)
            slots = place.slots if task.is_exclusive else task.required_slots
            places[place.key] = replace(place, slots_free=place.slots_free - slots)
            if most is not None and not task.goes_first:
                most -= 1
    return leaving


def _find(
    task: WaitingTask, job: WaitingJob, places: Mapping[NodeKey, FreeNode]
) -> FreeNode | None:
    """Return a node that has room for a task, or will have without anything more."""
    return next(
        (
            node
            for node in places.values()
            if node.slots_free >= (node.slots if task.is_exclusive else task.required_slots)
            and node.key not in job.unfit
            and (node.is_dedicated or not task.needs_dedicated)
        ),
        None,
    )


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
        and node.key not in job.unfit
        and (node.is_dedicated or not task.needs_dedicated)
        and (chosen := _choose(task, node, by_node[node.key]))
    ]
    return min(choices, key=_loss, default=())


def _choose(
    task: WaitingTask, node: FreeNode, candidates: list[RunningTask]
) -> Sequence[RunningTask]:
    """Return the least that has to leave a node; nothing if even all candidates are too few."""
    missing = (node.slots if task.is_exclusive else task.required_slots) - node.slots_free
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
