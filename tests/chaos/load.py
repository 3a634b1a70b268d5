"""Work for the service, asked for while it is struck: job after job, with tasks in collections.

Most tasks take milliseconds. Some fail always, some only the first time, a few are terminated or
deleted, and some jobs are ended while their tasks run. What was asked and what was accepted goes
into the ledger, and so does every look at all tasks.
"""

import threading
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final

from batchyard.sim.audit.shown import Shown
from batchyard.sim.audit.terms import Preparation
from tests.chaos.client import PatientClient
from tests.chaos.ledger import Ledger
from tests.chaos.replay import Fact
from tests.chaos.shown import job_state, shown_tasks
from tests.waiting import wait_until

POOL: Final = "p"

#: Who may read the settings of a node.
ADMINISTRATOR: Final = {"autoUser": {"scope": "pool", "elevationLevel": "admin"}}

#: What the exit code of a task's process is to be, and how often it may be tried again.
_PLANS: Final = (("0", 0), ("0", 0), ("0", 0), ("0", 2), ("once", 1), ("once", 3), ("3", 2))

#: Tasks that are asked for at once, and collections of a job.
_COLLECTION: Final = 20
_COLLECTIONS: Final = 3

#: No more is asked for while this many tasks are open.
_OPEN_MAX: Final = 60

#: Pause between two looks at everything.
_LOOK_SECONDS: Final = 0.2

#: All work ends within this time after the last blow.
_REST_SECONDS_MAX: Final = 90.0


@dataclass(slots=True)
class Job:
    """A job and what is to become of its tasks: exit code and retries, by task."""

    id: str
    is_cut_short: bool
    collections: int = 0
    plans: dict[str, tuple[str, int]] = field(default_factory=dict)
    #: Tasks that are terminated or deleted before they end.
    touched: set[str] = field(default_factory=set)
    is_ended: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether all its tasks were added."""
        return self.collections == _COLLECTIONS


class Load:
    """One client with work that does not end before `peace`."""

    def __init__(self, client: PatientClient, ledger: Ledger[Fact], random: Random) -> None:
        self.jobs: Final[list[Job]] = []
        self.peace: Final = threading.Event()
        self._client = client
        self._ledger = ledger
        self._random = random

    def run(self) -> None:
        """Ask for work until there is peace, then for the end of it all, and wait for that."""
        while not self.peace.is_set():
            looked = self._look()
            self._end_jobs(looked)  # Before there are tasks that this look has not seen.
            if sum(task.state != "completed" for task in looked.tasks) < _OPEN_MAX:
                self._ask_for_more()
            self.peace.wait(_LOOK_SECONDS)
        wait_until(self._is_over, _REST_SECONDS_MAX, "all jobs completed", _LOOK_SECONDS)

    @property
    def tasks(self) -> int:
        """How many tasks were asked for."""
        return sum(len(job.plans) for job in self.jobs)

    def _is_over(self) -> bool:
        self._end_jobs(self._look())
        return all(job_state(self._client, job.id) == "completed" for job in self.jobs)

    def _look(self) -> Shown:
        looked = shown_tasks(self._client, [job.id for job in self.jobs])
        self._ledger.note(lambda replay: replay.auditor.look(looked))
        return looked

    def _end_jobs(self, looked: Shown) -> None:
        """End jobs that have nothing left to do, and those that are to be cut short."""
        is_peace = self.peace.is_set()
        open_jobs = {task.job for task in looked.tasks if task.state != "completed"}
        for job in self.jobs:
            is_due = (job.is_whole or is_peace) and (job.is_cut_short or job.id not in open_jobs)
            if is_due and not job.is_ended:
                self._end_job(job)

    # Requests.

    def _ask_for_more(self) -> None:
        if not self.jobs or self.jobs[-1].is_whole or self.jobs[-1].is_ended:
            self._create_job()
        self._add_tasks(self.jobs[-1])

    def _create_job(self) -> None:
        job = Job(f"j{len(self.jobs)}", is_cut_short=self._random.random() < 0.2)
        body: dict[str, Any] = {"id": job.id, "poolInfo": {"poolId": POOL}}
        preparation = None
        if self._random.random() < 0.7:
            preparation = Preparation()
            line = self._ledger.command_line("preparation", self._random.uniform(0.0, 0.1))
            body["jobPreparationTask"] = {"commandLine": line}
            line = self._ledger.command_line("release", self._random.uniform(0.0, 0.1))
            body["jobReleaseTask"] = {"commandLine": line, "userIdentity": ADMINISTRATOR}
        self._ledger.note(
            lambda replay: replay.auditor.asked_job(
                job.id, pool=POOL, preparation=preparation, release=preparation is not None
            )
        )
        self._ask("POST", "/jobs", body, 201, "JobExists")
        self._ledger.note(lambda replay: replay.auditor.accepted_job(job.id))
        self.jobs.append(job)

    def _add_tasks(self, job: Job) -> None:
        names = [f"t{job.collections}-{number}" for number in range(_COLLECTION)]
        job.collections += 1
        for name in names:
            job.plans[name] = self._random.choice(_PLANS)
            self._ledger.note(partial(_asked_task, job.id, name, job.plans[name][1]))
        answer = self._ask(
            "POST",
            f"/jobs/{job.id}/addtaskcollection",
            {"value": [self._task(name, *job.plans[name]) for name in names]},
            200,
        )
        for one in answer["value"]:
            was_added = one["status"] == "success" or one["error"]["code"] == "TaskExists"
            assert was_added, one
            self._ledger.note(partial(_accepted_task, job.id, one["taskId"]))
        if self._random.random() < 0.3:
            self._terminate_task(job, self._random.choice(names))
        if self._random.random() < 0.3:
            self._delete_task(job, self._random.choice(names))

    def _task(self, name: str, code: str, retries: int) -> dict[str, Any]:
        seconds = self._random.choice((0.0, 0.02, self._random.uniform(0.0, 0.4)))
        return {
            "id": name,
            "commandLine": self._ledger.command_line("task", seconds, code),
            "constraints": {"maxTaskRetryCount": retries},
        }

    def _terminate_task(self, job: Job, task: str) -> None:
        job.touched.add(task)
        self._ledger.note(lambda replay: replay.asked_end(job.id, task))
        target = f"/jobs/{job.id}/tasks/{task}/terminate"
        self._ask("POST", target, None, 204, "TaskCompleted")

    def _delete_task(self, job: Job, task: str) -> None:
        job.touched.add(task)
        self._ledger.note(lambda replay: replay.asked_deletion(job.id, task))
        self._ask("DELETE", f"/jobs/{job.id}/tasks/{task}", None, 200, "TaskNotFound")
        self._ledger.note(lambda replay: replay.auditor.deleted(job.id, task))

    def _end_job(self, job: Job) -> None:
        self._ledger.note(lambda replay: replay.asked_end(job.id))
        target = f"/jobs/{job.id}/terminate"
        self._ask("POST", target, None, 202, "JobTerminating", "JobCompleted")
        self._ledger.note(lambda replay: replay.auditor.ended(job.id))
        job.is_ended = True

    def _ask(self, method: str, target: str, body: object, status: int, *done_before: str) -> Any:
        """Ask; `done_before` are the codes that say that an earlier try was carried out."""
        answer = self._client.ask(method, target, body)
        if answer.status == status:
            return answer.json if answer.body else None
        assert answer.code in done_before, (method, target, answer)
        return None


def _asked_task(job: str, task: str, retries: int, replay: Any) -> None:
    replay.asked_task(job, task, retries)


def _accepted_task(job: str, task: str, replay: Any) -> None:
    replay.auditor.accepted_task(job, task)
