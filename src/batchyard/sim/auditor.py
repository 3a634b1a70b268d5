"""The auditor: knows what must never happen, and nothing about how the service is built.

Observers tell it facts in the order in which they happened, and it raises a `Violation` with the
name of the broken `Rule` at the first one that cannot be. It does not care who they are: the
simulator, or a test on real processes that reads the public API and marks which tasks write.

Three kinds of facts:

* what clients did: `asked_...` when a request leaves, whatever becomes of it; `accepted_...` and
  `deleted` when a success came back (a request whose answer was lost is asked, not accepted);
* what really happened on machines: `life_began`, `started`, `coordinated`, `exited`, `killed`,
  `given_up`, `life_over`. A *life* of a node lasts from one boot to the next. What ran in a life is
  over with it, and what it had not yet told is lost;
* what the service shows: `look` at any time, `rest` once there are no faults any more, no requests,
  and time enough for everything to end.

Jobs, tasks, nodes and runs go by any names that are never used twice: a run by its attempt where
that is known, else by whatever is new each time. Standard library only.

What is known stands in `audit.history`; each subject has a judge of its own in `audit`.
"""

from datetime import datetime, timedelta
from typing import Final

from batchyard.sim import rules
from batchyard.sim.audit.auto_pools import AutoPools
from batchyard.sim.audit.dependencies import Dependencies
from batchyard.sim.audit.ends import Disabled, Ends, Parallel
from batchyard.sim.audit.forced_ends import ForcedEnds
from batchyard.sim.audit.gangs import Gangs
from batchyard.sim.audit.history import (
    START,
    SUBTASK,
    History,
    Job,
    Life,
    Manager,
    Run,
    Schedule,
    Task,
    require,
)
from batchyard.sim.audit.idleness import Idleness
from batchyard.sim.audit.judge import Judge
from batchyard.sim.audit.managers import Managers
from batchyard.sim.audit.peace import Peace
from batchyard.sim.audit.preparations import Preparations
from batchyard.sim.audit.priorities import Priorities
from batchyard.sim.audit.schedules import Schedules
from batchyard.sim.audit.shown import Shown
from batchyard.sim.audit.shows import Shows
from batchyard.sim.audit.starts import Starts
from batchyard.sim.audit.terms import DISABLE, Needs, Preparation, Reactions, Terms
from batchyard.sim.audit.usage import Usage

#: In the order in which they are asked: the first one that objects names the broken promise.
_JUDGES: Final[tuple[type[Judge], ...]] = (
    Starts,
    Preparations,
    Managers,
    Gangs,
    Shows,
    Dependencies,
    Disabled,
    Parallel,
    Priorities,
    Idleness,
    Ends,
    Usage,
    AutoPools,
    ForcedEnds,
    Schedules,
    Peace,
)


