"""The page of the life cycles says what the core does."""

from tools import write_lifecycles


def test_the_page_of_the_life_cycles_is_up_to_date():
    written = write_lifecycles.PAGE.read_text()

    assert written == write_lifecycles.page(), "run: python tools/write_lifecycles.py"


def test_a_diagram_shows_each_change_of_state_once_and_no_standing_still():
    moves = [
        write_lifecycles.Move("a", "Go", ("b",)),
        write_lifecycles.Move("a", "Run", ("a", "b")),
        write_lifecycles.Move("b", "End", ("gone",)),
    ]

    lines = write_lifecycles.diagram(moves).splitlines()[2:]

    assert [line.strip() for line in lines] == ["a --> b: Go, Run", "b --> [*]: End"]
