"""Mistakes to make: the jobs that schedules make."""

from typing import Any, Final

from msgspec.structs import replace

from batchyard.core import job_schedule
from batchyard.core.effects import Step
from batchyard.core.job_events import DisableSchedule
from batchyard.sim import rules
from tests.sim.defects.defect import Patch, SeededDefect, change


def _active_job_forgotten(patch: Patch) -> None:
    def made(original: Any, schedule: Any, event: Any, now: Any) -> Any:
        return original(schedule, replace(event, job=None), now)

    change(patch, job_schedule, "_made", made)


def _missed_times_made_up(patch: Patch) -> None:
    def on_grid(original: Any, schedule: Any, now: Any) -> Any:
        if schedule.recurrence_interval is None or schedule.last_time is None:
            return original(schedule, now)
        return schedule.last_time + schedule.recurrence_interval

    change(patch, job_schedule, "_on_grid", on_grid)


def _start_window_ignored(patch: Patch) -> None:
    patch.setattr(job_schedule, "_is_lost", lambda _schedule, _age: False)


def _schedule_begins_too_early(patch: Patch) -> None:
    patch.setattr(job_schedule, "_first", lambda schedule: schedule.creation_time)


def _schedule_disabled_in_vain(patch: Patch) -> None:
    def step(original: Any, schedule: Any, event: Any, now: Any) -> Any:
        if isinstance(event, DisableSchedule):
            return Step(schedule)
        return original(schedule, event, now)

    change(patch, job_schedule, "step", step)


def _job_of_ended_schedule_forgotten(patch: Patch) -> None:
    def terminated(original: Any, schedule: Any, now: Any) -> Any:
        return Step(original(schedule, now).entity)

    change(patch, job_schedule, "_terminated", terminated)


def _number_passed_over(patch: Patch) -> None:
    def job_id(original: Any, schedule: Any, number: Any) -> Any:
        return original(schedule, number + number // 2)

    change(patch, job_schedule, "job_id", job_id)


def _schedule_completed_before_its_job(patch: Patch) -> None:
    def terminated(original: Any, schedule: Any, now: Any) -> Any:
        ended = original(schedule, now)
        over = replace(ended.entity, state=job_schedule.COMPLETED, active_job=None, end_time=now)
        return Step(over, ended.effects)

    change(patch, job_schedule, "_terminated", terminated)


DEFECTS: Final = (
    SeededDefect(
        "A schedule forgets the job that is active.", _active_job_forgotten, rules.ONE_ACTIVE_JOB
    ),
    SeededDefect(
        "A schedule makes up for the times it missed.",
        _missed_times_made_up,
        rules.SCHEDULED_TIMES,
    ),
    SeededDefect(
        "A schedule makes jobs after its start window.",
        _start_window_ignored,
        rules.SCHEDULED_TIMES,
    ),
    SeededDefect(
        "A schedule does not wait for its first time.",
        _schedule_begins_too_early,
        rules.SCHEDULED_TIMES,
    ),
    SeededDefect(
        "A schedule that was disabled goes on.", _schedule_disabled_in_vain, rules.DISABLED_RESTS
    ),
    SeededDefect(
        "A schedule that ends does not end its job.",
        _job_of_ended_schedule_forgotten,
        rules.PEACE_ENDS_SCHEDULES,
    ),
    SeededDefect("A schedule passes over a number.", _number_passed_over, rules.NUMBERS_IN_ORDER),
    SeededDefect(
        "A schedule is completed before its job.",
        _schedule_completed_before_its_job,
        rules.COMPLETED_SCHEDULE_RESTS,
    ),
)
