"""What a part of the measurement shows: named figures with their units."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Figure:
    """One number; `bar` says what it has to be, where an issue asks for it."""

    name: str
    value: float
    unit: str
    bar: str = ""


def times(call: Callable[[], object], count: int) -> list[float]:
    """Return how many milliseconds each of `count` calls takes."""
    return [_milliseconds(call) for _ in range(count)]


def _milliseconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return (perf_counter() - start) * 1000


def latency(name: str, milliseconds: Sequence[float], bar: str = "") -> list[Figure]:
    """Return the median and the 99th percentile of some times."""
    cuts = statistics.quantiles(milliseconds, n=100, method="inclusive")
    return [Figure(f"{name}, p50", cuts[49], "ms"), Figure(f"{name}, p99", cuts[98], "ms", bar)]


def table(parts: dict[str, list[Figure]]) -> str:
    """Return the figures for a person to read."""
    lines = []
    for part, figures in parts.items():
        lines += ["", part]
        for one in figures:
            digits = 0 if abs(one.value) >= 100 else 1 if abs(one.value) >= 10 else 2
            number = f"{one.value:,.{digits}f} {one.unit}"
            lines.append(f"  {one.name:<62}{number:>18}  {one.bar}".rstrip())
    return "\n".join(lines[1:])
