"""Defects to seed: each breaks the real code in one place, as a mistake there might.

A judge that finds nothing proves nothing. Each of these has to be found by it, in a world of real
histories and not in one that was made up for it. In which world it is found stands in
`SEEDS`, which ``python -m tools.number_defects`` writes: run it after a change of the worlds.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from batchyard.sim.rules import Violation
from batchyard.sim.world import SimulationFailed, World
from tests.sim.defects import (
    commits,
    dependencies,
    gangs,
    job_ends,
    job_nodes,
    jobs,
    managers,
    nodes,
    placing,
    results,
    schedules,
)
from tests.sim.defects.defect import SeededDefect

DEFECTS: Final[tuple[SeededDefect, ...]] = (
    *nodes.DEFECTS,
    *commits.DEFECTS,
    *placing.DEFECTS,
    *results.DEFECTS,
    *job_nodes.DEFECTS,
    *dependencies.DEFECTS,
    *jobs.DEFECTS,
    *job_ends.DEFECTS,
    *schedules.DEFECTS,
    *managers.DEFECTS,
    *gangs.DEFECTS,
)


def findings(seeds: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Yield the seed and the broken promise of each world in which one is broken."""
    for seed in seeds:
        try:
            World(seed).run()
        except SimulationFailed as failed:
            if isinstance(failed.error, Violation):
                yield seed, failed.error.rule.name
