"""Ten thousand jobs of a few tasks each, in one pool."""

from time import perf_counter

from benchmarks.bench import poll
from benchmarks.many.figures import Figure, latency, times
from benchmarks.many.yard import POLL_SECONDS, Yard

TASKS_A_JOB = 2
SLOTS = 4
SAMPLES = 100

#: Queries of a first page. The one for none has to look at every job.
PAGES = {
    "first page of jobs": {},
    "first page of jobs, $select=id,state": {"$select": "id,state"},
    "first page of jobs that are active": {"$filter": "state eq 'active'"},
    "first page of jobs that are completed: none": {"$filter": "state eq 'completed'"},
    "first page of the jobs of another pool: none": {"$filter": "executionInfo/poolId eq 'no'"},
    "one job by id": {"$filter": "id eq 'job-77'"},
    "jobs by the start of their id": {"$filter": "startswith(id,'job-77')"},
}


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
    figures = [
        Figure("jobs created with their tasks", jobs / created, "jobs/s"),
        Figure("tasks a second", tasks / seconds, "tasks/s"),
        *(
            Figure(f"CPU a task: {kind}", (used - before.get(kind, 0.0)) / tasks * 1000, "ms")
            for kind, used in after.items()
        ),
        *_reads(yard, jobs),
        *yard.memory("with all jobs", "<= 400"),
    ]
    yard.delete_pool("jobs")
    return figures


def _reads(yard: Yard, jobs: int) -> list[Figure]:
    client, middle = yard.client, f"/jobs/job-{jobs // 2}"
    figures = [
        *latency("one job", times(lambda: client.get(middle), SAMPLES)),
        *latency("task counts", times(lambda: client.get(f"{middle}/taskcounts"), SAMPLES)),
    ]
    for words, query in PAGES.items():
        samples = times(lambda query=query: client.get("/jobs", **query), SAMPLES)  # type: ignore[misc]
        figures += latency(words, samples, "<= 50")
    return figures
