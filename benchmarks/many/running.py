"""A hundred thousand tasks on one node: do the last run as fast as the first?"""

from dataclasses import dataclass
from time import perf_counter

from benchmarks.bench import poll
from benchmarks.many.figures import Figure
from benchmarks.many.yard import POLL_SECONDS, STRETCH, Yard

SLOTS = 4
#: From here on node and processes are warm.
WARM = 100


@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen at one moment."""

    seconds: float
    completed: int
    cpu: dict[str, float]


def measure(yard: Yard, tasks: int) -> list[Figure]:
    """Add all tasks while there is no node, then bring up one, and look until all have run."""
    yard.create_pool("one", nodes=0, slots=SLOTS)
    yard.create_job("many", "one")
    before = yard.database_bytes
    yard.add_tasks("many", tasks)
    yard.resize("one", 1)
    looks = _watch(yard, tasks)
    stretch = min(STRETCH, tasks // 3)
    first = _between(looks, WARM, WARM + stretch)
    last = _between(looks, tasks - stretch, tasks)
    figures = [
        Figure(f"tasks a second, first {stretch:,}", first.rate, "tasks/s"),
        Figure(f"tasks a second, last {stretch:,}", last.rate, "tasks/s"),
        Figure("  of the first", last.rate / first.rate, "x", ">= 0.9"),
        Figure("tasks a second, all", looks[-1].completed / looks[-1].seconds, "tasks/s"),
    ]
    for kind in first.cpu:
        figures.append(Figure(f"CPU a task, first: {kind}", first.cpu[kind], "ms"))
        figures.append(Figure(f"CPU a task, last: {kind}", last.cpu[kind], "ms"))
    figures.append(Figure("disk for each", (yard.database_bytes - before) / tasks, "bytes"))
    figures += yard.memory("after running", "<= 400")
    yard.delete_pool("one")
    return figures


@dataclass(frozen=True, slots=True)
class _Stretch:
    rate: float
    cpu: dict[str, float]


def _watch(yard: Yard, tasks: int) -> list[_Look]:
    start, looks = perf_counter(), list[_Look]()

    def is_over() -> bool:
        completed = yard.completed("many")
        looks.append(_Look(perf_counter() - start, completed, yard.cpu()))
        return completed == tasks

    poll(is_over, POLL_SECONDS, 60 + tasks / 20)
    return looks


def _between(looks: list[_Look], begin: int, end: int) -> _Stretch:
    """Return rate and CPU from the look that saw `begin` completed to the one that saw `end`."""
    one = next(look for look in looks if look.completed >= begin)
    two = next(look for look in looks if look.completed >= end)
    tasks = two.completed - one.completed
    cpu = {kind: (two.cpu[kind] - one.cpu.get(kind, 0.0)) / tasks * 1000 for kind in two.cpu}
    return _Stretch(tasks / (two.seconds - one.seconds), cpu)
