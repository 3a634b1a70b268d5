"""A client that lists all tasks in a loop: what it costs the tasks that run, and the commits."""

import statistics
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import perf_counter

from benchmarks.bench import poll
from benchmarks.many import beside, waiting
from benchmarks.many.figures import Figure, latency
from benchmarks.many.yard import POLL_SECONDS, Yard

TASKS_A_TURN = 2_500
ROUNDS = 6
WARM_UP = 500
SLOTS = 4
#: Pause between two small requests: they are to meet every phase of the work, not to be the load.
SMALL_PAUSE_SECONDS = 0.02

CONDITIONS = {
    "all of them": "",
    "the active ones": "state eq 'active'",
    "none, by exit code": "executionInfo/exitCode eq 7",
}


@dataclass(slots=True)
class _Seen:
    """What all turns of one kind have shown."""

    seconds: list[float] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    log_bytes: int = 0

    @property
    def rate(self) -> float:
        """Tasks a second in the median turn: one that was disturbed does not count."""
        return TASKS_A_TURN / statistics.median(self.seconds)

    @property
    def spread(self) -> list[Figure]:
        """The slowest and the fastest turn: differences that are smaller say nothing."""
        return [
            Figure("  in the slowest turn", TASKS_A_TURN / max(self.seconds), "tasks/s"),
            Figure("  in the fastest turn", TASKS_A_TURN / min(self.seconds), "tasks/s"),
        ]


def measure(yard: Yard, waiting_tasks: int) -> list[Figure]:
    """Run tasks by turns alone and beside each kind of list, so that all meet the same load."""
    waiting.ensure(yard, waiting_tasks)
    yard.create_pool("beside", nodes=0, slots=SLOTS)
    yard.resize("beside", 1)
    yard.create_job("small", waiting.POOL)
    _run(yard, "beside-warm", WARM_UP)
    alone = _Seen()
    seen = {kind: _Seen() for kind in CONDITIONS}
    for turn in range(ROUNDS):
        _turn(yard, f"beside-{turn}", alone)
        for number, (kind, one) in enumerate(seen.items()):
            _turn(yard, f"beside-{turn}-{number}", one, CONDITIONS[kind])
    yard.delete_pool("beside")
    return _figures(alone, seen)


def _turn(yard: Yard, job: str, seen: _Seen, condition: str | None = None) -> None:
    """Run a part of the tasks, beside a list with this condition unless there is none."""
    with ExitStack() as stack:
        small = beside.running(
            yard.address, beside.change_job, "small", pause_seconds=SMALL_PAUSE_SECONDS
        )
        beside_it = [(stack.enter_context(small), seen.changes)]
        if condition is not None:
            pages = beside.running(yard.address, beside.list_tasks, waiting.JOB, condition)
            beside_it.append((stack.enter_context(pages), seen.pages))
        seen.seconds.append(_run(yard, job, TASKS_A_TURN))
    for client, samples in beside_it:
        samples.extend(client.samples)
    seen.log_bytes = max(seen.log_bytes, yard.log_bytes)


def _run(yard: Yard, job: str, tasks: int) -> float:
    """Run tasks of a job of their own and return how many seconds that took."""
    yard.create_job(job, "beside")
    start = perf_counter()
    yard.add_tasks(job, tasks)
    poll(lambda: yard.completed(job) == tasks, POLL_SECONDS, 60 + tasks / 10)
    return perf_counter() - start


def _figures(alone: _Seen, seen: dict[str, _Seen]) -> list[Figure]:
    figures = [
        Figure("tasks a second alone", alone.rate, "tasks/s"),
        *alone.spread,
        *latency("  a small change", alone.changes, "<= 50"),
        Figure("  write-ahead log", alone.log_bytes / 1024**2, "MiB"),
    ]
    for kind, one in seen.items():
        figures += [
            Figure(f"tasks a second beside a list of {kind}", one.rate, "tasks/s"),
            *one.spread,
            Figure("  of those alone", one.rate / alone.rate, "x", ">= 0.7"),
            *latency("  a small change", one.changes, "<= 50"),
            *latency("  a page", one.pages),
            Figure("  pages a second", len(one.pages) / sum(one.seconds), ""),
            Figure("  write-ahead log", one.log_bytes / 1024**2, "MiB"),
        ]
    return figures
