"""What activities need from the outside, as protocols; composition roots hand in the real parts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from domain import operations as op
from domain.accounts import AccountLetter
from domain.batch import BatchStep, WaitNote
from domain.billing.messages import BillTransaction, HeldDigest, Settled
from domain.commissioning import (
    AnswerNote,
    AvailabilityOwed,
    Briefing,
    CancelRequest,
    Finished,
    NamedTransaction,
    Registered,
    RetryOrder,
    RunRequest,
    RunStarted,
    RunToStart,
    RunVerdict,
    TransactionReadings,
    VerdictNotice,
    WhoseSerial,
)
from domain.contests import ContestNotice
from domain.facts import Snapshot
from domain.handover import CompleteHandover, HandoverNotice, HandoverResult, RemoveProject
from domain.invitations import (
    InvitationDraft,
    InvitationSettled,
    NewInvitation,
    ResendInvitation,
)
from domain.mail import Admission, GatheredMail, MailNotice
from domain.offline import LocalListUpdated, UpdateLocalList
from domain.outbound import Destination
from domain.ownership import Claim, Owner, RebootRequest, Release, Released, Whereabouts
from domain.power import facts as site
from domain.power import operations as power
from domain.retention import LetGo
from domain.service_visits import CloseVisit, VisitClosed, VisitStands
from domain.webhooks import Call, DeliveryAttempt, WebhookAnswer


class ChargePointGateway(Protocol):
    """Speaks to the charge points whose sockets this node holds.

    Every method raises :class:`ChargePointGoneError` when the socket is not (or no longer) here.
    """

    async def read_identity(self, request: op.ReadIdentity) -> op.Identity: ...
    async def read_configuration(self, request: op.ReadConfiguration) -> op.Configuration: ...
    async def apply_configuration(
        self, request: op.ApplyConfiguration
    ) -> op.ConfigurationOutcome: ...
    async def trigger(self, request: op.Trigger) -> op.Outcome: ...
    async def change_availability(self, request: op.ChangeAvailability) -> op.Outcome: ...
    async def unlock_connector(self, request: op.UnlockConnector) -> op.Outcome: ...
    async def start_test_transaction(self, request: op.StartTestTransaction) -> op.Outcome: ...
    async def stop_test_transaction(self, request: op.StopTestTransaction) -> op.Outcome: ...
    async def update_firmware(self, request: op.UpdateFirmware) -> op.Outcome: ...
    async def reset(self, request: op.Reset) -> op.Outcome: ...
    async def collect_logs(self, request: op.CollectLogs) -> op.Outcome: ...
    async def ping(self, request: op.Operation) -> op.Ping: ...


class PowerGateway(Protocol):
    """Limits what the charge points draw whose sockets this node holds."""

    async def limit_station(self, request: power.LimitStation) -> power.StationLimited:
        """Limit a charge point; raises :class:`ChargePointGoneError` when it is not here."""
        ...

    async def limit_connectors(self, request: power.LimitConnectors) -> power.ConnectorsLimited:
        """Limit transactions; one whose charge point is not here is answered UNKNOWN."""
        ...

    async def lift_limits(self, request: power.LiftLimits) -> op.Outcome:
        """Lift the limits; raises :class:`ChargePointGoneError` when it is not here."""
        ...


class SiteRecords(Protocol):
    """The registry's side of a site whose power is shared."""

    async def read_site(self, question: site.SiteQuestion) -> site.SiteSnapshot:
        """Read the site's limit and its charge points."""
        ...

    async def read_draws(self, question: site.DrawsQuestion) -> site.Draws:
        """Read what transactions draw, by the newest of their meter values."""
        ...

    async def take_out(self, order: site.TakeOut) -> None:
        """Withdraw a charge point that cannot draw any more; harmless when repeated."""
        ...

    async def record_states(self, states: site.StationStates) -> None:
        """Note how far smart charging is; harmless when repeated."""
        ...

    async def set_limit(self, change: site.SetLimit) -> None:
        """Note the supply's limit."""
        ...

    async def set_electrical(self, change: site.SetElectrical) -> None:
        """Note how a charge point is connected; harmless when repeated."""
        ...

    async def pause(self, change: site.PauseSmartCharging) -> None:
        """Note that smart charging is paused, or not any more."""
        ...


class LocalListGateway(Protocol):
    """Brings the local lists of id tags of the charge points whose sockets this node holds.

    Raises :class:`ChargePointGoneError` as :class:`ChargePointGateway`.
    """

    async def update_local_list(self, request: UpdateLocalList) -> LocalListUpdated: ...


class ChargePointGoneError(Exception):
    """The charge point's socket is not on this node; locate it again."""


class Mailer(Protocol):
    """Delivers one mail; raises OSError or a subclass when it cannot.

    Mail of an account's goes by :class:`activities.post.Post`, which counts it.
    """

    async def send(
        self,
        *,
        to: str,
        subject: str,
        text: str,
        html: str | None = None,
        stop_link: str | None = None,
    ) -> str:
        """Deliver, and say where it went (for the log).

        ``stop_link``: where a POST stops such mail (RFC 8058).
        """
        ...


class MailNotices(Protocol):
    """Counts notices, gathers those beyond the quota, and knows who wants none. Safe to repeat."""

    async def is_blocked(self, *, account_id: str, to: str) -> bool: ...
    async def let_through(self, *, account_id: str, to: str, letter_id: str) -> bool: ...
    async def give_back(self, *, account_id: str, to: str, letter_id: str) -> None: ...
    async def admit(self, notice: MailNotice) -> Admission: ...
    async def sent(self, about: str) -> None: ...
    async def gathered(self, notice_id: int) -> GatheredMail | None: ...
    async def gathered_sent(self, gathered: GatheredMail) -> None: ...


