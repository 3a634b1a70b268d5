"""What must be true of every history of a service, as named sentences."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rule:
    """One promise of the service."""

    name: str
    sentence: str


class Violation(AssertionError):
    """A promise was broken."""

    def __init__(self, rule: Rule, facts: str) -> None:
        super().__init__(f"{rule.name}: {rule.sentence} But: {facts}")
        self.rule: Final = rule


# While things happen.

ASKED: Final = Rule("asked", "Nothing starts that no client asked for.")
ONE_START: Final = Rule("one-start", "An attempt starts at most once.")
ONE_PLACE: Final = Rule(
    "one-place",
    "A task never runs in two places at once, unless a client takes it away from one of them.",
)
SLOTS: Final = Rule("slots", "What runs on a node never needs more slots than the node has.")
START_TASK_FIRST: Final = Rule(
    "start-task-first",
    "Where the start task has to succeed, no task or preparation starts before it.",
)
PREPARATION_FIRST: Final = Rule(
    "preparation-first",
    "Where the job preparation task has to succeed, no task of the job starts before it has.",
)
PREPARATION_ONCE: Final = Rule(
    "preparation-once",
    "A job preparation task does not run again in the life of a node in which it has succeeded.",
)
RELEASE_WHERE_PREPARED: Final = Rule(
    "release-where-prepared",
    "A job release task runs only where the preparation ended well, and only once the job ends.",
)
RELEASE_ONCE: Final = Rule(
    "release-once", "A job release task that has ended on a node does not run there again."
)
RELEASE_LAST: Final = Rule(
    "release-last", "No task of a job runs or starts on a node once the job's release task did."
)
SUCCESS_ENDS: Final = Rule(
    "success-ends", "No task starts again after a run of it has exited with 0 on a living node."
)
RETRIES_ALLOWED: Final = Rule(
    "retries-allowed", "No task starts again after more failed runs than it has retries."
)
DEPENDENCIES_FIRST: Final = Rule(
    "dependencies-first",
    "No task starts before all that it depends on have ended in a way that satisfies it.",
)
PARALLEL: Final = Rule("parallel", "No more tasks of a job run at once than its maxParallelTasks.")
DISABLED_RESTS: Final = Rule(
    "disabled-rests",
    "Nothing of a disabled job runs or starts, nor does a disabled schedule make a job.",
)
RIGHT_POOL: Final = Rule("right-pool", "A task starts in the pool that its job has, and no other.")
ONE_ACTIVE_JOB: Final = Rule(
    "one-active-job", "A job schedule has at most one job that is not completed."
)
SCHEDULED_TIMES: Final = Rule(
    "scheduled-times",
    "A job schedule makes at most one job for each of its times, within its start window.",
)
NUMBERS_IN_ORDER: Final = Rule(
    "numbers-in-order", "The jobs of a job schedule are numbered from one, without a gap."
)
COMPLETED_SCHEDULE_RESTS: Final = Rule(
    "completed-schedule-rests", "A job schedule that is completed has no active job."
)
NODES_LIVE: Final = Rule(
    "nodes-live", "The service ends no life of a node unless a client asked for it."
)
PRIORITY: Final = Rule(
    "priority",
    "Without faults no task starts where one of a higher priority has waited and could have.",
)
IDLENESS: Final = Rule(
    "idleness",
    "Without faults no task waits for long beside a node that runs nothing and could run it.",
)
MANAGER_FIRST: Final = Rule(
    "manager-first",
    "No task of a job starts before its job manager task has, unless that one was ended.",
)
MANAGER_ALONE: Final = Rule(
    "manager-alone", "Nothing runs beside a job manager task that has its node for itself."
)
INSTANCES_APART: Final = Rule(
    "instances-apart",
    "The instances of a multi-instance task have a node each, and there are no more of them than"
    " it has.",
)
ALL_COORDINATED: Final = Rule(
    "all-coordinated",
    "The application of a multi-instance task starts once the coordination command of each instance"
    " has exited with 0, beside one that is still there.",
)
INSTANCE_LASTS: Final = Rule(
    "instance-lasts", "The instance beside an application is there until that is over."
)
ATTEMPTS_APART: Final = Rule(
    "attempts-apart",
    "No instance of a multi-instance task starts where something of another attempt runs.",
)
COMPLETED_RESTS: Final = Rule("completed-rests", "A task that was shown as completed stays so.")

# Whenever one looks.

AUTO_POOL_STAYS: Final = Rule(
    "auto-pool-stays",
    "An auto pool is there as long as its job is not over, and longer if it is kept alive.",
)
AUTO_POOL_GOES: Final = Rule(
    "auto-pool-goes", "An auto pool that is not kept alive goes when its job is over."
)
FORCE_ENDS: Final = Rule(
    "force-ends", "A job whose end a client forced is completed, or gone, once that was answered."
)

KEPT: Final = Rule("kept", "What was acknowledged to a client is there until a client deletes it.")
COUNTS: Final = Rule("counts", "The task counts of a job are those that its tasks add up to.")
RESULTS: Final = Rule(
    "results", "A result and an exit code are those of a real run, or a client asked for the end."
)
RETRY_COUNT: Final = Rule(
    "retry-count", "No retryCount is above the number of runs that really exited with non-zero."
)
REQUEUE_COUNT: Final = Rule(
    "requeue-count",
    "No requeueCount is above the number of runs that did not succeed, nor above the number of"
    " times that nodes were taken away and jobs disabled, except of tasks that a restarted manager"
    " or a higher priority may displace.",
)
REACTIVATED_RUNS: Final = Rule(
    "reactivated-runs", "A task that was reactivated has run again when it is completed again."
)
REASONS: Final = Rule("reasons", "A job that ends has the reason that it shows.")
USAGE: Final = Rule(
    "usage",
    "No task shows more CPU time than its runs have used, and a job shows that of its tasks.",
)
ENDED_JOBS_REST: Final = Rule("ended-jobs-rest", "Nothing of a completed job runs any more.")
TIMES: Final = Rule(
    "times", "No task starts before it was added, ends before it started, or ends in the future."
)

# After peace: no faults any more, and time enough.

PEACE_IS_QUIET: Final = Rule("peace-is-quiet", "After peace nothing runs any more.")
PEACE_LEAVES_NOTHING: Final = Rule(
    "peace-leaves-nothing", "After peace no task waits that could run."
)
PEACE_ENDS_JOBS: Final = Rule(
    "peace-ends-jobs",
    "After peace what clients terminated is completed, and what they deleted gone.",
)
PEACE_ACTS: Final = Rule(
    "peace-acts",
    "After peace a job is over, or disabled, whenever its time, its tasks or one of them say so.",
)
PEACE_ENDS_SCHEDULES: Final = Rule(
    "peace-ends-schedules",
    "After peace a job schedule is completed if nothing more comes of it, and gone if deleted.",
)
MANAGER_ENDS_JOB: Final = Rule(
    "manager-ends-job", "After peace a job whose completed manager was to end it is completed."
)
PEACE_RELEASES: Final = Rule(
    "peace-releases",
    "After peace the release task of an ended job has run on every node that is still prepared.",
)
PEACE_FREES_NODES: Final = Rule(
    "peace-frees-nodes", "After peace every pool is steady, and every node of it at its rest."
)

RULES: Final = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
