"""Defects to seed: each breaks the real code in one place, as a mistake there might.

A judge that finds nothing proves nothing. Each of these has to be found by it, in a world of real
histories and not in one that was made up for it; `rule` is the promise that breaks first in `seed`.
"""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from zlib import crc32

import pytest
from msgspec.structs import replace

from batchyard.agent.logic import AgentLogic
from batchyard.agent.schedule import Schedule
from batchyard.core import counts, failures, job_node, node, placement, runs, task
from batchyard.core.effects import Step, WakePlacement
from batchyard.core.messages import (
    DeleteTask,
    JobEnding,
    JobNodeSettled,
    NodeDied,
    TaskEnded,
    TaskGivenBack,
    TerminateTask,
)
from batchyard.core.model import EndCause, JobNodeState, TaskResult, TaskState
from batchyard.engine import engine, news, orders
from batchyard.engine.engine import Engine
from batchyard.engine.ports import NodeLost
from batchyard.engine.ready import ReadyJobs
from batchyard.sim import rules
from batchyard.sim.rules import Rule
from batchyard.store.store import MemoryStore

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class SeededDefect:
    """One mistake, how to make it, and the promise that it breaks in a world."""

    sentence: str
    make: Callable[[Patch], None]
    rule: Rule
    seed: int

    @property
    def name(self) -> str:
        return self.make.__name__.strip("_").replace("_", "-")


def _change(patch: Patch, owner: Any, name: str, changed: Callable[..., Any]) -> None:
    """Have `changed` called instead of a function, with that function and its arguments."""
    original = getattr(owner, name)
    patch.setattr(owner, name, lambda *arguments: changed(original, *arguments))


# What nodes tell.


def _no_fencing(patch: Patch) -> None:
    def is_stale(original: Any, present: Any, event: Any) -> bool:
        return not isinstance(event, NodeDied) and original(present, event)

    def joined(original: Any, cascade: Any, key: Any, welcome: Any) -> None:
        present = cascade.nodes.get(key)
        epoch = welcome.epoch if present is None else present.epoch
        original(cascade, key, replace(welcome, epoch=epoch))

    _change(patch, node, "is_stale", is_stale)
    _change(patch, news, "_joined", joined)


def _report_lost(patch: Patch) -> None:
    def ended(original: Any, cascade: Any, report: Any) -> Any:
        is_lost = crc32(report.execution_id.encode()) % 5 == 0
        return [] if is_lost else original(cascade, report)

    _change(patch, news, "_ended", ended)


def _loss_unnoticed(patch: Patch) -> None:
    def take(original: Any, cascade: Any, event: Any) -> Any:
        return 0 if isinstance(event, NodeLost) else original(cascade, event)

    _change(patch, news, "take", take)


# Commits and wake-ups.


def _commit_lost(patch: Patch) -> None:
    original = MemoryStore.transaction

    @contextmanager
    def transaction(store: MemoryStore) -> Any:
        try:
            with original(store) as real:
                yield real
        except Exception:  # noqa: BLE001  # That is the defect.
            pass

    patch.setattr(MemoryStore, "transaction", transaction)


def _start_looks_at_nothing(patch: Patch) -> None:
    patch.setattr(Engine, "start", lambda _engine: None)


def _wake_up_forgotten(patch: Patch) -> None:
    def freed(original: Any, *arguments: Any) -> Any:
        result = original(*arguments)
        effects = [effect for effect in result.effects if not isinstance(effect, WakePlacement)]
        return Step(result.entity, tuple(effects))

    _change(patch, node, "_freed", freed)


def _nodes_never_let_go(patch: Patch) -> None:
    def note_fleet(original: Any, transaction: Any, this: Any) -> None:
        original(transaction, this)
        this.release.clear()

    _change(patch, engine, "_note_fleet", note_fleet)


# Placement and slots.


def _slot_too_many(patch: Patch) -> None:
    def begin(original: Any, schedule: Any, slots: int, prepared: Any) -> None:
        original(schedule, slots + 1, prepared)

    _change(patch, Schedule, "__init__", begin)


def _slots_kept(patch: Patch) -> None:
    def freed(original: Any, present: Any, event: Any, now: Any) -> Any:
        return original(present, replace(event, slots=0), now)

    _change(patch, node, "_freed", freed)


def _priority_ignored(patch: Patch) -> None:
    def plan(original: Any, snapshot: Any) -> Any:
        equal = [replace(job, priority=0) for job in snapshot.jobs]
        return original(replace(snapshot, jobs=equal))

    def put(original: Any, ready: Any, job: Any, _priority: int) -> None:
        original(ready, job, 0)

    _change(patch, placement, "plan", plan)
    _change(patch, ReadyJobs, "put", put)


# Nodes' own doing.


