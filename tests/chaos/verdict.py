"""What a round came to, and the judgement on it."""

from dataclasses import dataclass, field
from typing import Final

from batchyard.sim import rules
from batchyard.sim.audit.shown import Shown, ShownTask
from batchyard.sim.rules import Rule, Violation
from tests.chaos.ledger import Ledger
from tests.chaos.load import POOL, Job
from tests.chaos.replay import NO_STRAYS, Fact, Replay, Run

AS_PLANNED: Final = Rule("as-planned", "A task that nobody ended early ends as its process does.")
NOT_COUNTED: Final = Rule(
    "not-counted",
    "A lost server, agent, supervisor or node raises neither retryCount nor requeueCount.",
)

#: Rules whose breach means that something is gone, and that something was done twice.
_LOST: Final = (rules.KEPT, rules.PEACE_LEAVES_NOTHING, rules.PEACE_ENDS_JOBS)
_DOUBLED: Final = (
    rules.ONE_START,
    rules.ONE_PLACE,
    rules.SUCCESS_ENDS,
    rules.COMPLETED_RESTS,
    rules.PREPARATION_ONCE,
    rules.RELEASE_ONCE,
    NO_STRAYS,
)


@dataclass(slots=True)
class Outcome:
    """What one round came to."""

    kind: str
    seed: int
    tasks: int = 0
    blows: int = 0
    lost: int = 0
    doubled: int = 0
    #: Longest time from a blow until the struck one worked again.
    slowest_seconds: float = 0.0
    failures: list[str] = field(default_factory=list)

    def broke(self, violation: Violation) -> None:
        """Count a broken promise."""
        self.lost += violation.rule in _LOST
        self.doubled += violation.rule in _DOUBLED
        self.failures.append(str(violation))


def judge(ledger: Ledger[Fact], jobs: list[Job], at_rest: Shown, slots: int) -> None:
    """Judge a round from its first line to what is left at its end.

    Raises:
        Violation: The first promise that was broken.
    """
    ledger.note(lambda replay: replay.auditor.rest(at_rest))
    replay = Replay(POOL, slots)
    replay.tell(ledger.lines(), ledger.facts)
    jobs_by_id = {job.id: job for job in jobs}
    for task in at_rest.tasks:
        job = jobs_by_id[task.job]
        if job.is_cut_short or task.task in job.touched:
            _require_not_requeued(task)
        else:
            _require_as_planned(task, *job.plans[task.task])
            _require_not_counted(task, replay.runs[task.job, task.task])


def _require_as_planned(task: ShownTask, code: str, retries: int) -> None:
    expected = 3 if code == "3" else 0
    if task.state != "completed" or task.exit_code != expected:
        raise Violation(AS_PLANNED, f"{task}")
    if code == "3" and task.retry_count != retries:
        raise Violation(AS_PLANNED, f"{task} has {retries} retries")


def _require_not_counted(task: ShownTask, runs: list[Run]) -> None:
    """Failures in a life that was lost may have been told before, or not."""
    failures = [run for run in runs if run.code]
    told = sum(not run.is_lost for run in failures)
    is_final = task.exit_code != 0
    is_right = told <= task.retry_count + is_final <= len(failures)
    _require_not_requeued(task)
    if not is_right:
        raise Violation(NOT_COUNTED, f"{task} failed {len(failures)} times, {told} of them told")


def _require_not_requeued(task: ShownTask) -> None:
    if task.requeue_count:
        raise Violation(NOT_COUNTED, f"{task}")
