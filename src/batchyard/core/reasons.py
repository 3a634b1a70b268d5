"""The reasons for which a task may wait: their codes, what they mean, and what would help.

Source: ours; Azure Batch has no such answer. `core.waiting` finds the one that holds.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct


class WaitingCode(StrEnum):
    """Why a task waits. Ours, spelt as Azure Batch spells its codes."""

    JOB_DISABLED = "JobDisabled"
    JOB_ENDED = "JobEnded"
    DEPENDENCY_FAILED = "DependencyFailed"
    DEPENDENCY_MISSING = "DependencyMissing"
    DEPENDENCY_PENDING = "DependencyPending"
    NO_POOL = "NoPool"
    POOL_DELETING = "PoolDeleting"
    NEEDS_MORE_SLOTS = "NeedsMoreSlots"
    NEEDS_DEDICATED_NODES = "NeedsDedicatedNodes"
    NEEDS_INTER_NODE_COMMUNICATION = "NeedsInterNodeCommunication"
    NEEDS_MORE_NODES = "NeedsMoreNodes"
    NO_NODES = "NoNodes"
    NODES_STARTING = "NodesStarting"
    RESIZE_FAILED = "ResizeFailed"
    START_TASK_FAILED = "StartTaskFailed"
    NODES_UNUSABLE = "NodesUnusable"
    NODES_OFFLINE = "NodesOffline"
    JOB_PREPARATION_FAILED = "JobPreparationFailed"
    JOB_MANAGER_FIRST = "JobManagerFirst"
    PARALLEL_TASKS_LIMIT = "ParallelTasksLimit"
    NODES_HELD = "NodesHeld"
    NO_FREE_NODES = "NoFreeNodes"
    NO_FREE_SLOTS = "NoFreeSlots"
    FORMER_RUN_ENDING = "FormerRunEnding"
    PLACEMENT_DUE = "PlacementDue"
    JOB_PREPARATION_RUNNING = "JobPreparationRunning"
    QUEUED_ON_NODE = "QueuedOnNode"


class Meaning(Struct, frozen=True):
    """What a code stands for, what would help, and whether the task can run as things are."""

    sentence: str
    cure: str
    can_ever_run: bool = True


MEANINGS: Final[Mapping[WaitingCode, Meaning]] = {
    WaitingCode.JOB_DISABLED: Meaning(
        "The job is disabled, or is being disabled.", "Enable the job.", can_ever_run=False
    ),
    WaitingCode.JOB_ENDED: Meaning(
        "The job is terminating, completed or being deleted: what has not started never will.",
        "Add the task to another job.",
        can_ever_run=False,
    ),
    WaitingCode.DEPENDENCY_FAILED: Meaning(
        "A task that it depends on is completed, and its outcome blocks what depends on it.",
        "Reactivate that task; its next outcome counts.",
        can_ever_run=False,
    ),
    WaitingCode.DEPENDENCY_MISSING: Meaning(
        "A task that it depends on does not exist.",
        "Add the task that is missing.",
        can_ever_run=False,
    ),
    WaitingCode.DEPENDENCY_PENDING: Meaning(
        "Tasks that it depends on are not completed.", "Wait until they are completed."
    ),
    WaitingCode.NO_POOL: Meaning(
        "There is no pool of the name that the job gives.",
        "Create that pool, or move the job to another one.",
        can_ever_run=False,
    ),
    WaitingCode.POOL_DELETING: Meaning(
        "The pool is being deleted.",
        "Create a pool of its name once it is gone, or move the job to another one.",
        can_ever_run=False,
    ),
    WaitingCode.NEEDS_MORE_SLOTS: Meaning(
        "It needs more slots than any node of the pool has.",
        "Add it with fewer requiredSlots, or use a pool with more taskSlotsPerNode.",
        can_ever_run=False,
    ),
    WaitingCode.NEEDS_DEDICATED_NODES: Meaning(
        "It runs on dedicated nodes only, and the pool has none.",
        "Give the pool dedicated nodes, or let the task run on low-priority ones.",
        can_ever_run=False,
    ),
    WaitingCode.NEEDS_INTER_NODE_COMMUNICATION: Meaning(
        "It runs on several nodes at once, and those of the pool may not work together.",
        "Use a pool with enableInterNodeCommunication and one task slot per node.",
        can_ever_run=False,
    ),
    WaitingCode.NEEDS_MORE_NODES: Meaning(
        "It needs more nodes at once than the pool has.",
        "Resize the pool, or add the task with fewer instances.",
        can_ever_run=False,
    ),
    WaitingCode.NO_NODES: Meaning(
        "The pool has no node that takes tasks, and none is to come.",
        "Resize the pool.",
        can_ever_run=False,
    ),
    WaitingCode.NODES_STARTING: Meaning(
        "Nodes of the pool are on their way.", "Wait until they are idle."
    ),
    WaitingCode.RESIZE_FAILED: Meaning(
        "The pool has no node for it, for its resize has failed.",
        "Look at the resizeErrors of the pool, then resize it again.",
        can_ever_run=False,
    ),
    WaitingCode.START_TASK_FAILED: Meaning(
        "The start task has failed on the nodes that could take it.",
        "Mend the start task of the pool, then reboot its nodes.",
        can_ever_run=False,
    ),
    WaitingCode.NODES_UNUSABLE: Meaning(
        "The nodes that could take it are unusable.",
        "Reboot or replace the nodes.",
        can_ever_run=False,
    ),
    WaitingCode.NODES_OFFLINE: Meaning(
        "Scheduling is disabled on the nodes that could take it.",
        "Enable scheduling on the nodes.",
        can_ever_run=False,
    ),
    WaitingCode.JOB_PREPARATION_FAILED: Meaning(
        "The job preparation task has failed on the nodes that could take it.",
        "Mend the job preparation task in a new job, or bring the pool other nodes.",
        can_ever_run=False,
    ),
    WaitingCode.JOB_MANAGER_FIRST: Meaning(
        "The job manager task of the job comes first, and has not begun.",
        "Wait until the job manager task has begun; ask what it waits for.",
    ),
    WaitingCode.PARALLEL_TASKS_LIMIT: Meaning(
        "As many tasks of the job are on nodes as its maxParallelTasks allows.",
        "Wait until one of them is over, or raise maxParallelTasks.",
    ),
    WaitingCode.NODES_HELD: Meaning(
        "What is free is held for a task that needs several nodes, or a whole one.",
        "Wait until that task has started, or resize the pool.",
    ),
    WaitingCode.NO_FREE_NODES: Meaning(
        "It needs several nodes at once, or a whole one, and too few are free.",
        "Wait until enough tasks there are over, or resize the pool.",
    ),
    WaitingCode.NO_FREE_SLOTS: Meaning(
        "No node has enough free slots.",
        "Wait until tasks there are over, or resize the pool.",
    ),
    WaitingCode.FORMER_RUN_ENDING: Meaning(
        "It was taken from a node, where its former run is being ended.",
        "Wait until the node has ended it: a task never runs twice at a time.",
    ),
    WaitingCode.PLACEMENT_DUE: Meaning(
        "There is room for it.", "Wait for the next round of placement, which is due."
    ),
    WaitingCode.JOB_PREPARATION_RUNNING: Meaning(
        "It has a node, where the job preparation task comes first.",
        "Wait until the job preparation task is over.",
    ),
    WaitingCode.QUEUED_ON_NODE: Meaning(
        "It has a node, which has not started it yet.", "Wait until the node starts it."
    ),
}


class Reason(Struct, frozen=True):
    """Why one task waits, in this case; `details` are numbers and names for programs."""

    code: WaitingCode
    message: str
    details: Mapping[str, object] = {}

    @property
    def cure(self) -> str:
        """What would let the task run."""
        return MEANINGS[self.code].cure

    @property
    def can_ever_run(self) -> bool:
        """Whether the task can run without anybody changing something."""
        return MEANINGS[self.code].can_ever_run