def _repeat_starts_again(patch: Patch) -> None:
    def assign(_original: Any, logic: Any, assignments: Any) -> None:
        logic._schedule.add(assignments)
        logic._start_next()

    _change(patch, AgentLogic, "_assign", assign)


def _welcome_names_nothing(patch: Patch) -> None:
    def greet(original: Any, *arguments: Any) -> Any:
        return replace(original(*arguments), known=[])

    _change(patch, AgentLogic, "greet", greet)


def _recall_ignored(patch: Patch) -> None:
    patch.setattr(Schedule, "remove", lambda _schedule, _execution_id: True)


# Retries, requeues and results.


def _retry_counted_twice(patch: Patch) -> None:
    def ended(original: Any, present: Any, event: Any) -> Any:
        result = original(present, event)
        more = result.entity.retry_count - present.retry_count
        return Step(
            replace(result.entity, retry_count=present.retry_count + 2 * more), result.effects
        )

    _change(patch, task, "_ended", ended)


def _retry_too_many(patch: Patch) -> None:
    patch.setattr(
        task, "_may_retry", lambda present: present.retry_count <= present.retry_count_max
    )


def _loss_counted_as_retry(patch: Patch) -> None:
    def lost(original: Any, present: Any, now: Any) -> Any:
        result = original(present, now)
        entity = replace(result.entity, retry_count=result.entity.retry_count + 1)
        return Step(entity, result.effects)

    _change(patch, task, "_lost", lost)


def _recall_counted_as_requeue(patch: Patch) -> None:
    def step(original: Any, present: Any, event: Any, now: Any) -> Any:
        result = original(present, event, now)
        if not isinstance(event, TaskGivenBack) or result.entity is present:
            return result
        entity = replace(result.entity, requeue_count=result.entity.requeue_count + 1)
        return Step(entity, result.effects)

    _change(patch, task, "step", step)


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

    _change(patch, task, "step", step)


def _deleted_counts(patch: Patch) -> None:
    def of_changes(original: Any, changes: Any) -> Any:
        return original([pair for pair in changes if pair[1] is not None])

    _change(patch, counts, "of_changes", of_changes)


def _deletion_forgotten(patch: Patch) -> None:
    def step(original: Any, present: Any, event: Any, now: Any) -> Any:
        if isinstance(event, DeleteTask) and present.state is TaskState.RUNNING:
            event = TerminateTask(key=event.key)
        return original(present, event, now)

    _change(patch, task, "step", step)


# Start, preparation and release tasks.


def _start_task_not_awaited(patch: Patch) -> None:
    def welcomed(original: Any, present: Any, event: Any, now: Any) -> Any:
        if event.start_task is not None:
            event = replace(event, start_task=replace(event.start_task, wait_for_success=False))
        return original(present, event, now)

    _change(patch, node, "_welcomed", welcomed)


def _preparation_not_awaited(patch: Patch) -> None:
    patch.setattr(orders, "_wait_for", lambda _cascade, _execution: None)


def _preparation_repeated(patch: Patch) -> None:
    patch.setattr(runs, "may_retry", lambda run, _ending, most: run.retry_count < most)


def _release_forgotten(patch: Patch) -> None:
    def run_release(original: Any, place: Any) -> Any:
        if place.node % 2:
            return job_node._settled(place, JobNodeState.RELEASED)
        return original(place)

    _change(patch, job_node, "_run_release", run_release)


def _release_where_preparation_failed(patch: Patch) -> None:
    def step(original: Any, place: Any, event: Any, now: Any) -> Any:
        if isinstance(event, JobEnding) and place.state is JobNodeState.FAILED:
            run = replace(place.preparation, result=TaskResult.SUCCESS)
            place = replace(place, state=JobNodeState.PREPARED, preparation=run)
        return original(place, event, now)

    _change(patch, job_node, "step", step)


def _release_beside_tasks(patch: Patch) -> None:
    def finish(original: Any, place: Any) -> Any:
        return original(replace(place, tasks_open=0))

    _change(patch, job_node, "_finish", finish)


def _failed_release_retried(patch: Patch) -> None:
    def ended(original: Any, place: Any, ending: Any) -> Any:
        if ending is not None and ending.exit_code != 0:
            return job_node._run_release(place)
        return original(place, ending)

    _change(patch, job_node, "_release_ended", ended)


def _completed_before_release(patch: Patch) -> None:
    def released(original: Any, place: Any) -> Any:
        step = original(place)
        return Step(step.entity, (*step.effects, JobNodeSettled(key=place.job)))

    def ended(original: Any, place: Any, ending: Any) -> Any:
        step = original(place, ending)
        told = [effect for effect in step.effects if not isinstance(effect, JobNodeSettled)]
        return Step(step.entity, told)

    _change(patch, job_node, "_run_release", released)
    _change(patch, job_node, "_release_ended", ended)


