"""What a node has to be told: orders made from the rows of its executions.

The rows are the truth; an order may be lost and is made again when the node's agent is next met.
"""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from batchyard.core.errors import Defect
from batchyard.core.keys import JobKey, NodeKey, job_node_execution_id
from batchyard.core.limits import STOP_GRACE_TIME
from batchyard.core.model import Execution, JobNode
from batchyard.core.specs import (
    EnvironmentSetting,
    JobPreparationSpec,
    JobReleaseSpec,
    JobSpec,
    MultiInstanceSpec,
    ResourceFile,
    TaskSpec,
)
from batchyard.core.states import ElevationLevel, ExecutionKind, JobNodeState, NodeState
from batchyard.engine import addresses
from batchyard.engine.cascade import Cascade
from batchyard.engine.directories import START_DIRECTORY, task_directory
from batchyard.link import messages

Orders = dict[NodeKey, list[messages.Order]]

#: What runs parts of a multi-instance task.
_OF_GANGS: Final = (ExecutionKind.PRIMARY, ExecutionKind.SUBTASK)

#: States of a node whose agent was not met in its present life. What is opened there is told when
#: it is met: now it would reach the agent of the former life, and run twice.
_UNMET: Final = frozenset(
    {NodeState.CREATING, NodeState.STARTING, NodeState.REBOOTING, NodeState.UNKNOWN}
)


def of_cascade(cascade: Cascade) -> Orders:
    """Return what the nodes have to be told of a finished cascade, in the order of importance."""
    orders: Orders = {}
    by_node: dict[NodeKey, list[str]] = {}
    recalled: dict[NodeKey, list[str]] = {}
    for execution in cascade.stopped:
        by_node.setdefault(execution.node, []).append(execution.id)
    for node, execution_id in cascade.strays:
        by_node.setdefault(node, []).append(execution_id)
    for node, ids in by_node.items():
        orders.setdefault(node, []).append(stop(ids))
    for execution in cascade.recalled:
        recalled.setdefault(execution.node, []).append(execution.id)
    for node, ids in recalled.items():
        orders.setdefault(node, []).append(messages.Recall(ids))
    for node, removal in cascade.removals:
        orders.setdefault(node, []).append(removal)
    stopped = {execution.id for execution in cascade.stopped}
    unmet = {node for node in {one.node for one in cascade.assigned} if _is_unmet(cascade, node)}
    assigned = [
        execution
        for execution in cascade.assigned
        if execution.id not in stopped and execution.node not in unmet
    ]
    for node, assignments in assignments_by_node(cascade, assigned).items():
        orders.setdefault(node, []).append(messages.Assign(assignments))
    return orders


def _is_unmet(cascade: Cascade, key: NodeKey) -> bool:
    node = cascade.nodes.get(key)
    return node is not None and node.state in _UNMET


def stop(execution_ids: list[str]) -> messages.Stop:
    """Return the order to end executions."""
    return messages.Stop(execution_ids, STOP_GRACE_TIME.total_seconds())


def assignments_by_node(
    cascade: Cascade, executions: Iterable[Execution]
) -> dict[NodeKey, list[messages.Assignment]]:
    """Return the assignments of executions, the specifications read as sets."""
    executions = list(executions)
    tasks = [execution.task for execution in executions if execution.task is not None]
    specs = cascade.transaction.task_specs(tasks)
    cascade.job_nodes.read(
        (execution.job, execution.node) for execution in executions if execution.job is not None
    )
    cascade.gangs.read(
        execution.task
        for execution in executions
        if execution.task is not None and execution.kind in _OF_GANGS
    )
    jobs: dict[JobKey, JobSpec] = {}
    by_node: dict[NodeKey, list[messages.Assignment]] = {}
    for execution in executions:
        if execution.job is None:
            assignment = _start_assignment(cascade, execution)
        else:
            if execution.job not in jobs:
                jobs[execution.job] = cascade.transaction.job_spec(execution.job)
            task = None if execution.task is None else specs[execution.task]
            assignment = _assignment(cascade, execution, jobs[execution.job], task)
        by_node.setdefault(execution.node, []).append(assignment)
    return by_node


