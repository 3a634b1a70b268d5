"""The page of the simulator has every fault, every promise and every seeded defect, as they are."""

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from batchyard.sim.faults import Faults
from batchyard.sim.rules import RULES
from tests.sim.defects import DEFECTS
from tests.sim.defects.seeds import SEEDS

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "simulator.md"


def rows_below(heading: str) -> list[str]:
    """Return the rows of the table in a section, without its head."""
    section = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ")][2:]


def first_cells(rows: Iterable[str]) -> list[str]:
    return [row.split("|")[1].strip().strip("`") for row in rows]


def test_every_fault_is_told() -> None:
    assert first_cells(rows_below("What goes wrong")) == [fault.name for fault in fields(Faults)]


def test_every_promise_is_told_in_its_own_words() -> None:
    written = [f"| `{rule.name}` | {rule.sentence} |" for rule in RULES]
    assert rows_below("What is promised") == written


def test_every_seeded_defect_is_told_with_what_finds_it() -> None:
    written = [
        f"| {defect.sentence} | `{defect.rule.name}` | {SEEDS[defect.name]} |" for defect in DEFECTS
    ]
    assert rows_below("Who judges the judge") == written
