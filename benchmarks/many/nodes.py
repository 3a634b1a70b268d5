"""Sixty-four local nodes in one pool."""

from collections import Counter
from time import perf_counter

from benchmarks import machine
from benchmarks.bench import kinds_of, poll
from benchmarks.many.figures import Figure
from benchmarks.many.yard import POLL_SECONDS, Yard

TASKS_A_NODE = 50


def measure(yard: Yard, nodes: int) -> list[Figure]:
    """Bring up all nodes, then run tasks that are spread over them."""
    yard.create_pool("wide", nodes=0, slots=1)
    before = yard.cpu()["server"]
    seconds = yard.resize("wide", nodes)
    cpu = yard.cpu()["server"] - before
    processes = [pid for pid, kind in kinds_of(yard.running).items() if kind != "server"]
    memory = machine.proportional_bytes(processes) / 1024**2
    tasks = nodes * TASKS_A_NODE
    yard.create_job("wide", "wide")
    start = perf_counter()
    yard.add_tasks("wide", tasks)
    poll(lambda: yard.completed("wide") == tasks, POLL_SECONDS, 60 + tasks / 10)
    rate = tasks / (perf_counter() - start)
    ran = Counter({node["id"]: node["totalTasksSucceeded"] for node in yard.nodes("wide")})
    figures = [
        Figure("until all nodes are idle", seconds, "s"),
        Figure("server CPU for each of them", cpu / nodes * 1000, "ms"),
        Figure("memory of a node (PSS)", memory / nodes, "MiB"),
        Figure("processes of a node", len(processes) / nodes, ""),
        Figure("tasks a second", rate, "tasks/s"),
        Figure("tasks of the busiest node", max(ran.values()), f"of {tasks:,}"),
        Figure("tasks of the idlest node", min(ran.values()), f"of {tasks:,}"),
        *yard.memory("with all nodes", "<= 400"),
    ]
    yard.delete_pool("wide")
    return figures