def _success_retried(patch: Patch) -> None:
    patch.setattr(failures, "is_retryable", lambda ending: ending.cause is EndCause.EXITED)


def _orders_before_commit(patch: Patch) -> None:
    def run_loops(original: Any, of: Any, *arguments: Any) -> None:
        original(of, *arguments)
        this = arguments[-1]
        for key, node_orders in this.to_send.items():
            of._fleet.send(key, node_orders)
        this.to_send.clear()

    _change(patch, Engine, "_run_loops", run_loops)


DEFECTS: Final = (
    SeededDefect("News of a former life of a node count.", _no_fencing, rules.NODES_LIVE, 3),
    SeededDefect("A report is acknowledged and dropped.", _report_lost, rules.SUCCESS_ENDS, 0),
    SeededDefect(
        "The loss of a node is passed over.", _loss_unnoticed, rules.PEACE_LEAVES_NOTHING, 3
    ),
    SeededDefect("A commit that failed counts as done.", _commit_lost, rules.KEPT, 1),
    SeededDefect(
        "A service that starts does not look for what is to be done.",
        _start_looks_at_nothing,
        rules.PEACE_LEAVES_NOTHING,
        1,
    ),
    SeededDefect("Free slots wake nobody.", _wake_up_forgotten, rules.PEACE_LEAVES_NOTHING, 0),
    SeededDefect(
        "Nodes that leave are never let go.", _nodes_never_let_go, rules.PEACE_FREES_NODES, 1
    ),
    SeededDefect("A node starts one task too many.", _slot_too_many, rules.SLOTS, 0),
    SeededDefect("Slots are not freed.", _slots_kept, rules.PEACE_LEAVES_NOTHING, 0),
    SeededDefect("Priorities are ignored.", _priority_ignored, rules.PRIORITY, 0),
    SeededDefect("A repeated order starts a task again.", _repeat_starts_again, rules.ONE_START, 4),
    SeededDefect("A node does not say what it runs.", _welcome_names_nothing, rules.ONE_PLACE, 4),
    SeededDefect("A node gives back a task and runs it.", _recall_ignored, rules.SUCCESS_ENDS, 22),
    SeededDefect("A retry is counted twice.", _retry_counted_twice, rules.RETRY_COUNT, 0),
    SeededDefect("A task is retried once too often.", _retry_too_many, rules.RETRIES_ALLOWED, 1),
    SeededDefect("A lost node counts as a retry.", _loss_counted_as_retry, rules.RETRY_COUNT, 4),
    SeededDefect(
        "A recall counts as a requeue.", _recall_counted_as_requeue, rules.REQUEUE_COUNT, 9
    ),
    SeededDefect("Every end is a success.", _failure_shown_as_success, rules.RESULTS, 1),
    SeededDefect("Tasks end in the future.", _end_in_the_future, rules.TIMES, 0),
    SeededDefect(
        "The end of a terminated task counts.", _late_end_counts, rules.COMPLETED_RESTS, 4
    ),
    SeededDefect("Deleted tasks stay counted.", _deleted_counts, rules.COUNTS, 0),
    SeededDefect(
        "A running task is ended and not deleted.", _deletion_forgotten, rules.PEACE_ENDS_JOBS, 6
    ),
    SeededDefect(
        "Nobody waits for the start task.", _start_task_not_awaited, rules.START_TASK_FIRST, 6
    ),
    SeededDefect(
        "Tasks do not wait for their preparation.",
        _preparation_not_awaited,
        rules.PREPARATION_FIRST,
        0,
    ),
    SeededDefect(
        "A preparation that succeeded is repeated.",
        _preparation_repeated,
        rules.PREPARATION_ONCE,
        4,
    ),
    SeededDefect(
        "Half of the nodes are not released.", _release_forgotten, rules.PEACE_RELEASES, 9
    ),
    SeededDefect(
        "A release task runs where the preparation failed.",
        _release_where_preparation_failed,
        rules.RELEASE_WHERE_PREPARED,
        9,
    ),
    SeededDefect(
        "A release task does not wait for tasks.", _release_beside_tasks, rules.RELEASE_LAST, 7
    ),
    SeededDefect(
        "A release task that failed is retried.", _failed_release_retried, rules.RELEASE_ONCE, 10
    ),
    SeededDefect(
        "A job is completed before its release tasks are over.",
        _completed_before_release,
        rules.ENDED_JOBS_REST,
        7,
    ),
    SeededDefect(
        "A task is retried although it succeeded.", _success_retried, rules.SUCCESS_ENDS, 0
    ),
    SeededDefect("Orders leave before the commit.", _orders_before_commit, rules.ONE_START, 4),
)
