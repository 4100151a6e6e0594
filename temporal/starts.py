"""The table of all starts of workflows from outside of workflows: who starts one finds it here.

Its input is typed here, since a workflow is named and not imported: OCPP servers start some, too.
"""

from datetime import timedelta
from typing import Final

from domain import names
from domain.batch import BatchOwner
from domain.billing.messages import BillTransaction
from domain.commands import Command
from domain.commissioning import OrphanedTransaction, RunToStart
from domain.configuration import ConfigurationRequest, ConnectionTestRequest
from domain.handover import ProjectRequest
from domain.mail import GatheredMailOrder
from domain.names import SearchAttribute
from domain.offline import UpdateLocalList
from domain.power.facts import SiteRequest
from domain.retention import LetGo
from domain.summaries import CONFIGURATION_SUMMARY, orphaned_summary, site_summary
from domain.upkeep import Turn
from temporal import run_presentation
from temporal.start import Existing, Start

_SHORT: Final = timedelta(minutes=5)


def run(committed: RunToStart) -> Start:
    """The run of a charge point."""
    return Start(
        workflow="CommissioningWorkflow",
        request=committed.request,
        id=names.commissioning_workflow_id(committed.request.charge_point_id),
        summary=run_presentation.summary(committed.registered),
        details=run_presentation.details(committed.request),
        attributes=run_presentation.attributes(committed),
        told_apart_by=SearchAttribute.COMMISSIONING,
    )


def batch(owner: BatchOwner) -> Start:
    """The commissioning of a project; an open one looks at its batch again."""
    return Start(
        workflow="ProjectCommissioningWorkflow",
        request=owner,
        id=names.batch_workflow_id(owner.project_id),
        summary=f"Commission {owner.name}",
        attributes={
            SearchAttribute.PROJECT: owner.project_id,
            SearchAttribute.INSTALLER: owner.installer_id,
        },
        existing=Existing.SERVES,
        signal=names.BATCH_CHANGED_SIGNAL,
    )


def configuration(charge_point_id: str, *, restart: bool = True) -> Start:
    """The push of queued values; an open one, even if about to end, looks once more."""
    return Start(
        workflow="ConfigurationWorkflow",
        request=ConfigurationRequest(charge_point_id=charge_point_id, restart=restart),
        id=names.configuration_workflow_id(charge_point_id),
        summary=CONFIGURATION_SUMMARY,
        existing=Existing.SERVES,
        signal=names.CONFIGURATION_DUE_SIGNAL,
    )


def connection_test(charge_point_id: str) -> Start:
    """A round trip to a charge point; who asks at the same time shares the answer."""
    return Start(
        workflow="ConnectionTestWorkflow",
        request=ConnectionTestRequest(charge_point_id=charge_point_id),
        id=names.connection_test_workflow_id(charge_point_id),
        summary=f"Test the connection of {charge_point_id}",
        existing=Existing.SERVES,
        ends_within=_SHORT,
    )


def command(order: Command) -> Start:
    """A command of a site owner."""
    return Start(
        workflow="CommandWorkflow",
        request=order,
        id=names.command_workflow_id(order.command_id),
        summary=f"Command {order.name} to {order.charge_point_id}",
        existing=Existing.SERVES,
        ends_within=_SHORT,
    )


def local_list(charge_point_id: str) -> Start:
    """An update of the local list of a charge point."""
    return Start(
        workflow="LocalListWorkflow",
        request=UpdateLocalList(charge_point_id=charge_point_id),
        id=names.local_list_workflow_id(charge_point_id),
        summary=f"Bring the local list of {charge_point_id} up to date",
    )


def orphaned_transaction(orphaned: OrphanedTransaction) -> Start:
    """The alarm of a test transaction that outlived its run."""
    return Start(
        workflow="StrayTransactionWorkflow",
        request=orphaned,
        id=names.orphaned_transaction_workflow_id(
            orphaned.charge_point_id, orphaned.transaction_id
        ),
        summary=orphaned_summary(orphaned.transaction_id),
    )


def project(request: ProjectRequest) -> Start:
    """The invitations and service visits of a project."""
    return Start(
        workflow="ProjectWorkflow",
        request=request,
        id=request.project_id,
        summary=request.name,
        existing=Existing.SERVES,
    )


def invitation_ended(request: ProjectRequest, invitation_id: str) -> Start:
    """The same, told that an invitation has ended, or should have."""
    return project(request).telling("invitation_ended", invitation_id)


def site(request: SiteRequest) -> Start:
    """The power of a site that was handed over."""
    return Start(
        workflow="SiteWorkflow",
        request=request,
        id=names.site_workflow_id(request.project_id),
        summary=site_summary(request.name),
    )


def billing(due: BillTransaction) -> Start:
    """The billing of a transaction that has ended."""
    return Start(
        workflow="BillingWorkflow",
        request=due,
        id=names.billing_workflow_id(due.charge_point_id, due.transaction_id),
        summary=f"Bill transaction {due.transaction_id}",
    )


def billing_anew(due: BillTransaction) -> Start:
    """The same, where values came that an open one has perhaps not seen."""
    return billing(due).telling(names.BILLING_DUE_SIGNAL)


def held_digest(project_id: str) -> Start:
    """The mail about held records of a project."""
    return Start(
        workflow="HeldDigestWorkflow",
        request=project_id,
        id=names.held_digest_workflow_id(project_id),
        summary=f"Mail the held records of {project_id}",
    )


def gathered_mail(notice_id: int) -> Start:
    """The mail of notices that were gathered, of which this is the first."""
    return Start(
        workflow="GatheredMailWorkflow",
        request=GatheredMailOrder(notice_id=notice_id),
        id=names.gathered_mail_workflow_id(notice_id),
        summary="Mail gathered notices",
    )


def contest_notice(charge_point_id: str) -> Start:
    """The mail about links that contend for a charge point."""
    return Start(
        workflow="ContestNoticeWorkflow",
        request=charge_point_id,
        id=names.contest_notice_workflow_id(charge_point_id),
        summary=f"Mail that several links speak as {charge_point_id}",
    )


def account_letter(letter_id: str) -> Start:
    """The mail about an account, once for ever."""
    return Start(
        workflow="AccountLetterWorkflow",
        request=letter_id,
        id=names.account_letter_workflow_id(letter_id),
        summary=f"Mail {letter_id} about an account",
        existing=Existing.FORBIDS,
    )


def delivery(delivery_id: str) -> Start:
    """The delivery of an event to a webhook."""
    return Start(
        workflow="WebhookDeliveryWorkflow",
        request=delivery_id,
        id=names.delivery_workflow_id(delivery_id),
        summary=f"Deliver {delivery_id} to its webhook",
    )


def delivery_again(delivery_id: str) -> Start:
    """The same once more; one that is about to end goes on."""
    return delivery(delivery_id).telling(names.DELIVER_AGAIN_SIGNAL)


def reconciler(name: str) -> Start:
    """A turn of reconciling, begun by the Schedule of this name."""
    return Start(
        workflow="ReconcilerWorkflow",
        request=Turn(),
        id=name,
        summary="Mend what a crash left between rows and workflows",
    )


def dispatcher(name: str) -> Start:
    """A turn of dispatching, begun by the Schedule of this name."""
    return Start(
        workflow="DispatcherWorkflow",
        request=Turn(),
        id=name,
        summary="Start the deliveries and mails that wait in the outboxes",
    )


def retention(name: str) -> Start:
    """A round over what is old, begun by the Schedule of this name."""
    return Start(
        workflow="RetentionWorkflow",
        request=LetGo(),
        id=name,
        summary="Let go of what is old",
    )
