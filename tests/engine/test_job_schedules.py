"""Job schedules on a virtual clock: their jobs, what ends them, and what time does to them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import NodeKey
from batchyard.core.specs import JobScheduleChange, JobScheduleSpec, JobSpec, Timing
from batchyard.core.states import JobScheduleState, JobState, OnAllTasksComplete
from batchyard.engine import commands
from batchyard.engine.views import JobScheduleView, JobView
from batchyard.store.reads import SqlReads
from tests.engine.world import ACCOUNT, START, World

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def schedule(world: World, schedule_id: str = "nightly", **timing: Any) -> None:
    """Create a schedule whose jobs end when they are told to."""
    job = JobSpec(id="", pool_id="pool")
    spec = JobScheduleSpec(id=schedule_id, timing=Timing(**timing), job=job)
    world.do(commands.create_job_schedule, ACCOUNT, spec)


def reads(world: World) -> SqlReads:
    return world.store.reads


def shown(world: World, schedule_id: str = "nightly") -> JobScheduleView:
    return reads(world).get_job_schedule(ACCOUNT, schedule_id)


def state(world: World) -> JobScheduleState:
    return shown(world).schedule.state


def jobs(world: World) -> list[JobView]:
    return list(reads(world).list_jobs(ACCOUNT, 0, 1000, schedule_id="nightly").items)


def ids(world: World) -> list[str]:
    return [view.job.id for view in jobs(world)]


def pass_time(world: World, span: timedelta) -> None:
    """Move the clock and let the loops see it."""
    world.clock.pass_time(span)
    world.settle()


def end(world: World, job_id: str) -> None:
    world.do(commands.terminate_job, ACCOUNT, job_id, None)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_first_job_is_there_at_once_and_the_next_when_both_its_time_and_it_have_come(
    world: World,
) -> None:
    """SC-9, SC-13."""
    schedule(world, recurrence_interval=HOUR)
    assert ids(world) == ["nightly:job-1"]
    pass_time(world, 90 * MINUTE)
    assert ids(world) == ["nightly:job-1"]
    end(world, "nightly:job-1")
    assert ids(world) == ["nightly:job-1", "nightly:job-2"]
    end(world, "nightly:job-2")
    pass_time(world, 29 * MINUTE)
    assert len(ids(world)) == 2
    pass_time(world, MINUTE)
    assert [view.job.creation_time - START for view in jobs(world)] == [
        timedelta(0),
        90 * MINUTE,
        120 * MINUTE,
    ]


def test_a_year_without_the_service_makes_one_job(world: World) -> None:
    schedule(world, recurrence_interval=MINUTE)
    end(world, "nightly:job-1")
    world.clock.pass_time(365 * DAY)
    world.restart()
    assert len(ids(world)) == 2


@pytest.mark.parametrize("is_restarted", [True, False])
def test_a_clock_that_was_far_ahead_does_not_stop_the_schedule(
    world: World, *, is_restarted: bool
) -> None:
    schedule(world, recurrence_interval=HOUR)
    end(world, "nightly:job-1")
    pass_time(world, 30 * DAY)
    end(world, "nightly:job-2")
    world.clock.pass_time(-29 * DAY)
    if is_restarted:
        world.restart()
    world.settle()
    assert len(ids(world)) == 3
    end(world, "nightly:job-3")
    pass_time(world, HOUR)
    assert len(ids(world)) == 4


def test_a_clock_that_is_set_back_by_less_than_an_interval_makes_no_job_twice(
    world: World,
) -> None:
    schedule(world, recurrence_interval=HOUR)
    end(world, "nightly:job-1")
    pass_time(world, HOUR)
    end(world, "nightly:job-2")
    pass_time(world, -59 * MINUTE)
    pass_time(world, 118 * MINUTE)
    assert len(ids(world)) == 2
    pass_time(world, MINUTE)
    assert len(ids(world)) == 3


def test_what_is_told_to_begin_late_still_does_after_a_restart(world: World) -> None:
    schedule(world, recurrence_interval=HOUR, do_not_run_until=START + 30 * DAY)
    world.restart()
    assert ids(world) == []
    pass_time(world, 30 * DAY)
    assert len(ids(world)) == 1


def test_a_schedule_may_begin_at_the_end_of_the_calendar(world: World) -> None:
    last = datetime.max.replace(tzinfo=UTC)
    schedule(world, do_not_run_until=last, start_window=HOUR)
    change = JobScheduleChange(timing=Timing(do_not_run_until=last, recurrence_interval=HOUR))
    world.do(commands.update_job_schedule, ACCOUNT, "nightly", change)
    assert shown(world).schedule.due_time == last


def test_nothing_is_forgotten_by_a_restart(world: World) -> None:
    schedule(world, recurrence_interval=HOUR, start_window=10 * MINUTE)
    world.restart()
    end(world, "nightly:job-1")
    world.restart()
    pass_time(world, HOUR)
    assert len(ids(world)) == 2
    world.clock.pass_time(65 * MINUTE)
    end(world, "nightly:job-2")
    assert len(ids(world)) == 3


def test_a_deleted_job_makes_way_for_the_next_and_its_number_is_not_used_again(
    world: World,
) -> None:
    """SC-18."""
    schedule(world, recurrence_interval=HOUR)
    pass_time(world, HOUR)
    world.do(commands.delete_job, ACCOUNT, "nightly:job-1")
    assert ids(world) == ["nightly:job-2"]


def test_a_disabled_schedule_makes_no_jobs_and_an_enabled_one_what_is_due(world: World) -> None:
    """SC-25."""
    schedule(world, recurrence_interval=HOUR)
    world.do(commands.disable_job_schedule, ACCOUNT, "nightly")
    end(world, "nightly:job-1")
    pass_time(world, 5 * HOUR)
    assert len(ids(world)) == 1
    with pytest.raises(Refused) as refused:
        world.do(commands.disable_job_schedule, ACCOUNT, "nightly")
    assert refused.value.code is ErrorCode.JOB_SCHEDULE_DISABLED
    world.do(commands.enable_job_schedule, ACCOUNT, "nightly")
    assert len(ids(world)) == 2


def test_a_terminated_schedule_terminates_its_job(world: World) -> None:
    """SC-26."""
    schedule(world, recurrence_interval=HOUR)
    world.do(commands.terminate_job_schedule, ACCOUNT, "nightly")
    (view,) = jobs(world)
    assert (view.job.state, view.job.terminate_reason) == (
        JobState.COMPLETED,
        "TerminateJobSchedule",
    )
    assert state(world) is JobScheduleState.COMPLETED


def test_a_deleted_schedule_takes_its_jobs_with_it(world: World) -> None:
    """SC-27; also those that are completed, and after a restart in between."""
    schedule(world, recurrence_interval=HOUR)
    end(world, "nightly:job-1")
    pass_time(world, HOUR)
    world.tasks("a", job_id="nightly:job-2")
    world.do(commands.delete_job_schedule, ACCOUNT, "nightly")
    with pytest.raises(Refused) as refused:
        shown(world)
    assert refused.value.code is ErrorCode.JOB_SCHEDULE_NOT_FOUND
    assert list(reads(world).list_jobs(ACCOUNT, 0, 10).items) == []
    schedule(world)
    assert ids(world) == ["nightly:job-1"]


def test_a_schedule_waits_for_the_nodes_of_its_job_unless_it_is_forced(world: World) -> None:
    """J-42."""
    world.pool()
    for command in (commands.terminate_job_schedule, commands.delete_job_schedule):
        schedule(world)
        world.tasks("a", job_id="nightly:job-1")
        running = world.assigned()[-1]
        world.report(world.started(running))
        world.do(command, ACCOUNT, "nightly")
        assert state(world) in (JobScheduleState.TERMINATING, JobScheduleState.DELETING)
        world.do(lambda *told, ends=command: ends(*told, is_forced=True), ACCOUNT, "nightly")
        if command is commands.terminate_job_schedule:
            assert state(world) is JobScheduleState.COMPLETED
            world.do(commands.delete_job_schedule, ACCOUNT, "nightly")
            world.report(world.ended(running))
        assert list(reads(world).list_job_schedules(ACCOUNT, 0, 10).items) == []


def test_jobs_and_schedules_share_their_names(world: World) -> None:
    """J-1, SC-1."""
    schedule(world)
    world.job("plain")
    for code, command, spec in (
        (
            ErrorCode.JOB_SCHEDULE_EXISTS,
            commands.create_job_schedule,
            JobScheduleSpec(id="NIGHTLY", timing=Timing(), job=JobSpec(id="", pool_id="pool")),
        ),
        (
            ErrorCode.JOB_WITH_SAME_ID_EXISTS,
            commands.create_job_schedule,
            JobScheduleSpec(id="Plain", timing=Timing(), job=JobSpec(id="", pool_id="pool")),
        ),
        (
            ErrorCode.JOB_SCHEDULE_WITH_SAME_ID_EXISTS,
            commands.create_job,
            JobSpec(id="Nightly", pool_id="pool"),
        ),
    ):
        with pytest.raises(Refused) as refused:
            world.do(command, ACCOUNT, spec)
        assert refused.value.code is code


def test_an_update_counts_for_the_jobs_that_follow(world: World) -> None:
    """SC-22, SC-24."""
    schedule(world, recurrence_interval=HOUR)
    change = JobScheduleChange(job=JobSpec(id="", pool_id="other", priority=7))
    world.do(commands.update_job_schedule, ACCOUNT, "nightly", change)
    end(world, "nightly:job-1")
    pass_time(world, HOUR)
    assert [(view.job.pool_id, view.job.priority) for view in jobs(world)] == [
        ("pool", 0),
        ("other", 7),
    ]


def test_an_end_that_is_past_is_refused(world: World) -> None:
    """SC-6."""
    with pytest.raises(Refused) as refused:
        schedule(world, do_not_run_after=START)
    assert refused.value.values["PropertyName"] == "schedule.doNotRunAfter"
    schedule(world)
    change = JobScheduleChange(timing=Timing(do_not_run_after=START))
    with pytest.raises(Refused):
        world.do(commands.update_job_schedule, ACCOUNT, "nightly", change)


class Month:
    """Thirty days of hourly jobs, each with a task, and the log of what happened."""

    def __init__(self, folder: Path, faults: Random | None = None) -> None:
        folder.mkdir()
        self.world = World(folder)
        self.log: list[str] = []
        self._faults = faults
        self.world.pool()
        job = JobSpec(id="", pool_id="pool", on_all_tasks_complete=OnAllTasksComplete.TERMINATE_JOB)
        timing = Timing(recurrence_interval=HOUR, do_not_run_after=START + 30 * DAY)
        spec = JobScheduleSpec(id="nightly", timing=timing, job=job)
        self.world.do(commands.create_job_schedule, ACCOUNT, spec)
        for number in range(1, 30 * 24 + 1):
            self._live_with(number)
        self.log.append(f"{shown(self.world)}")
        self.log += [f"{view.job}" for view in jobs(self.world)]

    def jobs(self) -> list[tuple[str, datetime, str, str | None]]:
        """Return what is to be the same whatever happens in between."""
        found = (view.job for view in jobs(self.world))
        return [(job.id, job.creation_time, job.state, job.terminate_reason) for job in found]

    def _live_with(self, number: int) -> None:
        """Run the task of a job, and let the time pass until the next one."""
        world = self.world
        world.tasks("a", job_id=f"nightly:job-{number}")
        self._disturb(3 * DAY)
        execution = world.assigned()[-1]
        self.log.append(f"{world.clock.now()} {world.fleet.orders.pop(NodeKey(1))}")
        world.run(execution)
        while world.clock.now() < START + number * HOUR:
            # A longer one would be seen: nothing is active.
            self._disturb(START + number * HOUR - world.clock.now() - timedelta(microseconds=1))
            due = world.engine.next_due
            assert due is not None
            self.log.append(f"{due}")
            pass_time(world, min(due, START + number * HOUR) - world.clock.now())

    def _disturb(self, span: timedelta) -> None:
        """Now and then let the service start anew, or its clock be wrong for a while, or both."""
        if self._faults is None or self._faults.random() < 0.8:
            return
        error = self._faults.uniform(-1, 1) * span
        is_restarted = self._faults.random() < 0.5
        pass_time(self.world, error)
        if is_restarted:
            self.world.restart()
            self.world.join(NodeKey(1))
        pass_time(self.world, -error)


def test_thirty_days_twice_are_the_same_byte_for_byte(tmp_path: Path) -> None:
    first, second = Month(tmp_path / "first"), Month(tmp_path / "second")
    assert second.log == first.log
    assert len(first.jobs()) == 30 * 24
    assert {reason for _, _, _, reason in first.jobs()} == {"AllTasksComplete"}


def test_thirty_days_with_restarts_and_a_clock_that_is_wrong_have_the_same_jobs(
    tmp_path: Path,
) -> None:
    disturbed = Month(tmp_path / "disturbed", Random(30))
    expected = [START + number * HOUR for number in range(30 * 24)]
    assert [time for _, time, _, _ in disturbed.jobs()] == expected
    assert disturbed.jobs() == [
        (f"nightly:job-{number}", time, JobState.COMPLETED, "AllTasksComplete")
        for number, time in enumerate(expected, 1)
    ]
    assert state(disturbed.world) is JobScheduleState.COMPLETED
