"""Judges what the service shows of tasks and jobs against what really happened."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from batchyard.sim import rules
from batchyard.sim.audit.history import Job, Task, names, require
from batchyard.sim.audit.judge import Judge
from batchyard.sim.audit.shown import Shown, ShownCounts, ShownJob, ShownTask

#: Lives of nodes that a task may lose until the service may give up on it (T-15).
_LOSSES_MAX: Final = 10

#: States of a job whose tasks have ended or are being ended.
_OVER: Final = frozenset({"terminating", "completed", "deleting"})


class Shows(Judge):
    """Counts, results, times; and that everything is there."""

    def look(self, shown: Shown) -> None:
        """Judge every task and every job."""
        tasks: dict[str, list[ShownTask]] = {}
        over = {job.job for job in shown.jobs if job.state in _OVER}
        for task in shown.tasks:
            self._judge_task(task, shown.time, is_job_over=task.job in over)
            tasks.setdefault(task.job, []).append(task)
        for job in shown.jobs:
            self._judge_job(job, tasks.get(job.job, []))
        self._require_kept(shown)

    def _judge_job(self, shown: ShownJob, tasks: list[ShownTask]) -> None:
        recount = _recount(self.history.jobs[shown.job], tasks)
        facts = f"{shown.job} shows {shown.counts}, but has {recount}"
        require(shown.counts == recount, rules.COUNTS, facts)
        if shown.state == "completed":
            facts = f"{shown.job} is completed and has {recount.running} tasks that run"
            require(recount.running == 0, rules.ENDED_JOBS_REST, facts)
            if self.history.jobs[shown.job].is_force_asked:
                return  # Its nodes may take their time.
            alive = self.history.alive.values()
            busy = [one for one in alive if one.job == shown.job and one.life.keeps]
            facts = f"{shown.job} is completed, and there is still {names(busy)}"
            require(not busy, rules.ENDED_JOBS_REST, facts)

    def _judge_task(self, shown: ShownTask, now: datetime, *, is_job_over: bool) -> None:
        name = f"{shown.job}/{shown.task}"
        job = self.history.jobs.get(shown.job)
        known = None if job is None else job.tasks.get(shown.task)
        require(known is not None, rules.ASKED, f"{name} is there")
        assert known is not None
        assert job is not None
        failures = sum(code != 0 for code in known.exits())
        facts = f"{name} shows {shown.retry_count} and failed {failures} times"
        require(shown.retry_count <= failures, rules.RETRY_COUNT, facts)
        taken = self.history.taken_by_clients(job) - known.taken_before
        taken += self.history.disabled_by_tasks(job)
        facts = f"{name} shows {shown.requeue_count}, and was taken away {taken} times"
        is_explained = shown.requeue_count <= taken or self.history.is_displaceable(job)
        require(is_explained, rules.REQUEUE_COUNT, facts)
        # What never started costs nothing, and the run that succeeded was not taken away.
        runs = max(0, known.starts - (shown.result == "success"))
        facts = f"{name} shows {shown.requeue_count}, and {runs} runs of it did not succeed"
        require(shown.requeue_count <= runs, rules.REQUEUE_COUNT, facts)
        times = [shown.creation_time, shown.start_time, shown.end_time, now]
        in_order = [time for time in times if time is not None]
        require(in_order == sorted(in_order), rules.TIMES, f"{name} shows {in_order}")
        if known.completed is not None:
            facts = f"{name} was {known.completed} and is {shown}"
            require(shown == known.completed, rules.COMPLETED_RESTS, facts)
        elif shown.state == "completed" and not known.reactivations_open:
            _judge_result(shown, known, is_ended=known.is_end_asked or is_job_over)
            known.completed = shown

    def _require_kept(self, shown: Shown) -> None:
        jobs = {job.job for job in shown.jobs}
        tasks = {(task.job, task.task) for task in shown.tasks}
        for name, job in self.history.jobs.items():
            if job.is_deletion_asked:
                continue
            require(not job.is_accepted or name in jobs, rules.KEPT, f"job {name} is missing")
            for task_name, task in job.tasks.items():
                is_there = (name, task_name) in tasks
                is_kept = not task.is_accepted or task.is_deletion_asked or is_there
                require(is_kept, rules.KEPT, f"task {name}/{task_name} is missing")


def _judge_result(shown: ShownTask, known: Task, *, is_ended: bool) -> None:
    is_rerun = known.runs_before is None or len(known.runs) > known.runs_before
    facts = f"{shown} has not run again"
    require(is_rerun or is_ended, rules.REACTIVATED_RUNS, facts)
    exits = set(known.exits())
    if shown.result == "success":
        is_real = shown.exit_code == 0 and 0 in exits
    elif any(run.is_killed for run in known.runs):
        is_real = True  # It may have exited on its own in its grace, with any code.
    elif shown.exit_code is not None:
        is_real = shown.exit_code != 0 and shown.exit_code in exits
    else:
        lost = sum(run.exit_code is None for run in (*known.runs, *known.parts))
        is_real = is_ended or lost > _LOSSES_MAX
    require(is_real, rules.RESULTS, f"{shown}, and its runs exited with {sorted(exits)}")


def _recount(job: Job, tasks: Iterable[ShownTask]) -> ShownCounts:
    slots: dict[str, list[int]] = {"active": [], "running": [], "succeeded": [], "failed": []}
    for task in tasks:
        if task.state == "completed":
            kind = "succeeded" if task.result == "success" else "failed"
        else:
            kind = "active" if task.state == "active" else "running"
        slots[kind].append(job.tasks[task.task].slots)
    numbers = {kind: len(each) for kind, each in slots.items()}
    sums = {f"{kind}_slots": sum(each) for kind, each in slots.items()}
    return ShownCounts(**numbers, **sums)
