"""What a node tells of its recent tasks. Source: P-33, S-10, T-63."""

from batchyard.core.model import Subtask
from batchyard.engine.views import RecentTask
from batchyard.wire import links, model, subtasks, tasks


def write(view: RecentTask, base_url: str) -> model.BatchTaskInfo:
    """Return one of them; the primary of a multi-instance task tells of the whole task."""
    one = view.subtask
    if one is None or one.number == 0:
        state = model.BatchTaskState(view.task.state)
        info = tasks.write_execution_info(view.task)
    else:
        state, info = model.BatchTaskState(subtasks.state_of(one)[0]), _execution_info(one)
    return model.BatchTaskInfo(
        task_url=links.task(base_url, view.job_id, view.task_id),
        job_id=view.job_id,
        task_id=view.task_id,
        subtask_id=None if one is None else one.number,
        task_state=state,
        execution_info=info,
    )


def _execution_info(one: Subtask) -> model.BatchTaskExecutionInfo:
    """Return what is known of a subtask, of which each attempt is a new one."""
    return model.BatchTaskExecutionInfo(**subtasks.outcome(one), retry_count=0, requeue_count=0)
