"""Find a simulated world in which each seeded defect is found, and write it down.

``python -m tools.number_defects`` writes tests/sim/defects/seeds.py and the tables of
docs/explanation/simulator.md, which a test compares. With names of defects it looks for these only.
A world that shows a defect still is kept; else it is the first that does.
"""

import logging
import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import pytest

from batchyard.sim.rules import RULES
from tests.sim.defects import DEFECTS, findings
from tests.sim.defects.defect import SeededDefect
from tests.sim.defects.seeds import SEEDS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "simulator.md"
FOUND = ROOT / "tests" / "sim" / "defects" / "seeds.py"

#: Worlds to look at; a defect that needs more of them is hardly looked for.
SEARCHED = range(200)

HEAD = '''"""Where each seeded defect is found. Written by tools/number_defects.py."""

from typing import Final

SEEDS: Final[dict[str, int]] = {
'''


def main(names: Iterable[str]) -> None:
    """Look for all defects, or for those of some names."""
    logging.disable(logging.CRITICAL)
    wanted = set(names)
    seeds = {}
    for defect in DEFECTS:
        if wanted and defect.name not in wanted and defect.name in SEEDS:
            seeds[defect.name] = SEEDS[defect.name]
        else:
            seeds[defect.name] = _first(defect)
    rows = "".join(f'    "{name}": {seed},\n' for name, seed in seeds.items())
    FOUND.write_text(f"{HEAD}{rows}}}\n")
    _write_table(
        "Who judges the judge",
        [
            f"| {defect.sentence} | `{defect.rule.name}` | {seeds[defect.name]} |"
            for defect in DEFECTS
        ],
    )
    _write_table("What is promised", [f"| `{rule.name}` | {rule.sentence} |" for rule in RULES])


def _first(defect: SeededDefect) -> int:
    with pytest.MonkeyPatch.context() as patch:
        defect.make(patch)
        others = set()
        kept = SEEDS.get(defect.name)
        for seed, rule in findings(chain(() if kept is None else (kept,), SEARCHED)):
            if rule == defect.rule.name:
                print(f"{defect.name}: {seed}")
                return seed
            others.add(rule)
    sys.exit(f"{defect.name} does not break {defect.rule.name}, but {sorted(others)}")


def _write_table(heading: str, rows: list[str]) -> None:
    """Put other rows below the head of the table in a section."""
    before, title, rest = PAGE.read_text().partition(f"## {heading}\n")
    section, following, after = rest.partition("\n## ")
    lines = section.rstrip("\n").splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("| ---")) + 1
    kept = [line for line in lines[first:] if not line.startswith("| ")]
    section = "\n".join([*lines[:first], *rows, *kept])
    PAGE.write_text(f"{before}{title}{section}\n{following}{after}")


if __name__ == "__main__":
    main(sys.argv[1:])
