"""How unkind a simulated world is."""

from dataclasses import dataclass, fields
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Chances per message, commit or request; spans in seconds; a rate is per second of the world.

    A healed world has none of them.
    """

    #: A connection breaks with this message, and with all that is under way behind it.
    disconnect: float = 0.0
    #: What a fleet tells is told a second time, later; an order is sent twice.
    repeat: float = 0.0
    #: What a fleet tells is overtaken by what it tells afterwards.
    reorder: float = 0.0
    delay_seconds_max: float = 0.0
    #: The answer to a request is lost, and its client asks again.
    lost_answer: float = 0.0
    #: The service ends before a commit, or after it before anybody heard of it.
    crash_before_commit: float = 0.0
    crash_after_commit: float = 0.0
    #: A commit fails, as on a full disk, and the service goes on.
    commit_failure: float = 0.0
    agent_crash_rate: float = 0.0
    supervisor_crash_rate: float = 0.0
    #: The service is away for hours: over due times, and for longer than idle nodes wait for it.
    outage_rate: float = 0.0
    #: A machine cannot be reached for long, and comes back with what its tasks came to.
    silence_rate: float = 0.0
    #: The fleet has no machine for a node, or has it late.
    allocation_failure: float = 0.0
    allocation_seconds_max: float = 0.0

    @classmethod
    def swarm(cls, random: Random) -> "Faults":
        """Return a random subset at random strengths: most defects need a few faults, not all."""

        def some(most: float) -> float:
            return random.choice((0.0, random.uniform(0, most)))

        return cls(
            disconnect=some(0.1),
            repeat=some(0.6),
            reorder=some(0.4),
            delay_seconds_max=some(3.0),
            lost_answer=some(0.3),
            crash_before_commit=some(0.05),
            crash_after_commit=some(0.05),
            commit_failure=some(0.05),
            agent_crash_rate=some(0.1),
            supervisor_crash_rate=some(0.1),
            outage_rate=some(0.03),
            silence_rate=some(0.05),
            allocation_failure=some(0.3),
            allocation_seconds_max=some(20.0),
        )

    def __str__(self) -> str:
        present = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return ", ".join(f"{name}={value:.3f}" for name, value in present if value) or "none"
