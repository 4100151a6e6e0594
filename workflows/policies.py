"""Timeouts and retry policies, each with a name; no literal stands at a call."""

from datetime import timedelta

from temporalio.common import RetryPolicy

from domain.power.agenda import SitePace

# Records and look-ups: the database may be away for long, and a verdict must not be lost with it.
RECORD_TIMEOUT = timedelta(seconds=30)
# What the records refuse, they refuse again: such an answer is not waited for.
_REFUSALS = ["ConflictError", "ForbiddenError", "InvalidError", "NotFoundError"]
RECORD_RETRY = RetryPolicy(
    non_retryable_error_types=_REFUSALS,
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=30),
)
# Longer pauses are timers of the server: the workflow answers queries and hears signals meanwhile.
RECORD_RETRY_IN_TASK = timedelta(seconds=1)

# A mail server that is away for a day still gets the mail; after that it is given up.
MAIL_TIMEOUT = timedelta(minutes=1)
MAIL_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(minutes=15),
    maximum_attempts=100,
)

# A session is billed however long it takes: what it cost is known, and nothing else waits for it.
BILLING_TIMEOUT = timedelta(minutes=1)
BILLING_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    maximum_interval=timedelta(minutes=5),
)

# The installer waits for the answer to an invitation.
INVITATION_RETRY = RetryPolicy(
    non_retryable_error_types=_REFUSALS,
    initial_interval=timedelta(milliseconds=500),
    maximum_interval=timedelta(seconds=5),
    maximum_attempts=5,
)

# The installer is told of an invitation's end as soon as the mail server is there.
INVITATION_PAUSE = timedelta(minutes=15)
# The database's moment counts, and its clock may be a little behind Temporal's.
INVITATION_CLOCK_SKEW = timedelta(seconds=1)

# An operation on a node: nobody picks it up when the node is dead. The workflow re-sends by
# itself after it has located the charge point again, so Temporal must not retry on a stale queue.
NODE_PICKUP = timedelta(seconds=5)
NODE_OPERATION_TIMEOUT = timedelta(minutes=4)
NODE_HEARTBEAT = timedelta(seconds=15)
NODE_RETRY = RetryPolicy(maximum_attempts=1)
NODE_SENDS = 6
LATE_ANSWER = timedelta(seconds=3)
RELOCATE_PAUSE = timedelta(seconds=1)
NODE_FAILURE_PAUSE = timedelta(seconds=1)  # doubled each time: half a minute in all

# A configuration push gives way to a run within seconds, or at the worst when its operation has
# timed out at each of its sends: PUSH_SENDS * (NODE_OPERATION_TIMEOUT + PUSH_RECONNECT).
OWNERSHIP_FIRST_PAUSE = timedelta(seconds=1)
OWNERSHIP_LONGEST_PAUSE = timedelta(seconds=10)
OWNERSHIP_PATIENCE = timedelta(minutes=10)

# After a reboot the configuration is read back; some chargers boot-loop on over-broad values.
MAX_REBOOTS = 2

# A Reset of which nothing is known never left when the connection holds for so long without a boot.
# It is then asked for once more.
RESET_BEGINS = timedelta(minutes=1)

# A charge point that does not tell its configuration is asked again after this.
CONFIGURATION_PAUSE = timedelta(seconds=5)
CLOCK_ANSWER = timedelta(seconds=5)

# So many boots in so little time are a boot loop. One counts only after a connection that lived for
# less than this: with a bad link, too, many a charge point boots at each reconnect.
BOOT_LOOP_BOOTS = 6
BOOT_LOOP_LIFE = timedelta(minutes=1)
BOOT_LOOP_WINDOW = timedelta(minutes=10)
SENDS_OF_A_LOOP = 2  # beyond NODE_SENDS: its first life may be long, and its last boot is to come

# While several links speak as a charge point, a run looks so often whether that is over.
CONTEST_LOOK = timedelta(minutes=15)
# It waits for as long as it takes; some moment is to be shown.
CONTEST_SHOWN = timedelta(days=30)

START_PAUSE = timedelta(seconds=5)
# Within so long of a start a status may tell of the start alone; a later one tells of a cable.
START_ANNOUNCED = timedelta(seconds=10)
# So soon after the cable the transaction of a start follows that the charge point remembers.
START_FOLLOWS = timedelta(seconds=10)
STOP_ATTEMPTS = 3
# After a charge its connector says how it is now; some do so a moment after the transaction ended.
STATUS_AFTER_CHARGE = timedelta(seconds=3)

