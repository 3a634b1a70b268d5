"""Asks for jobs with managers, and for a job whose tasks may be displaced."""

from functools import partial
from typing import Final

from batchyard.core.specs import JobManagerSpec, JobSpec, TaskSpec
from batchyard.sim.audit.history import Manager
from batchyard.sim.clients.client import Client
from batchyard.sim.surroundings import POOL, command_line

#: Below and above every priority that another client may want.
_LEAST: Final = -500
_MOST: Final = 500


class ManagerClient(Client):
    """Has up to two jobs with managers, and perhaps one that gives way."""

    def begin(self) -> None:
        """Create them soon."""
        for number in range(self.random.randint(0, 2)):
            self.later(0.5, partial(self._create_led_job, f"led-{number}"))
        if self.random.random() < 0.3:
            self.later(0.3, self._create_giving_job)

    def come_again(self) -> None:
        """Have one more in calm."""
        if self.random.random() < 0.5:
            self.world.timeline.after(20.0, partial(self._create_led_job, "led-calm"))

    def _create_led_job(self, job: str) -> None:
        random = self.random
        is_exclusive = random.random() < 0.6
        failures = random.choice((0, 0, 1, 2))
        line = command_line(random.uniform(0.5, 8.0), *[7] * failures, random.choice((0, 0, 3)))
        task = TaskSpec(
            id="manager",
            command_line=line,
            required_slots=1 if is_exclusive else random.randint(1, self.world.slots),
            max_task_retry_count=random.randint(0, 3),
        )
        manager = JobManagerSpec(
            task=task,
            run_exclusive=is_exclusive,
            kill_job_on_completion=random.random() < 0.5,
        )
        priority = random.choice((_LEAST, _MOST))
        spec = JobSpec(id=job, pool_id=POOL, priority=priority, manager=manager)
        self.requests.create_job(spec, self._add_tasks)
        self.world.auditor.asked_manager(
            job,
            Manager(
                task=task.id,
                is_exclusive=is_exclusive,
                ends_job=manager.kill_job_on_completion,
                outranks=priority == _MOST,
            ),
            slots=task.required_slots,
            retries=task.max_task_retry_count or 0,
        )

    def _create_giving_job(self) -> None:
        spec = JobSpec(id="gives", pool_id=POOL, priority=_LEAST - 1, allow_task_preemption=True)
        self.requests.create_job(spec, self._add_tasks)
        self.world.auditor.asked_preemption("gives")

    def _add_tasks(self, job: str) -> None:
        if job.startswith("led"):
            self.world.auditor.accepted_task(job, "manager")
            self.requests.tasks.append((job, "manager"))
        random = self.random
        specs = [
            TaskSpec(
                id=f"m-{number}",
                command_line=command_line(random.uniform(0.5, 12.0), 0),
                required_slots=random.randint(1, self.world.slots),
                max_task_retry_count=1,
            )
            for number in range(random.randint(2, 5))
        ]
        self.requests.add_tasks(job, "m", specs)
