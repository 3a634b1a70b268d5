"""Mistakes to make: start, preparation and release tasks."""

from typing import Any, Final

from msgspec.structs import replace

from batchyard.core import job_node, node, runs
from batchyard.core.effects import Step
from batchyard.core.job_events import JobEnding, JobNodeSettled
from batchyard.core.states import JobNodeState, TaskResult
from batchyard.engine import orders
from batchyard.sim import rules
from tests.sim.defects.defect import Patch, SeededDefect, change


def _start_task_not_awaited(patch: Patch) -> None:
    def welcomed(original: Any, present: Any, event: Any, now: Any) -> Any:
        if event.start_task is not None:
            event = replace(event, start_task=replace(event.start_task, wait_for_success=False))
        return original(present, event, now)

    change(patch, node, "_welcomed", welcomed)


def _preparation_not_awaited(patch: Patch) -> None:
    patch.setattr(orders, "_wait_for", lambda _cascade, _execution: None)


def _preparation_repeated(patch: Patch) -> None:
    patch.setattr(runs, "may_retry", lambda run, _ending, most: run.retry_count < most)


def _release_forgotten(patch: Patch) -> None:
    def run_release(original: Any, place: Any) -> Any:
        if place.node % 2:
            return job_node._settled(place, JobNodeState.RELEASED)
        return original(place)

    change(patch, job_node, "_run_release", run_release)


def _release_where_preparation_failed(patch: Patch) -> None:
    def step(original: Any, place: Any, event: Any, now: Any) -> Any:
        if isinstance(event, JobEnding) and place.state is JobNodeState.FAILED:
            run = replace(place.preparation, result=TaskResult.SUCCESS)
            place = replace(place, state=JobNodeState.PREPARED, preparation=run)
        return original(place, event, now)

    change(patch, job_node, "step", step)


def _release_beside_tasks(patch: Patch) -> None:
    def finish(original: Any, place: Any) -> Any:
        return original(replace(place, tasks_open=0))

    change(patch, job_node, "_finish", finish)


def _failed_release_retried(patch: Patch) -> None:
    def ended(original: Any, place: Any, ending: Any) -> Any:
        if ending is not None and ending.exit_code != 0:
            return job_node._run_release(place)
        return original(place, ending)

    change(patch, job_node, "_release_ended", ended)


def _completed_before_release(patch: Patch) -> None:
    def released(original: Any, place: Any) -> Any:
        step = original(place)
        return Step(step.entity, (*step.effects, JobNodeSettled(key=place.job)))

    def ended(original: Any, place: Any, ending: Any) -> Any:
        step = original(place, ending)
        told = [effect for effect in step.effects if not isinstance(effect, JobNodeSettled)]
        return Step(step.entity, told)

    change(patch, job_node, "_run_release", released)
    change(patch, job_node, "_release_ended", ended)


DEFECTS: Final = (
    SeededDefect(
        "Nobody waits for the start task.", _start_task_not_awaited, rules.START_TASK_FIRST
    ),
    SeededDefect(
        "Tasks do not wait for their preparation.",
        _preparation_not_awaited,
        rules.PREPARATION_FIRST,
    ),
    SeededDefect(
        "A preparation that succeeded is repeated.", _preparation_repeated, rules.PREPARATION_ONCE
    ),
    SeededDefect("Half of the nodes are not released.", _release_forgotten, rules.PEACE_RELEASES),
    SeededDefect(
        "A release task runs where the preparation failed.",
        _release_where_preparation_failed,
        rules.RELEASE_WHERE_PREPARED,
    ),
    SeededDefect(
        "A release task does not wait for tasks.", _release_beside_tasks, rules.RELEASE_LAST
    ),
    SeededDefect(
        "A release task that failed is retried.", _failed_release_retried, rules.RELEASE_ONCE
    ),
    SeededDefect(
        "A job is completed before its release tasks are over.",
        _completed_before_release,
        rules.ENDED_JOBS_REST,
    ),
)
