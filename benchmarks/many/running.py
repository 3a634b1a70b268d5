"""A hundred thousand tasks on one node: do the last run as fast as the first?"""

from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter, process_time

from benchmarks import machine
from benchmarks.bench import poll
from benchmarks.many.figures import Figure
from benchmarks.many.yard import POLL_SECONDS, STRETCH, Yard

SLOTS = 4
#: From here on node and processes are warm.
WARM = 100


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one moment."""

    seconds: float
    completed: int
    cpu: dict[str, float]
    #: Processor time that others have used: neither the yard nor this client.
    others_seconds: float


def measure(yard: Yard, tasks: int) -> list[Figure]:
    """Add all tasks while there is no node, then bring up one, and look until all have run."""
    yard.create_pool("one", nodes=0, slots=SLOTS)
    yard.create_job("many", "one")
    before = yard.database_bytes
    yard.add_tasks("many", tasks)
    yard.resize("one", 1)
    looks = watch(yard, "many", tasks)
    stretch = min(STRETCH, tasks // 3)
    first = between(looks, WARM, WARM + stretch)
    last = between(looks, tasks - stretch, tasks)
    bounds = [max(WARM, tasks * tenth // 10) for tenth in range(11)]
    tenths = [between(looks, begin, end) for begin, end in pairwise(bounds)]
    figures = [
        Figure(f"tasks a second, first {stretch:,}", first.rate, "tasks/s"),
        Figure(f"tasks a second, last {stretch:,}", last.rate, "tasks/s"),
        Figure("  of the first", last.rate / first.rate, "x", ">= 0.9"),
        Figure("tasks a second, all", looks[-1].completed / looks[-1].seconds, "tasks/s"),
        Figure("  in the slowest tenth", min(one.rate for one in tenths), "tasks/s"),
        Figure("  in the fastest tenth", max(one.rate for one in tenths), "tasks/s"),
        Figure("processors that others kept busy, first", first.others, ""),
        Figure("processors that others kept busy, last", last.others, ""),
    ]
    for kind in first.cpu:
        figures.append(Figure(f"CPU a task, first: {kind}", first.cpu[kind], "ms"))
        figures.append(Figure(f"CPU a task, last: {kind}", last.cpu[kind], "ms"))
    figures.append(Figure("disk for each", (yard.database_bytes - before) / tasks, "bytes"))
    figures += yard.memory("after running", "<= 400")
    yard.delete_pool("one")
    return figures


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the tasks between two looks have cost."""

    rate: float
    cpu: dict[str, float]
    #: How many processors others kept busy meanwhile: what a rate has to be read with.
    others: float


def watch(yard: Yard, job: str, tasks: int) -> list[Look]:
    """Look at a job until so many of its tasks are completed."""
    start, looks = perf_counter(), list[Look]()

    def is_over() -> bool:
        completed = yard.completed(job)
        looks.append(_look(yard, perf_counter() - start, completed))
        return completed >= tasks

    poll(is_over, POLL_SECONDS, 60 + tasks / 20)
    return looks


def _look(yard: Yard, seconds: float, completed: int) -> Look:
    cpu = yard.cpu()
    others = machine.busy_seconds() - sum(cpu.values()) - process_time()
    return Look(seconds, completed, cpu, others)


def between(looks: list[Look], begin: int, end: int) -> Stretch:
    """Return what it cost from the look that saw `begin` completed to the one that saw `end`."""
    one = next(look for look in looks if look.completed >= begin)
    two = next(look for look in looks if look.completed >= end)
    tasks = two.completed - one.completed
    cpu = {kind: (two.cpu[kind] - one.cpu.get(kind, 0.0)) / tasks * 1000 for kind in two.cpu}
    seconds = two.seconds - one.seconds
    return Stretch(tasks / seconds, cpu, (two.others_seconds - one.others_seconds) / seconds)
