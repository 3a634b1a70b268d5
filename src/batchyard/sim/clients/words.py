"""What clients ask for, in the judge's own words."""

from batchyard.core.specs import ExitConditions, ExitOptions, JobSpec, TaskSpec
from batchyard.core.states import OnAllTasksComplete, OnTaskFailure
from batchyard.sim.audit.terms import Needs, Preparation, Reaction, Reactions, Terms


def preparation(spec: JobSpec) -> Preparation | None:
    """Return what the judge has to know of a job preparation task."""
    if spec.preparation is None:
        return None
    return Preparation(
        waits=spec.preparation.wait_for_success,
        reruns=spec.preparation.rerun_on_node_reboot_after_success,
    )


def terms(spec: JobSpec) -> Terms:
    """Return what a job does by itself."""
    limit = spec.max_wall_clock_time
    return Terms(
        ends_with_tasks=spec.on_all_tasks_complete is OnAllTasksComplete.TERMINATE_JOB,
        acts_on_failure=spec.on_task_failure is not OnTaskFailure.NO_ACTION,
        seconds_max=None if limit is None else limit.total_seconds(),
        parallel_max=None if spec.max_parallel_tasks < 0 else spec.max_parallel_tasks,
    )


def needs(spec: TaskSpec) -> Needs:
    """Return what a task depends on."""
    if spec.depends_on is None:
        return Needs()
    ranges = spec.depends_on.task_id_ranges
    return Needs(ids=frozenset(spec.depends_on.task_ids), ranges=ranges)


def reactions(conditions: ExitConditions | None) -> Reactions:
    """Return what follows the ends of a task."""
    if conditions is None:
        return Reactions()
    return Reactions(
        codes={code: _reaction(options) for code, options in conditions.exit_codes},
        ranges=tuple(
            (first, last, _reaction(options))
            for first, last, options in conditions.exit_code_ranges
        ),
        default=_reaction(conditions.default),
    )


def _reaction(options: ExitOptions | None) -> Reaction:
    if options is None:
        return Reaction()
    return Reaction(
        None if options.job_action is None else str(options.job_action),
        None if options.dependency_action is None else str(options.dependency_action),
    )
