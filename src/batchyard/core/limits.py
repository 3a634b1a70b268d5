"""Every limit the service enforces, with its unit in the name and its source beside it.

A number that bounds a request, a loop or a queue lives here and nowhere else, so that the error
message, the documentation page and the test all quote the same constant.
"""

from datetime import timedelta
from typing import Final

#: Characters of a pool, job or task id. Source: L-1.
ID_CHARS_MAX: Final = 64

#: Characters of a display name. Source: L-2.
DISPLAY_NAME_CHARS_MAX: Final = 1024

#: Characters of what the id of an auto pool begins with. Source: L-3.
AUTO_POOL_ID_PREFIX_CHARS_MAX: Final = 20

#: Characters of the name of a pool's user account. Source: L-4.
USER_ACCOUNT_NAME_CHARS_MAX: Final = 20

#: Tasks in one add-collection request. Source: L-5.
ADD_COLLECTION_TASKS_MAX: Final = 100

#: Bytes of one request body; above this the answer is 413 ``RequestBodyTooLarge``. Source: L-6.
REQUEST_BODY_BYTES_MAX: Final = 1024 * 1024

#: Results on one page of a list: what may be asked for, and what is given unasked. Source: L-33.
PAGE_RESULTS_MAX: Final = 1000

#: Bounds of a job's priority. Source: L-14.
JOB_PRIORITY_MIN: Final = -1000
JOB_PRIORITY_MAX: Final = 1000

#: Value of ``maxTaskRetryCount`` that means "retry without limit". Source: L-16, T-14.
RETRY_COUNT_UNLIMITED: Final = -1

#: Times the service itself may give one task to another node after losing one. Source: ours;
#: Azure Batch has the code (``MaxInternalRetryCountReached``, T-15) and documents no number.
RECOVERY_COUNT_MAX: Final = 10

#: Longest run of a job release task, and its default. Source: J-80, L-17.
RELEASE_WALL_CLOCK_TIME_MAX: Final = timedelta(minutes=15)

#: Longest time from the addition of a task to its completion. Source: L-18, T-8.
TASK_LIFETIME_MAX: Final = timedelta(days=180)

#: How long the files of a completed task are kept. Source: L-18, F-9.
RETENTION_TIME_DEFAULT: Final = timedelta(days=7)

#: Resize timeout: default and least. Source: L-12, P-4.
RESIZE_TIMEOUT_DEFAULT: Final = timedelta(minutes=15)
RESIZE_TIMEOUT_MIN: Final = timedelta(minutes=5)

#: Task slots of one node: the most for each core, and the most at all. Source: L-22, P-5.
TASK_SLOTS_PER_CORE_MAX: Final = 4
TASK_SLOTS_PER_NODE_MAX: Final = 256

#: Nodes that a pool may ask for. Source: ours; one machine carries them all.
TARGET_NODES_MAX: Final = 10_000

#: Characters of a start task with its files and environment, as JSON. Source: L-8, P-30.
START_TASK_CHARS_MAX: Final = 32_768

#: From here on a time span means "no limit". Source: ours; added to any instant of this age, it has
#: to stay within the years that a calendar has.
TIME_SPAN_MAX: Final = timedelta(days=365_000)

#: Nodes that one request may remove. Source: L-21.
REMOVE_NODES_MAX: Final = 100

#: A ``$filter``: its characters, and how deep its parentheses and negations may go. Source: ours.
FILTER_CHARS_MAX: Final = 4096
FILTER_DEPTH_MAX: Final = 32

#: Tasks that one page of a filtered list looks at; the next page goes on behind them. Source: ours;
#: about ten milliseconds.
FILTERED_TASKS_MAX: Final = 20_000

#: How long no page of a list is made after one: a multiple of the time that the writer worked
#: meanwhile, and the most. Source: ours; clients that list in a loop leave the writer four fifths.
PAGE_REST_FACTOR: Final = 4
PAGE_REST_TIME_MAX: Final = timedelta(milliseconds=250)

#: How far a request's date may lie from the server's clock. Source: wire section 2.
REQUEST_DATE_SKEW_MAX: Final = timedelta(minutes=15)

