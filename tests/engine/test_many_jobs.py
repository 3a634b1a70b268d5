"""A round of placement costs what it places, however many jobs wait for their turn."""

from datetime import timedelta
from pathlib import Path

from batchyard.link import messages
from tests.engine.world import World
from tests.store.test_plans import statements


def counted(folder: Path, jobs: int) -> int:
    """Return in how many statements the ends of short tasks lead to the next ones."""
    folder.mkdir()
    world = World(folder)
    world.pool(slots=4)
    for number in range(jobs):
        world.job(f"job-{number}")
        world.tasks("one", "two", job_id=f"job-{number}")
    ended = 0
    count = 0
    while ended < jobs - 20:
        running = world.assigned()[ended:]
        ended += len(running)
        reports: list[messages.Report] = []
        for execution in running:
            reports.append(world.started(execution))
            world.clock.pass_time(timedelta(milliseconds=1))
            reports.append(world.ended(execution))
        with statements(world.store) as seen:
            world.report(*reports)
        count = len(seen)
    world.store.close()
    return count


def test_places_are_filled_in_as_many_statements_whether_many_jobs_wait_or_few(
    tmp_path: Path,
) -> None:
    assert counted(tmp_path / "few", 100) == counted(tmp_path / "many", 400)
