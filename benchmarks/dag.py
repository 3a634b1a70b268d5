"""A hundred thousand tasks in a random graph: is the order kept, and does the cost stay flat?

``make dag``, or with fewer of them ``python -m benchmarks.dag --tasks 20000 --json figures.json``.

All tasks are added while there is no node; then real nodes run them with ``/bin/true``, and at the
end the times of every task are held against those of all that it depends on.

A random graph may run dry, and then it is not the service that is measured. So a task depends only
on tasks that are at least `LAG` numbers older: whatever the graph looks like, about so many tasks
are ready from the first completion to the last. In the last tenth, tasks have fewer dependents,
since there is nothing behind them; so the tenth before it is shown as well.
"""

import argparse
import json
import os
import random
import signal
import sys
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter

from benchmarks import machine
from benchmarks.bench import COLLECTION, PROGRAM
from benchmarks.many.figures import Figure, table
from benchmarks.many.running import WARM, Stretch, between, watch
from benchmarks.many.yard import STRETCH, Yard, started

NODES = 2
SLOTS = 4
#: How many numbers lie at least, and at most, between a task and what it depends on.
LAG = 2_000
REACH = 3_000
#: The most tasks that one depends on, and that depend on one.
FAN_MAX = 1_000
#: One in so many has a range, or a long list of ids, or very many dependents.
RANGE_EVERY = 100
LIST_EVERY = 500
HUB_EVERY = 500
#: Ids that an ordinary task names at most.
IDS_MAX = 6

JOB = "dag"


@dataclass(slots=True)
class Wish:
    """What one task depends on: numbers by their ids, and inclusive ranges of them."""

    ids: set[int]
    ranges: list[tuple[int, int]]

    def numbers(self) -> set[int]:
        """Return every number that has to be completed first."""
        return self.ids.union(*(range(start, end + 1) for start, end in self.ranges))


def draw(tasks: int, seed: int) -> list[Wish]:
    """Draw a graph; the same seed draws the same one."""
    dice = random.Random(seed)
    wishes = [Wish(set(), []) for _ in range(tasks)]
    for number in range(LAG + 1, tasks):
        oldest, newest = max(0, number - LAG - REACH), number - LAG
        wish = wishes[number]
        if number % RANGE_EVERY == 0:
            start = dice.randint(oldest, newest)
            wish.ranges.append((start, min(newest, start + dice.randrange(FAN_MAX))))
        elif number % LIST_EVERY == 1:
            most = min(FAN_MAX, newest - oldest)
            wish.ids.update(dice.sample(range(oldest, newest), dice.randint(1, most)))
        else:
            wish.ids.update(dice.randint(oldest, newest) for _ in range(dice.randint(0, IDS_MAX)))
    for hub in range(0, tasks - LAG - REACH, HUB_EVERY):
        behind = range(hub + LAG, hub + LAG + REACH)
        for number in dice.sample(behind, dice.randint(1, FAN_MAX)):
            if len(wishes[number].ids) < FAN_MAX:
                wishes[number].ids.add(hub)
    return wishes


def add(yard: Yard, wishes: list[Wish]) -> float:
    """Add every task by hundreds; return how many seconds that takes."""
    start = perf_counter()
    for first in range(0, len(wishes), COLLECTION):
        body = {
            "value": [
                {"id": str(number), "commandLine": PROGRAM, "dependsOn": _depends_on(wish)}
                for number, wish in enumerate(wishes[first : first + COLLECTION], first)
            ]
        }
        answer = yard.client.post(f"/jobs/{JOB}/addtaskcollection", body)
        assert all(result["status"] == "success" for result in answer["value"]), answer
    return perf_counter() - start


def _depends_on(wish: Wish) -> dict[str, object]:
    return {
        "taskIds": [str(number) for number in sorted(wish.ids)],
        "taskIdRanges": [{"start": start, "end": end} for start, end in wish.ranges],
    }


