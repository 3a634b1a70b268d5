"""What simulated worlds have to go through often, or they prove nothing: faults and events.

A world counts them, and the suite asks for a least number of each over all its worlds.
"""

from collections import Counter
from enum import Enum


class Fault(Enum):
    """What goes wrong, as a sentence."""

    LOST_MESSAGE = "A message is lost, with the connection that it was under way on."
    DELAYED_MESSAGE = "A message takes up to three seconds."
    REPEATED_NEWS = "What a node or the fleet tells is told a second time, later."
    REPEATED_ORDER = "An order reaches a node twice."
    OVERTAKEN_NEWS = "News is stored after later news of the same node."
    OUTAGE = "A node is out of reach for a while; its tasks run on."
    LOST_ANSWER = "The answer to a request is lost, and its client asks again."
    FAILED_COMMIT = "A commit fails, as on a full disk, and the service goes on."
    CRASH_BEFORE_COMMIT = "The service ends before a commit."
    CRASH_AFTER_COMMIT = "The service ends after a commit, before anybody heard of it."
    KILLED_AGENT = "An agent is killed; its tasks run on, and the next agent takes over."
    KILLED_SUPERVISOR = "A supervisor is killed, with all that runs on its node."
    LOST_NODE = "A machine falls silent for good, and it takes a while until that is known."
    NO_MACHINE = "The fleet has no machine for a node."
    SLOW_FLEET = "A machine comes only after more than five seconds."


class Event(Enum):
    """What worlds are about, as a sentence."""

    SUCCESS = "A run of a task exits with 0."
    FAILURE = "A run of a task exits with another code."
    ANOTHER_RUN = "A task runs again, after a failure or the loss of its node."
    TIME_OUT = "A run exceeds its wall-clock time."
    STOP = "A run is ended by an order."
    LOSS = "A run of a task is lost with its node."
    SHARED_NODE = "A task of several slots runs beside another one."
    QUEUE = "A task waits in the queue of its node for a slot."
    HOLD = "A task waits on its node for the job preparation task."
    RECALL = "A node is asked for tasks that queue there."
    GIVEN_BACK = "A task that is recalled or stopped had not started, and is given back."
    LATE_RECALL = "A recall comes when the task has started."
    START_TASK = "A start task succeeds."
    FAILED_START_TASK = "A start task fails."
    PREPARATION = "A job preparation task succeeds."
    FAILED_PREPARATION = "A job preparation task fails."
    RELEASE = "A job release task runs."
    REBOOT_REQUEUE = "A node is rebooted, its tasks requeued."
    REBOOT_TERMINATE = "A node is rebooted, its tasks ended."
    REBOOT_TASKCOMPLETION = "A node is rebooted once its tasks are over."
    REMOVE_REQUEUE = "A node is removed, its tasks requeued."
    REMOVE_TERMINATE = "A node is removed, its tasks ended."
    REMOVE_TASKCOMPLETION = "A node is removed once its tasks are over."
    RESIZE_REQUEUE = "A pool is resized, tasks requeued."
    RESIZE_TERMINATE = "A pool is resized, tasks ended."
    RESIZE_TASKCOMPLETION = "A pool is resized once tasks are over."
    TERMINATED_JOB = "A job is terminated."
    DELETED_JOB = "A job is deleted."
    UPDATED_JOB = "A job gets another priority."
    TERMINATED_TASK = "A task is terminated."
    DELETED_TASK = "A task is deleted."
    UPDATED_TASK = "A task gets another number of retries."
    REFUSAL = "A request is refused."
    REQUEUED_TASK = "A task was requeued by the end of its world."


Happening = Fault | Event

Tally = Counter[Happening]
