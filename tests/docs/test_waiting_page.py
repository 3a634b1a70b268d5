"""The page of reasons has every code with the words that the service answers."""

from pathlib import Path

from batchyard.core.reasons import MEANINGS

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "why-a-task-waits.md"


def test_every_code_is_told_with_its_meaning_and_its_cure() -> None:
    section = PAGE.read_text().partition("## The codes\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    assert rows == [
        f"| `{code}` | {one.sentence} | {'yes' if one.can_ever_run else 'no'} | {one.cure} |"
        for code, one in MEANINGS.items()
    ]
