"""Asks for jobs with tasks, for their change and their end."""

from datetime import timedelta
from functools import partial

import msgspec

from batchyard.core.specs import JobChange, JobPreparationSpec, JobReleaseSpec, JobSpec, TaskSpec
from batchyard.core.states import OnTaskFailure
from batchyard.engine import commands
from batchyard.sim.clients.client import Client
from batchyard.sim.clients.requests import Requests
from batchyard.sim.clients.traits import Traits, dependencies, exit_conditions
from batchyard.sim.surroundings import POOL, command_line


class JobClient(Client):
    """Has a few jobs; some are bursts of tasks so short that they queue on nodes."""

    def __init__(self, requests: Requests, seconds: float) -> None:
        super().__init__(requests, seconds)
        self._traits = Traits.swarm(self.random)
        self._bursts: set[str] = set()
        #: Jobs whose tasks act on them.
        self._acting: set[str] = set()
        self._rushes: list[str] = []

    def begin(self) -> None:
        """Create the jobs soon, and change them at any time."""
        for number in range(self.random.randint(1, 3)):
            self.later(0.3, partial(self._create_job, f"j{number}"))
        self.some(3, self._terminate_job)
        self.some(1, self._delete_job)
        self.some(2, self._change_priority)

    def come_again(self) -> None:
        """End half of the jobs."""
        for job in list(self.requests.jobs):
            if self.random.random() < 0.5:
                seconds = self.random.uniform(0.0, 30.0)
                self.world.timeline.after(seconds, partial(self._end_job, job))

    def _create_job(self, job: str) -> None:
        random = self.random
        if random.random() < 0.3:
            self._bursts.add(job)
        preparation, release = None, None
        if random.random() < 0.6:
            preparation = JobPreparationSpec(
                id="prep",
                command_line=command_line(random.uniform(0.1, 3.0), *random.choice(((0,), (0, 1)))),
                max_task_retry_count=random.choice((0, 2)),
                wait_for_success=random.random() < 0.8,
                rerun_on_node_reboot_after_success=random.random() < 0.5,
            )
            if random.random() < 0.8:
                release = JobReleaseSpec(
                    id="rel", command_line=command_line(random.uniform(0.1, 3.0), 0, 1)
                )
        spec = JobSpec(
            id=job,
            pool_id=POOL,
            priority=random.choice((0, 0, 5)),
            preparation=preparation,
            release=release,
            **self._traits.of_job(random),
        )
        if spec.on_task_failure is not OnTaskFailure.NO_ACTION:
            self._acting.add(job)
        self.requests.create_job(spec, self._has_job)

    def _has_job(self, job: str) -> None:
        self.requests.jobs.append(job)
        for number in range(self.random.randint(1, 3)):
            self.later(0.5, partial(self._add_tasks, job, number))

    def _add_tasks(self, job: str, batch: int) -> None:
        """Add a batch of tasks; where tasks depend on others they have numbers."""
        is_burst = job in self._bursts
        depends = self._traits.depends and not is_burst and job not in self._rushes
        prefix = str(batch or "") if depends else f"t{batch}-"
        count = self.random.randint(20, 40) if is_burst else self.random.randint(1, 5)
        names = [f"{prefix}{number}" for number in range(count)]
        specs = [self._a_task(job, name) for name in names]
        if depends:
            nearby = [*names, f"{batch + 1}0", "0"]
            specs = [
                msgspec.structs.replace(spec, depends_on=dependencies(self.random, spec.id, nearby))
                for spec in specs
            ]
        self.requests.add_tasks(job, prefix, specs)
        if is_burst:
            self.world.timeline.after(self.random.uniform(0.0, 1.0), self._rush)

    def _a_task(self, job: str, name: str) -> TaskSpec:
        random = self.random
        if job in self._bursts:
            # A long one now and then: what queues behind it can be recalled.
            seconds = 2.0 if random.random() < 0.03 else 0.01
            return TaskSpec(id=name, command_line=command_line(seconds, 0), max_task_retry_count=1)
        seconds = random.choice((0.01, 1.0, random.uniform(0.0, 8.0), random.uniform(8.0, 30.0)))
        failures = random.choice((0, 0, 0, 1, 2))
        limit = random.choice((None, None, None, 5.0))
        return TaskSpec(
            id=name,
            command_line=command_line(seconds, *[7] * failures, random.choice((0, 0, 0, 3))),
            required_slots=random.randint(1, self.world.slots),
            max_task_retry_count=random.choice((0, 1, 2, 3)),
            max_wall_clock_time=None if limit is None else timedelta(seconds=limit),
            exit_conditions=exit_conditions(random, acts=job in self._acting)
            if self._traits.reacts
            else None,
        )

    def _rush(self) -> None:
        """Have something that is more important than all that queues on nodes."""
        spec = JobSpec(id=f"rush-{len(self._rushes) + 1}", pool_id=POOL, priority=100)
        self._rushes.append(spec.id)
        self.requests.create_job(spec, self._add_rush)

    def _add_rush(self, job: str) -> None:
        self.requests.jobs.append(job)
        self._add_tasks(job, 0)

    # What becomes of them.

    def _terminate_job(self) -> None:
        if self.requests.jobs:
            self._end_job(self.random.choice(self.requests.jobs))

    def _end_job(self, job: str) -> None:
        auditor = self.world.auditor
        auditor.asked_end(job)
        self.requests.ask(
            "terminate a job",
            job,
            commands.terminate_job,
            job,
            None,
            accepted=lambda _view: auditor.ended(job),
        )

    def _delete_job(self) -> None:
        if self.requests.jobs:
            job = self.random.choice(self.requests.jobs)
            auditor = self.world.auditor
            auditor.asked_deletion(job)
            self.requests.ask(
                "delete a job",
                job,
                commands.delete_job,
                job,
                accepted=lambda _none: auditor.deleted(job),
            )

    def _change_priority(self) -> None:
        if self.requests.jobs:
            job = self.random.choice(self.requests.jobs)
            change = JobChange(priority=self.random.randint(-5, 5))
            self.requests.ask("change a priority", job, commands.update_job, job, change)
