"""Names that several processes share: task queues, workflow ids, signals, updates, queries."""

from enum import StrEnum

SHARED_TASK_QUEUE = "commissioning"


def node_task_queue(node_id: str) -> str:
    """Task queue that only the node with this id serves."""
    return f"ocpp-{node_id}"


def commissioning_workflow_id(charge_point_id: str) -> str:
    """One open commissioning run per charge point."""
    return f"commissioning-{charge_point_id}"


def batch_workflow_id(project_id: str) -> str:
    """One open commissioning of a whole project."""
    return f"commission-{project_id}"


def configuration_workflow_id(charge_point_id: str) -> str:
    """One open configuration push per charge point."""
    return f"configuration-{charge_point_id}"


def connection_test_workflow_id(charge_point_id: str) -> str:
    """One open connection test per charge point."""
    return f"connection-test-{charge_point_id}"


def command_workflow_id(command_id: str) -> str:
    """One workflow for each command of a site owner."""
    return f"command-{command_id}"


def orphaned_transaction_workflow_id(charge_point_id: str, transaction_id: str) -> str:
    """One workflow for each transaction that would not stop."""
    return f"stray-transaction-{charge_point_id}-{transaction_id}"


def availability_workflow_id(commissioning_id: str) -> str:
    """One workflow for what a cancelled run could not put back."""
    return f"availability-{commissioning_id}"


def notice_workflow_id(commissioning_id: str) -> str:
    """One mail for each verdict."""
    return f"notice-{commissioning_id}"


def account_letter_workflow_id(letter_id: str) -> str:
    """One mail for each letter about an account."""
    return f"account-letter-{letter_id}"


def delivery_workflow_id(delivery_id: str) -> str:
    """One open workflow for each delivery of an event to a webhook."""
    return f"webhook-{delivery_id}"


def webhook_task_queue(shared_task_queue: str) -> str:
    """Task queue of the calls to webhooks: a slow one must not hold up a run's records."""
    return f"{shared_task_queue}-webhooks"


def upkeep_task_queue(shared_task_queue: str) -> str:
    """Task queue of the reconciler and the dispatcher: whatever is slow must not hold them up."""
    return f"{shared_task_queue}-upkeep"


def billing_workflow_id(charge_point_id: str, transaction_id: str) -> str:
    """One open billing of a transaction."""
    return f"billing-{charge_point_id}-{transaction_id}"


def gathered_mail_workflow_id(notice_id: int) -> str:
    """One mail for notices that were gathered, named after the first of them."""
    return f"gathered-mail-{notice_id}"


def contest_notice_workflow_id(charge_point_id: str) -> str:
    """One open mail about a contest of links of a charge point."""
    return f"contest-{charge_point_id}"


def held_digest_workflow_id(project_id: str) -> str:
    """One open mail about held records of a project."""
    return f"held-{project_id}"


def local_list_workflow_id(charge_point_id: str) -> str:
    """One open update of the local list of a charge point."""
    return f"{LOCAL_LIST_PREFIX}{charge_point_id}"


LOCAL_LIST_PREFIX = "local-list-"

RETENTION_SCHEDULE = "retention"
RECONCILER_SCHEDULE = "reconciler"
DISPATCHER_SCHEDULE = "dispatcher"
"""Ids of the Schedules, and the beginnings of those of the workflows that they start."""

CONFIGURATION_DUE_SIGNAL = "configuration_due"
"""To the configuration push: values wait, and the charge point is there."""

GIVE_WAY_SIGNAL = "give_way"
"""To the configuration push that owns a charge point: a commissioning run wants it."""

BILLING_DUE_SIGNAL = "billing_due"
"""To the billing of a transaction: it is due, perhaps anew."""

CHARGE_POINT_GONE = "charge_point_gone"
COMMISSIONING_FAILED = "commissioning_failed"
WEBHOOK_FAILED = "webhook_failed"
WORKER_STOPS = "worker_stops"
"""Types of errors in Temporal: codes, as in the API. A plain exception has its class's name."""

OTHER_RUN = "other_run"
"""Type of an update's refusal: the workflow is of another run than the one that is meant."""

RUN_CLOSING = "run_closing"
"""Type of a cancel's refusal: the run closes with the verdict of its checks."""

HEARTBEAT_INTERVAL = "HeartbeatInterval"
CHARGE_POINT_EVENTS_SIGNAL = "charge_point_events"

BORROW_SIGNAL = "borrow"
GIVEN_BACK_SIGNAL = "given_back"
LOOK_AGAIN_SIGNAL = "look_again"
"""To SiteWorkflow: of a run that wants a charge point, or has ended; of one that has changed."""

LENT_SIGNAL = "lent"
CALLED_BACK_SIGNAL = "called_back"
"""To CommissioningWorkflow, of the site that its charge point belongs to."""

DELIVER_AGAIN_SIGNAL = "deliver_again"

BATCH_CHANGED_SIGNAL = "batch_changed"
"""Tells ProjectCommissioningWorkflow to look again; it carries nothing, the database knows."""


def site_workflow_id(project_id: str) -> str:
    """One workflow for the power of each site that was handed over."""
    return f"site-{project_id}"


class SearchAttribute(StrEnum):
    """Custom search attributes; operators filter runs by them.

    A name has one type for ever: a namespace that has it with another type keeps that.
    """

    CHARGE_POINT = "ChargePointId"
    SERIAL_NUMBER = "SerialNumber"
    PROJECT = "ProjectId"
    INSTALLER = "InstallerId"
    VENDOR = "Vendor"
    MODEL = "Model"
    RUN_STATUS = "RunStatus"
    FAILED_CHECKS = "FailedChecks"
    COMMISSIONING = "CommissioningId"

    @property
    def is_list(self) -> bool:
        """Whether it is of the type KeywordList; the others are Keyword."""
        return self is SearchAttribute.FAILED_CHECKS
