"""``python -m batchyard.sim``: live through simulated worlds and judge them."""

import logging
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import Final

import click

from batchyard.sim.world import SimulationFailed, World

#: Seeds that one process takes at a time.
_SHARE: Final = 25


@click.command()
@click.option("--seed", type=int, help="Live through this one world.")
@click.option("--seeds", default="0-199", show_default=True, help="First and last of many worlds.")
@click.option("--jobs", default=2, show_default=True, help="Processes to work with.")
@click.option("--verbose", is_flag=True, help="Print the whole history of the one world.")
def main(seed: int | None, seeds: str, jobs: int, verbose: bool) -> None:  # noqa: FBT001
    """Simulate clusters with faults, and judge them by their promises.

    The same seed is the same history, line by line.
    """
    if seed is not None:
        sys.exit(_replay(seed, is_verbose=verbose))
    first, _, last = seeds.partition("-")
    sys.exit(_run_many(range(int(first), int(last or first) + 1), jobs))


def _replay(seed: int, *, is_verbose: bool) -> int:
    world = World(seed)
    try:
        outcome = world.run()
    except SimulationFailed as failed:
        if is_verbose:
            click.echo("\n".join(failed.lines))
        click.echo(failed, err=True)
        return 1
    if is_verbose:
        click.echo("\n".join(outcome.history))
    click.echo(f"seed {seed}: {outcome.events} events, no promise broken")
    return 0


def _run_many(seeds: range, jobs: int) -> int:
    begin = time.monotonic()
    shares = [seeds[start : start + _SHARE] for start in range(0, len(seeds), _SHARE)]
    done = events = 0
    failures: list[str] = []
    with ProcessPoolExecutor(jobs) as processes:
        for share, (share_events, share_failures) in zip(
            shares, processes.map(_run_share, shares), strict=True
        ):
            done += len(share)
            events += share_events
            failures += share_failures
            for failure in share_failures:
                click.echo(failure, err=True)
            seconds = time.monotonic() - begin
            click.echo(f"\r{done}/{len(seeds)} seeds, {seconds:.0f} s", nl=False, err=True)
    seconds = time.monotonic() - begin
    click.echo(f"\n{done} seeds, {events} events, {seconds:.1f} s: {len(failures)} broke a promise")
    return 1 if failures else 0


def _run_share(seeds: Iterable[int]) -> tuple[int, list[str]]:
    logging.disable(logging.CRITICAL)  # What a failure has to say stands in its report.
    events = 0
    failures: list[str] = []
    for seed in seeds:
        try:
            events += World(seed).run().events
        except SimulationFailed as failed:
            failures.append(str(failed))
    return events, failures


if __name__ == "__main__":
    main()
