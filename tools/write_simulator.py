"""Write the tables of docs/explanation/simulator.md from what they are about.

``python -m tools.write_simulator`` writes them anew; a test fails when that was forgotten.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from batchyard.sim.happenings import Event, Fault
from batchyard.sim.rules import RULES
from tests.sim.defects import DEFECTS

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "simulator.md"

_TABLE = re.compile(r"(?P<begin><!-- table: (?P<name>\w+) -->\n).*?(?=<!-- end -->)", re.DOTALL)


def filled(text: str) -> str:
    """Return the page with its tables as they should be."""
    tables = _tables()
    return _TABLE.sub(lambda found: f"{found['begin']}\n{tables[found['name']]}\n\n", text)


def _tables() -> Mapping[str, str]:
    caught = {rule.name: sum(defect.rule is rule for defect in DEFECTS) for rule in RULES}
    return {
        "faults": _table(["fault"], ([fault.value] for fault in Fault)),
        "events": "\n".join(f"* {event.value}" for event in Event),
        "promises": _table(
            ["name", "promise", "defects it finds below"],
            ([f"`{rule.name}`", rule.sentence, str(caught[rule.name] or "")] for rule in RULES),
        ),
        "defects": _table(
            ["planted defect", "breaks first", "in the world of seed"],
            (
                [defect.sentence, f"`{defect.rule.name}`", str(defect.seed)]
                for defect in sorted(DEFECTS, key=lambda defect: RULES.index(defect.rule))
            ),
        ),
    }


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
