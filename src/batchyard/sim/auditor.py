"""The auditor: knows what must never happen, and nothing about how the service is built.

Observers tell it facts in the order in which they happened, and it raises a `Violation` with the
name of the broken `Rule` at the first one that cannot be. It does not care who they are: the
simulator, or a test on real processes that reads the public API and marks which tasks write.

Three kinds of facts:

* what clients did: `asked_...` when a request leaves, whatever becomes of it; `accepted_...` and
  `deleted` when a success came back (a request whose answer was lost is asked, not accepted);
* what really happened on machines: `life_began`, `started`, `exited`, `killed`, `given_up`,
  `life_over`. A *life* of a node lasts from one boot to the next. What ran in a life is over with
  it, and what it had not yet told is lost;
* what the service shows: `look` at any time, `rest` once there are no faults any more, no requests,
  and time enough for everything to end.

Jobs, tasks, nodes and runs go by any names that are never used twice: a run by its attempt where
that is known, else by whatever is new each time. Standard library only.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from batchyard.sim import rules
from batchyard.sim.rules import Rule, Violation

TASK: Final = "task"
PREPARATION: Final = "preparation"
RELEASE: Final = "release"
START: Final = "start"

#: Lives of nodes that a task may lose until the service may give up on it (T-15).
_LOSSES_MAX: Final = 10

#: How long a task has to be seen waiting before one of a lower priority starts, and after it.
_WAIT: Final = timedelta(seconds=2)
_MOMENT: Final = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What was asked of a job preparation task (J-69, J-70)."""

    waits: bool = True
    reruns: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTask:
    """A task as the service shows it; words as on the wire."""

    job: str
    task: str
    state: str
    result: str | None
    exit_code: int | None
    retry_count: int
    requeue_count: int
    creation_time: datetime
    start_time: datetime | None
    end_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCounts:
    """Task counts of a job as the service shows them."""

    active: int
    running: int
    succeeded: int
    failed: int
    active_slots: int
    running_slots: int
    succeeded_slots: int
    failed_slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownJob:
    """A job as the service shows it."""

    job: str
    state: str
    counts: ShownCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownNode:
    """A node as the service shows it."""

    node: str
    pool: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPool:
    """A pool as the service shows it; `has_errors` of its last resize."""

    pool: str
    allocation_state: str
    target_nodes: int
    has_errors: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Everything that the service shows, all of it at one instant `time`."""

    time: datetime
    tasks: tuple[ShownTask, ...]
    jobs: tuple[ShownJob, ...]
    nodes: tuple[ShownNode, ...] = ()
    pools: tuple[ShownPool, ...] = ()


@dataclass(slots=True, eq=False)
class _Life:
    """A node from one boot to the next."""

    node: str
    pool: str
    slots: int
    waits_for_start_task: bool
    is_started: bool = False
    is_over: bool = False
    is_given_up: bool = False

    @property
    def keeps(self) -> bool:
        """Whether the service learns, sooner or later, what happened here."""
        return not (self.is_over or self.is_given_up)

    def __str__(self) -> str:
        return self.node


@dataclass(slots=True, eq=False)
class _Run:
    """One process, from its start to its end. `exit_code` is None when it did not exit."""

    name: str
    kind: str
    job: str
    task: str
    life: _Life
    is_over: bool = False
    is_killed: bool = False
    exit_code: int | None = None

    def __str__(self) -> str:
        return f"{self.name} on {self.life}"


@dataclass(slots=True)
class _Overtaking:
    """A run of a lower priority started while a task was waiting; `seen` at the next look."""

    run: _Run
    seen: datetime | None = None


@dataclass(slots=True, eq=False)
class _Task:
    """What is known of a task."""

    slots: int
    retries_max: int
    asked_count: int
    is_accepted: bool = False
    is_end_asked: bool = False
    is_deletion_asked: bool = False
    is_deleted: bool = False
    runs: list[_Run] = field(default_factory=list)
    completed: ShownTask | None = None
    #: Since when it has been shown as waiting, without faults.
    waiting_since: datetime | None = None
    overtaken: _Overtaking | None = None

    def exits(self) -> Iterator[int]:
        return (run.exit_code for run in self.runs if run.exit_code is not None)


@dataclass(slots=True, eq=False)
class _Job:
    """What is known of a job; `runs` are those of its preparation and release tasks."""

    pool: str
    preparation: Preparation | None
    has_release: bool
    strict_priority: int | None
    is_accepted: bool = False
    is_end_asked: bool = False
    is_ended: bool = False
    is_deletion_asked: bool = False
    is_deleted: bool = False
    tasks: dict[str, _Task] = field(default_factory=dict)
    runs: list[_Run] = field(default_factory=list)

    def runs_on(self, node: str, kind: str) -> list[_Run]:
        return [run for run in self.runs if run.life.node == node and run.kind == kind]


class Auditor:
    """Takes facts in their order.

    Raises (all methods): `Violation`, named after the rule that a fact breaks.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, _Job] = {}
        self._lives: dict[str, _Life] = {}
        self._runs: dict[str, _Run] = {}
        self._alive: dict[str, _Run] = {}
        #: How many nodes of each pool users took away so far.
        self._given_up: dict[str, int] = {}
        self._is_calm = False
        self._look_time: datetime | None = None

    # What clients did.

    def asked_job(
        self,
        job: str,
        *,
        pool: str,
        preparation: Preparation | None = None,
        release: bool = False,
        strict_priority: int | None = None,
    ) -> None:
        """A client asks for a job; repeating it changes nothing.

        A priority is judged where it is strict: tasks of such a job wait for no preparation, and
        run too long to queue on nodes.
        """
        self._jobs.setdefault(job, _Job(pool, preparation, release, strict_priority))

    def accepted_job(self, job: str) -> None:
        """The service has said that it has the job."""
        self._jobs[job].is_accepted = True

    def asked_task(self, job: str, task: str, *, slots: int = 1, retries: int = 0) -> None:
        """A client asks for a task with its retries, -1 for no limit; may be repeated."""
        of = self._jobs[job]
        new = _Task(slots, retries, self._given_up.get(of.pool, 0), is_end_asked=of.is_end_asked)
        of.tasks.setdefault(task, new)

    def accepted_task(self, job: str, task: str) -> None:
        """The service has said that it has the task."""
        self._jobs[job].tasks[task].is_accepted = True

    def asked_retries(self, job: str, task: str, retries: int) -> None:
        """A client asks for other retries of a task."""
        known = self._jobs[job].tasks[task]
        unlimited = -1 in (retries, known.retries_max)
        known.retries_max = -1 if unlimited else max(known.retries_max, retries)

    def asked_end(self, job: str, task: str | None = None) -> None:
        """A client asks for the end of a task, or of a job with all its tasks."""
        of = self._jobs[job]
        if task is None:
            of.is_end_asked = True
        for known in of.tasks.values() if task is None else [of.tasks[task]]:
            known.is_end_asked = True

    def ended(self, job: str) -> None:
        """The service has said that it ends the job."""
        self._jobs[job].is_ended = True

    def asked_deletion(self, job: str, task: str | None = None) -> None:
        """A client asks for the deletion of a task or a job: it may be gone from now on."""
        self.asked_end(job, task)
        of = self._jobs[job]
        if task is None:
            of.is_deletion_asked = True
        else:
            of.tasks[task].is_deletion_asked = True

    def deleted(self, job: str, task: str | None = None) -> None:
        """The service has said that it deletes them."""
        of = self._jobs[job]
        if task is None:
            of.is_ended = of.is_deleted = True
        else:
            of.tasks[task].is_deleted = True

    # What happened on machines.

    def life_began(
        self, node: str, *, pool: str, slots: int, waits_for_start_task: bool = False
    ) -> None:
        """A node has booted; its start task has to succeed if it waits for that."""
        self._lives[node] = _Life(node, pool, slots, waits_for_start_task)

    def given_up(self, node: str, *, ends_tasks: bool = False) -> None:
        """A user takes the node, in this life, away from its tasks: by reboot, removal or resize.

        From here on they may start elsewhere, or be ended if that was wanted, though the machine
        may take a while to end.
        """
        life = self._lives.get(node)
        if life is None or life.is_given_up:
            return  # One that is over may be given up: the service may not know of its end.
        life.is_given_up = True
        self._given_up[life.pool] = self._given_up.get(life.pool, 0) + 1
        if ends_tasks:
            for job in self._jobs.values():
                if job.pool == life.pool:
                    for task in job.tasks.values():
                        task.is_end_asked = True

    def life_over(self, node: str, *, is_ordered: bool = False) -> None:
        """The machine is down, and everything on it; perhaps because the service ordered it."""
        life = self._lives[node]
        is_due = life.is_given_up or not is_ordered
        _require(is_due, rules.NODES_LIVE, f"{life} was ended")
        life.is_over = True
        for run in [run for run in self._alive.values() if run.life is life]:
            self._over(run)

    def started(self, run: str, kind: str, node: str, job: str = "", task: str = "") -> None:
        """A process starts. A start task has no job, and only a task has a task's name."""
        _require(run not in self._runs, rules.ONE_START, f"{run} started again on {node}")
        life = self._lives[node]
        new = _Run(run, kind, job, task, life)
        if kind in (TASK, PREPARATION):
            is_ready = life.is_started or not life.waits_for_start_task
            _require(is_ready, rules.START_TASK_FIRST, f"{new} started")
        if kind != START:
            _require(job in self._jobs, rules.ASKED, f"{new} started")
        match kind:
            case "task":
                self._task_started(new, self._jobs[job])
            case "preparation":
                self._preparation_started(new, self._jobs[job])
            case "release":
                self._release_started(new, self._jobs[job])
        self._runs[run] = self._alive[run] = new

    def _task_started(self, run: _Run, job: _Job) -> None:
        known = job.tasks.get(run.task)
        _require(known is not None, rules.ASKED, f"{run} started")
        assert known is not None
        life = run.life
        used = known.slots + sum(
            self._jobs[one.job].tasks[one.task].slots
            for one in self._alive.values()
            if one.kind == TASK and one.life is life
        )
        _require(used <= life.slots, rules.SLOTS, f"with {run} it is {used} of {life.slots}")
        self._require_prepared(run, job)
        released = job.runs_on(life.node, RELEASE)
        _require(not released, rules.RELEASE_LAST, f"{run} started after {_names(released)}")
        if life.keeps:
            self._require_turn(run, known)
        self._note_overtaken(run, job, known)
        known.waiting_since = None
        known.overtaken = None
        known.runs.append(run)

    def _require_prepared(self, run: _Run, job: _Job) -> None:
        if job.preparation is None or not job.preparation.waits:
            return
        succeeded = any(
            one.exit_code == 0 and (one.life is run.life or not job.preparation.reruns)
            for one in job.runs_on(run.life.node, PREPARATION)
        )
        _require(succeeded, rules.PREPARATION_FIRST, f"{run} started")

    def _require_turn(self, run: _Run, known: _Task) -> None:
        """A task may start only when no earlier run of it can still count."""
        for one in known.runs:
            is_elsewhere = not one.is_over and one.life.keeps
            _require(not is_elsewhere, rules.ONE_PLACE, f"{run} started beside {one}")
            is_done = one.exit_code == 0 and one.life.keeps
            _require(not is_done, rules.SUCCESS_ENDS, f"{run} started after {one}")
        failures = sum(bool(one.exit_code) and one.life.keeps for one in known.runs)
        is_allowed = known.retries_max == -1 or failures <= known.retries_max
        _require(is_allowed, rules.RETRIES_ALLOWED, f"{run} started after {failures} failures")
        is_resting = known.completed is not None and not known.is_end_asked
        _require(not is_resting, rules.COMPLETED_RESTS, f"{run} started")

    def _note_overtaken(self, run: _Run, job: _Job, known: _Task) -> None:
        """Where a task starts there was room for any other that needs no more slots."""
        for other in self._jobs.values():
            if other.pool != job.pool or other.is_end_asked or not _outranks(other, job):
                continue
            for task in other.tasks.values():
                if self._has_waited(task) and task.slots <= known.slots:
                    task.overtaken = task.overtaken or _Overtaking(run)

    def _has_waited(self, task: _Task) -> bool:
        """Whether a task was seen waiting for so long that it must have been noticed."""
        if task.waiting_since is None or self._look_time is None:
            return False
        return self._look_time - task.waiting_since >= _WAIT

    def _preparation_started(self, run: _Run, job: _Job) -> None:
        _require(job.preparation is not None, rules.ASKED, f"{run} started")
        for one in job.runs_on(run.life.node, PREPARATION):
            is_again = one.life is run.life and (one.exit_code == 0 or not one.is_over)
            _require(not is_again, rules.PREPARATION_ONCE, f"{run} started after {one}")
        job.runs.append(run)

    def _release_started(self, run: _Run, job: _Job) -> None:
        where = run.life.node
        is_due = job.has_release and job.is_end_asked and _was_prepared(job, where)
        _require(is_due, rules.RELEASE_WHERE_PREPARED, f"{run} started")
        for one in job.runs_on(where, RELEASE):
            _require(not one.life.keeps, rules.RELEASE_ONCE, f"{run} started after {one}")
        busy = [one for one in self._alive.values() if one.job == run.job and one.life is run.life]
        _require(not busy, rules.RELEASE_LAST, f"{run} started beside {_names(busy)}")
        job.runs.append(run)

    def exited(self, run: str, exit_code: int) -> None:
        """A process has exited by itself, and nothing of it is left."""
        one = self._runs[run]
        one.exit_code = exit_code
        if one.kind == START and exit_code == 0:
            one.life.is_started = True
        self._over(one)

    def killed(self, run: str) -> None:
        """A process was ended, by an order or at its time limit, and nothing of it is left."""
        self._runs[run].is_killed = True
        self._over(self._runs[run])

    def _over(self, run: _Run) -> None:
        run.is_over = True
        self._alive.pop(run.name, None)

    def calm(self) -> None:
        """There are no faults any more, and what the last of them caused is over."""
        self._is_calm = True

    # What the service shows.

    def look(self, shown: Shown) -> None:
        """Judge what the service shows at any time."""
        self._look_time = shown.time
        tasks: dict[str, list[ShownTask]] = {}
        for task in shown.tasks:
            self._judge_task(task, shown.time)
            tasks.setdefault(task.job, []).append(task)
        for job in shown.jobs:
            self._judge_job(job, tasks.get(job.job, []))
        self._require_kept(shown)

    def _judge_job(self, shown: ShownJob, tasks: list[ShownTask]) -> None:
        recount = self._recount(shown.job, tasks)
        facts = f"{shown.job} shows {shown.counts}, but has {recount}"
        _require(shown.counts == recount, rules.COUNTS, facts)
        if shown.state == "completed":
            facts = f"{shown.job} is completed and has {recount.running} tasks that run"
            _require(recount.running == 0, rules.ENDED_JOBS_REST, facts)
            alive = self._alive.values()
            busy = [one for one in alive if one.job == shown.job and one.life.keeps]
            facts = f"{shown.job} is completed, and there is still {_names(busy)}"
            _require(not busy, rules.ENDED_JOBS_REST, facts)

    def _judge_task(self, shown: ShownTask, now: datetime) -> None:
        name = f"{shown.job}/{shown.task}"
        job = self._jobs.get(shown.job)
        known = None if job is None else job.tasks.get(shown.task)
        _require(known is not None, rules.ASKED, f"{name} is there")
        assert known is not None
        assert job is not None
        failures = sum(code != 0 for code in known.exits())
        facts = f"{name} shows {shown.retry_count} and failed {failures} times"
        _require(shown.retry_count <= failures, rules.RETRY_COUNT, facts)
        taken = self._given_up.get(job.pool, 0) - known.asked_count
        facts = f"{name} shows {shown.requeue_count}, and {taken} nodes were taken away"
        _require(shown.requeue_count <= taken, rules.REQUEUE_COUNT, facts)
        times = [shown.creation_time, shown.start_time, shown.end_time, now]
        in_order = [time for time in times if time is not None]
        _require(in_order == sorted(in_order), rules.TIMES, f"{name} shows {in_order}")
        self._note_waiting(shown, known, now)
        if known.completed is not None:
            facts = f"{name} was {known.completed} and is {shown}"
            _require(shown == known.completed, rules.COMPLETED_RESTS, facts)
        elif shown.state == "completed":
            self._judge_result(shown, known)
            known.completed = shown

    def _note_waiting(self, shown: ShownTask, known: _Task, now: datetime) -> None:
        """A task that starts a moment later has not been overtaken: it was given a place too."""
        if not self._is_calm or shown.state != "active":
            known.waiting_since = None
            known.overtaken = None
            return
        known.waiting_since = known.waiting_since or now
        if known.overtaken is None:
            return
        seen = known.overtaken.seen = known.overtaken.seen or now
        is_passed_over = now - seen >= _MOMENT
        facts = f"{known.overtaken.run} started while {shown} waits"
        _require(not is_passed_over, rules.PRIORITY, facts)

    def _judge_result(self, shown: ShownTask, known: _Task) -> None:
        exits = set(known.exits())
        if shown.result == "success":
            is_real = shown.exit_code == 0 and 0 in exits
        elif any(run.is_killed for run in known.runs):
            is_real = True  # It may have exited on its own in its grace, with any code.
        elif shown.exit_code is not None:
            is_real = shown.exit_code != 0 and shown.exit_code in exits
        else:
            lost = sum(run.exit_code is None for run in known.runs)
            is_real = known.is_end_asked or lost > _LOSSES_MAX
        _require(is_real, rules.RESULTS, f"{shown}, and its runs exited with {sorted(exits)}")

    def _recount(self, job: str, tasks: Iterable[ShownTask]) -> ShownCounts:
        known = self._jobs[job].tasks
        slots: dict[str, list[int]] = {"active": [], "running": [], "succeeded": [], "failed": []}
        for task in tasks:
            if task.state == "completed":
                kind = "succeeded" if task.result == "success" else "failed"
            else:
                kind = "active" if task.state == "active" else "running"
            slots[kind].append(known[task.task].slots)
        numbers = {kind: len(each) for kind, each in slots.items()}
        sums = {f"{kind}_slots": sum(each) for kind, each in slots.items()}
        return ShownCounts(**numbers, **sums)

    def _require_kept(self, shown: Shown) -> None:
        jobs = {job.job for job in shown.jobs}
        tasks = {(task.job, task.task) for task in shown.tasks}
        for name, job in self._jobs.items():
            if job.is_deletion_asked:
                continue
            _require(not job.is_accepted or name in jobs, rules.KEPT, f"job {name} is missing")
            for task_name, task in job.tasks.items():
                is_there = (name, task_name) in tasks
                is_kept = not task.is_accepted or task.is_deletion_asked or is_there
                _require(is_kept, rules.KEPT, f"task {name}/{task_name} is missing")

    # After peace.

    def rest(self, shown: Shown) -> None:
        """Judge what is left once there are no faults, no requests, and time enough."""
        self.look(shown)
        still = _names(self._alive.values())
        _require(not self._alive, rules.PEACE_IS_QUIET, f"{still} still runs")
        states = {job.job: job.state for job in shown.jobs}
        for task in shown.tasks:
            could = states.get(task.job) == "active" and self._could_run(task, shown)
            is_left = task.state != "completed" and could
            _require(not is_left, rules.PEACE_LEAVES_NOTHING, f"{task} waits")
        tasks = {(task.job, task.task) for task in shown.tasks}
        for name, job in self._jobs.items():
            state = states.get(name)
            if job.is_deleted:
                _require(state is None, rules.PEACE_ENDS_JOBS, f"{name} is {state}, not gone")
            elif job.is_ended and not job.is_deletion_asked:
                _require(state == "completed", rules.PEACE_ENDS_JOBS, f"{name} is {state}")
            for task_name, known in job.tasks.items():
                is_left = known.is_deleted and (name, task_name) in tasks
                _require(not is_left, rules.PEACE_ENDS_JOBS, f"{name}/{task_name} is not gone")
            if job.is_ended and job.has_release:
                self._require_released(name, job)
        self._require_free(shown)

    def _could_run(self, task: ShownTask, shown: Shown) -> bool:
        job = self._jobs[task.job]
        return any(
            node.pool == job.pool
            and node.state in ("idle", "running")
            and self._lives[node.node].slots >= job.tasks[task.task].slots
            and not _has_failed(job, self._lives[node.node])
            for node in shown.nodes
        )

    def _require_released(self, name: str, job: _Job) -> None:
        for life in self._lives.values():
            runs = job.runs_on(life.node, PREPARATION)
            if not life.keeps or not runs or runs[-1].life is not life or runs[-1].exit_code != 0:
                continue
            is_released = any(run.is_over for run in job.runs_on(life.node, RELEASE))
            facts = f"{name} ended, was prepared on {life}, and not released there"
            _require(is_released, rules.PEACE_RELEASES, facts)

    def _require_free(self, shown: Shown) -> None:
        for node in shown.nodes:
            is_free = node.state in ("idle", "starttaskfailed")
            _require(is_free, rules.PEACE_FREES_NODES, f"{node}")
        for pool in shown.pools:
            there = sum(node.pool == pool.pool for node in shown.nodes)
            is_met = pool.has_errors or there == pool.target_nodes
            is_steady = pool.allocation_state == "steady" and is_met
            _require(is_steady, rules.PEACE_FREES_NODES, f"{pool} has {there} nodes")


def _outranks(one: _Job, other: _Job) -> bool:
    if one.strict_priority is None or other.strict_priority is None:
        return False
    return one.strict_priority > other.strict_priority


def _was_prepared(job: _Job, node: str) -> bool:
    if job.preparation is None:
        return False
    return any(
        run.exit_code == 0 or (run.is_over and not job.preparation.waits)
        for run in job.runs_on(node, PREPARATION)
    )


def _has_failed(job: _Job, life: _Life) -> bool:
    """Whether the node is none for the job: the preparation has run there and not succeeded."""
    if job.preparation is None or not job.preparation.waits:
        return False
    runs = job.runs_on(life.node, PREPARATION)
    return bool(runs) and runs[-1].exit_code != 0


def _names(runs: Iterable[_Run]) -> str:
    return ", ".join(str(run) for run in runs)


def _require(condition: bool, rule: Rule, facts: str) -> None:  # noqa: FBT001
    if not condition:
        raise Violation(rule, facts)
