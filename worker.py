"""The worker of the shared task queue: every workflow, and every activity without a socket."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker, WorkerTuner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.account_letters import AccountActivities
from activities.binding import activities_of, done_by
from activities.mailer import FileMailer, SmtpMailer
from activities.mails import ContestActivities, HeldActivities, NoticeActivities, PostActivities
from activities.post import Post
from activities.project import ProjectActivities, VisitActivities
from activities.records import (
    BillingActivities,
    DirectoryActivities,
    OwnerActivities,
    RecordActivities,
    SiteActivities,
)
from activities.runs import BatchActivities, RunActivities
from activities.upkeep import RetentionActivities, UpkeepActivities
from activities.webhook_sender import HttpxSender
from activities.webhooks import WebhookActivities
from domain.names import SHARED_TASK_QUEUE, upkeep_task_queue, webhook_task_queue
from domain.ports import Mailer, Rounds, WebhookSender
from runtime.outbound import outbound_from
from runtime.probe import probe, probe_app
from runtime.process import open_database
from runtime.settings import Settings
from storage.account_letters import StoredLetters
from storage.batch_records import StoredBatches
from storage.bill_transaction import StoredBilling
from storage.catalogue import load_catalogue
from storage.contest_notices import StoredContestNotices
from storage.deliveries import StoredDeliveries
from storage.engine import Database
from storage.held_notices import StoredHeldNotices
from storage.mail_notices import StoredMailNotices
from storage.outages import DatabaseWatch
from storage.power_sharing import StoredPowerSharing
from storage.project_records import StoredProjects
from storage.retention.rounds import StoredRetention
from storage.run_records import StoredDirectory, StoredRuns
from storage.visit_records import StoredVisits
from storage.waiting_configuration import StoredRebootStagger
from temporal.client import connect_when_there
from temporal.deployment import DEPLOYMENT
from temporal.dispatcher import Dispatcher
from temporal.polling import Polling, log_outages_once
from temporal.reconciler import Reconciler
from temporal.run_starter import TemporalRunStarter
from temporal.schedules import keep_schedules
from workflows.after_run import AvailabilityWorkflow, StrayTransactionWorkflow
from workflows.billing import BillingWorkflow
from workflows.commissioning import CommissioningWorkflow
from workflows.configuration import ConfigurationWorkflow
from workflows.delivery import WebhookDeliveryWorkflow
from workflows.mails import (
    AccountLetterWorkflow,
    ContestNoticeWorkflow,
    GatheredMailWorkflow,
    HeldDigestWorkflow,
    NoticeWorkflow,
)
from workflows.operations import CommandWorkflow, ConnectionTestWorkflow, LocalListWorkflow
from workflows.project import ProjectWorkflow
from workflows.project_commissioning import ProjectCommissioningWorkflow
from workflows.site import SiteWorkflow
from workflows.upkeep import DispatcherWorkflow, ReconcilerWorkflow, RetentionWorkflow

_UPKEEP: Sequence[type] = (DispatcherWorkflow, ReconcilerWorkflow)
WORKFLOWS: Sequence[type] = (
    *_UPKEEP,
    AccountLetterWorkflow,
    AvailabilityWorkflow,
    BillingWorkflow,
    CommandWorkflow,
    CommissioningWorkflow,
    ConfigurationWorkflow,
    ConnectionTestWorkflow,
    GatheredMailWorkflow,
    ContestNoticeWorkflow,
    HeldDigestWorkflow,
    LocalListWorkflow,
    NoticeWorkflow,
    ProjectCommissioningWorkflow,
    ProjectWorkflow,
    RetentionWorkflow,
    SiteWorkflow,
    StrayTransactionWorkflow,
    WebhookDeliveryWorkflow,
)

_CALLS_AT_ONCE = 20
_MAILS_AT_ONCE = 50
# So long a mail or a call that is on its way when the worker stops may take to end: it would leave
# once more. With workers_end's bound it is less than what any supervisor of ours waits.
_GRACE = timedelta(seconds=2)
_POLL_ALONE = PollerBehaviorSimpleMaximum(maximum=2)
# A beat is on its way well before policies.UPKEEP_HEARTBEAT is over, also on a busy machine.
_BEATS = timedelta(seconds=4)

# The fields of a log line are fields: the SDK would repeat them inside the message.
activity.logger.activity_info_on_message = False
workflow.logger.workflow_info_on_message = False

# Our own pure modules are imported once, not anew for each workflow run.
_PASSED_THROUGH = ("activities", "annotated_types", "domain", "pydantic", "pydantic_core")


def workflow_runner() -> SandboxedWorkflowRunner:
    """The sandbox that every worker and every replay uses."""
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(*_PASSED_THROUGH)
    )


def mailer_from(settings: Settings) -> Mailer:
    """Return the mailer that the settings ask for."""
    if settings.smtp_url is None:
        return FileMailer(settings.data_dir / "mail", sender=settings.mail_from)
    return SmtpMailer(settings.smtp_url.get_secret_value(), sender=settings.mail_from)


def make_worker(
    client: Client,
    database: Database,
    mailer: Mailer,
    *,
    settings: Settings,
    task_queue: str = SHARED_TASK_QUEUE,
) -> Worker:
    """Compose the worker."""
    catalogue = load_catalogue(settings.catalogue_dir, firmware_url=settings.firmware_url)
    secret, public_url = settings.required_secret(), settings.public_api_url
    runs = StoredRuns(
        database,
        catalogue,
        api_url=public_url,
        temporal_ui_url=settings.temporal_ui_url,
        now=_now,
    )
    directory = StoredDirectory(database, catalogue, now=_now)
    mail_notices = StoredMailNotices(
        database,
        secret=secret,
        per_hour=settings.mail_notices_per_hour,
        per_day=settings.mail_notices_per_day,
        now=_now,
    )
    post = Post(mailer, mail_notices, secret=secret, public_url=public_url)
    projects = ProjectActivities(
        StoredProjects(
            database, catalogue, invitation_lifetime=settings.invitation_lifetime, now=_now
        ),
        post,
        secret=secret,
        public_url=public_url,
    )
    contests = StoredContestNotices(
        database, to_verified=settings.email_verification == "required", now=_now
    )
    reboots = StoredRebootStagger(database, stagger=settings.reboot_stagger)
    starter = TemporalRunStarter(client, database, now=_now, task_queue=task_queue)
    records: RecordActivities = runs
    whereabouts: DirectoryActivities = directory
    sites: SiteActivities = StoredPowerSharing(database, catalogue, now=_now)
    billing: BillingActivities = StoredBilling(database, catalogue, now=_now)
    activities = (
        *done_by(records, RecordActivities),
        *done_by(whereabouts, DirectoryActivities),
        *done_by(sites, SiteActivities),
        *done_by(billing, BillingActivities),
        *activities_of(
            projects,
            OwnerActivities(runs, directory, reboots),
            RunActivities(starter),
            BatchActivities(StoredBatches(database, catalogue, now=_now), starter),
            VisitActivities(StoredVisits(database, catalogue, now=_now), post, starter, projects),
            RetentionActivities(StoredRetention(database, settings.ages, now=_now)),
            PostActivities(post, mail_notices),
            NoticeActivities(runs, post),
            ContestActivities(contests, post, public_url=public_url),
            HeldActivities(StoredHeldNotices(database, now=_now), post, public_url=public_url),
            AccountActivities(
                StoredLetters(database, now=_now), post, secret=secret, public_url=public_url
            ),
        ),
    )
    return Worker(
        client,
        task_queue=task_queue,
        workflows=[one for one in WORKFLOWS if one not in _UPKEEP],
        activities=activities,
        workflow_runner=workflow_runner(),
        tuner=_tuner(settings),
        graceful_shutdown_timeout=_GRACE,
        deployment_config=DEPLOYMENT,
    )


def _tuner(settings: Settings) -> WorkerTuner:
    """Places by what they wait for, and not by how busy the machine is, perhaps with other work.

    Records are local activities, each with a connection: beyond twice of those it is better to wait
    for a place, which has no time-out, than for a connection, which has one.
    """
    return WorkerTuner.create_fixed(
        activity_slots=_MAILS_AT_ONCE,
        local_activity_slots=4 * settings.database_pool_size,
    )


def make_webhook_worker(
    client: Client,
    database: Database,
    *,
    settings: Settings,
    task_queue: str = SHARED_TASK_QUEUE,
    sender: WebhookSender | None = None,
) -> Worker:
    """Compose the worker that calls webhooks: on a queue of its own, a few at a time."""
    webhooks = WebhookActivities(
        StoredDeliveries(database, now=_now),
        sender or HttpxSender(),
        outbound_from(settings),
        secret=settings.required_secret(),
    )
    return Worker(
        client,
        task_queue=webhook_task_queue(task_queue),
        activities=[*activities_of(webhooks)],
        max_concurrent_activities=_CALLS_AT_ONCE,
        graceful_shutdown_timeout=_GRACE,
        deployment_config=DEPLOYMENT,
    )


def make_upkeep_worker(
    client: Client,
    *,
    reconciler: Rounds,
    dispatcher: Rounds,
    task_queue: str = SHARED_TASK_QUEUE,
) -> Worker:
    """Compose the worker of the engine's own rounds: they do not queue up behind other work."""
    upkeep = UpkeepActivities(reconciler=reconciler, dispatcher=dispatcher)
    return Worker(
        client,
        task_queue=upkeep_task_queue(task_queue),
        workflows=_UPKEEP,
        activities=[*activities_of(upkeep)],
        workflow_runner=workflow_runner(),
        max_concurrent_workflow_tasks=2,
        max_concurrent_activities=2,
        max_cached_workflows=4,
        workflow_task_poller_behavior=_POLL_ALONE,
        activity_task_poller_behavior=_POLL_ALONE,
        max_heartbeat_throttle_interval=_BEATS,
        deployment_config=DEPLOYMENT,
    )


