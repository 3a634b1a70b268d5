"""Which running tasks make room for one that must not wait: a second planner beside placement.

A job manager task that is restarted may take the place of tasks of its own job, or of jobs of a
lower priority (J-58); any task the place of those whose job lets itself be preempted by jobs of a
higher priority (J-12). It is asked for only where such a task found no room. As little as possible
is lost: of the nodes that would do, the one where the least important tasks have to go, then the
fewest, then those that began last.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from math import inf

from msgspec import Struct

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
