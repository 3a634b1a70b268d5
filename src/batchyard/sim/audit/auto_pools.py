"""Judges when pools that belong to jobs are there."""

from batchyard.sim import rules
from batchyard.sim.audit.history import History, require
from batchyard.sim.audit.judge import Judge
from batchyard.sim.audit.shown import Shown


class AutoPools(Judge):
    """An auto pool comes and goes with its job (J-46 ... J-49)."""

    def __init__(self, history: History) -> None:
        super().__init__(history)
        #: The pool of each job that has one of its own, once it was shown.
        self._pools: dict[str, str] = {}

    def look(self, shown: Shown) -> None:
        """The job and its pool change at the same instant."""
        for job in shown.jobs:
            if self.history.jobs[job.job].keeps_pool is not None:
                self._pools[job.job] = job.pool
        states = {job.job: job.state for job in shown.jobs}
        pools = {pool.pool: pool.state for pool in shown.pools}
        for name, pool in self._pools.items():
            state, pool_state = states.get(name), pools.get(pool)
            facts = f"pool {pool} is {pool_state}, and its job {name} is {state}"
            if state == "deleting":
                continue  # It may have been completed before.
            if self._is_needed(name, state):
                require(pool_state == "active", rules.AUTO_POOL_STAYS, facts)
            else:
                require(pool_state != "active", rules.AUTO_POOL_GOES, facts)

    def rest(self, shown: Shown) -> None:
        """What was to go is gone."""
        states = {job.job: job.state for job in shown.jobs}
        pools = {pool.pool for pool in shown.pools}
        for name, pool in self._pools.items():
            is_left = not self._is_needed(name, states.get(name)) and pool in pools
            require(not is_left, rules.AUTO_POOL_GOES, f"pool {pool} of {name} is still there")

    def _is_needed(self, job: str, state: str | None) -> bool:
        return bool(self.history.jobs[job].keeps_pool) or state not in (None, "completed")