#: Entities that one sweep of a large set takes in one transaction. Source: ours (architecture 4).
SWEEP_ENTITIES_MAX: Final = 1000

#: Events that one command may cause, a guard against two entities that answer each other for ever.
#: Source: ours; a sweep of `SWEEP_ENTITIES_MAX` tasks causes about ten for each.
CASCADE_EVENTS_MAX: Final = 100 * SWEEP_ENTITIES_MAX

#: Commands that share one commit. Source: ours; bounds how long the first of them waits.
GROUP_COMMIT_COMMANDS_MAX: Final = 256

#: Placements that one round makes for one pool, so that no transaction grows with the backlog.
#: Source: ours.
PLACEMENTS_PER_ROUND_MAX: Final = 1000

#: Tasks of one size and job for which one round has others leave. Source: ours.
DISPLACED_PER_ROUND_MAX: Final = 100

#: How long a job that ends with its tasks waits for its first one, and for more of them after its
#: last one. Clients add tasks in several requests, and here tasks may end within milliseconds.
#: Source: ours; Azure takes its time too (J-19).
EMPTY_JOB_GRACE: Final = timedelta(seconds=30)
OUT_OF_TASKS_GRACE: Final = timedelta(seconds=1)

#: `maxParallelTasks` of a job that has no such limit. Source: J-13.
PARALLEL_TASKS_UNLIMITED: Final = -1

#: What one task may depend on. Source: L-19 for the ids; ours for the ranges.
DEPENDENCY_IDS_CHARS_MAX: Final = 64_000
DEPENDENCY_RANGES_MAX: Final = 1000

#: Tasks may queue on a node beyond its free slots if it will probably start them within this time,
#: and at most so many times its slots. Source: ours (architecture 9).
PREFETCH_TIME: Final = timedelta(milliseconds=50)
PREFETCH_SLOTS_FACTOR_MAX: Final = 16

#: Reasons that the history of one class of waiting tasks of a job holds. Source: ours.
WAITING_REASONS_KEPT: Final = 32

#: Up to where waiting tasks are counted for one answer, and what they wait for is looked at.
#: Source: ours; about ten milliseconds each.
WAITING_TASKS_COUNTED_MAX: Final = 100_000
WAITING_LOOKS_MAX: Final = 10_000

#: Waiting tasks of each size that are looked at for the classes that there are. Source: ours.
WAITING_TASKS_LOOKED_AT: Final = 100

#: Ids that one answer shows of tasks that have something in common. Source: ours.
WAITING_IDS_SHOWN: Final = 5

#: How long a node may take to answer a request about its files. Source: ours.
NODE_ANSWER_TIME_MAX: Final = timedelta(seconds=30)

#: Bytes of a file that a node sends in one answer. Source: ours.
FILE_CHUNK_BYTES_MAX: Final = 1024 * 1024

#: How long a process that is asked to end may take before it is killed. Source: ours.
STOP_GRACE_TIME: Final = timedelta(seconds=2)

#: How long a node with no server and no task stays up. Source: ours (architecture 8).
NODE_ALONE_TIME_MAX: Final = timedelta(seconds=60)

#: How long the service waits for what is due without a look at the clock, which may be set. Source:
#: ours; no event and no statement, a look costs microseconds.
CLOCK_UNSEEN_TIME_MAX: Final = timedelta(seconds=60)

assert RESIZE_TIMEOUT_DEFAULT >= RESIZE_TIMEOUT_MIN
assert ADD_COLLECTION_TASKS_MAX <= SWEEP_ENTITIES_MAX < CASCADE_EVENTS_MAX

#: The shortest ``recurrenceInterval`` and ``startWindow`` of a job schedule. Source: SC-7, SC-8.
SCHEDULE_SPAN_MIN: Final = timedelta(minutes=1)

#: The most instances of a multi-instance task. Source: ours; no machine has so many nodes.
INSTANCES_MAX: Final = 1000

#: Tasks that a node tells of after they ended there. Source: ours; Azure names no number.
RECENT_TASKS_MAX: Final = 10
