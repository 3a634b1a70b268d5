"""Ten thousand jobs of a few tasks each, in one pool."""

from time import perf_counter

from benchmarks.bench import poll
from benchmarks.many.figures import Figure, latency, times
from benchmarks.many.yard import POLL_SECONDS, Yard

TASKS_A_JOB = 2
SLOTS = 4
SAMPLES = 50


def measure(yard: Yard, jobs: int) -> list[Figure]:
    """Create all jobs while there is no node, then bring up one, and wait until all have run."""
    yard.create_pool("jobs", nodes=0, slots=SLOTS)
    tasks = jobs * TASKS_A_JOB
    start = perf_counter()
    for number in range(jobs):
        yard.create_job(f"job-{number}", "jobs")
        yard.add_tasks(f"job-{number}", TASKS_A_JOB)
    created = perf_counter() - start
    before = yard.cpu()
    yard.resize("jobs", 1)
    start = perf_counter()

    def are_complete() -> bool:
        return sum(int(node["totalTasksSucceeded"]) for node in yard.nodes("jobs")) >= tasks

    poll(are_complete, POLL_SECONDS, 60 + tasks / 10)
    seconds = perf_counter() - start
    after = yard.cpu()
    client = yard.client
    figures = [
        Figure("jobs created with their tasks", jobs / created, "jobs/s"),
        Figure("tasks a second", tasks / seconds, "tasks/s"),
        *(
            Figure(f"CPU a task: {kind}", (used - before.get(kind, 0.0)) / tasks * 1000, "ms")
            for kind, used in after.items()
        ),
        *latency("first page of jobs", times(lambda: client.get("/jobs"), SAMPLES)),
        *latency(
            "first page of jobs that are completed",
            times(lambda: client.get("/jobs", **{"$filter": "state eq 'completed'"}), SAMPLES),
            "<= 50",
        ),
        *yard.memory("with all jobs", "<= 400"),
    ]
    yard.delete_pool("jobs")
    return figures
