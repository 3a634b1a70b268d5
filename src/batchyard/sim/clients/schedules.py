"""Asks for jobs by schedules, gives them tasks, and ends what goes on by itself."""

from datetime import timedelta
from functools import partial

from batchyard.core.specs import AutoPoolSpec, JobScheduleSpec, JobSpec, PoolSpec, TaskSpec, Timing
from batchyard.core.states import OnAllTasksComplete
from batchyard.engine import commands
from batchyard.sim.clients import words
from batchyard.sim.clients.client import Client
from batchyard.sim.clients.requests import ACCOUNT, Requests
from batchyard.sim.surroundings import POOL, command_line

#: How often the jobs of schedules are looked for, and for how long.
_PAUSE_SECONDS = 4.0
_LOOKS = 25

#: After what time the first job of the second schedule is made.
_FIRST_TIME = timedelta(seconds=7)


class SchedulesClient(Client):
    """Has up to two schedules, whose intervals are seconds so that much of them happens."""

    def __init__(self, requests: Requests, seconds: float) -> None:
        super().__init__(requests, seconds)
        self._schedules: list[str] = []
        self._fed: set[str] = set()

    def begin(self) -> None:
        """Create them early, in half of the worlds, and end or pause them at any time."""
        for number in range(self.random.choice((0, 0, 1, 2))):
            self.later(0.4, partial(self._create, f"s{number}"))
        self.some(2, self._disable)
        self.some(2, partial(self._end, is_deletion=False))
        if self.random.random() < 0.3:
            self.later(1.0, partial(self._end, is_deletion=True))

    def _create(self, schedule: str) -> None:
        random = self.random
        now = self.world.timeline.now()
        interval = random.choice((None, timedelta(seconds=random.uniform(3.0, 20.0))))
        timing = Timing(
            do_not_run_until=now + _FIRST_TIME if schedule == "s1" else None,
            recurrence_interval=interval,
            start_window=random.choice((None, timedelta(seconds=random.uniform(1.0, 10.0)))),
            do_not_run_after=None if interval is None else now + self._span(),
        )
        ends, expires = random.choice(((True, False), (True, False), (False, True), (False, False)))
        has_own_pool = random.random() < 0.3
        pool = PoolSpec(id="", vm_size="standard_d2_v3", target_dedicated_nodes=1)
        job = JobSpec(
            id="",
            pool_id="" if has_own_pool else POOL,
            auto_pool=AutoPoolSpec(pool=pool, id_prefix=schedule) if has_own_pool else None,
            on_all_tasks_complete=OnAllTasksComplete.TERMINATE_JOB
            if ends
            else OnAllTasksComplete.NO_ACTION,
            max_wall_clock_time=timedelta(seconds=random.uniform(5.0, 30.0)) if expires else None,
        )
        self._ask_for(JobScheduleSpec(id=schedule, timing=timing, job=job))

    def _span(self) -> timedelta:
        return timedelta(seconds=self.random.uniform(20.0, 300.0))

    def _ask_for(self, spec: JobScheduleSpec) -> None:
        auditor = self.world.auditor
        auditor.asked_schedule(
            spec.id,
            pool=spec.job.pool_id,
            start=spec.timing.do_not_run_until,
            interval=spec.timing.recurrence_interval,
            window=spec.timing.start_window,
            end=spec.timing.do_not_run_after,
            terms=words.terms(spec.job),
            keeps_pool=None if spec.job.auto_pool is None else False,
        )

        def accepted(_view: object) -> None:
            auditor.accepted_schedule(spec.id)
            self._schedules.append(spec.id)
            self._feed(spec.id, _LOOKS)

        command = commands.create_job_schedule
        self.requests.ask("create a job schedule", spec.id, command, spec, accepted=accepted)

    def _feed(self, schedule: str, looks: int) -> None:
        """Give tasks to a job that the schedule has made; others may end it like any job."""
        views = self.requests.store.reads.list_jobs(ACCOUNT, 0, 1000).items
        ids = [view.job.id for view in views if view.job.id.startswith(f"{schedule}:")]
        for job in ids:
            if job not in self._fed:
                self._fed.add(job)
                self.world.tally["job made by a schedule"] += 1
                self.requests.jobs.append(job)
                if self.random.random() < 0.7:
                    self._add_tasks(job)
        if looks:
            again = partial(self._feed, schedule, looks - 1)
            self.world.timeline.after(_PAUSE_SECONDS, again)

    def _add_tasks(self, job: str) -> None:
        specs = [
            TaskSpec(
                id=f"s-{number}",
                command_line=command_line(self.random.uniform(0.1, 6.0), 0),
                max_task_retry_count=0,
            )
            for number in range(self.random.randint(1, 2))
        ]
        self.requests.add_tasks(job, "scheduled", specs)

    def _disable(self) -> None:
        if not self._schedules:
            return
        schedule = self.random.choice(self._schedules)
        auditor = self.world.auditor

        def accepted(_view: object) -> None:
            auditor.disabled_schedule(schedule)
            self.world.timeline.after(
                self.random.uniform(1.0, 20.0), partial(self._enable, schedule)
            )

        command = commands.disable_job_schedule
        self.requests.ask("disable a job schedule", schedule, command, schedule, accepted=accepted)

    def _enable(self, schedule: str) -> None:
        auditor = self.world.auditor
        times = 0

        def asked() -> None:
            nonlocal times
            times += 1
            auditor.asked_enable_schedule(schedule)

        self.requests.ask(
            "enable a job schedule",
            schedule,
            commands.enable_job_schedule,
            schedule,
            accepted=lambda _view: auditor.answered_enable_schedule(schedule, times),
            asked=asked,
            refused=lambda: auditor.answered_enable_schedule(schedule, times),
        )

    def _end(self, *, is_deletion: bool) -> None:
        if not self._schedules:
            return
        schedule = self.random.choice(self._schedules)
        auditor = self.world.auditor
        is_forced = self.random.random() < 0.3
        end = commands.delete_job_schedule if is_deletion else commands.terminate_job_schedule
        what = "delete" if is_deletion else "terminate"
        self.requests.ask(
            f"{what} a job schedule",
            schedule,
            partial(end, is_forced=is_forced),
            schedule,
            accepted=lambda _view: auditor.ended_schedule(schedule, is_deletion=is_deletion),
            asked=lambda: auditor.asked_end_schedule(
                schedule, is_deletion=is_deletion, is_forced=is_forced
            ),
        )
