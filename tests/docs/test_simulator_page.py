"""The page about the simulator says what it does."""

from tools import write_simulator


def test_the_tables_of_the_simulator_are_up_to_date():
    written = write_simulator.PAGE.read_text()

    assert written == write_simulator.filled(written), "run: python -m tools.write_simulator"
    assert written.count("<!-- end -->") == 4
