"""``python -m tests.chaos``: play rounds of chaos and print what they came to."""

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Final

import click

from tests.chaos.disk import NotToBeHad
from tests.chaos.rounds import ALL_KINDS, play
from tests.chaos.verdict import Outcome

_HEAD: Final = (
    "| kind | rounds | tasks | blows | lost | doubled | other failures | slowest recovery |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


@click.command()
@click.option("--rounds", default=20, show_default=True, help="Rounds of each kind.")
@click.option("--kind", type=click.Choice(["all", *ALL_KINDS]), default="all", show_default=True)
@click.option("--seed", default=0, show_default=True, help="Seed of the first round of each kind.")
@click.option("--jobs", default=2, show_default=True, help="Rounds that are played at a time.")
def main(rounds: int, kind: str, seed: int, jobs: int) -> None:
    """Strike real servers, nodes and disks under load, and judge what became of the work.

    A seed draws the same work and the same blows again, though not to the millisecond.
    """
    kinds = ALL_KINDS if kind == "all" else (kind,)
    planned = [(each, number) for each in kinds for number in range(seed, seed + rounds)]
    with ProcessPoolExecutor(jobs) as processes:
        played = processes.map(_play, *zip(*planned, strict=True))
        outcomes = [outcome for outcome in played if outcome is not None]
    click.echo(_HEAD)
    for each in kinds:
        of_kind = [one for one in outcomes if one.kind == each]
        if of_kind:
            click.echo(_row(each, of_kind))
    sys.exit(any(one.failures for one in outcomes))


def _play(kind: str, seed: int) -> Outcome | None:
    """Play a round in a process of its own and say how it went; None where it cannot be played."""
    begin = time.monotonic()
    try:
        outcome = play(kind, seed)
    except NotToBeHad as reason:
        click.echo(f"{kind}, seed {seed}: not played, for {reason}", err=True)
        return None
    result = "; ".join(outcome.failures) or "well"
    seconds = time.monotonic() - begin
    click.echo(f"{kind}, seed {seed}: {outcome.tasks} tasks, {seconds:.1f} s: {result}", err=True)
    return outcome


def _row(kind: str, outcomes: list[Outcome]) -> str:
    lost = sum(one.lost for one in outcomes)
    doubled = sum(one.doubled for one in outcomes)
    failed = sum(bool(one.failures) and not (one.lost or one.doubled) for one in outcomes)
    cells: list[object] = [
        kind,
        len(outcomes),
        sum(one.tasks for one in outcomes),
        sum(one.blows for one in outcomes),
        lost,
        doubled,
        failed,
        f"{max(one.slowest_seconds for one in outcomes):.1f} s",
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


if __name__ == "__main__":
    main()
