"""Defects planted into the real code, each of which the judge must find: a test of the tests.

Each is a small change that somebody could make by mistake. Its rule is the first promise that it
breaks in the world of its seed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from batchyard.agent.logic import AgentLogic
from batchyard.agent.schedule import Schedule
from batchyard.core import counts, failures, job_node, node, placement, task
from batchyard.core.effects import Step, WakeFleet, WakePlacement
from batchyard.core.messages import JobNodeSettled, TaskEnded, TaskGivenBack
from batchyard.core.model import EndCause, JobNodeState, TaskState
from batchyard.engine import cascade, commands, news, orders
from batchyard.engine.engine import Answer, Engine
from batchyard.engine.ready import ReadyJobs
from batchyard.link import messages
from batchyard.sim import rules
from batchyard.sim.rules import Rule
from batchyard.sim.service import CommitFailed

Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Defect:
    """A sentence, the rule that it breaks first in the world of `seed`, and how to plant it."""

    sentence: str
    rule: Rule
    seed: int
    plant: Plant


def _around(owner: Any, name: str, around: Callable[..., Any]) -> Plant:
    """Have `around` called with the original and its arguments."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        original = getattr(owner, name)
        patch.setattr(owner, name, lambda *arguments: around(original, *arguments))

    return plant


def _instead(owner: Any, name: str, value: Any) -> Plant:
    return lambda patch: patch.setattr(owner, name, value)


def _both(*plants: Plant) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        for each in plants:
            each(patch)

    return plant


def _without(kind: type[Any]) -> Callable[..., Any]:
    """Leave out one kind of what follows."""

    def around(step: Callable[..., Step[Any]], *arguments: Any) -> Step[Any]:
        result = step(*arguments)
        effects = tuple(effect for effect in result.effects if not isinstance(effect, kind))
        return Step(result.entity, effects)

    return around


def _any_move(patch: pytest.MonkeyPatch) -> None:
    """The table of moves has the same mistake, or the assertion that holds it would find it."""
    for key in job_node.MOVES:
        patch.setitem(job_node.MOVES, key, frozenset(JobNodeState))


# The agent.


def _forget_assigned(assign: Callable[..., None], agent: Any, assignments: Any) -> None:
    known = set(agent._running), set(agent._ended)
    agent._running.clear()
    agent._ended.clear()
    assign(agent, assignments)
    agent._running |= known[0]
    agent._ended |= known[1]


def _forget_running(take_over: Callable[..., None], agent: AgentLogic, attached: Any) -> None:
    take_over(agent, replace(attached, running=[]))


def _one_more_slot(init: Callable[..., None], schedule: Schedule, slots: int, jobs: Any) -> None:
    init(schedule, slots + 1, jobs)


# The life of a task.


def _count_twice(ended: Callable[..., Step[Any]], one: Any, *arguments: Any) -> Step[Any]:
    result = ended(one, *arguments)
    assert result.entity is not None
    counted = 2 * result.entity.retry_count - one.retry_count
    return Step(replace(result.entity, retry_count=counted), result.effects)


def _loss_is_a_retry(lost: Callable[..., Step[Any]], one: Any, now: Any) -> Step[Any]:
    result = lost(one, now)
    assert result.entity is not None
    return Step(replace(result.entity, retry_count=one.retry_count + 1), result.effects)


def _return_is_a_requeue(step: Callable[..., Any], one: Any, event: Any, now: Any) -> Any:
    result = step(one, event, now)
    if isinstance(event, TaskGivenBack) and result.entity not in (None, one):
        entity = replace(result.entity, requeue_count=one.requeue_count + 1)
        return Step(entity, result.effects)
    return result


def _end_twice(step: Callable[..., Step[Any]], one: Any, event: Any, now: Any) -> Step[Any]:
    is_late = one.state is TaskState.COMPLETED and isinstance(event, TaskEnded)
    if is_late and event.attempt == one.attempt:
        return Step(replace(one, exit_code=event.ending.exit_code))
    return step(one, event, now)


def _loss_is_a_success(_lost: Any, one: Any, now: Any) -> Step[Any]:
    return task._completed(one, now, None, 0)


def _an_hour_early(started: Callable[..., Step[Any]], one: Any, event: Any) -> Step[Any]:
    return started(one, replace(event, time=event.time - timedelta(hours=1)))


def _one_retry_more(one: Any) -> bool:
    return bool(one.retry_count <= one.retry_count_max)


def _preparing_is_active(class_of: Callable[..., str], one: Any) -> str:
    return "active" if one.state is TaskState.PREPARING else class_of(one)


# The life of a job on a node.


def _succeeded(ending: Any) -> Any:
    return ending and replace(ending, cause=EndCause.EXITED, exit_code=0)


