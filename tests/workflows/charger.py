"""A scripted charge point behind the gateway port, and records in memory, for workflow tests.

The workflow, its activities and Temporal are real; only the far side of the two ports is scripted,
so that a test can make the charge point do one thing wrong and time can be skipped.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle

from domain import operations as op
from domain.batch import WaitNote
from domain.catalogue import FirmwareRule
from domain.checks import RunView
from domain.commissioning import (
    AnswerNote,
    AvailabilityOwed,
    Briefing,
    Finished,
    MeterReading,
    NamedTransaction,
    Registered,
    RunRequest,
    RunVerdict,
    TransactionReadings,
    VerdictNotice,
    WhoseSerial,
)
from domain.facts import (
    Astray,
    BootFact,
    ChargePointEvent,
    ChargePointEvents,
    ConnectionFact,
    ConnectorFact,
    EventKind,
    Irregularity,
    MeterFact,
    RefusedAttempt,
    Snapshot,
    StatusFact,
    TransactionFact,
)
from domain.names import CHARGE_POINT_EVENTS_SIGNAL
from domain.ownership import Claim, Owner, RebootRequest, Release, Released, Restart, Whereabouts
from domain.ports import ChargePointGoneError
from domain.rules.configuration import judge_configuration
from domain.states import ConnectorStatus, ParameterState, RegistrationStatus

EPOCH = datetime(2026, 5, 1, 9, tzinfo=UTC)
ID_TAG = "A1B2C3D4E5F60718293A"
REGISTERED = Registered(
    charge_point_id="cp_1",
    project_id="prj_1",
    vendor="ABB",
    model="ABB Terra AC W22",
    serial_number="CP-SN-00483921",
    ocpp_version="1.6",
)
DESIRED: tuple[op.DesiredParameter, ...] = (
    op.DesiredParameter(key="HeartbeatInterval", value="60", required=True),
    op.DesiredParameter(key="MeterValueSampleInterval", value="30", required=True),
    op.DesiredParameter(key="AuthorizationCacheEnabled", value="true"),
)
FIRMWARE = FirmwareRule(extract=r"(\d+\.\d+\.\d+)", minimum="1.8.0", blocked=("1.9.9",))


@dataclass(kw_only=True)
class Behaviour:
    """What the charge point does; a test changes one thing."""

    vendor: str = "ABB"
    model: str = "Terra AC W22"
    serial: str = "CP-SN-00483921"
    firmware: str | None = "1.8.21"
    online: bool = True
    boots: bool = True
    silent_before: bool = False
    """Whether nothing is known of its boot and its connectors when a run begins."""
    boot_before: BootFact | None = None
    """The newest that is known when a run begins; it came on an earlier connection."""
    triggers: bool = True
    heartbeats: bool = True
    statuses: dict[int, ConnectorStatus] = field(
        default_factory=lambda: {1: ConnectorStatus.AVAILABLE}
    )
    heals_when_made_available: bool = True
    number_of_connectors: int | None = 1
    connection_timeout_s: int | None = None
    reboot_for: frozenset[str] = frozenset()
    reboots_in_vain: bool = False
    """It reports the old values after a restart, too."""
    unreadable: str | None = None
    """Why its configuration cannot be read."""
    reset_reply: op.Reply = op.Reply.ACCEPTED
    lost_resets: int = 0
    """So many are lost with the node that was to send them."""
    restarts: bool = True
    """Whether an accepted Reset has any effect."""
    boots_on_its_link: bool = False
    """Whether it boots without breaking its link, as any does in Pending now and then."""
    comes_back: bool = True
    boot_is_told: bool = True
    """Whether the node lives long enough to tell a boot after a connection."""
    rejects: frozenset[str] = frozenset()
    reports: dict[str, str] = field(default_factory=dict)
    """Values that it has in force, whatever it is told."""
    unanswered: int = 0
    """So many times it gives no answer about its first parameter."""
    lacks: frozenset[str] = frozenset()
    """Keys that it says it does not know."""
    told_interval: int | None = None
    """The interval that the answer to its boot carried."""
    said_interval: str | None = None
    """What it reports as its HeartbeatInterval, whatever it was told."""
    start_reply: op.Reply = op.Reply.ACCEPTED
    starts: bool = True
    starts_not_on: frozenset[int] = frozenset()
    """Connectors where nobody plugs in."""
    lost_starts: int = 0
    """So many starts are lost with the node that was to send them."""
    starts_on: int | None = None
    stops: bool = True
    stop_is_told: bool = True
    stop_reason: str | None = "Remote"
    registers: tuple[float, ...] = (1000, 1060, 1120, 1180)
    stuck: frozenset[int] = frozenset()
    """Connectors whose register does not move."""
    power_w: float | None = 22_000
    meters: bool = True
    ping_ms: float = 20
    clock_skew_s: float | None = 0.3


async def _update_nothing(_charger: "ScriptedChargePoint") -> None:
    """An order to update that has no effect."""


class ScriptedChargePoint:
    """Implements ChargePointActivities; tells the workflow what happens, by signals."""

    def __init__(self, behaviour: Behaviour, client: Client, *, node_id: str) -> None:
        self.behaviour = behaviour
        self.received: Counter[str] = Counter()
        self.operative: dict[int, bool] = {}
        self.handle: WorkflowHandle[object, object] | None = None
        self.node_id = node_id
        self.generation = 1
        self.newest_boot: BootFact | None = None
        self.heartbeat_at: datetime | None = None
        self.firmware_status: StatusFact | None = None
        self.update: Callable[[ScriptedChargePoint], Awaitable[None]] = _update_nothing
        self.untold: set[EventKind] = set()
        """What is stored, and of which no workflow hears."""
        self.provisioned = False
        self.gone_for: Counter[str] = Counter()
        """How many more times an operation finds no socket."""
        self._client = client
        self.pending = set(behaviour.reboot_for)
        self.clock = EPOCH
        self.configurable = asyncio.Event()
        self.configurable.set()
        self.told_to_restart_at: datetime | None = None
        self.applied: list[op.ApplyConfiguration] = []
        self._intents: set[str] = set()
        self.transactions: dict[str, TransactionFact] = {}
        self.readings: dict[str, list[MeterReading]] = {}

    # What it knows of itself

    @property
    def transaction(self) -> TransactionFact | None:
        """The newest."""
        return next(reversed(self.transactions.values()), None)

    @transaction.setter
    def transaction(self, known: TransactionFact) -> None:
        self.transactions[known.transaction_id] = known

    def connection(self) -> ConnectionFact:
        return ConnectionFact(
            connected=self.behaviour.online,
            node_id=self.node_id,
            generation=self.generation,
            ocpp_version="1.6",
            at=EPOCH,
        )

    def boot(self) -> BootFact:
        """Boot once more."""
        self.newest_boot = BootFact(
            boot_id=f"boot-{uuid4().hex}",
            at=self.clock,
            vendor=self.behaviour.vendor,
            model=self.behaviour.model,
            charge_point_serial=self.behaviour.serial,
            charge_box_serial=None,
            firmware_version=self.behaviour.firmware,
            registration=RegistrationStatus.ACCEPTED
            if self.provisioned
            else RegistrationStatus.PENDING,
        )
        return self.newest_boot

    def connectors(self) -> tuple[ConnectorFact, ...]:
        return tuple(self.fact(number) for number in self.behaviour.statuses)

    def fact(self, number: int) -> ConnectorFact:
        status = self.behaviour.statuses[number]
        fault = status is ConnectorStatus.FAULTED
        return ConnectorFact(
            connector_id=number,
            status=status,
            error_code="GroundFailure" if fault else "NoError",
            vendor_error_code="E17" if fault else None,
            at=EPOCH,
        )

    # What it tells

    async def tell(self, kind: EventKind, **facts: object) -> None:
        assert self.handle is not None
        if kind is EventKind.HEARTBEAT:
            self.heartbeat_at = EPOCH
        if kind is EventKind.FIRMWARE_STATUS:
            self.firmware_status = StatusFact(status=str(facts["status"]), at=self.clock)
        if kind in self.untold:
            return
        event = ChargePointEvent(event_id=uuid4().hex, kind=kind, at=EPOCH, **facts)  # type: ignore[arg-type]
        await self.handle.signal(CHARGE_POINT_EVENTS_SIGNAL, ChargePointEvents(events=(event,)))

    async def connect(self) -> None:
        self.behaviour.online = True
        self.generation += 1
        self.clock += timedelta(seconds=1)
        await self.tell(EventKind.CONNECTED, connection=self.connection())
        if self.behaviour.boot_is_told:
            await self.tell(EventKind.BOOT, boot=self.boot())

    async def set_status(self, number: int, status: ConnectorStatus) -> None:
        self.behaviour.statuses[number] = status
        await self.tell(EventKind.CONNECTOR, connector=self.fact(number))

    # The gateway port

    async def read_identity(self, request: op.ReadIdentity) -> op.Identity:
        self._enter("read_identity")
        not_triggered: dict[op.TriggerKind, op.Outcome] = {}
        for message in request.ask_for:
            outcome = await self.trigger(
                op.Trigger(charge_point_id=request.charge_point_id, message=message)
            )
            if outcome.reply in {op.Reply.NOT_SUPPORTED, op.Reply.TIMEOUT}:
                not_triggered[message] = outcome
            if outcome.reply is op.Reply.TIMEOUT:
                break
        return op.Identity(
            boot=None if EventKind.BOOT in self.untold else self.newest_boot,
            ocpp_version="1.6",
            ping_ms=self.behaviour.ping_ms,
            clock_skew_s=self.behaviour.clock_skew_s,
            connected_at=EPOCH,
            not_triggered=not_triggered,
            heartbeat_told_s=self.behaviour.told_interval,
        )

    async def read_configuration(self, request: op.ReadConfiguration) -> op.Configuration:
        raise NotImplementedError

    async def apply_configuration(self, request: op.ApplyConfiguration) -> op.ConfigurationOutcome:
        await self.configurable.wait()
        self._enter("apply_configuration")
        if self.behaviour.unreadable is not None:
            return op.ConfigurationOutcome(parameters=(), detail=self.behaviour.unreadable)
        self.applied.append(request)
        unanswered = self.received["apply_configuration"] <= self.behaviour.unanswered
        outcome = op.ConfigurationOutcome(
            unanswered=unanswered,
            not_supported=tuple(sorted(self.behaviour.lacks)),
            parameters=tuple(
                self._parameter(wanted, restarted=wanted.key in request.restarted_for)
                for wanted in request.parameters
            ),
            number_of_connectors=self.behaviour.number_of_connectors,
            connection_timeout_s=self.behaviour.connection_timeout_s,
            keys_reported=12,
        )
        if unanswered:
            first = replace(outcome.parameters[0], state=ParameterState.QUEUED, reported=None)
            outcome = replace(outcome, parameters=(first, *outcome.parameters[1:]))
        verdict = judge_configuration(request.parameters, outcome.parameters, last_word=True)
        if request.then is None or verdict.reboot or verdict.failure is not None:
            return outcome
        self.provisioned = True
        return replace(outcome, identity=await self.read_identity(request.then))

    def _parameter(self, wanted: op.DesiredParameter, *, restarted: bool) -> op.ParameterOutcome:
        state = ParameterState.APPLIED
        reported = self.behaviour.reports.get(wanted.key, wanted.value)
        if wanted.key == "HeartbeatInterval" and self.behaviour.said_interval is not None:
            state, reported = ParameterState.REJECTED, self.behaviour.said_interval
        elif wanted.key in self.behaviour.lacks:
            return op.ParameterOutcome(
                key=wanted.key,
                desired=wanted.value,
                reported=None,
                state=ParameterState.NOT_SUPPORTED,
            )
        elif wanted.key in self.behaviour.rejects:
            state, reported = ParameterState.REJECTED, "0"
        elif wanted.key in self.pending:
            state, reported = ParameterState.PENDING_REBOOT, "0"
            if restarted:
                state = ParameterState.MISMATCH
                self.pending.remove(wanted.key)
        return op.ParameterOutcome(
            key=wanted.key, desired=wanted.value, reported=reported, state=state
        )

    async def trigger(self, request: op.Trigger) -> op.Outcome:
        self._enter(f"trigger {request.message}")
        if not self.behaviour.triggers:
            return op.Outcome(reply=op.Reply.NOT_SUPPORTED, detail="NotImplemented")
        match request.message:
            case op.TriggerKind.BOOT if self.behaviour.boots:
                await self.tell(EventKind.BOOT, boot=self.boot())
            case op.TriggerKind.HEARTBEAT if self.behaviour.heartbeats:
                await self.tell(EventKind.HEARTBEAT)
            case op.TriggerKind.CONNECTOR_STATUS:
                for number in self.behaviour.statuses:
                    if request.connector_id in {None, number}:
                        await self.set_status(number, self.behaviour.statuses[number])
            case op.TriggerKind.METER_VALUES if self.behaviour.meters:
                await self.meter()
            case _:
                pass
        return op.Outcome(reply=op.Reply.ACCEPTED)

    async def change_availability(self, request: op.ChangeAvailability) -> op.Outcome:
        self._enter("change_availability")
        self.operative[request.connector_id] = request.operative
        if self.behaviour.heals_when_made_available:
            await self.set_status(request.connector_id, ConnectorStatus.AVAILABLE)
        return op.Outcome(reply=op.Reply.ACCEPTED)

    async def unlock_connector(self, request: op.UnlockConnector) -> op.Outcome:
        self._enter("unlock_connector")
        assert request.connector_id
        return op.Outcome(reply=op.Reply.ACCEPTED)

    async def start_test_transaction(self, request: op.StartTestTransaction) -> op.Outcome:
        self._enter("start_test_transaction")
        assert request.intent not in self._intents
        self._intents.add(request.intent)
        if len(self._intents) <= self.behaviour.lost_starts:
            return op.Outcome(reply=op.Reply.UNKNOWN)
        starts = self.behaviour.starts and request.connector_id not in self.behaviour.starts_not_on
        if self.behaviour.start_reply is op.Reply.ACCEPTED and starts:
            await self.start(request.id_tag, self.behaviour.starts_on or request.connector_id)
        return op.Outcome(reply=self.behaviour.start_reply, detail="by script")

    async def start(self, id_tag: str, connector: int) -> None:
        """Start a transaction, if none runs on that connector."""
        on_it = [one for one in self.transactions.values() if one.connector_id == connector]
        if any(one.stopped_at is None for one in on_it):
            return
        self.transaction = TransactionFact(
            transaction_id=str(max(map(int, self.transactions), default=6) + 1),
            connector_id=connector,
            id_tag=id_tag,
            started_at=EPOCH,
            meter_start=int(self.behaviour.registers[0]),
        )
        await self.tell(EventKind.TRANSACTION_STARTED, transaction=self.transaction)

    async def meter(self) -> None:
        """Send the next reading; ten seconds of charging lie between two."""
        charge = self.transaction
        connector, name = (charge.connector_id, charge.transaction_id) if charge else (1, "")
        readings = self.readings.setdefault(name, [])
        moves = 0 if connector in self.behaviour.stuck else len(readings)
        register = self.behaviour.registers[min(moves, len(self.behaviour.registers) - 1)]
        at = EPOCH + timedelta(seconds=10 * len(readings))
        readings.append(MeterReading(at=at, energy_wh=register, power_w=self.behaviour.power_w))
        await self.tell(
            EventKind.METER_VALUES,
            meter=MeterFact(
                connector_id=connector, transaction_id=name or None, at=at, energy_wh=register
            ),
        )

    async def stop_test_transaction(self, request: op.StopTestTransaction) -> op.Outcome:
        self._enter("stop_test_transaction")
        if self.behaviour.stops:
            await self.end(request.transaction_id)
        return op.Outcome(reply=op.Reply.ACCEPTED)

    async def end(self, transaction_id: str | None = None) -> None:
        """End that transaction, or the newest."""
        known = self.transactions[transaction_id] if transaction_id else self.transaction
        assert known is not None
        readings = self.readings.get(known.transaction_id)
        last = readings[-1].energy_wh if readings else self.behaviour.registers[0]
        ended = replace(
            known,
            stopped_at=EPOCH,
            meter_stop=int(last or 0),
            stop_reason=self.behaviour.stop_reason,
        )
        self.transactions[ended.transaction_id] = ended
        if self.behaviour.stop_is_told:
            await self.tell(EventKind.TRANSACTION_STOPPED, transaction=ended)
        else:  # the node died with the signal; the charge point finds another
            await self.connect()

    async def reset(self, request: op.Reset) -> op.Outcome:
        self._enter("reset")
        assert request.intent not in self._intents
        self._intents.add(request.intent)
        if self.received["reset"] <= self.behaviour.lost_resets:
            return op.Outcome(reply=op.Reply.UNKNOWN)
        self.told_to_restart_at = self.clock
        obeys = self.behaviour.reset_reply in {op.Reply.ACCEPTED, op.Reply.UNKNOWN}
        restarts = self.behaviour.restarts or self.behaviour.boots_on_its_link
        if obeys and restarts and not self.behaviour.reboots_in_vain:
            self.pending.clear()
        if obeys and self.behaviour.boots_on_its_link:
            await self.tell(EventKind.BOOT, boot=self.boot())
        elif obeys and self.behaviour.restarts:
            self.behaviour.online = False
            await self.tell(EventKind.DISCONNECTED, connection=self.connection())
            if self.behaviour.comes_back:
                await self.connect()
        return op.Outcome(reply=self.behaviour.reset_reply)

    async def update_firmware(self, request: op.UpdateFirmware) -> op.Outcome:
        self._enter("update_firmware")
        await self.update(self)
        return op.Outcome(reply=op.Reply.ACCEPTED)

    async def collect_logs(self, request: op.CollectLogs) -> op.Outcome:
        raise NotImplementedError

    async def ping(self, request: op.Operation) -> op.Ping:
        self._enter("ping")
        return op.Ping(latency_ms=self.behaviour.ping_ms, ocpp_version="1.6")

    def _enter(self, operation: str) -> None:
        self.received[operation] += 1
        if self.gone_for[operation] > 0:
            self.gone_for[operation] -= 1
            raise ChargePointGoneError("the socket is not on this node")


class MemoryRecords:
    """Implements RunRecords and Directory on one scripted charge point."""

    def __init__(self, charger: ScriptedChargePoint) -> None:
        self.charger = charger
        self.accepted = True
        self.busy_for = 0
        self.owner: Owner | None = None
        self.refusal: RefusedAttempt | None = None
        self.irregularities: tuple[Irregularity, ...] = ()
        self.astray: tuple[Astray, ...] = ()
        self.verdicts: list[RunView] = []
        self.stored_verdict: RunView | None = None
        """What an earlier try has stored."""
        self.mailed: list[str] = []
        self.queued = False
        self.caught_up = 0
        self.newest_run = "com_1"
        self.withdrawn = False
        self.waits: list[WaitNote] = []
        self.answers: list[AnswerNote] = []
        self.reboot_waits: dict[str, timedelta] = {}
        self.releases: list[Release] = []
        self.previous: RunView | None = None
        self.configured_at: datetime | None = None
        self.firmware = FIRMWARE
        self.desired: tuple[op.DesiredParameter, ...] = DESIRED
        self.registered = REGISTERED
        self.neighbour = replace(
            REGISTERED, charge_point_id="cp_2", serial_number="SN-OF-BAY-4", place="Bay 4"
        )

    async def begin_run(self, request: RunRequest, *, owner: Owner) -> Briefing:
        if not self.accepted:
            return Briefing(accepted=False, verdict=self.stored_verdict)
        if self.busy_for > 0:
            self.busy_for -= 1
            return Briefing(accepted=True, busy_with="configuration-cp_1")
        if self.owner is not None and self.owner != owner:
            return Briefing(accepted=True, busy_with=self.owner.workflow_id)
        self.owner = owner
        behaviour = self.charger.behaviour
        speaks = behaviour.online and not behaviour.silent_before
        return Briefing(
            accepted=True,
            id_tag=ID_TAG,
            registered=self.registered,
            snapshot=Snapshot(
                connection=self.charger.connection() if behaviour.online else None,
                boot=behaviour.boot_before
                or (self.charger.boot() if speaks and behaviour.boots else None),
                connectors=self.charger.connectors() if speaks else (),
                transactions=tuple(self.charger.transactions.values()),
                last_refusal=self.refusal,
            ),
            desired=self.desired,
            firmware=self.firmware,
            previous=None if request.from_scratch else self.previous,
            configured_at=self.configured_at,
        )

    async def catch_up(self, request: RunRequest, *, owner: Owner) -> Snapshot:
        self.caught_up += 1
        charger = self.charger
        found = await self.locate(request.charge_point_id)
        return Snapshot(
            connection=found.connection or replace(charger.connection(), connected=False),
            boot=charger.newest_boot,
            last_heartbeat_at=charger.heartbeat_at,
            connectors=charger.connectors(),
            transactions=tuple(charger.transactions.values()),
            irregularities=self.irregularities,
            astray=self.astray,
            firmware_status=charger.firmware_status,
        )

    async def finish_run(self, verdict: RunVerdict, *, owner: Owner) -> Finished:
        self.owner = None
        run = verdict.view.commissioning_id
        first = next((one for one in self.verdicts if one.commissioning_id == run), None)
        if first is None:  # else this task is its second try, after new events: the first stands
            self.verdicts.append(first := verdict.view)
        return Finished(view=self.stored_verdict or first, configuration_queued=self.queued)

    async def whose_serial(self, question: WhoseSerial) -> Registered | None:
        return self.neighbour if self.neighbour.serial_number in question.serials else None

    async def note_wait(self, note: WaitNote) -> str | None:
        self.waits.append(note)
        return None

    async def note_answer(self, note: AnswerNote) -> None:
        self.answers.append(note)

    async def accept_charge_point(self, charge_point_id: str) -> None:
        self.charger.provisioned = True

    async def readings(self, transaction: NamedTransaction) -> TransactionReadings:
        return TransactionReadings(
            readings=tuple(self.charger.readings.get(transaction.transaction_id, ())),
            transaction=self.charger.transactions.get(transaction.transaction_id),
        )

    async def is_newest(self, owed: AvailabilityOwed) -> bool:
        return owed.commissioning_id == self.newest_run and not self.withdrawn

    async def notice(self, commissioning_id: str) -> VerdictNotice | None:
        self.mailed.append(commissioning_id)
        return None

    async def notice_sent(self, commissioning_id: str) -> None:
        raise NotImplementedError

    async def reserve(self, request: RebootRequest) -> timedelta:
        return self.reboot_waits.pop(request.intent, timedelta(0))

    async def locate(self, charge_point_id: str) -> Whereabouts:
        online = self.charger.behaviour.online
        return Whereabouts(
            connection=self.charger.connection() if online else None,
            last_refusal=self.refusal,
            withdrawn=self.withdrawn,
        )

    async def claim(self, charge_point_id: str, *, owner: Owner) -> Claim:
        charger, behaviour = self.charger, self.charger.behaviour
        running = charger.transaction
        whereabouts = await self.locate(charge_point_id)
        if self.busy_for or self.owner not in (None, owner):
            return Claim(busy_with="commissioning-cp_1", whereabouts=whereabouts)
        self.owner = owner
        return Claim(
            busy_with=None,
            whereabouts=whereabouts,
            snapshot=Snapshot(
                connection=charger.connection(),
                boot=charger.boot() if behaviour.boots else None,
                connectors=charger.connectors(),
                transactions=(running,) if running and running.stopped_at is None else (),
            ),
            desired=self.desired,
            restart=Restart(
                intent="restart", keys=tuple(charger.pending), told_at=charger.told_to_restart_at
            )
            if charger.pending
            else None,
        )

    async def release(self, request: Release, *, owner: Owner) -> Released:
        self.releases.append(request)
        self.owner = None
        queued, self.queued = self.queued, False
        return Released(configuration_queued=queued)
