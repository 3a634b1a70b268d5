"""Measure the service beside a bare C loop that starts the same processes.

``make bench``, or ``python -m benchmarks.bench --tasks 10000 --json figures.json``.

One node with four slots runs tasks of ``/bin/true``, each with a directory, ``stdout.txt`` and
``stderr.txt``. They are added by hundreds over one connection while the node runs. The C loop does
the same with four processes in flight, before and after, on the same new file system. Wall times
move with the load of the machine; CPU per task and its ratio to the loop's move far less.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import machine
from benchmarks.client import Client
from tests import processes, service
from tests.service import Service

SLOTS = 4
COLLECTION = 100
PROGRAM = "/bin/true"
POLL_SECONDS = 0.01
SINGLE_POLL_SECONDS = 0.001
#: After the last task: time for what the service still does on account of it.
SETTLE_SECONDS = 0.3

POOL = {
    "id": "bench",
    "vmSize": "standard_d2_v3",
    "targetDedicatedNodes": 1,
    "taskSlotsPerNode": SLOTS,
    "virtualMachineConfiguration": {
        "imageReference": {
            "publisher": "canonical",
            "offer": "0001-com-ubuntu-server-jammy",
            "sku": "22_04-lts",
        },
        "nodeAgentSKUId": "batch.node.ubuntu 22.04",
    },
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run shows; the names carry the units."""

    tasks: int
    file_system: str
    processors: int
    load_average: float
    others_share_percent: float
    loop_tasks_per_second_before: float
    loop_tasks_per_second_after: float
    loop_cpu_milliseconds_per_task: float
    tasks_per_second: float
    cpu_milliseconds_per_task: float
    cpu_milliseconds_per_task_by_process: dict[str, float]
    rate_ratio: float
    cpu_ratio: float
    submitted_per_second: float
    single_task_milliseconds_p50: float
    single_task_milliseconds_p99: float
    idle_memory_mebibytes: float
    idle_processes: int
    start_seconds: float


@dataclass(frozen=True, slots=True)
class Loop:
    """One run of the C loop."""

    tasks_per_second: float
    cpu_milliseconds_per_task: float


@dataclass(frozen=True, slots=True)
class Throughput:
    """One run of many tasks through the service; CPU by kind of process."""

    tasks_per_second: float
    cpu_milliseconds_per_task: dict[str, float]
    submitted_per_second: float
    others_share_percent: float


def measure(file_system: machine.FileSystem, tasks: int, singles: int) -> Figures:
    """Run loop, service and loop again, and return all figures."""
    folder = file_system.folder
    program = compile_loop(folder)
    before = run_loop(program, folder / "before", tasks)
    start = time.perf_counter()
    running = service.start("--data", str(folder / "data"), "--port", "0", log=folder / "log")
    start_seconds = time.perf_counter() - start
    try:
        with Client(running.endpoint, running.account, running.key) as client:
            client.post("/pools", POOL)
            await_node(client)
            # Once, so that what is loaded on first need is loaded.
            run_tasks(client, running, "warm-up", COLLECTION)
            time.sleep(SETTLE_SECONDS)
            pids = list(kinds_of(running))
            idle_bytes = machine.proportional_bytes(pids)
            throughput = run_tasks(client, running, "many", tasks)
            latencies = run_singles(client, singles)
    finally:
        end(running, folder)
    after = run_loop(program, folder / "after", tasks)

    loop_rate = statistics.mean([before.tasks_per_second, after.tasks_per_second])
    loop_cpu = statistics.mean([before.cpu_milliseconds_per_task, after.cpu_milliseconds_per_task])
    cpu = sum(throughput.cpu_milliseconds_per_task.values())
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return Figures(
        tasks=tasks,
        file_system=file_system.description,
        processors=os.cpu_count() or 1,
        load_average=os.getloadavg()[0],
        others_share_percent=throughput.others_share_percent,
        loop_tasks_per_second_before=before.tasks_per_second,
        loop_tasks_per_second_after=after.tasks_per_second,
        loop_cpu_milliseconds_per_task=loop_cpu,
        tasks_per_second=throughput.tasks_per_second,
        cpu_milliseconds_per_task=cpu,
        cpu_milliseconds_per_task_by_process=throughput.cpu_milliseconds_per_task,
        rate_ratio=throughput.tasks_per_second / loop_rate,
        cpu_ratio=cpu / loop_cpu,
        submitted_per_second=throughput.submitted_per_second,
        single_task_milliseconds_p50=cuts[49],
        single_task_milliseconds_p99=cuts[98],
        idle_memory_mebibytes=idle_bytes / 1024**2,
        idle_processes=len(pids),
        start_seconds=start_seconds,
    )


