"""Judges that nothing waits beside a node that stands idle, where no faults would excuse it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from batchyard.sim import rules
from batchyard.sim.audit.dependencies import is_satisfied
from batchyard.sim.audit.history import History, Job, Run, Task, require
from batchyard.sim.audit.judge import Judge
from batchyard.sim.audit.preparations import has_failed
from batchyard.sim.audit.shown import Shown, ShownTask

#: How long a task may be seen waiting beside one and the same idle node. Two messages that a world
#: delays as long as it can, and the second after which a node gives back what queues there.
_WAIT: Final = timedelta(seconds=10)


class Idleness(Judge):
    """A task that a node could run is not left waiting while the node runs nothing."""

    def __init__(self, history: History) -> None:
        super().__init__(history)
        #: Since when a task has been seen waiting beside a node: (job, task, node).
        self._since: dict[tuple[str, str, str], datetime] = {}

    def run_started(self, run: Run) -> None:
        """A node that starts something is not idle."""
        self._since = {key: since for key, since in self._since.items() if key[2] != run.life.node}

    def look(self, shown: Shown) -> None:
        """Judge what was seen in the same place the last time."""
        seen = {}
        if self.history.is_calm:
            for key in self._beside_idle_nodes(shown):
                since = seen[key] = self._since.get(key, shown.time)
                facts = f"{key[0]}/{key[1]} waits since {since}, and {key[2]} is idle"
                require(shown.time - since < _WAIT, rules.IDLENESS, facts)
        self._since = seen

    def _beside_idle_nodes(self, shown: Shown) -> Iterator[tuple[str, str, str]]:
        pools = {job.job: job.pool for job in shown.jobs if job.state == "active"}
        busy = {run.life.node for run in self.history.alive.values()}
        idle = [node for node in shown.nodes if node.state == "idle" and node.node not in busy]
        if not idle:
            return
        held = {pools.get(task.job) for task in shown.tasks if self._holds_nodes(task)}
        for task in shown.tasks:
            pool = pools.get(task.job)
            if pool is None or pool in held or task.state != "active":
                continue
            job = self.history.jobs[task.job]
            known = job.tasks[task.task]
            if not self._may_run(job, known):
                continue
            for node in idle:
                life = self.history.lives[node.node]
                is_fit = life.slots >= known.slots and not has_failed(job, life)
                if node.pool == pool and is_fit:
                    yield task.job, task.task, node.node

    def _holds_nodes(self, task: ShownTask) -> bool:
        """Whether nodes may be kept for a task that is not over."""
        is_manager = task.job in self.history.managers
        instances = self.history.jobs[task.job].tasks[task.task].instances
        return task.state != "completed" and (is_manager or instances > 0)

    def _may_run(self, job: Job, task: Task) -> bool:
        """Whether nothing but a node is missing."""
        is_ending = any(run in self.history.alive.values() for run in task.runs)
        has_limit = job.terms.parallel_max is not None
        return is_satisfied(task) and not is_ending and not has_limit