def _always_well(ended: Callable[..., Step[Any]], place: Any, ending: Any) -> Step[Any]:
    return ended(place, _succeeded(ending))


def _release_after_failure(finish: Callable[..., Step[Any]], place: Any) -> Step[Any]:
    if place.state is JobNodeState.FAILED and place.is_ending and place.has_release:
        return job_node._run_release(replace(place, state=JobNodeState.RELEASING))
    return finish(place)


def _release_on_even_nodes(release: Callable[..., Step[Any]], place: Any) -> Step[Any]:
    if place.node % 2:
        return job_node._settled(place, JobNodeState.RELEASED)
    return release(place)


def _release_again(ended: Callable[..., Step[Any]], place: Any, ending: Any) -> Step[Any]:
    if ending is not None and ending.exit_code != 0:
        return job_node._run_release(place)
    return ended(place, ending)


def _release_at_once(finish: Callable[..., Step[Any]], place: Any) -> Step[Any]:
    return finish(replace(place, tasks_open=0) if place.is_ending else place)


def _settle_early(release: Callable[..., Step[Any]], place: Any) -> Step[Any]:
    result = release(place)
    return Step(result.entity, (*result.effects, JobNodeSettled(key=place.job)))


def _prepare_again(prepare: Callable[..., Step[Any]], place: Any) -> Step[Any]:
    if place.state is JobNodeState.PREPARED and place.has_preparation:
        return job_node._run_preparation(replace(place, state=JobNodeState.PREPARING), 0)
    return prepare(place)


# The life of a node.


def _start_task_is_beside(
    welcomed: Callable[..., Step[Any]], one: Any, event: Any, now: Any
) -> Any:
    if event.start_task is not None:
        event = replace(event, start_task=replace(event.start_task, wait_for_success=False))
    return welcomed(one, event, now)


def _keep_slots(freed: Callable[..., Step[Any]], one: Any, event: Any, now: Any) -> Step[Any]:
    return freed(one, replace(event, slots=0), now)


def _forget_executions(taken: Callable[..., Any], *_arguments: Any) -> list[Any]:
    return []


# The engine.


def _answer_anyway(patch: pytest.MonkeyPatch) -> None:
    run, apply = Engine._run, Engine.apply
    answers: list[Answer] = []

    def note(engine: Engine, *arguments: Any) -> Answer:
        answers.append(run(engine, *arguments))
        return answers[-1]

    def answer(engine: Engine, batch: Sequence[Any]) -> list[Answer]:
        answers.clear()
        try:
            return apply(engine, batch)
        except CommitFailed:
            return answers[: len(batch)]

    patch.setattr(Engine, "_run", note)
    patch.setattr(Engine, "apply", answer)


def _send_early(run_loops: Callable[..., None], engine: Any, *arguments: Any) -> None:
    run_loops(engine, *arguments)
    this = arguments[-1]
    for key, node_orders in this.to_send.items():
        engine._fleet.send(key, node_orders)
    this.to_send.clear()


def _drop_the_last(reported: Callable[..., None], *arguments: Any) -> None:
    *others, reports = arguments
    if len(reports) > 1:
        reports = [*reports[:-1], messages.DirectoryRemoved(-1)]
    reported(*others, reports)


def _equal_priorities(plan: Callable[..., Any], snapshot: Any) -> Any:
    return plan(replace(snapshot, jobs=[replace(job, priority=0) for job in snapshot.jobs]))


def _one_turn_for_all(put: Callable[..., None], ready: ReadyJobs, job: Any, _priority: int) -> None:
    put(ready, job, 0)


