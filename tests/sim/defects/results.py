"""Mistakes to make: retries, requeues and results."""

from datetime import timedelta
from typing import Any, Final

from msgspec.structs import replace

from batchyard.core import counts, failures, task
from batchyard.core.effects import Step
from batchyard.core.states import EndCause, TaskState
from batchyard.core.task_events import DeleteTask, TaskEnded, TaskGivenBack, TerminateTask
from batchyard.sim import rules
from tests.sim.defects.defect import Patch, SeededDefect, change


def _retry_counted_twice(patch: Patch) -> None:
    def ended(original: Any, present: Any, event: Any) -> Any:
        result = original(present, event)
        more = result.entity.retry_count - present.retry_count
        return Step(
            replace(result.entity, retry_count=present.retry_count + 2 * more), result.effects
        )

    change(patch, task, "_ended", ended)


def _retry_too_many(patch: Patch) -> None:
    patch.setattr(
        task, "_may_retry", lambda present: present.retry_count <= present.retry_count_max
    )


def _loss_counted_as_retry(patch: Patch) -> None:
    def lost(original: Any, present: Any, now: Any) -> Any:
        result = original(present, now)
        entity = replace(result.entity, retry_count=result.entity.retry_count + 1)
        return Step(entity, result.effects)

    change(patch, task, "_lost", lost)


def _recall_counted_as_requeue(patch: Patch) -> None:
    def step(original: Any, present: Any, event: Any, now: Any) -> Any:
        result = original(present, event, now)
        if not isinstance(event, TaskGivenBack) or result.entity is present:
            return result
        entity = replace(result.entity, requeue_count=result.entity.requeue_count + 1)
        return Step(entity, result.effects)

    change(patch, task, "step", step)


def _failure_shown_as_success(patch: Patch) -> None:
    patch.setattr(failures, "failure", lambda _ending: None)


def _end_in_the_future(patch: Patch) -> None:
    def completed(original: Any, present: Any, end_time: Any, *rest: Any) -> Any:
        return original(present, end_time + timedelta(minutes=1), *rest)

    def call(original: Any) -> Any:
        def changed(present: Any, end_time: Any, failure: Any, exit_code: Any) -> Any:
            return completed(original, present, end_time, failure, exit_code)

        return changed

    patch.setattr(task, "_completed", call(task._completed))


def _late_end_counts(patch: Patch) -> None:
    def step(original: Any, present: Any, event: Any, now: Any) -> Any:
        if isinstance(event, TaskEnded) and present.state is TaskState.COMPLETED:
            return Step(replace(present, exit_code=event.ending.exit_code))
        return original(present, event, now)

    change(patch, task, "step", step)


def _usage_counted_twice(patch: Patch) -> None:
    def usage(original: Any, present: Any, ending: Any) -> Any:
        return original(replace(present, usage=original(present, ending)), ending)

    change(patch, task, "_usage", usage)


def _usage_not_added_up(patch: Patch) -> None:
    def of_changes(original: Any, changes: Any) -> Any:
        gains = original(changes)
        return {job: replace(gain, user_microseconds=0) for job, gain in gains.items()}

    change(patch, counts, "of_changes", of_changes)


def _deleted_counts(patch: Patch) -> None:
    def of_changes(original: Any, changes: Any) -> Any:
        return original([pair for pair in changes if pair[1] is not None])

    change(patch, counts, "of_changes", of_changes)


def _deletion_forgotten(patch: Patch) -> None:
    def step(original: Any, present: Any, event: Any, now: Any) -> Any:
        if isinstance(event, DeleteTask) and present.state is TaskState.RUNNING:
            event = TerminateTask(key=event.key)
        return original(present, event, now)

    change(patch, task, "step", step)


def _success_retried(patch: Patch) -> None:
    patch.setattr(failures, "is_retryable", lambda ending: ending.cause is EndCause.EXITED)


DEFECTS: Final = (
    SeededDefect("A retry is counted twice.", _retry_counted_twice, rules.RETRY_COUNT),
    SeededDefect("A task is retried once too often.", _retry_too_many, rules.RETRIES_ALLOWED),
    SeededDefect("A lost node counts as a retry.", _loss_counted_as_retry, rules.RETRY_COUNT),
    SeededDefect("A recall counts as a requeue.", _recall_counted_as_requeue, rules.REQUEUE_COUNT),
    SeededDefect("Every end is a success.", _failure_shown_as_success, rules.RESULTS),
    SeededDefect("Tasks end in the future.", _end_in_the_future, rules.TIMES),
    SeededDefect("The end of a terminated task counts.", _late_end_counts, rules.COMPLETED_RESTS),
    SeededDefect("What a run used counts twice.", _usage_counted_twice, rules.USAGE),
    SeededDefect("A job does not add up its tasks.", _usage_not_added_up, rules.USAGE),
    SeededDefect("Deleted tasks stay counted.", _deleted_counts, rules.COUNTS),
    SeededDefect(
        "A running task is ended and not deleted.", _deletion_forgotten, rules.PEACE_ENDS_JOBS
    ),
    SeededDefect("A task is retried although it succeeded.", _success_retried, rules.SUCCESS_ENDS),
)