def _assignment(
    cascade: Cascade, execution: Execution, job: JobSpec, task: TaskSpec | None
) -> messages.Assignment:
    spec = _spec(execution, job, task)
    limit = spec.max_wall_clock_time
    preparation = job.preparation
    assignment = messages.Assignment(
        execution_id=execution.id,
        kind=execution.kind,
        job_id=job.id,
        task_id=spec.id,
        directory=task_directory(job.id, spec.id),
        preparation_directory=(
            None if preparation is None else task_directory(job.id, preparation.id)
        ),
        command_line=spec.command_line,
        environment=_environment(job.common_environment_settings, spec.environment_settings),
        is_elevated=spec.elevation_level is ElevationLevel.ADMIN,
        slots=execution.slots,
        wait_for=_wait_for(cascade, execution),
        wall_clock_seconds_max=None if limit is None else limit.total_seconds(),
        resource_files=_resource_files(spec.resource_files),
        authentication_token=_token(cascade, execution, task),
    )
    if task is None or task.multi_instance is None:
        return assignment
    return _in_gang(cascade, execution, task.multi_instance, assignment)


def _in_gang(
    cascade: Cascade,
    execution: Execution,
    spec: MultiInstanceSpec,
    assignment: messages.Assignment,
) -> messages.Assignment:
    """Return what one node of a multi-instance task is told (T-59)."""
    assert execution.task is not None, execution
    gang = cascade.gangs.get(execution.task)
    assert gang is not None, execution
    own = next(one for one in gang.subtasks if one.node == execution.node)
    variables = addresses.variables([one.node for one in gang.subtasks], own.number)
    together = replace(assignment, environment=assignment.environment | variables)
    if execution.kind is ExecutionKind.PRIMARY:
        return together
    return replace(
        together,
        command_line=spec.coordination_command_line,
        resource_files=_resource_files(spec.common_resource_files),
    )


def _token(cascade: Cascade, execution: Execution, task: TaskSpec | None) -> str | None:
    """Return the token of a task: a job manager always gets one, for adding tasks is its work."""
    if task is None or execution.job is None or not (execution.is_manager or task.accesses_job):
        return None
    job = cascade.jobs.get(execution.job)
    return None if job is None else cascade.tokens.mint(job)


def _start_assignment(cascade: Cascade, execution: Execution) -> messages.Assignment:
    """A start task has no job, no id and no time limit (P-26)."""
    node = cascade.nodes.get(execution.node)
    spec = None if node is None else node.start_task
    if spec is None:
        raise Defect(f"{execution} has nothing to run")
    return messages.Assignment(
        execution_id=execution.id,
        kind=execution.kind,
        job_id="",
        task_id="",
        directory=START_DIRECTORY,
        preparation_directory=None,
        command_line=spec.command_line,
        environment=_environment((), spec.environment_settings),
        is_elevated=spec.elevation_level is ElevationLevel.ADMIN,
        slots=0,
        wait_for=None,
        wall_clock_seconds_max=None,
        resource_files=_resource_files(spec.resource_files),
    )


def _resource_files(files: Iterable[ResourceFile]) -> list[messages.ResourceFileOrder]:
    return [messages.ResourceFileOrder(file.url, file.path, file.mode) for file in files]


def _spec(
    execution: Execution, job: JobSpec, task: TaskSpec | None
) -> TaskSpec | JobPreparationSpec | JobReleaseSpec:
    match execution.kind:
        case ExecutionKind.TASK | ExecutionKind.PRIMARY | ExecutionKind.SUBTASK:
            spec: TaskSpec | JobPreparationSpec | JobReleaseSpec | None = task
        case ExecutionKind.PREPARATION:
            spec = job.preparation
        case _:
            spec = job.release
    if spec is None:
        raise Defect(f"{execution} has nothing to run")
    return spec


def _environment(
    common: tuple[EnvironmentSetting, ...], own: tuple[EnvironmentSetting, ...]
) -> dict[str, str]:
    """Return the user's settings: a task's own win over its job's, later over earlier (F-13)."""
    return {setting.name: setting.value for setting in (*common, *own)}


def _wait_for(cascade: Cascade, execution: Execution) -> str | None:
    """Return the preparation that a task has to wait for on its node (J-69)."""
    kinds = (ExecutionKind.TASK, ExecutionKind.SUBTASK)
    if execution.kind not in kinds or execution.job is None:
        return None
    place = cascade.job_nodes.get((execution.job, execution.node))
    if place is None or not must_wait(place):
        return None
    return job_node_execution_id(
        ExecutionKind.PREPARATION, place.job, place.node, place.preparation.attempt
    )


def must_wait(place: JobNode) -> bool:
    """Return whether a task that is given to the node now waits there for the preparation."""
    return place.state is JobNodeState.PREPARING and place.waits_for_preparation
