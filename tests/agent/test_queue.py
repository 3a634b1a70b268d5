"""Which execution runs when: slots, preparation, stops."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.agent.schedule import Schedule
from batchyard.core.states import EndCause, ExecutionKind
from batchyard.link.messages import Acknowledge, Ended, RemoveDirectory, Started, Stop
from tests.agent.nodes import Node, Service, assignment, wait_until


def executions(service: Service) -> list[Started | Ended]:
    return [report for report in service.reports if isinstance(report, Started | Ended)]


def test_no_more_slots_are_used_than_the_node_has(make_node) -> None:
    node = make_node(slots=3)
    service = Service(node)
    one = "/bin/sh -c 'until [ -e ../../go ]; do sleep 0.01; done'"
    service.assign(*[assignment(one, name=f"t{n}", slots=2 if n == 1 else 1) for n in range(5)])
    service.started("t1")
    (node.layout.work_items / "j/job-1/go").touch()
    used = peak = 0
    for n in range(5):
        service.ended(f"t{n}")
    for report in executions(service):
        slots = 2 if report.execution_id == "t1" else 1
        used += slots if isinstance(report, Started) else -slots
        peak = max(peak, used)
    assert peak == 3


def test_an_execution_without_slots_does_not_wait(make_node) -> None:
    node = make_node(slots=1)
    service = Service(node)
    service.assign(assignment("sleep 1000", name="long"))
    service.started("long")
    assert service.run("true", name="beside", slots=0).exit_code == 0
    service.send(Stop(["long"], 0.0))
    service.ended("long")


def preparation(command_line: str, attempt: int = 1, **changes: object):
    return assignment(
        command_line,
        execution_id=f"preparation-{attempt}",
        kind=ExecutionKind.PREPARATION,
        name="prep",
        slots=0,
        **changes,
    )


def test_tasks_wait_for_the_preparation_of_their_job(node: Node, service: Service) -> None:
    service.assign(
        assignment(
            "true", wait_for="preparation-1", preparation_directory="workitems/j/job-1/prep"
        ),
        preparation("sleep 0.1"),
    )
    service.ended("t")
    assert [(type(r), r.execution_id) for r in executions(service)] == [
        (Started, "preparation-1"),
        (Ended, "preparation-1"),
        (Started, "t"),
        (Ended, "t"),
    ]


def test_a_failed_preparation_holds_tasks_until_another_attempt_succeeds(service: Service) -> None:
    service.assign(preparation("false"), assignment("true", wait_for="preparation-1"))
    service.ended("preparation-1")
    service.run("true", name="other", job_id="other")
    assert not any(r.execution_id == "t" for r in executions(service))
    service.assign(preparation("true", attempt=2))
    assert service.ended("t").exit_code == 0


def test_a_new_preparation_makes_later_tasks_wait_again(service: Service) -> None:
    service.assign(preparation("true"))
    service.ended("preparation-1")
    assert service.run("true", wait_for="preparation-1").exit_code == 0
    service.assign(preparation("false", attempt=2))
    service.assign(assignment("true", name="later", wait_for="preparation-2"))
    service.ended("preparation-2")
    service.send(Stop(["later"], 0.0))
    assert service.ended("later").start_time is None


def test_a_preparation_counts_after_the_agent_was_killed(node: Node, service: Service) -> None:
    service.assign(preparation("true"))
    service.ended("preparation-1")
    service.run("true", name="other")
    node.kill_agent()
    node.start()
    later = Service(node)
    assert later.run("true", wait_for="preparation-1").exit_code == 0


@pytest.mark.parametrize("name", ["prep", "release"])
def test_the_end_of_a_retention_time_leaves_the_job_prepared(
    node: Node, service: Service, name: str
) -> None:
    service.assign(preparation("touch kept"))
    service.ended("preparation-1")
    service.run("true", name="release", kind=ExecutionKind.RELEASE, slots=0)
    service.send(RemoveDirectory(1, f"workitems/j/job-1/{name}"))
    service.removed(1)
    assert not (node.layout.work_items / "j/job-1" / name).exists()
    assert service.run("true", wait_for="preparation-1").exit_code == 0


def test_a_removed_job_is_prepared_no_longer(node: Node, service: Service) -> None:
    service.assign(preparation("true"))
    service.ended("preparation-1")
    service.send(RemoveDirectory(1, "workitems/j"))
    service.removed(1)
    service.assign(assignment("true", wait_for="preparation-2"))
    service.send(Stop(["t"], 0.0))
    assert service.ended("t").start_time is None
    assert node.layout.prepared_jobs.read_text() == "{}"


def test_what_has_not_started_is_stopped_at_once(make_node) -> None:
    node = make_node(slots=1)
    service = Service(node)
    service.assign(
        assignment("sleep 1000", name="running"),
        assignment("true", name="queued"),
        assignment("true", name="held", wait_for="preparation-1"),
    )
    service.started("running")
    service.send(Stop(["queued", "held", "unknown"], 5.0))
    for name in ("queued", "held", "unknown"):
        ended = service.ended(name)
        assert (ended.cause, ended.start_time, ended.exit_code) == (EndCause.STOPPED, None, None)
    service.send(Stop(["running"], 5.0))
    ended = service.ended("running")
    assert (ended.cause, ended.exit_code) == (EndCause.STOPPED, -15)
    assert ended.start_time is not None


def test_a_stop_is_given_its_grace_before_the_kill(node: Node, service: Service) -> None:
    service.assign(
        assignment(
            "/bin/sh -c 'trap \"echo asked; exit 3\" TERM; echo up; while :; do sleep 0.01; done'"
        )
    )
    service.started("t")
    wait_until(lambda: node.output() == "up\n")
    service.send(Stop(["t"], 1000.0))
    ended = service.ended("t")
    assert (ended.cause, ended.exit_code) == (EndCause.STOPPED, 3)
    assert node.output() == "up\nasked\n"


def test_a_second_stop_of_what_is_over_tells_nothing_new(node: Node) -> None:
    service = Service(node, is_acknowledging=False)
    service.assign(assignment("true"))
    service.started("t")
    wait_until(lambda: '"ended"' in (node.layout.private / "reports.log").read_text())
    service.send(Stop(["t"], 0.0), Acknowledge(service.numbers[-1]))
    service.is_acknowledging = True
    service.ended("t")
    service.send(Acknowledge(service.numbers[-1]))
    service.run("true", name="other")
    assert [r.execution_id for r in service.reports if isinstance(r, Ended)] == ["t", "other"]


@given(
    slots=st.integers(1, 8),
    orders=st.lists(st.tuples(st.integers(0, 10), st.booleans(), st.booleans()), max_size=30),
    data=st.data(),
)
def test_for_any_orders_slots_are_kept_and_nothing_is_lost(slots, orders, data) -> None:
    prepared: set[str] = set()
    schedule = Schedule(slots, prepared)
    waiting = []
    for number, (wanted, is_held, is_second_job) in enumerate(orders):
        one = assignment(
            "true",
            name=str(number),
            slots=wanted,
            job_id="k" if is_second_job else "j",
            wait_for="p" if is_held else None,
        )
        waiting.append(one.execution_id)
        schedule.add([one])
    running: list[tuple[str, int]] = []
    begun: list[str] = []
    stopped: set[str] = set()
    while True:
        for one in schedule.take():
            running.append((one.execution_id, schedule.slots_of(one)))
            begun.append(one.execution_id)
        assert sum(used for _, used in running) <= slots
        assert schedule.waiting == set(waiting) - set(begun) - stopped
        if running:
            _, used = running.pop(data.draw(st.integers(0, len(running) - 1)))
            schedule.release(used)
        elif {"j", "k"} - prepared:
            job = data.draw(st.sampled_from(sorted({"j", "k"} - prepared)))
            prepared.add(job)
            schedule.release_held(job)
        else:
            break
        for one in data.draw(st.sets(st.sampled_from(waiting), max_size=2)) if waiting else ():
            if schedule.remove(one):
                stopped.add(one)
    assert not schedule.waiting
    assert sorted([*begun, *stopped]) == sorted(waiting)
