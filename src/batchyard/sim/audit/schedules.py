"""Judges which jobs a schedule makes, and when (SC-5 ... SC-29)."""

from datetime import datetime, timedelta

from batchyard.sim import rules
from batchyard.sim.audit.history import History, Schedule, require, schedule_of
from batchyard.sim.audit.judge import Judge
from batchyard.sim.audit.shown import Shown, ShownJob, ShownSchedule


class Schedules(Judge):
    """A schedule has one active job at most, and makes one at most for each of its times."""

    def __init__(self, history: History) -> None:
        super().__init__(history)
        #: By schedule, which of its times its latest job was made for.
        self._latest: dict[str, int] = {}
        #: By schedule, the number of its latest job.
        self._numbers: dict[str, int] = {}
        self._seen: set[str] = set()
        #: The jobs that a schedule had when it was first seen disabled, each time.
        self._disabled: dict[tuple[str, int], set[str]] = {}

    def look(self, shown: Shown) -> None:
        """Judge the jobs of every schedule."""
        jobs: dict[str, list[ShownJob]] = {}
        for job in shown.jobs:
            jobs.setdefault(schedule_of(job.job) or "", []).append(job)
        for one in shown.schedules:
            known = self.history.schedules.get(one.schedule)
            require(known is not None, rules.ASKED, f"{one.schedule} is there")
            assert known is not None
            made = jobs.get(one.schedule, [])
            active = [job.job for job in made if job.state not in ("completed", "deleting")]
            facts = f"{one.schedule} has {active}"
            require(len(active) <= 1, rules.ONE_ACTIVE_JOB, facts)
            rests = one.state != "completed" or not active
            require(rests, rules.COMPLETED_SCHEDULE_RESTS, facts)
            for job in sorted(made, key=number_of):
                self._require_number(one, job)
                self._require_in_time(one, known, job)
            self._require_rest(one, known, {job.job for job in made})
        there = {one.schedule for one in shown.schedules}
        for name, known in self.history.schedules.items():
            is_kept = not known.is_accepted or known.is_deletion_asked or name in there
            require(is_kept, rules.KEPT, f"job schedule {name} is missing")

    def _require_number(self, one: ShownSchedule, job: ShownJob) -> None:
        """A number that is passed over was that of a job that a client has deleted meanwhile."""
        if job.job in self._seen:
            return
        last, number = self._numbers.get(one.schedule, 0), number_of(job)
        missing = [f"{one.schedule}:job-{other}" for other in range(last + 1, number)]
        known = [self.history.jobs.get(name) for name in missing]
        is_next = number > last and all(of is not None and of.is_deletion_asked for of in known)
        facts = f"{job.job} follows number {last} of {one.schedule}"
        require(is_next, rules.NUMBERS_IN_ORDER, facts)
        self._numbers[one.schedule] = number

    def _require_in_time(self, one: ShownSchedule, known: Schedule, job: ShownJob) -> None:
        if job.job in self._seen or job.creation_time is None:
            return
        self._seen.add(job.job)
        time, late = _latest_time(one, known, job.creation_time)
        facts = f"{job.job} was made at {job.creation_time}, {one.schedule} at {one.creation_time}"
        is_begun = known.start is None or job.creation_time >= known.start
        is_new = time > self._latest.get(one.schedule, -1)
        is_open = known.window is None or late < known.window
        is_before_end = known.end is None or job.creation_time < known.end
        is_in_time = is_begun and is_new and is_open and is_before_end
        require(is_in_time, rules.SCHEDULED_TIMES, facts)
        self._latest[one.schedule] = time

    def _require_rest(self, one: ShownSchedule, known: Schedule, jobs: set[str]) -> None:
        if not known.is_disabled or known.enables_open:
            return
        new = jobs - self._disabled.setdefault((one.schedule, known.disables), jobs)
        require(not new, rules.DISABLED_RESTS, f"{one.schedule} is disabled and made {new}")

    def rest(self, shown: Shown) -> None:
        """What was to end has ended: by a client, or because nothing more can come."""
        states = {one.schedule: one for one in shown.schedules}
        for name, known in self.history.schedules.items():
            one = states.get(name)
            jobs = [job for job in shown.jobs if schedule_of(job.job) == name]
            if known.is_deleted:
                facts = f"{name} is {one}, and has {len(jobs)} jobs"
                require(one is None and not jobs, rules.PEACE_ENDS_SCHEDULES, facts)
            elif one is not None and not known.is_deletion_asked:
                is_over = known.is_ended or _is_over(known, jobs, shown.time)
                facts = f"{name} is {one.state}"
                is_due = not is_over or one.state == "completed"
                require(is_due, rules.PEACE_ENDS_SCHEDULES, facts)


def number_of(job: ShownJob) -> int:
    """Return the number of a schedule's job, which stands in its name."""
    return int(job.job.rpartition("-")[2])


def _latest_time(one: ShownSchedule, known: Schedule, now: datetime) -> tuple[int, timedelta]:
    """Return the number of the latest of its times, and how long ago that is."""
    since = now - (known.start or one.creation_time)
    if known.interval is None:
        return 0, since
    return divmod(since, known.interval)


def _is_over(known: Schedule, jobs: list[ShownJob], now: datetime) -> bool:
    """Whether no job is active and no more can come; a deleted one may have been the only one."""
    if any(job.state not in ("completed", "deleting") for job in jobs):
        return False
    if known.end is not None and now >= known.end:
        return True
    return known.interval is None and bool(jobs)
