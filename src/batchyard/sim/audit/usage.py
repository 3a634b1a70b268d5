"""Judges what tasks and jobs show to have used."""

from collections import Counter

from batchyard.sim import rules
from batchyard.sim.audit.history import require
from batchyard.sim.audit.judge import Judge
from batchyard.sim.audit.shown import Shown


class Usage(Judge):
    """Nothing counts twice, and sums are sums. What was lost with its node may be missing."""

    def look(self, shown: Shown) -> None:
        """Compare tasks with their runs, and jobs with their tasks."""
        sums = Counter[str]()
        for task in shown.tasks:
            sums[task.job] += task.used_microseconds
            runs = self.history.jobs[task.job].tasks[task.task].runs
            used = sum(run.used_microseconds for run in runs)
            facts = f"{task.job}/{task.task} shows {task.used_microseconds} of {used}"
            require(task.used_microseconds <= used, rules.USAGE, facts)
        for job in shown.jobs:
            facts = f"{job.job} shows {job.used_microseconds}, and its tasks {sums[job.job]}"
            require(job.used_microseconds == sums[job.job], rules.USAGE, facts)