CLOCK_SKEW_LIMIT = timedelta(minutes=2)
PING_LIMIT = timedelta(seconds=5)
METER_EVENTS_WANTED = 3
# One that sends a reading more seldom than this is not kept charging for a third.
METER_SELDOM = timedelta(seconds=45)
METER_EVENTS_OF_FEW = 2
METER_PATIENCE = 6
FIRMWARE_PATIENCE = 5

CONNECTION_TEST_TIMEOUT = timedelta(seconds=20)

# An owner waits for the answer; a charge point that is silent for so long is said to be.
COMMAND_TIMEOUT = timedelta(seconds=35)

# Ten thousand id tags are hundreds of messages, to a charge point that may take its time over each.
LIST_TIMEOUT = timedelta(minutes=20)

# So short that nobody notices; what counts is that another task of the workflow begins after it.
ANSWER_HEARD = timedelta(milliseconds=1)

# A workflow that lives for months continues as new beyond this; a history has a few dozen events
# more then, for what is under way is finished first.
HISTORY_EVENTS = 1_000

# A run needs a few dozen, and does not continue as new. Temporal would terminate it at 51,200, with
# its test charge running on; so the check ends here, and there is room to clean up.
RUN_EVENTS = 20_000

# The commissioning of a project is told of each run that moves on; should that be lost, it looks.
BATCH_STEP_TIMEOUT = timedelta(minutes=1)
BATCH_LOOKS_AGAIN = timedelta(minutes=5)

# A charge point reconnects by itself within this, after a restart of a node or of its own.
COMES_BACK_BY_ITSELF = timedelta(seconds=90)

# A wait is noted in the run's row, for lists, once it has lasted; most are over in a moment.
WAIT_UNNOTED = timedelta(seconds=10)

# A transaction that would not stop is asked again, ever more slowly, until it ends.
ORPHANED_FIRST_PAUSE = timedelta(minutes=1)
ORPHANED_LONGEST_PAUSE = timedelta(hours=1)
ORPHANED_TRIES_PER_RUN = 200

# Who cancels does not wait for long; what is not cleaned up by then is done after the run.
CLEAN_UP = timedelta(seconds=20)
OWED_FIRST_PAUSE = timedelta(seconds=15)
OWED_LONGEST_PAUSE = timedelta(minutes=15)
OWED_LOOKS_PER_RUN = 200

# Values may be chosen while others are pushed; after this many rounds the next event pushes them.
CONFIGURATION_PUSHES = 5
BOOT_AFTER_CONNECTION = timedelta(seconds=3)
PUSH_SENDS = 2
PUSH_RECONNECT = timedelta(seconds=15)
# After that the push lets go, and the next connection goes on.
RESTART_PATIENCE = timedelta(minutes=10)


# A webhook is called for a day: after 10 s, 30 s, 90 s, ever more slowly, then every three hours.
WEBHOOK_CALL_TIMEOUT = timedelta(minutes=1)
WEBHOOK_PERIOD = timedelta(days=1)
WEBHOOK_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=10),
    backoff_coefficient=3,
    maximum_interval=timedelta(hours=3),
)

# A site's limits go out within two seconds; a node that does not take them up is as good as gone,
# and its charge points are counted at what they were last allowed.
LIMITS_PICKUP = timedelta(seconds=1.5)
LIMITS_TIMEOUT = timedelta(seconds=3)
LIMITS_AT_ONCE = 100
# A run at a live site: until its site, should it not be there, is asked again; and for how long the
# others may take to make room for a test charge.
SITE_PAUSE = timedelta(seconds=5)
POWER_PATIENCE = timedelta(minutes=30)
STATION_TIMEOUT = timedelta(minutes=1)
STATIONS_AT_ONCE = 20
SITE_PACE = SitePace()

# A worker that dies is missed after these seconds, and another goes on. A turn is a minute and its
# last round, which may take its time where a part is away.
UPKEEP_HEARTBEAT = timedelta(seconds=10)
UPKEEP_TIMEOUT = timedelta(minutes=6)
UPKEEP_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=5)
)

# Retention works for half a minute at a time; its last transaction may have to wait for others.
RETENTION_TIMEOUT = timedelta(minutes=5)
RETENTION_HEARTBEAT = timedelta(minutes=2)
RETENTION_TURNS = 200
RETENTION_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)
)
