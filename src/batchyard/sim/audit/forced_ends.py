"""Judges the ends of jobs that clients forced."""

from batchyard.sim import rules
from batchyard.sim.audit.history import require
from batchyard.sim.audit.judge import Judge
from batchyard.sim.audit.shown import Shown


class ForcedEnds(Judge):
    """A job whose end is forced waits for nobody (J-42)."""

    def look(self, shown: Shown) -> None:
        """What the service has said is so at once."""
        states = {job.job: job.state for job in shown.jobs}
        for name, job in self.history.jobs.items():
            state = states.get(name)
            if job.is_deletion_forced:
                require(state is None, rules.FORCE_ENDS, f"{name} was deleted, and is {state}")
            elif job.is_end_forced and not job.is_deletion_asked:
                facts = f"{name} was terminated, and is {state}"
                require(state == "completed", rules.FORCE_ENDS, facts)
