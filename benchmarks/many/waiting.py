"""A million tasks that wait: adding them, reading them, and a start with all of them there."""

from itertools import pairwise
from time import perf_counter

from benchmarks.many.figures import Figure, latency, times
from benchmarks.many.yard import STRETCH, Yard

JOB = "waiting"
#: Its pool, which has no nodes.
POOL = "nowhere"
SLOTS = 4
SAMPLES = 100
PAGE_SAMPLES = 100

FILTERS = {
    "all of them": "state eq 'active'",
    "none": "state eq 'running'",
    "none by exit code": "executionInfo/exitCode eq 7",
    "none by exit code and state": "state eq 'active' and executionInfo/exitCode eq 7",
    "one by id": "id eq 'task-0000777'",
    "ten by the start of their id": "startswith(id,'task-000077')",
    "all by the start of their id": "startswith(id,'task-')",
}


def measure(yard: Yard, tasks: int) -> list[Figure]:
    """Add `tasks` tasks to a job whose pool has no nodes, read them, and start twice with them."""
    _create(yard)
    before = yard.cpu()["server"]
    answered = yard.add_tasks(JOB, tasks)
    cpu = yard.cpu()["server"] - before
    tenth = len(answered) // 10
    first = tasks / 10 / answered[tenth - 1]
    last = tasks / 10 / (answered[-1] - answered[-1 - tenth])
    slowest = sorted(after - before for before, after in pairwise(answered))
    figures = [
        Figure("added a second, first tenth", first, "tasks/s", ">= 10,000"),
        Figure("added a second, last tenth", last, "tasks/s", ">= 10,000"),
        Figure("  of the first", last / first, "x"),
        Figure("server CPU for adding one", cpu / tasks * 1e6, "us"),
        Figure("a hundred added, p99", slowest[len(slowest) * 99 // 100] * 1000, "ms"),
        Figure("a hundred added, slowest", slowest[-1] * 1000, "ms"),
        Figure("database", yard.database_bytes / 1024**2, "MiB"),
        Figure("  for each task", yard.database_bytes / tasks, "bytes"),
        Figure("write-ahead log", yard.log_bytes / 1024**2, "MiB"),
        *yard.memory("after adding", "<= 400"),
    ]
    figures += _reads(yard, tasks)
    figures += yard.memory("after reading", "<= 400")
    yard.stop()
    figures += _start(yard, "after an orderly end")
    yard.kill()
    figures += _start(yard, "after kill -9")
    figures += yard.memory("after the start", "<= 400")
    return figures


def _start(yard: Yard, when: str) -> list[Figure]:
    start = perf_counter()
    ready = yard.start()
    yard.client.get(f"/jobs/{JOB}/taskcounts")
    answered = perf_counter() - start
    return [
        Figure(f"start {when}, to the ready line", ready, "s", "<= 10"),
        Figure("  to the first answer", answered, "s"),
    ]


def _reads(yard: Yard, tasks: int) -> list[Figure]:
    client, path = yard.client, f"/jobs/{JOB}/tasks"
    middle = f"task-{tasks // 2:07d}"
    link = client.get(path)["odata.nextLink"]
    half = link.replace("skiptoken=1000", f"skiptoken={tasks // 2}")
    figures = [
        *latency("task counts", times(lambda: client.get(f"/jobs/{JOB}/taskcounts"), SAMPLES)),
        *latency(
            "why its tasks wait",
            times(lambda: client.get(f"/-/jobs/{JOB}/waiting"), SAMPLES),
            "<= 50",
        ),
        *latency(
            "why one task waits",
            times(lambda: client.get(f"/-/jobs/{JOB}/tasks/{middle}/waiting"), SAMPLES),
            "<= 50",
        ),
        *latency("one task", times(lambda: client.get(f"{path}/{middle}"), SAMPLES)),
        *latency("first page", times(lambda: client.get(path), PAGE_SAMPLES)),
        *latency("page from the middle", times(lambda: client.follow(half), PAGE_SAMPLES)),
        *latency(
            "first page, $select=id,state",
            times(lambda: client.get(path, **{"$select": "id,state"}), PAGE_SAMPLES),
        ),
        *latency(
            "first page, maxresults=10",
            times(lambda: client.get(path, maxresults="10"), SAMPLES),
        ),
    ]
    for words, condition in FILTERS.items():
        query = {"$filter": condition}
        samples = times(lambda query=query: client.get(path, **query), PAGE_SAMPLES)  # type: ignore[misc]
        figures += latency(f"first page of {words}", samples, "<= 50")
    return figures


def ensure(yard: Yard, tasks: int) -> None:
    """Have the waiting tasks there, without measuring."""
    if not yard.has_job(JOB):
        _create(yard)
        yard.add_tasks(JOB, max(tasks, STRETCH))


def _create(yard: Yard) -> None:
    yard.create_pool(POOL, nodes=0, slots=SLOTS)
    yard.create_job(JOB, POOL)