def compile_loop(folder: Path) -> Path:
    """Compile the C loop and return its program."""
    program = folder / "spawn_loop"
    source = Path(__file__).with_name("spawn_loop.c")
    subprocess.run(["cc", "-O2", "-o", str(program), str(source)], check=True)
    return program


def run_loop(program: Path, folder: Path, tasks: int) -> Loop:
    """Run the C loop once in a folder of its own."""
    folder.mkdir()
    command = [str(program), str(tasks), str(SLOTS), str(folder), PROGRAM]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    elapsed, cpu = (float(field) for field in result.stdout.split())
    return Loop(tasks / elapsed, cpu / tasks * 1000)


def kinds_of(running: Service) -> dict[int, str]:
    """Return what the server and each process that it has started is, by process number."""
    started = {
        one.pid: "supervisor" if "supervisor" in one.command_line() else "agent"
        for one in running.look()
    }
    return {running.process.pid: "server", **started}


def await_node(client: Client) -> None:
    """Return once the node can take tasks."""

    def is_idle() -> bool:
        nodes = client.get("/pools/bench/nodes")["value"]
        return any(node["state"] == "idle" for node in nodes)

    poll(is_idle, POLL_SECONDS, 60)


def run_tasks(client: Client, running: Service, job: str, tasks: int) -> Throughput:
    """Add tasks by hundreds to a job of their own and wait until all of them have succeeded."""
    client.post("/jobs", {"id": job, "poolInfo": {"poolId": "bench"}})
    kinds = kinds_of(running)
    before = {pid: machine.cpu_time(pid) for pid in kinds}
    busy, bench, start = machine.busy_seconds(), time.process_time(), time.perf_counter()
    for first in range(0, tasks, COLLECTION):
        numbers = range(first, min(first + COLLECTION, tasks))
        wishes = [{"id": f"task-{number}", "commandLine": PROGRAM} for number in numbers]
        answer = client.post(f"/jobs/{job}/addtaskcollection", {"value": wishes})
        assert all(result["status"] == "success" for result in answer["value"]), answer
    submitted = time.perf_counter()

    def are_complete() -> bool:
        counts = client.get(f"/jobs/{job}/taskcounts")["taskCounts"]
        assert counts["failed"] == 0, counts
        return bool(counts["succeeded"] == tasks)

    poll(are_complete, POLL_SECONDS, 60 + tasks / 20)
    elapsed = time.perf_counter() - start
    others = machine.busy_seconds() - busy - (time.process_time() - bench)
    others -= sum(machine.cpu_time(pid).seconds - before[pid].seconds for pid in kinds)
    time.sleep(SETTLE_SECONDS)
    cpu = dict.fromkeys([*kinds.values(), "tasks"], 0.0)
    for pid, kind in kinds.items():
        after = machine.cpu_time(pid)
        cpu[kind] += (after.own_seconds - before[pid].own_seconds) / tasks * 1000
        cpu["tasks"] += (after.children_seconds - before[pid].children_seconds) / tasks * 1000
    return Throughput(
        tasks_per_second=tasks / elapsed,
        cpu_milliseconds_per_task=cpu,
        submitted_per_second=tasks / (submitted - start),
        others_share_percent=max(0.0, others / elapsed / (os.cpu_count() or 1) * 100),
    )


