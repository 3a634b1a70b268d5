"""Subtasks of multi-instance tasks as JSON. Source: T-62, S-18."""

from typing import TypedDict

from batchyard.core.model import Subtask
from batchyard.engine.views import SubtaskView
from batchyard.wire import model, tasks, values


class Outcome(TypedDict):
    """The properties that say how a subtask went."""

    start_time: str | None
    end_time: str | None
    exit_code: int | None
    failure_info: model.BatchTaskFailureInfo | None
    result: model.BatchTaskExecutionResult | None


def write_subtask(view: SubtaskView, base_url: str) -> model.BatchSubtask:
    """Return a subtask; its exit code is that of the coordination command (T-62)."""
    one = view.subtask
    state, since = state_of(one)
    return model.BatchSubtask(
        id=one.number,
        node_info=tasks.write_node_info(view.node, view.job_id, view.task_id, base_url),
        state=state,
        state_transition_time=since,
        **outcome(one),
    )


def outcome(one: Subtask) -> Outcome:
    """Return when it ran and what came of it, which is known once no process of it is left."""
    return Outcome(
        start_time=None if one.start_time is None else values.write_instant(one.start_time),
        end_time=None if one.end_time is None else values.write_instant(one.end_time),
        exit_code=one.exit_code if one.is_over else None,
        failure_info=tasks.write_failure(one.failure) if one.is_over else None,
        result=model.BatchTaskExecutionResult(one.result)
        if one.is_over and one.result is not None
        else None,
    )


def state_of(one: Subtask) -> tuple[model.BatchSubtaskState, str]:
    """Return where a subtask stands, and since when (S-18)."""
    if one.end_time is not None:
        return model.BatchSubtaskState.COMPLETED, values.write_instant(one.end_time)
    if one.start_time is not None:
        return model.BatchSubtaskState.RUNNING, values.write_instant(one.start_time)
    return model.BatchSubtaskState.PREPARING, values.write_instant(one.placed_time)