def broken(yard: Yard, wishes: list[Wish]) -> list[str]:
    """Return in words each task that began before something that it depends on was over."""
    times: dict[int, tuple[str, str]] = {}
    page = yard.client.get(f"/jobs/{JOB}/tasks", **{"$select": "id,executionInfo"})
    while True:
        for task in page["value"]:
            info = task["executionInfo"]
            times[int(task["id"])] = _comparable(info["startTime"]), _comparable(info["endTime"])
        if "odata.nextLink" not in page:
            break
        page = yard.client.follow(page["odata.nextLink"])
    assert len(times) == len(wishes), f"{len(times)} of {len(wishes)} tasks are in the list"
    return [
        f"task {number} began at {times[number][0]}, {parent} was over at {times[parent][1]}"
        for number, wish in enumerate(wishes)
        for parent in wish.numbers()
        if times[number][0] < times[parent][1]
    ]


def _comparable(instant: str) -> str:
    """Return an instant so that the order of texts is that of time: its fraction may be absent."""
    seconds, _, fraction = instant.removesuffix("Z").partition(".")
    return f"{seconds}.{fraction:0<7}"


def measure(yard: Yard, tasks: int, seed: int) -> list[Figure]:
    """Run the whole graph and return what it shows."""
    wishes = draw(tasks, seed)
    dependencies = sum(len(wish.numbers()) for wish in wishes)
    yard.create_pool("dag", nodes=0, slots=SLOTS)
    job = {"id": JOB, "poolInfo": {"poolId": "dag"}, "usesTaskDependencies": True}
    yard.client.post("/jobs", job)
    seconds = add(yard, wishes)
    yard.resize("dag", NODES)
    looks = watch(yard, JOB, tasks)
    wrong = broken(yard, wishes)
    assert not wrong, f"{len(wrong)} out of order, among them: {wrong[:3]}"
    stretch = min(STRETCH, tasks // 3)
    first = between(looks, WARM, WARM + stretch)
    last = between(looks, tasks - stretch, tasks)
    bounds = [max(WARM, tasks * tenth // 10) for tenth in range(11)]
    tenths = [between(looks, begin, end) for begin, end in pairwise(bounds)]
    figures = [
        Figure("tasks", tasks, ""),
        Figure("dependencies of a task", dependencies / tasks, ""),
        Figure("tasks added a second", tasks / seconds, "tasks/s"),
        Figure(f"tasks a second, first {stretch:,}", first.rate, "tasks/s"),
        Figure(f"tasks a second, last {stretch:,}", last.rate, "tasks/s"),
        Figure("  of the first", last.rate / first.rate, "x", ">= 0.9"),
        Figure("  by the processors that others left", _shared(last) / _shared(first), "x"),
        Figure("tasks a second, all", looks[-1].completed / looks[-1].seconds, "tasks/s"),
        *(
            Figure(f"tasks a second, tenth {place}", one.rate, "tasks/s")
            for place, one in enumerate(tenths, 1)
        ),
        Figure("processors that others kept busy, first", first.others, ""),
        Figure("processors that others kept busy, last", last.others, ""),
    ]
    for kind in first.cpu:
        figures.append(Figure(f"CPU a task, first: {kind}", first.cpu[kind], "ms"))
        figures.append(Figure(f"CPU a task, tenth 9: {kind}", tenths[8].cpu[kind], "ms"))
        figures.append(Figure(f"CPU a task, last: {kind}", last.cpu[kind], "ms"))
    return figures + yard.memory("after running", "<= 400")


def _shared(stretch: Stretch) -> float:
    """Return a rate for each processor that others left: what a busy machine can be compared by."""
    return stretch.rate / ((os.cpu_count() or 1) - stretch.others)


def main() -> int:
    """Measure once and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=100_000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the graph, default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with machine.fresh_file_system() as place, started(place.folder) as yard:
        figures = measure(yard, options.tasks, options.seed)
    print(table({"a random graph": figures}))
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(one) for one in figures], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
