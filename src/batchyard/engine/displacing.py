"""Room for tasks that must not wait: who leaves a node for them, and goes back to wait.

Only asked for where a job manager task has to run again, or jobs let themselves be preempted.
Source: J-12, J-58.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from batchyard.core import displacement
from batchyard.core.displacement import RunningTask
from batchyard.core.keys import NodeKey
from batchyard.core.placement import FreeNode, WaitingJob
from batchyard.core.task_events import RequeueTask
from batchyard.engine.cascade import Cascade
from batchyard.engine.ports import OpenTask, UsableNode


def make_room(
    cascade: Cascade,
    jobs: Sequence[WaitingJob],
    nodes: Mapping[NodeKey, UsableNode],
    slots_free: Mapping[NodeKey, int],
) -> frozenset[NodeKey]:
    """Requeue as many running tasks as it takes to place tasks of `jobs`, and no more.

    Returns the nodes where nobody else should get anything meanwhile.
    """
    tasks = cascade.transaction.open_tasks(nodes)
    cascade.jobs.read({one.job for one in tasks})
    places = [
        FreeNode(node.key, node.slots, slots_free[node.key], node.is_dedicated)
        for node in nodes.values()
    ]
    coming: dict[NodeKey, int] = {}
    for one in tasks:
        if one.is_stopping:
            coming[one.node] = coming.get(one.node, 0) + one.slots
    room = displacement.make_room(jobs, places, coming, _running(cascade, tasks))
    attempts = {one.key: one.attempt for one in tasks if not one.is_stopping}
    cascade.tasks.read(one.key for one in room.leaving)
    cascade.run(RequeueTask(key=one.key, attempt=attempts[one.key]) for one in room.leaving)
    return room.held


def _running(cascade: Cascade, tasks: Iterable[OpenTask]) -> Iterator[RunningTask]:
    for one in tasks:
        job = cascade.jobs.get(one.job)
        if job is not None and not one.is_stopping:
            yield RunningTask(
                key=one.key,
                job=one.job,
                node=one.node,
                slots=one.slots,
                priority=job.priority,
                start_time=one.start_time,
                is_preemptible=job.allows_preemption,
                is_manager=one.is_manager,
            )
