"""Judges what is left once there are no faults, no requests, and time enough."""

from batchyard.sim import rules
from batchyard.sim.audit.dependencies import is_satisfied
from batchyard.sim.audit.history import Job, names, require
from batchyard.sim.audit.judge import Judge
from batchyard.sim.audit.preparations import has_failed
from batchyard.sim.audit.shown import Shown, ShownTask


class Peace(Judge):
    """Nothing runs, nothing waits that could run, and what was to end has ended."""

    def rest(self, shown: Shown) -> None:
        """Judge everything."""
        still = names(self.history.alive.values())
        require(not self.history.alive, rules.PEACE_IS_QUIET, f"{still} still runs")
        states = {job.job: job.state for job in shown.jobs}
        pools = {job.job: job.pool for job in shown.jobs}
        for task in shown.tasks:
            is_active = states.get(task.job) == "active"
            could = is_active and self._could_run(task, pools[task.job], shown)
            is_left = task.state != "completed" and could
            require(not is_left, rules.PEACE_LEAVES_NOTHING, f"{task} waits")
        tasks = {(task.job, task.task) for task in shown.tasks}
        for name, job in self.history.jobs.items():
            _require_ended(job, states.get(name))
            for task_name, known in job.tasks.items():
                is_left = known.is_deleted and (name, task_name) in tasks
                require(not is_left, rules.PEACE_ENDS_JOBS, f"{name}/{task_name} is not gone")
        _require_free(shown)

    def _could_run(self, task: ShownTask, pool: str, shown: Shown) -> bool:
        job = self.history.jobs[task.job]
        lives = self.history.lives
        if not is_satisfied(job.tasks[task.task]):
            return False
        able = sum(
            (node.pool == pool or (not pool and node.pool in job.pools))
            and node.state in ("idle", "running")
            and lives[node.node].slots >= job.tasks[task.task].slots
            and not has_failed(job, lives[node.node])
            for node in shown.nodes
        )
        return able >= max(1, job.tasks[task.task].instances)


def _require_ended(job: Job, state: str | None) -> None:
    if job.is_deleted:
        require(state is None, rules.PEACE_ENDS_JOBS, f"{job.name} is {state}, not gone")
    elif job.is_ended and not job.is_deletion_asked:
        require(state == "completed", rules.PEACE_ENDS_JOBS, f"{job.name} is {state}")


def _require_free(shown: Shown) -> None:
    for node in shown.nodes:
        is_free = node.state in ("idle", "starttaskfailed")
        require(is_free, rules.PEACE_FREES_NODES, f"{node}")
    for pool in shown.pools:
        there = sum(node.pool == pool.pool for node in shown.nodes)
        is_met = pool.has_errors or there == pool.target_nodes
        is_steady = pool.allocation_state == "steady" and is_met
        require(is_steady, rules.PEACE_FREES_NODES, f"{pool} has {there} nodes")
