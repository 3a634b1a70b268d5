"""The first tasks of a million: what those that wait behind them in the same job cost them."""

import statistics

from benchmarks.many import waiting
from benchmarks.many.figures import Figure
from benchmarks.many.running import WARM, Stretch, between, watch
from benchmarks.many.yard import Yard

TASKS = 2_500
ROUNDS = 4


def measure(yard: Yard, waiting_tasks: int) -> list[Figure]:
    """Run some tasks of the large job and as many of a small one by turns, on one node each."""
    waiting.ensure(yard, waiting_tasks)
    small, large = list[Stretch](), list[Stretch]()
    yard.create_pool("small", nodes=0, slots=waiting.SLOTS)
    for turn in range(ROUNDS):
        job = f"small-{turn}"
        yard.create_job(job, "small")
        yard.add_tasks(job, WARM + TASKS)
        small.append(_run(yard, "small", job))
        large.append(_run(yard, waiting.POOL, waiting.JOB))
    yard.delete_pool("small")
    one, two = (_median(stretches) for stretches in (small, large))
    figures = [
        Figure("tasks a second, none behind them", one.rate, "tasks/s"),
        Figure(f"tasks a second, {waiting_tasks:,} behind them", two.rate, "tasks/s"),
        Figure("  of the former", two.rate / one.rate, "x", ">= 0.9"),
        Figure("processors that others kept busy, none behind", one.others, ""),
        Figure("processors that others kept busy, all behind", two.others, ""),
    ]
    for kind in one.cpu:
        figures.append(Figure(f"CPU a task, none behind: {kind}", one.cpu[kind], "ms"))
        figures.append(Figure(f"CPU a task, all behind: {kind}", two.cpu[kind], "ms"))
    return [*figures, *yard.memory("after running", "<= 400")]


def _run(yard: Yard, pool: str, job: str) -> Stretch:
    """Give a pool a node until it has run some tasks more, and say what they have cost."""
    begin = yard.completed(job) + WARM
    yard.resize(pool, 1)
    looks = watch(yard, job, begin + TASKS)
    yard.resize(pool, 0)
    return between(looks, begin, begin + TASKS)


def _median(stretches: list[Stretch]) -> Stretch:
    kinds = stretches[0].cpu
    return Stretch(
        rate=statistics.median(one.rate for one in stretches),
        cpu={kind: statistics.median(one.cpu[kind] for one in stretches) for kind in kinds},
        others=statistics.median(one.others for one in stretches),
    )
