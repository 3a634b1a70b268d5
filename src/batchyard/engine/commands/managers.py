"""Job manager tasks: made with their job, in one transaction, and ordinary tasks otherwise.

The key of a manager is the lowest of its job, so it is the first of its tasks by itself. Source:
J-18, J-57 ... J-63.
"""

from msgspec.structs import replace

from batchyard.core.model import Job
from batchyard.core.specs import JobManagerSpec, JobSpec


def complete(spec: JobSpec) -> JobSpec:
    """Return a job's specification whose manager has its job's retry count, if none (J-18)."""
    manager = spec.manager
    if manager is None or manager.task.max_task_retry_count is not None:
        return spec
    task = replace(manager.task, max_task_retry_count=spec.max_task_retry_count)
    return replace(spec, manager=replace(manager, task=task))


def led(job: Job, manager: JobManagerSpec) -> Job:
    """Return a new job as one that has this manager."""
    return replace(
        job,
        has_manager=True,
        awaits_manager=True,
        ends_with_manager=manager.kill_job_on_completion,
        manager_is_exclusive=manager.run_exclusive,
        manager_needs_dedicated=not manager.allow_low_priority_node,
    )