async def run_worker(settings: Settings) -> None:
    """Serve the shared task queues until cancelled."""
    log = structlog.get_logger()
    log_outages_once()
    database = open_database(settings, "worker")
    watched = open_database(settings, "worker", pool_size=1)
    watch = DatabaseWatch(watched, now=_now)
    polling: Polling | None = None
    page = probe_app(
        {
            "database": watch.trouble,
            "task_queue": lambda: None if polling and polling.is_polling else "is not polled",
        }
    )
    try:
        async with probe(page, settings.worker_host, settings.worker_port):
            client = await connect_when_there()
            # They outlive a pause of polling, and with them what they know of outages.
            reconciler = Reconciler(client, database, now=_now)
            dispatcher = Dispatcher(client, database, now=_now)
            polling = Polling(
                watch,
                lambda: (
                    make_worker(client, database, mailer_from(settings), settings=settings),
                    make_webhook_worker(client, database, settings=settings),
                    make_upkeep_worker(client, reconciler=reconciler, dispatcher=dispatcher),
                ),
            )
            log.info("worker_started", task_queue=SHARED_TASK_QUEUE, namespace=client.namespace)
            await asyncio.gather(
                watch.run(),
                polling.run(),
                keep_schedules(client),
            )
    finally:
        await database.close()
        await watched.close()
        log.info("worker_stopped")


def _now() -> datetime:
    return datetime.now(UTC)
