"""The keys of things, and the names of executions."""

from typing import NewType

from batchyard.core.states import ExecutionKind

#: Keys are numbers of the store: a resource that is deleted and made again has a new key.
PoolKey = NewType("PoolKey", int)


NodeKey = NewType("NodeKey", int)


JobKey = NewType("JobKey", int)


TaskKey = NewType("TaskKey", int)


JobScheduleKey = NewType("JobScheduleKey", int)


#: Names one attempt of one command on one node, for example ``task-17-1``.
ExecutionId = NewType("ExecutionId", str)


def task_execution_id(task: TaskKey, attempt: int) -> ExecutionId:
    """Return the name of one attempt of a task."""
    return ExecutionId(f"task-{task}-{attempt}")


def primary_execution_id(task: TaskKey, attempt: int) -> ExecutionId:
    """Return the name of the application command in one attempt of a multi-instance task."""
    return ExecutionId(f"primary-{task}-{attempt}")


def subtask_execution_id(task: TaskKey, attempt: int, number: int) -> ExecutionId:
    """Return the name of one subtask in one attempt of a multi-instance task."""
    return ExecutionId(f"subtask-{task}-{attempt}-{number}")


def start_execution_id(node: NodeKey, attempt: int) -> ExecutionId:
    """Return the name of one attempt of a node's start task."""
    return ExecutionId(f"start-{node}-{attempt}")


def job_node_execution_id(
    kind: ExecutionKind, job: JobKey, node: NodeKey, attempt: int
) -> ExecutionId:
    """Return the name of one attempt of a job's preparation or release task on a node."""
    return ExecutionId(f"{kind}-{job}-{node}-{attempt}")
