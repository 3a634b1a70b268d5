"""Measure the service with very many tasks, jobs and nodes.

``python -m benchmarks.many``, or with fewer of them
``python -m benchmarks.many --waiting 100000 --run 10000 --parts waiting,running``.

All parts are of one server on one new file system, in this order; the waiting tasks stay there
until the last part deletes them. Wall times move with the load of the machine, CPU times little.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

from benchmarks import machine
from benchmarks.many import backlog, deleting, jobs, listing, nodes, running, waiting
from benchmarks.many.figures import Figure, table
from benchmarks.many.yard import Yard, started

Part = Callable[[Yard], list[Figure]]


def parts(options: argparse.Namespace) -> dict[str, Part]:
    """Return every part by its name, in order."""
    return {
        "waiting": lambda yard: waiting.measure(yard, options.waiting),
        "running": lambda yard: running.measure(yard, options.run),
        "jobs": lambda yard: jobs.measure(yard, options.jobs),
        "nodes": lambda yard: nodes.measure(yard, options.nodes),
        "listing": lambda yard: listing.measure(yard, options.waiting),
        "backlog": lambda yard: backlog.measure(yard, options.waiting),
        "deleting": lambda yard: deleting.measure(yard, options.waiting),
    }


def main() -> int:
    """Measure once and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--waiting", type=int, default=1_000_000, help="tasks that wait")
    parser.add_argument("--run", type=int, default=100_000, help="tasks that one node runs")
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs of two tasks each")
    parser.add_argument("--nodes", type=int, default=64, help="local nodes of one pool")
    parser.add_argument("--parts", default="", help="some parts only: names with commas")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = options.parts.split(",") if options.parts else list(parts(options))
    shown: dict[str, list[Figure]] = {}
    with machine.fresh_file_system() as place, started(place.folder) as yard:
        for name, measure in parts(options).items():
            if name not in wanted:
                continue
            start = perf_counter()
            shown[name] = measure(yard)
            print(table({name: shown[name]}), flush=True)
            seconds = perf_counter() - start
            print(f"  {'(the part took)':<62}{seconds:>16,.0f} s", flush=True)
    if options.json is not None:
        figures = {name: [asdict(one) for one in part] for name, part in shown.items()}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"\n{os.cpu_count()} processors, {load}, on {place.description}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
