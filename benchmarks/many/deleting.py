"""The end of a job with a million tasks: others must not notice it."""

from contextlib import ExitStack
from time import perf_counter

from benchmarks.many import beside, waiting
from benchmarks.many.figures import Figure, latency
from benchmarks.many.yard import Yard

PAUSE_SECONDS = 0.005


def measure(yard: Yard, waiting_tasks: int) -> list[Figure]:
    """Terminate, then delete the job, while others read and change small things."""
    waiting.ensure(yard, waiting_tasks)
    yard.create_job("other", waiting.POOL)
    with ExitStack() as stack:
        writer, reader = (
            stack.enter_context(
                beside.running(yard.address, work, "other", pause_seconds=PAUSE_SECONDS)
            )
            for work in (beside.change_job, beside.get_job)
        )
        before, start = yard.cpu()["server"], perf_counter()
        yard.client.post(f"/jobs/{waiting.JOB}/terminate", {})
        terminated = perf_counter() - start
        seconds = yard.delete_job(waiting.JOB, 120 + waiting_tasks / 1000)
        cpu = yard.cpu()["server"] - before
    return [
        Figure("job terminated", terminated * 1000, "ms"),
        Figure("until the job is gone", seconds, "s"),
        Figure("tasks deleted a second", waiting_tasks / seconds, "tasks/s"),
        Figure("server CPU for deleting one", cpu / waiting_tasks * 1e6, "us"),
        *latency("a small change meanwhile", writer.samples, "<= 50"),
        *latency("a small read meanwhile", reader.samples),
        Figure("write-ahead log", yard.log_bytes / 1024**2, "MiB"),
        *yard.memory("after deleting", "<= 400"),
    ]