def run_singles(client: Client, count: int) -> list[float]:
    """Run tasks one at a time; return the milliseconds from adding each to seeing it completed."""
    client.post("/jobs", {"id": "single", "poolInfo": {"poolId": "bench"}})
    milliseconds = []
    for number in range(count):
        path = f"/jobs/single/tasks/task-{number}"

        def is_complete(path: str = path) -> bool:
            return bool(client.get(path, **{"$select": "state"})["state"] == "completed")

        start = time.perf_counter()
        client.post("/jobs/single/tasks", {"id": f"task-{number}", "commandLine": PROGRAM})
        poll(is_complete, SINGLE_POLL_SECONDS, 60)
        milliseconds.append((time.perf_counter() - start) * 1000)
    return milliseconds


def poll(condition: Callable[[], bool], interval_seconds: float, seconds_max: float) -> None:
    """Return once `condition` holds.

    Raises:
        TimeoutError: if it does not in time.
    """
    deadline = time.perf_counter() + seconds_max
    while not condition():
        if time.perf_counter() > deadline:
            raise TimeoutError
        time.sleep(interval_seconds)


def end(running: Service, folder: Path) -> None:
    """End the server with its node, whatever state they are in."""
    running.look()
    service.down(folder / "data")
    running.end(signal.SIGTERM)
    for one in running.seen.union(processes.about(folder)):
        if one.is_alive() and one.pid != os.getpid():
            os.kill(one.pid, signal.SIGKILL)


def table(figures: Figures) -> str:
    """Return the figures for a person to read."""
    one = figures
    rows = [
        ("", "batchyard", "C loop", "ratio"),
        (
            "tasks a second",
            f"{one.tasks_per_second:.0f}",
            f"{one.loop_tasks_per_second_before:.0f}, {one.loop_tasks_per_second_after:.0f}",
            f"{one.rate_ratio:.2f}",
        ),
        (
            "CPU a task, ms",
            f"{one.cpu_milliseconds_per_task:.2f}",
            f"{one.loop_cpu_milliseconds_per_task:.2f}",
            f"{one.cpu_ratio:.2f}",
        ),
        *(
            (f"  {kind}", f"{milliseconds:.2f}", "", "")
            for kind, milliseconds in one.cpu_milliseconds_per_task_by_process.items()
        ),
        ("submitted a second", f"{one.submitted_per_second:.0f}", "", ""),
        ("single task p50, ms", f"{one.single_task_milliseconds_p50:.1f}", "", ""),
        ("single task p99, ms", f"{one.single_task_milliseconds_p99:.1f}", "", ""),
        ("idle memory (PSS), MiB", f"{one.idle_memory_mebibytes:.0f}", "", ""),
        ("start to ready line, s", f"{one.start_seconds:.2f}", "", ""),
    ]
    lines = [f"{name:24}{ours:>12}{loop:>16}{ratio:>8}" for name, ours, loop, ratio in rows]
    where = f"{one.tasks} tasks of {PROGRAM}, one node, {SLOTS} slots, on {one.file_system}"
    beside = f"load {one.load_average:.1f}, other programs {one.others_share_percent:.0f} %"
    machine_words = f"{one.processors} processors, {beside}; {one.idle_processes} processes of ours"
    return "\n".join([*lines, "", where, machine_words])


def main() -> int:
    """Measure once and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=1000, help="default: %(default)s")
    parser.add_argument(
        "--singles", type=int, default=200, help="tasks run one at a time, default: %(default)s"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    # Being asked to end must not leave a mounted file system behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with machine.fresh_file_system() as file_system:
        figures = measure(file_system, options.tasks, options.singles)
    print(table(figures))
    if options.json is not None:
        options.json.write_text(json.dumps(asdict(figures), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