class RunRecords(Protocol):
    """Records of commissioning runs. Every method is safe to repeat."""

    async def begin_run(self, request: RunRequest, *, owner: Owner) -> Briefing: ...
    async def catch_up(self, request: RunRequest, *, owner: Owner) -> Snapshot: ...
    async def finish_run(self, verdict: RunVerdict, *, owner: Owner) -> Finished: ...
    async def note_wait(self, note: WaitNote) -> str | None: ...
    async def note_answer(self, note: AnswerNote) -> None: ...
    async def accept_charge_point(self, charge_point_id: str) -> None: ...
    async def whose_serial(self, question: WhoseSerial) -> Registered | None: ...
    async def readings(self, transaction: NamedTransaction) -> TransactionReadings: ...
    async def is_newest(self, owed: AvailabilityOwed) -> bool: ...
    async def notice(self, commissioning_id: str) -> VerdictNotice | None: ...
    async def notice_sent(self, commissioning_id: str) -> None: ...


class RunStarter(Protocol):
    """Starts runs, and ends them from outside. Every method is safe to repeat."""

    async def retry(self, order: RetryOrder) -> RunStarted: ...
    async def cancel(self, workflow_id: str, *, run_id: str) -> None: ...


class Directory(Protocol):
    """Where charge points are, and who owns them for the moment. Safe to repeat."""

    async def locate(self, charge_point_id: str) -> Whereabouts: ...
    async def claim(self, charge_point_id: str, *, owner: Owner) -> Claim: ...
    async def release(self, request: Release, *, owner: Owner) -> Released: ...


class BatchRecords(Protocol):
    """Records of the commissioning of whole projects. Every method is safe to repeat."""

    async def advance(self, project_id: str) -> BatchStep: ...
    async def cancel_sent(self, batch_id: str, charge_point_ids: Sequence[str]) -> None: ...
    async def abandon_unbegun(self, charge_point_id: str, request: CancelRequest) -> bool: ...


class RunControl(Protocol):
    """Starts and cancels the workflows of runs. Safe to repeat."""

    async def start(self, run: RunToStart) -> None: ...
    async def cancel_open(self, charge_point_id: str, request: CancelRequest) -> bool: ...


class RebootStagger(Protocol):
    """Slots for reboots, one after the other in a project."""

    async def reserve(self, request: RebootRequest) -> timedelta: ...


class Retention(Protocol):
    """Lets go of rows that are old, as far as nothing rests on them. Safe to repeat."""

    async def go_on(self, *, at_most: timedelta, alive: Callable[[], None]) -> LetGo: ...


class Rounds(Protocol):
    """Work that is done again and again, at a pace of its own. Two at it do no harm."""

    async def go_round(self) -> timedelta:
        """Do one round, whatever fails in it; return how long to rest before the next."""
        ...


class BillingRecords(Protocol):
    """Charge detail records. Safe to repeat."""

    async def settle(self, due: BillTransaction) -> Settled: ...


class HeldNotices(Protocol):
    """Held records that their owners are to be told of. Safe to repeat."""

    async def digest(self, project_id: str) -> HeldDigest | None: ...
    async def told(self, digest: HeldDigest) -> None: ...


class AccountLetters(Protocol):
    """Mails about accounts that were asked for. Safe to repeat."""

    async def letter(self, letter_id: str) -> AccountLetter | None: ...
    async def sent(self, letter_id: str) -> None: ...


class ContestNotices(Protocol):
    """Contests of links that people are to be told of. Safe to repeat."""

    async def notice(self, charge_point_id: str) -> ContestNotice | None: ...
    async def told(self, notice: ContestNotice) -> None: ...


class ProjectRecords(Protocol):
    """Records of projects. Every method is safe to repeat."""

    async def invite(
        self, project_id: str, request: NewInvitation, *, token_hash: str
    ) -> InvitationDraft: ...
    async def resend(self, project_id: str, request: ResendInvitation) -> InvitationDraft: ...
    async def invitation_sent(self, invitation_id: str) -> None: ...
    async def settle_invitation(self, invitation_id: str) -> InvitationSettled: ...
    async def invitation_told(self, invitation_id: str) -> None: ...
    async def complete_handover(
        self, project_id: str, request: CompleteHandover
    ) -> HandoverResult: ...
    async def handover_notice(self, project_id: str) -> HandoverNotice | None: ...
    async def handover_mailed(self, project_id: str) -> None: ...
    async def remove(self, project_id: str, request: RemoveProject) -> None: ...


class VisitRecords(Protocol):
    """Service visits. Every method is safe to repeat."""

    async def look(self, service_visit_id: str) -> VisitStands: ...
    async def close(self, request: CloseVisit) -> VisitClosed: ...
    async def told(self, service_visit_id: str) -> None: ...


class DeliveryRecords(Protocol):
    """Deliveries to webhooks. Safe to repeat, but that an attempt is then logged twice."""

    async def call(self, delivery_id: str) -> Call | None: ...
    async def attempted(
        self, delivery_id: str, webhook_id: str, attempt: DeliveryAttempt
    ) -> None: ...
    async def give_up(self, delivery_id: str) -> None: ...


class WebhookSender(Protocol):
    """Calls a webhook at one of its addresses."""

    async def post(
        self, destination: Destination, *, headers: Mapping[str, str], body: str
    ) -> WebhookAnswer:
        """Give the answer, whatever its status; no redirect is followed.

        Raises:
            OSError: there was no answer; its text says why.

        """
        ...
