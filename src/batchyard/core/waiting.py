"""Why a task waits, what would let it run, and whether it can ever run as things are.

The reasons are those of placement itself: what takes tasks, what is suitable and what fits is asked
of `core.placement`, with the facts that a round of placement has. So what placement would place has
no reason to wait but that its next round is due, and what it leaves has one.

*As things are* means: without anybody changing something. A task in a pool whose nodes start can
run; one in a pool without nodes that nobody resizes cannot. Source: ours; Azure Batch does not say.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from batchyard.core import placement
from batchyard.core.model import (
    AllocationState,
    Job,
    JobState,
    Node,
    NodeKey,
    NodePlan,
    NodeState,
    Pool,
    PoolState,
)
from batchyard.core.placement import FreeNode, PoolSnapshot, WaitingJob, WaitingTask
from batchyard.core.reasons import MEANINGS, Reason, WaitingCode

#: Reasons that come and go with every task that starts or ends: one way of waiting for room.
_CONTENTION: Final = frozenset(
    {
        WaitingCode.PARALLEL_TASKS_LIMIT,
        WaitingCode.NODES_HELD,
        WaitingCode.NO_FREE_NODES,
        WaitingCode.NO_FREE_SLOTS,
        WaitingCode.PLACEMENT_DUE,
    }
)

#: Reasons that end with what a task depends on.
_DEPENDENCIES: Final = frozenset(
    {
        WaitingCode.DEPENDENCY_FAILED,
        WaitingCode.DEPENDENCY_MISSING,
        WaitingCode.DEPENDENCY_PENDING,
    }
)

#: States of a node that will take tasks by itself, if all goes well.
_COMING: Final = frozenset(
    {
        NodeState.CREATING,
        NodeState.STARTING,
        NodeState.WAITING_FOR_START_TASK,
        NodeState.REBOOTING,
        NodeState.REIMAGING,
        NodeState.UPGRADING_OS,
        NodeState.UNKNOWN,
    }
)


class Dependencies(Struct, frozen=True, kw_only=True):
    """What a task still waits for: how much in all, and the first few that were found.

    `failed` are completed and block it, `missing` do not exist, `pending` are not completed.
    """

    left: int
    failed: Sequence[str] = ()
    missing: Sequence[str] = ()
    pending: Sequence[str] = ()


class Facts(Struct, frozen=True, kw_only=True):
    """What one look at a job, its pool and its nodes has found.

    `unfit` holds the nodes where the job's preparation failed, with its exit codes. `tasks_max` is
    how many more tasks the job may have on nodes, None for any number. `held` are the nodes that
    the last round of placement held. `tasks_before` tells, where it was counted, how many waiting
    tasks are older in its job, or of jobs with a higher priority.
    """

    job: Job
    pool: Pool | None
    nodes: Sequence[Node] = ()
    unfit: Mapping[NodeKey, int | None] = {}
    tasks_max: int | None = None
    held: frozenset[NodeKey] = frozenset()
    tasks_before: Mapping[str, int] = {}


def why(task: WaitingTask, facts: Facts, dependencies: Dependencies | None = None) -> Reason:
    """Return why a task waits that is on no node."""
    return obstacle(task, facts, dependencies) or _of_turn(task, facts)


def obstacle(
    task: WaitingTask, facts: Facts, dependencies: Dependencies | None = None
) -> Reason | None:
    """Return what keeps a task even from waiting for its turn, None if nothing does."""
    reason = of_job(facts.job)
    if reason is None and dependencies is not None:
        reason = _of_dependencies(dependencies)
    if reason is not None:
        return reason
    pool = facts.pool
    if pool is None:
        sentence = f"There is no pool {facts.job.pool_id}."
        return Reason(WaitingCode.NO_POOL, sentence, {"poolId": facts.job.pool_id})
    if pool.state is PoolState.DELETING:
        sentence = f"Pool {pool.id} is being deleted."
        return Reason(WaitingCode.POOL_DELETING, sentence, {"poolId": pool.id})
    if task.is_multi_instance and not placement.may_cooperate(pool):
        sentence = f"The nodes of pool {pool.id} may not work together on one task."
        details = {"poolId": pool.id, "taskSlotsPerNode": pool.task_slots_per_node}
        return Reason(WaitingCode.NEEDS_INTER_NODE_COMMUNICATION, sentence, details)
    suitable = _suitable(task, facts)
    if len(suitable) < task.nodes:
        return _too_few(task, pool, facts, len(suitable))
    if facts.job.awaits_manager and not task.goes_first:
        sentence = f"Job {facts.job.id} has a job manager task that has not begun."
        return Reason(WaitingCode.JOB_MANAGER_FIRST, sentence)
    return None


def turn(task: WaitingTask) -> Reason:
    """Return, without a look at any node, that a task waits for its turn."""
    code = WaitingCode.NO_FREE_NODES if task.holds_nodes else WaitingCode.NO_FREE_SLOTS
    return Reason(code, MEANINGS[code].sentence)


def is_same_wait(one: str, other: str) -> bool:
    """Return whether two codes tell of one time of waiting, which only looks different by now."""
    pair = {one, other}
    return one == other or pair <= _CONTENTION or pair <= _DEPENDENCIES


def of_placed(node: Node | None, node_id: str, *, is_preparing: bool) -> Reason:
    """Return why a task waits that was given to a node and has not started there."""
    details: dict[str, object] = {"nodeId": node_id}
    if is_preparing:
        sentence = f"The job preparation task runs on node {node_id}."
        return Reason(WaitingCode.JOB_PREPARATION_RUNNING, sentence, details)
    state = "gone" if node is None else node.state
    sentence = f"It is queued on node {node_id}, which is {state}."
    return Reason(WaitingCode.QUEUED_ON_NODE, sentence, details | {"nodeState": str(state)})


def of_ending(node_id: str) -> Reason:
    """Return why a task waits whose former run is being ended."""
    sentence = f"Its former run is being ended on node {node_id}."
    return Reason(WaitingCode.FORMER_RUN_ENDING, sentence, {"nodeId": node_id})


def of_job(job: Job) -> Reason | None:
    """Return why a job runs none of its tasks, None if it does."""
    if job.state in (JobState.ACTIVE, JobState.ENABLING):
        return None
    details = {"jobState": str(job.state)}
    sentence = f"Job {job.id} is {job.state}."
    if job.state in (JobState.DISABLING, JobState.DISABLED):
        return Reason(WaitingCode.JOB_DISABLED, sentence, details)
    return Reason(WaitingCode.JOB_ENDED, sentence, details)


def _of_dependencies(found: Dependencies) -> Reason:
    details: dict[str, object] = {"dependenciesLeft": found.left}
    for name, ids in (
        ("failed", found.failed),
        ("missing", found.missing),
        ("pending", found.pending),
    ):
        if ids:
            details[name] = list(ids)
    if found.failed:
        sentence = f"It depends on what has failed: task {found.failed[0]}"
        return Reason(WaitingCode.DEPENDENCY_FAILED, _and_more(sentence, found.failed), details)
    if found.missing:
        sentence = f"It depends on what does not exist: task {found.missing[0]}"
        return Reason(WaitingCode.DEPENDENCY_MISSING, _and_more(sentence, found.missing), details)
    shown = f", first of all {found.pending[0]}" if found.pending else ""
    sentence = f"It waits for {_count(found.left, 'task')} that it depends on{shown}."
    return Reason(WaitingCode.DEPENDENCY_PENDING, sentence, details)


def _and_more(sentence: str, ids: Sequence[str]) -> str:
    return f"{sentence}{', and others' if len(ids) > 1 else ''}."


def _suitable(task: WaitingTask, facts: Facts) -> list[Node]:
    """Return the nodes that could take a task if nothing else were there."""
    return [
        node
        for node in facts.nodes
        if placement.takes_tasks(node)
        and node.key not in facts.unfit
        and placement.is_suitable(task, slots=node.slots, is_dedicated=node.is_dedicated)
    ]


def _too_few(task: WaitingTask, pool: Pool, facts: Facts, suitable: int) -> Reason:
    """Return why too few nodes could take a task even if nothing else were there."""
    most = max([pool.task_slots_per_node, *(node.slots for node in facts.nodes)])
    if task.required_slots > most:
        sentence = f"It needs {task.required_slots} slots; a node of pool {pool.id} has {most}."
        details = {"requiredSlots": task.required_slots, "nodeSlots": most}
        return Reason(WaitingCode.NEEDS_MORE_SLOTS, sentence, details)
    target = pool.target_dedicated_nodes
    if task.needs_dedicated:
        nodes = [node for node in facts.nodes if node.is_dedicated]
    else:
        target += pool.target_low_priority_nodes
        nodes = list(facts.nodes)
    if task.needs_dedicated and not nodes and target == 0 and facts.nodes:
        sentence = f"Pool {pool.id} has no dedicated node."
        return Reason(WaitingCode.NEEDS_DEDICATED_NODES, sentence)
    if task.nodes > 1 and 0 < max(target, len(nodes)) < task.nodes:
        most = max(target, len(nodes))
        sentence = f"It needs {task.nodes} nodes at once; pool {pool.id} has {most}."
        details = {"requiredNodes": task.nodes, "poolNodes": most}
        return Reason(WaitingCode.NEEDS_MORE_NODES, sentence, details)
    return _of_nodes(pool, nodes, facts, target, suitable)


def _of_nodes(
    pool: Pool, nodes: Sequence[Node], facts: Facts, target: int, suitable: int
) -> Reason:
    """Return what keeps the nodes that a task could have from taking it."""
    states = Counter(str(node.state) for node in nodes)
    details: dict[str, object] = {"poolId": pool.id, "targetNodes": target, "nodes": dict(states)}
    is_growing = pool.allocation_state is AllocationState.RESIZING and suitable < target
    if is_growing or any(map(_is_coming, nodes)):
        told = _told(states) or "none is there yet"
        sentence = f"Nodes of pool {pool.id} are on their way: {told}."
        return Reason(WaitingCode.NODES_STARTING, sentence, details)
    unfit = [node for node in nodes if node.key in facts.unfit]
    if unfit:
        details |= {"nodeId": unfit[0].id, "exitCode": facts.unfit[unfit[0].key]}
        sentence = (
            f"The job preparation task has failed on {_count(len(unfit), 'node')} of pool "
            f"{pool.id}: {_failure(unfit[0], facts.unfit[unfit[0].key])}."
        )
        return Reason(WaitingCode.JOB_PREPARATION_FAILED, sentence, details)
    if pool.resize_errors and len(nodes) < target:
        error = pool.resize_errors[0]
        details |= {"error": error.code}
        sentence = f"The resize of pool {pool.id} has failed with {error.code}: {error.message}"
        return Reason(WaitingCode.RESIZE_FAILED, sentence, details)
    for state, code, told in _OUT_OF_ORDER:
        found = [node for node in nodes if node.state is state]
        if found:
            first = found[0]
            details["nodeId"] = first.id
            cause = ""
            if state is NodeState.START_TASK_FAILED:
                details["exitCode"] = first.start_run.exit_code
                cause = f": {_failure(first, first.start_run.exit_code)}"
            sentence = f"{_count(len(found), 'node')} of pool {pool.id} {told}{cause}."
            return Reason(code, sentence, details)
    told = f": {_told(states)}" if states else ""
    sentence = f"Pool {pool.id} has no node that takes tasks, its target is {target}{told}."
    return Reason(WaitingCode.NO_NODES, sentence, details)


_OUT_OF_ORDER: Final = (
    (
        NodeState.START_TASK_FAILED,
        WaitingCode.START_TASK_FAILED,
        "could not run the start task",
    ),
    (NodeState.UNUSABLE, WaitingCode.NODES_UNUSABLE, "cannot be used"),
    (NodeState.OFFLINE, WaitingCode.NODES_OFFLINE, "have scheduling disabled"),
)


def _is_coming(node: Node) -> bool:
    return node.state in _COMING or node.plan is NodePlan.REBOOT


def _failure(node: Node, exit_code: int | None) -> str:
    told = "it could not be run" if exit_code is None else f"exit code {exit_code}"
    return f"{told} on node {node.id}"


def _told(states: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in sorted(states.items()))


def _of_turn(task: WaitingTask, facts: Facts) -> Reason:
    """Return why a task has to wait for its turn on nodes that could take it."""
    job, pool, suitable = facts.job, facts.pool, _suitable(task, facts)
    assert pool is not None, facts
    details: dict[str, object] = {"requiredSlots": task.required_slots, **facts.tasks_before}
    if facts.tasks_max is not None and facts.tasks_max <= 0 and not task.goes_first:
        details["maxParallelTasks"] = job.max_parallel_tasks
        sentence = f"Job {job.id} has {job.max_parallel_tasks} tasks on nodes, as many as it may."
        return Reason(WaitingCode.PARALLEL_TASKS_LIMIT, sentence, details)
    if _fits(task, pool, facts, facts.held):
        return Reason(WaitingCode.PLACEMENT_DUE, "It fits on a node.", details)
    if _fits(task, pool, facts, frozenset()):
        details["nodesHeld"] = len(facts.held)
        sentence = f"{_count(len(facts.held), 'node')} of pool {pool.id} held for another task."
        return Reason(WaitingCode.NODES_HELD, sentence, details)
    free = [max(0, node.slots - node.slots_used) for node in suitable]
    if task.holds_nodes:
        details |= {"requiredNodes": task.nodes, "suitableNodes": len(suitable)}
        wanted = "nothing else" if task.is_exclusive else f"{task.required_slots} free slots"
        sentence = f"It needs {_count(task.nodes, 'node')} at once with {wanted} on each."
        return Reason(WaitingCode.NO_FREE_NODES, sentence, details)
    details["freeSlots"] = max(free)
    sentence = (
        f"It needs {_count(task.required_slots, 'slot')}; "
        f"the best of {_count(len(suitable), 'node')} has {max(free)} free."
    )
    return Reason(WaitingCode.NO_FREE_SLOTS, sentence, details)


def _fits(task: WaitingTask, pool: Pool, facts: Facts, held: frozenset[NodeKey]) -> bool:
    """Return whether placement would place a task if it were the only one."""
    nodes = [
        FreeNode(node.key, node.slots, node.slots - node.slots_used, node.is_dedicated)
        for node in facts.nodes
        if placement.takes_tasks(node)
    ]
    alone = WaitingJob(
        key=facts.job.key,
        priority=facts.job.priority,
        tasks=[task],
        unfit=frozenset(facts.unfit),
        tasks_max=facts.tasks_max,
    )
    snapshot = PoolSnapshot(fill_type=pool.node_fill_type, nodes=nodes, jobs=[alone], held=held)
    return bool(placement.plan(snapshot).placements)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


#: Of one class of tasks: those that only differ in what does not matter to placement.
Kind = str


def kind(task: WaitingTask) -> Kind:
    """Return the class of a task in its job: all of one class wait for the same reason.

    The node that a task prefers is no part of it: another one will do as well (T-35).
    """
    whole = "+exclusive" if task.is_exclusive else ""
    dedicated = "+dedicated" if task.needs_dedicated else ""
    first = "+first" if task.goes_first else ""
    together = "+together" if task.is_multi_instance else ""
    return f"{task.required_slots}x{task.nodes}{whole}{dedicated}{first}{together}"
