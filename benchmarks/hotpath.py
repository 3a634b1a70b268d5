"""Where each microsecond of a task goes: ``make hotpath``.

First the whole service runs tasks as in ``make bench``, and the system says what each thread of
each process used. Then the engine alone runs as many in this process, against a real store and a
node that is played, under Python's profiler: it tells which part of the code the writer's share is
made of. The profiler slows calls down, so its times are scaled to those of a run without it.
"""

import argparse
import cProfile
import pstats
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Final

from batchyard.core.keys import NodeKey
from batchyard.core.specs import TaskSpec
from batchyard.engine import commands, news
from batchyard.engine.fleet_ports import NodeReported
from batchyard.link import messages
from benchmarks import bench, machine
from benchmarks.client import Client
from tests import service
from tests.engine.world import ACCOUNT, World

#: Parts of the writer's work by what their files' names begin with; the first that fits counts.
PARTS: Final = {
    "core/placement": "choosing nodes (core/placement)",
    "engine/placing": "looking at a pool, placing (engine/placing)",
    "engine/ready": "looking at a pool, placing (engine/placing)",
    "core/": "life cycles (core)",
    "engine/news": "taking reports (engine/news)",
    "engine/commands": "taking requests (engine/commands)",
    "engine/orders": "orders to nodes (engine/orders)",
    "engine/": "carrying events (engine/cascade)",
    "store/": "rows and parameters (store)",
}
SQLITE: Final = "SQLite"
OTHER: Final = "the rest"

#: Tasks that the played node reports together, about as many as a real one with four slots.
BATCH: Final = 25


@dataclass(frozen=True, slots=True)
class Share:
    """What a thread used for one task, in microseconds."""

    process: str
    thread: str
    user: float
    system: float


def of_processes(tasks: int) -> list[Share]:
    """Run tasks through a whole service; return what each thread and all tasks used."""
    with machine.fresh_file_system() as place:
        folder = place.folder
        running = service.start("--data", str(folder / "data"), "--port", "0", log=folder / "log")
        try:
            with Client(running.endpoint, running.account, running.key) as client:
                client.post("/pools", bench.POOL)
                bench.await_node(client)
                bench.run_tasks(client, running, "warm-up", bench.COLLECTION)
                kinds = bench.kinds_of(running)
                before = {pid: threads_of(pid) for pid in kinds}
                seen = bench.run_tasks(client, running, "many", tasks)
                after = {pid: threads_of(pid) for pid in kinds}
        finally:
            bench.end(running, folder)
    shares = [Share("tasks", "", seen.cpu_milliseconds_per_task["tasks"] * 1000, 0.0)]
    for pid, kind in kinds.items():
        for name, (user, system) in after[pid].items():
            user_before, system_before = before[pid].get(name, (0.0, 0.0))
            used = (user - user_before) / tasks * 1e6, (system - system_before) / tasks * 1e6
            if sum(used) >= 1:
                shares.append(Share(kind, name, *used))
    return shares


def threads_of(pid: int) -> dict[str, tuple[float, float]]:
    """Return the seconds of user and system time of each thread of a process, in their order."""
    found = {}
    for number, thread in enumerate(sorted(Path(f"/proc/{pid}/task").iterdir(), key=_number), 1):
        fields = (thread / "stat").read_text().rpartition(")")[2].split()
        ticks = machine.TICKS_PER_SECOND
        found[f"thread {number}"] = int(fields[11]) / ticks, int(fields[12]) / ticks
    return found


def _number(thread: Path) -> int:
    return int(thread.name)


class Played:
    """An engine with a store, and a node that reports what it is told to run as ended at once."""

    def __init__(self, folder: Path, tasks: int) -> None:
        self.world = World(folder)
        self.world.pool(slots=bench.SLOTS)
        self.world.job()
        self.tasks = tasks
        self._waiting: list[str] = []

    def add(self) -> None:
        """Add the tasks by hundreds."""
        for first in range(0, self.tasks, bench.COLLECTION):
            numbers = range(first, first + bench.COLLECTION)
            specs = [TaskSpec(id=f"t{number}", command_line="/bin/true") for number in numbers]
            self.world.do(commands.add_tasks, ACCOUNT, "job", specs)

    def run(self) -> None:
        """Report every execution, in batches."""
        number = 1
        while batch := self._told(BATCH):
            reports: list[messages.Report] = []
            for name in batch:
                reports += [self.world.started(name), self.world.ended(name)]
            event = NodeReported(NodeKey(1), 1, messages.Reports(number, reports))
            self.world.do(news.take, event)
            number += len(reports)
        counts = self.world.store.reads.task_counts(ACCOUNT, "job")
        assert counts.succeeded == self.tasks, counts

    def _told(self, most: int) -> list[str]:
        """Return what the node was told to run next, of as many as it was told."""
        orders = self.world.fleet.orders[NodeKey(1)]
        for order in orders:
            if isinstance(order, messages.Assign):
                self._waiting += (one.execution_id for one in order.executions)
        orders.clear()
        batch, self._waiting = self._waiting[:most], self._waiting[most:]
        return batch


def of_engine(tasks: int) -> tuple[float, float, dict[str, float]]:
    """Return the microseconds for adding and for running one task, and the latter by part."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Played(Path(folder), tasks)
        add, run = _microseconds(plain.add, tasks), _microseconds(plain.run, tasks)
    with tempfile.TemporaryDirectory() as folder:
        profiled = Played(Path(folder), tasks)
        profiled.add()
        profile = cProfile.Profile()
        profile.runcall(profiled.run)
    parts = by_part(pstats.Stats(profile))
    scale = run / sum(parts.values())
    return add, run, {part: seconds * scale for part, seconds in parts.items()}


def _microseconds(action: Callable[[], None], tasks: int) -> float:
    start = time.process_time()
    action()
    return (time.process_time() - start) / tasks * 1e6


def by_part(stats: pstats.Stats) -> dict[str, float]:
    """Return the seconds by part; what is built in counts for whoever calls it."""
    parts: dict[str, float] = defaultdict(float)
    found: dict[tuple[str, int, str], tuple[int, int, float, float, dict]]  # type: ignore[type-arg]
    found = stats.stats  # type: ignore[attr-defined]  # Documented, and not in its types.
    for (file, _, name), (_, _, own, _, callers) in found.items():
        if file != "~":
            parts[_part(file)] += own
        elif "sqlite3" in name:
            parts[SQLITE] += own
        else:
            for (caller, _, _), (_, _, share, _) in callers.items():
                parts[_part(caller)] += share
    return parts


def _part(file: str) -> str:
    inside = file.rpartition("/batchyard/")[2]
    return next((part for begin, part in PARTS.items() if inside.startswith(begin)), OTHER)


def main() -> int:
    """Measure once and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=6000, help="default: %(default)s")
    options = parser.parse_args()
    shares = of_processes(options.tasks)
    print(f"{'microseconds a task':40}{'user':>8}{'system':>8}{'both':>8}")
    for one in shares:
        both = one.user + one.system
        name = f"{one.process} {one.thread}"
        print(f"{name:40}{one.user:8.0f}{one.system:8.0f}{both:8.0f}")
    print(f"{'all':56}{sum(one.user + one.system for one in shares):8.0f}\n")
    add, run, parts = of_engine(options.tasks)
    print(f"{'the engine alone, adding':56}{add:8.1f}")
    print(f"{f'the engine alone, running, {BATCH} a batch':56}{run:8.1f}")
    for part, microseconds in sorted(parts.items(), key=itemgetter(1), reverse=True):
        print(f"  {part:54}{microseconds:8.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
