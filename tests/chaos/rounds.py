"""One round of chaos: a real server with nodes and work, blows, peace, judgement."""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Final

from batchyard.sim.rules import Violation
from tests.chaos.blows import KINDS
from tests.chaos.disk import disk_in
from tests.chaos.power import PowerLoss
from tests.chaos.site import SLOTS, Site
from tests.chaos.storm import Storm
from tests.chaos.verdict import Outcome, judge
from tests.service import NotReadyError

POWER: Final = "power"

#: Every kind of chaos.
ALL_KINDS: Final = (*KINDS, POWER)


def play(kind: str, seed: int) -> Outcome:
    """Play one round; what breaks a promise stands in the outcome, and its folder is kept.

    Raises:
        NotToBeHad: The power of a disk is to be cut, and this machine gives no such disk.
    """
    outcome = Outcome(kind, seed)
    folder = Path(tempfile.mkdtemp(prefix=f"batchyard-chaos-{kind}-{seed}-"))
    # Searchable by the accounts that tasks run as.
    folder.chmod(0o755)
    random = Random(f"{kind} {seed}")
    try:
        with ExitStack() as stack:
            if kind == POWER:
                disk = stack.enter_context(disk_in(folder))
                site = Site(folder, f"{seed}", disk.path / "data")
                _play(outcome, site, PowerLoss(site, disk, random))
            else:
                site = Site(folder, f"{seed}", folder / "data")
                _play(outcome, site, Storm(site, kind, random))
    finally:
        if outcome.failures:
            outcome.failures.append(f"all of it is kept in {folder}")
        else:
            shutil.rmtree(folder)
    return outcome


def _play(outcome: Outcome, site: Site, trouble: Storm | PowerLoss) -> None:
    try:
        site.open()
        trouble.rage()
        judge(site.ledger, site.load.jobs, site.rest(), SLOTS)
    except Violation as violation:
        outcome.broke(violation)
    except TimeoutError as error:
        outcome.lost += 1
        outcome.failures.append(f"not in time: {error}")
    except (AssertionError, NotReadyError) as error:
        outcome.failures.append(repr(error))
    finally:
        left = site.close()
    if left:
        outcome.failures.append(f"strays: {left}")
    outcome.tasks, outcome.blows = site.load.tasks, trouble.blows
    outcome.slowest_seconds = site.watch.slowest