DEFECTS = (
    Defect(
        "An agent starts again what is assigned again.",
        rules.ONE_START,
        1,
        _around(AgentLogic, "_assign", _forget_assigned),
    ),
    Defect(
        "An agent says that a recalled task never starts, and starts it.",
        rules.SUCCESS_ENDS,
        45,
        _instead(Schedule, "remove", lambda _schedule, _execution_id: True),
    ),
    Defect(
        "A new agent does not know what the one before it started.",
        rules.SOUND,
        9,
        _around(AgentLogic, "_take_over", _forget_running),
    ),
    Defect(
        "An agent counts one slot too many.",
        rules.SLOTS,
        1,
        _around(Schedule, "__init__", _one_more_slot),
    ),
    Defect(
        "A retry is counted twice.",
        rules.RETRY_COUNT,
        1,
        _around(task, "_ended", _count_twice),
    ),
    Defect(
        "The loss of a node counts as a retry.",
        rules.RETRY_COUNT,
        3,
        _around(task, "_lost", _loss_is_a_retry),
    ),
    Defect(
        "A task gets one retry more than it has.",
        rules.RETRIES_ALLOWED,
        1,
        _instead(task, "_may_retry", _one_retry_more),
    ),
    Defect(
        "A task is retried although it succeeded.",
        rules.SUCCESS_ENDS,
        1,
        _instead(failures, "is_retryable", lambda ending: ending.cause is EndCause.EXITED),
    ),
    Defect(
        "A task that is given back before it started counts a requeue.",
        rules.REQUEUE_COUNT,
        3,
        _around(task, "step", _return_is_a_requeue),
    ),
    Defect(
        "A terminated task takes over the exit code that its process ends with.",
        rules.COMPLETED_RESTS,
        14,
        _around(task, "step", _end_twice),
    ),
    Defect(
        "A task whose node is lost counts as a success.",
        rules.RESULTS,
        16,
        _around(task, "_lost", _loss_is_a_success),
    ),
    Defect(
        "The start of a task is told in the time of another zone.",
        rules.TIMES,
        1,
        _around(task, "_started", _an_hour_early),
    ),
    Defect(
        "News of an attempt that is over counts for its task.",
        rules.SOUND,
        0,
        _instead(task, "is_stale", lambda _task, _event: False),
    ),
    Defect(
        "News of another life of a node counts for its present one.",
        rules.NODES_KEPT,
        12,
        _instead(node, "is_stale", lambda _node, _event: False),
    ),
    Defect(
        "A task that waits for a preparation is counted as active.",
        rules.COUNTS,
        0,
        _around(counts, "_class_of", _preparing_is_active),
    ),
    Defect(
        "Tasks do not wait for the job preparation task.",
        rules.PREPARATION_FIRST,
        0,
        _instead(orders, "_wait_for", lambda _cascade, _execution: None),
    ),
    Defect(
        "A job preparation task that failed counts as one that succeeded.",
        rules.PREPARATION_FIRST,
        3,
        _around(job_node, "_preparation_ended", _always_well),
    ),
    Defect(
        "A job preparation task runs again before each task.",
        rules.PREPARATION_ONCE,
        1,
        _both(_any_move, _around(job_node, "_prepare", _prepare_again)),
    ),
    Defect(
        "A job release task runs where the preparation failed.",
        rules.RELEASE_WHERE_PREPARED,
        24,
        _both(_any_move, _around(job_node, "_finish", _release_after_failure)),
    ),
    Defect(
        "The job release task is forgotten on every other node.",
        rules.PEACE_RELEASES,
        14,
        _around(job_node, "_run_release", _release_on_even_nodes),
    ),
    Defect(
        "A job release task that failed is retried.",
        rules.RELEASE_ONCE,
        18,
        _around(job_node, "_release_ended", _release_again),
    ),
    Defect(
        "A job release task does not wait for the last tasks of its job.",
        rules.RELEASE_LAST,
        5,
        _around(job_node, "_finish", _release_at_once),
    ),
    Defect(
        "A job is completed before its release tasks are over.",
        rules.ENDED_JOBS_REST,
        5,
        _around(job_node, "_run_release", _settle_early),
    ),
    Defect(
        "Nothing waits for the start task.",
        rules.START_TASK_FIRST,
        1,
        _around(node, "_welcomed", _start_task_is_beside),
    ),
    Defect(
        "The slots of a task that is over are not given back.",
        rules.PEACE_LEAVES_NOTHING,
        3,
        _around(node, "_freed", _keep_slots),
    ),
    Defect(
        "Nobody looks for tasks when slots become free.",
        rules.PEACE_LEAVES_NOTHING,
        1,
        _around(node, "_freed", _without(WakePlacement)),
    ),
    Defect(
        "The fleet is not told that a node leaves.",
        rules.PEACE_FREES_NODES,
        8,
        _around(node, "_left_alone", _without(WakeFleet)),
    ),
    Defect(
        "What ran on a node that leaves or restarts is forgotten.",
        rules.ONE_START,
        3,
        _around(cascade, "_taken_back", _forget_executions),
    ),
    Defect(
        "A commit that failed is answered as if it had not.",
        rules.KEPT,
        3,
        _answer_anyway,
    ),
    Defect(
        "Orders leave before the commit.",
        rules.ONE_START,
        1,
        _around(Engine, "_run_loops", _send_early),
    ),
    Defect(
        "The last of several reports is acknowledged and dropped.",
        rules.PEACE_LEAVES_NOTHING,
        10,
        _around(news, "_reported", _drop_the_last),
    ),
    Defect(
        "The deletion of a task is answered and not done.",
        rules.PEACE_ENDS_JOBS,
        0,
        _instead(commands, "delete_task", lambda *_arguments: None),
    ),
    Defect(
        "Placement knows no priorities.",
        rules.PRIORITY,
        23,
        _both(
            _around(placement, "plan", _equal_priorities),
            _around(ReadyJobs, "put", _one_turn_for_all),
        ),
    ),
)