class Auditor:
    """Takes facts in their order.

    Raises (all methods): `Violation`, named after the rule that a fact breaks.
    """

    def __init__(self) -> None:
        self._history = History()
        self._judges = [judge(self._history) for judge in _JUDGES]

    # What clients did.

    def asked_job(
        self,
        job: str,
        *,
        pool: str,
        preparation: Preparation | None = None,
        release: bool = False,
        strict_priority: int | None = None,
        terms: Terms | None = None,
        keeps_pool: bool | None = None,
    ) -> None:
        """A client asks for a job; repeating it changes nothing.

        A priority is judged where it is strict: tasks of such a job wait for no preparation, and
        run too long to queue on nodes. `keeps_pool` is of an auto pool, which has no name yet.
        """
        new = Job(
            name=job,
            pools={pool} - {""},
            preparation=preparation,
            has_release=release,
            strict_priority=strict_priority,
            terms=terms or Terms(),
            keeps_pool=keeps_pool,
        )
        self._history.jobs.setdefault(job, new)

    def _job(self, job: str) -> Job:
        known = self._history.adopt(job)
        assert known is not None, job
        return known

    def accepted_job(self, job: str, *, pool: str | None = None) -> None:
        """The service has said that it has the job, in this pool if it was to be a new one."""
        known = self._job(job)
        known.is_accepted = True
        if not known.pools and pool is not None:
            known.pools = {pool}

    def asked_task(
        self,
        job: str,
        task: str,
        *,
        slots: int = 1,
        retries: int = 0,
        needs: Needs | None = None,
        reactions: Reactions | None = None,
        instances: int = 0,
    ) -> None:
        """A client asks for a task with its retries, -1 for no limit; may be repeated.

        A multi-instance task has `instances`, and `slots` on the node of each.
        """
        of = self._job(job)
        new = Task(
            slots=slots,
            retries_max=retries,
            retries_min=retries,
            needs=needs or Needs(),
            reactions=reactions or Reactions(),
            taken_before=self._history.taken_by_clients(of),
            is_end_asked=of.is_end_asked,
            instances=instances,
        )
        of.tasks.setdefault(task, new)
        of.may_disable_itself |= of.terms.acts_on_failure and DISABLE in new.reactions.job_actions

    def asked_schedule(
        self,
        schedule: str,
        *,
        pool: str,
        start: datetime | None = None,
        interval: timedelta | None = None,
        window: timedelta | None = None,
        end: datetime | None = None,
        terms: Terms | None = None,
        keeps_pool: bool | None = None,
    ) -> None:
        """A client asks for a job schedule whose jobs have these terms; for their pool see jobs."""
        new = Schedule(pool, terms or Terms(), keeps_pool, start, interval, window, end)
        self._history.schedules.setdefault(schedule, new)

    def accepted_schedule(self, schedule: str) -> None:
        """The service has said that it has the job schedule."""
        self._history.schedules[schedule].is_accepted = True

    def disabled_schedule(self, schedule: str) -> None:
        """The service has said that the schedule makes no more jobs."""
        known = self._history.schedules[schedule]
        known.is_disabled = True
        known.disables += 1

    def asked_enable_schedule(self, schedule: str) -> None:
        """A client asks for jobs of the schedule again; there may be some until the answer."""
        self._history.schedules[schedule].enables_open += 1

    def answered_enable_schedule(self, schedule: str, times: int) -> None:
        """A client who asked so often has its answer."""
        known = self._history.schedules[schedule]
        known.enables_open -= times
        known.is_disabled = False

    def asked_end_schedule(
        self, schedule: str, *, is_deletion: bool = False, is_forced: bool = False
    ) -> None:
        """A client asks for the end of a schedule and its job, or for the deletion of all."""
        known = self._history.schedules[schedule]
        known.is_end_asked = True
        known.is_deletion_asked |= is_deletion
        known.is_force_asked |= is_forced
        for job in self._history.jobs_of(schedule):
            if is_deletion:
                self.asked_deletion(job.name, is_forced=is_forced)
            else:
                self.asked_end(job.name, is_forced=is_forced)

    def ended_schedule(self, schedule: str, *, is_deletion: bool = False) -> None:
        """The service has said that it ends or deletes the schedule."""
        known = self._history.schedules[schedule]
        known.is_ended = True
        known.is_deleted |= is_deletion

    def asked_manager(self, job: str, manager: Manager, *, slots: int, retries: int) -> None:
        """A client asks for the job with this job manager task; may be repeated."""
        self.asked_task(job, manager.task, slots=slots, retries=retries)
        self._history.managers[job] = manager

    def asked_preemption(self, job: str) -> None:
        """A client allows tasks of a higher priority to displace those of this job."""
        self._history.let_go(self._job(job))

    def accepted_task(self, job: str, task: str) -> None:
        """The service has said that it has the task."""
        self._job(job).tasks[task].is_accepted = True

    def asked_retries(self, job: str, task: str, retries: int) -> None:
        """A client asks for other retries of a task."""
        known = self._job(job).tasks[task]
        unlimited = -1 in (retries, known.retries_max)
        known.retries_max = -1 if unlimited else max(known.retries_max, retries)
        fewest = [number for number in (known.retries_min, retries) if number != -1]
        known.retries_min = min(fewest, default=-1)

    def asked_end(self, job: str, task: str | None = None, *, is_forced: bool = False) -> None:
        """A client asks for the end of a task, or of a job with all its tasks."""
        of = self._job(job)
        manager = self._history.managers.get(job)
        if manager is not None and manager.ends_job and task == manager.task:
            task = None
        of.is_force_asked |= is_forced
        if task is None:
            of.is_end_asked = True
        for known in of.tasks.values() if task is None else [of.tasks[task]]:
            known.is_end_asked = True

    def ended(self, job: str, *, is_forced: bool = False) -> None:
        """The service has said that it ends the job."""
        of = self._job(job)
        of.is_ended = True
        of.is_end_forced |= is_forced

    def asked_deletion(self, job: str, task: str | None = None, *, is_forced: bool = False) -> None:
        """A client asks for the deletion of a task or a job: it may be gone from now on."""
        self.asked_end(job, task, is_forced=is_forced)
        of = self._job(job)
        if task is None:
            of.is_deletion_asked = True
        else:
            of.tasks[task].is_deletion_asked = True

    def deleted(self, job: str, task: str | None = None, *, is_forced: bool = False) -> None:
        """The service has said that it deletes them."""
        of = self._job(job)
        if task is None:
            of.is_ended = of.is_deleted = True
            of.is_deletion_forced |= is_forced
        else:
            of.tasks[task].is_deleted = True

    def asked_disable(self, job: str, tasks: str) -> None:
        """A client asks to disable a job: its tasks are put back, ended, or run on (J-35)."""
        of = self._job(job)
        if tasks == "requeue":
            of.disables += 1
        if tasks == "terminate":
            for known in of.tasks.values():
                known.is_end_asked = True
        if tasks != "wait":
            self.disabled(job)

    def disabled(self, job: str) -> None:
        """The service has answered; what has started meanwhile may have been let go as well."""
        of = self._job(job)
        of.is_taking_back = True
        for known in of.tasks.values():
            self._let_go(known)

    def _let_go(self, known: Task) -> None:
        """What runs need not count any more, nor what has ended and is not told yet."""
        if known.completed is None:
            for run in (*known.runs, *known.parts):
                run.is_let_go = True

    def asked_enable(self, job: str) -> None:
        """A client asks to enable a job; until `answered_enable` it may happen at any time."""
        of = self._job(job)
        of.enables += 1
        of.enables_open += 1

    def answered_enable(self, job: str, times: int) -> None:
        """A client who asked so often has its answer."""
        self._job(job).enables_open -= times

    def asked_pool(self, job: str, pool: str) -> None:
        """A client asks to have a job in another pool; the name of an auto pool comes later."""
        of = self._job(job)
        if of.pools:
            of.pools.add(pool)

    def accepted_pool(self, job: str, pool: str) -> None:
        """The job is in that pool now."""
        self._job(job).pools = {pool}

    def accepted_priority(self, job: str, priority: int) -> None:
        """A job whose priority is strict has another one."""
        self._job(job).strict_priority = priority

    def asked_reactivation(self, job: str, task: str) -> None:
        """A client asks to run a task again (T-22); it may happen until the answer comes."""
        known = self._job(job).tasks[task]
        known.reactivations += 1
        known.reactivations_open += 1
        known.completed = None
        self._let_go(known)

    def answered_reactivation(
        self, job: str, task: str, times: int, *, runs_before: int | None = None
    ) -> None:
        """A client who asked so often has its answer.

        If it is a success then `runs_before` is what `count_runs` said before the client asked.
        """
        known = self._job(job).tasks[task]
        known.reactivations_open -= times
        if runs_before is not None:
            known.runs_before = runs_before

    def count_runs(self, job: str, task: str) -> int:
        """Return how often a task has started."""
        return len(self._job(job).tasks[task].runs)

    # What happened on machines.

    def life_began(
        self, node: str, *, pool: str, slots: int, waits_for_start_task: bool = False
    ) -> None:
        """A node has booted; its start task has to succeed if it waits for that."""
        self._history.lives[node] = Life(node, pool, slots, waits_for_start_task)

    def given_up(self, node: str, *, ends_tasks: bool = False) -> None:
        """A user takes the node, in this life, away from its tasks: by reboot, removal or resize.

        From here on they may start elsewhere, or be ended if that was wanted, though the machine
        may take a while to end.
        """
        life = self._history.lives.get(node)
        if life is None or life.is_given_up:
            return  # One that is over may be given up: the service may not know of its end.
        life.is_given_up = True
        self._history.given_up += 1
        if ends_tasks:
            for job in self._history.jobs.values():
                if life.pool in job.pools:
                    for task in job.tasks.values():
                        task.is_end_asked = True

    def life_over(self, node: str, *, is_ordered: bool = False) -> None:
        """The machine is down, and everything on it; perhaps because the service ordered it."""
        life = self._history.lives[node]
        is_due = life.is_given_up or not is_ordered
        require(is_due, rules.NODES_LIVE, f"{life} was ended")
        life.is_over = True
        for run in [run for run in self._history.alive.values() if run.life is life]:
            self._over(run)

    def started(
        self,
        run: str,
        kind: str,
        node: str,
        job: str = "",
        task: str = "",
        *,
        attempt: str = "",
    ) -> None:
        """A process starts. A start task has no job, and only a task has a task's name.

        Of a multi-instance task each attempt has a name: its instances, each of them a `subtask`,
        and its application, the `primary`, have it in common.
        """
        history = self._history
        require(run not in history.runs, rules.ONE_START, f"{run} started again on {node}")
        new = Run(run, kind, job, task, history.lives[node], attempt=attempt)
        of = history.adopt(job)
        require(kind == START or of is not None, rules.ASKED, f"{new} started")
        for judge in self._judges:
            judge.run_started(new)
        if of is not None:
            self._started_of(new, of)
        history.runs[run] = history.alive[run] = new

    def _started_of(self, run: Run, job: Job) -> None:
        match run.kind:
            case "task":
                task = job.tasks.get(run.task)
                require(task is not None, rules.ASKED, f"{run} started")
                assert task is not None
                for judge in self._judges:
                    judge.task_started(run, job, task)
                run.is_let_go |= job.lets_go
                task.runs.append(run)
            case "subtask":
                task = self._gang(run, job)
                for judge in self._judges:
                    judge.subtask_started(run, job, task)
                run.is_let_go |= job.lets_go
                task.parts.append(run)
            case "primary":
                task = self._gang(run, job)
                for judge in self._judges:
                    judge.application_started(run, job, task)
                run.is_let_go |= job.lets_go
                task.runs.append(run)
            case "preparation":
                for judge in self._judges:
                    judge.preparation_started(run, job)
                job.runs.append(run)
            case "release":
                for judge in self._judges:
                    judge.release_started(run, job)
                job.runs.append(run)

    def _gang(self, run: Run, job: Job) -> Task:
        task = job.tasks.get(run.task)
        require(task is not None and task.instances > 0, rules.ASKED, f"{run} started")
        assert task is not None
        return task

    def coordinated(self, run: str) -> None:
        """The coordination command of an instance has exited with 0; the instance stays."""
        self._history.runs[run].is_coordinated = True

    def exited(self, run: str, exit_code: int, *, used_microseconds: int = 0) -> None:
        """A process has exited by itself, and nothing of it is left."""
        one = self._history.runs[run]
        one.used_microseconds = used_microseconds
        one.exit_code = exit_code
        if one.kind == START and exit_code == 0:
            one.life.is_started = True
        self._over(one)

    def killed(self, run: str, *, used_microseconds: int = 0) -> None:
        """A process was ended, by an order or at its time limit, and nothing of it is left."""
        one = self._history.runs[run]
        one.used_microseconds = used_microseconds
        one.is_killed = True
        self._over(one)

    def _over(self, run: Run) -> None:
        run.is_over = True
        self._history.alive.pop(run.name, None)
        if run.kind == SUBTASK and run.exit_code:
            self._history.jobs[run.job].tasks[run.task].runs.append(run)
        for judge in self._judges:
            judge.run_over(run)

    def calm(self) -> None:
        """There are no faults any more, and what the last of them caused is over."""
        self._history.is_calm = True

    # What the service shows.

    def look(self, shown: Shown) -> None:
        """Judge what the service shows at any time."""
        self._history.look_time = shown.time
        for job in shown.jobs:
            known = self._history.adopt(job.job)
            if known is not None and not known.pools and job.pool:
                known.pools = {job.pool}
        for judge in self._judges:
            judge.look(shown)

    def rest(self, shown: Shown) -> None:
        """Judge what is left once there are no faults, no requests, and time enough."""
        self.look(shown)
        for judge in self._judges:
            judge.rest(shown)
