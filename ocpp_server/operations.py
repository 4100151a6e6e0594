"""The operations of :mod:`domain.operations` on the charge points whose sockets are here."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import structlog

from domain import operations as op
from domain.habits import Habits
from domain.ports import ChargePointGoneError
from domain.rules.configuration import judge_configuration
from domain.states import RegistrationStatus
from ocpp_server.calls import BadAnswerError, CallTimeoutError, NeverSentError
from ocpp_server.fatal_triggers import Suspects, was_dropped
from ocpp_server.protocol import Order, Reading
from ocpp_server.registry import Registry
from ocpp_server.restarts import AwaitedRestarts
from ocpp_server.session import Session
from storage import commands as intents
from storage.boots import newest_boot
from storage.charge_points import accept_charge_point
from storage.engine import Database
from storage.learnt_configuration import keep_habits, keep_reported_keys, read_habits
from storage.parameters import Parameters

_MOMENT: Final = 1.0
_DEADLY: Final = "The charge point dropped its link when it was asked for this before."
_ENDED: Final = "The transaction had already ended."
_Once = op.UnlockConnector | op.StartTestTransaction | op.UpdateFirmware | op.Reset | op.CollectLogs
_log = structlog.get_logger(__name__)


class Gateway:
    """Implements :class:`activities.charge_point.ChargePointActivities`."""

    def __init__(self, registry: Registry, database: Database) -> None:
        self._registry = registry
        self._database = database
        self._suspects = Suspects()

    async def read_identity(self, request: op.ReadIdentity) -> op.Identity:
        """Read the newest boot, measure the link; the clock as its messages showed it."""
        session = self._session(request)
        came, refused = await self._hear(session, request)
        ping_ms = await _ping(session)
        async with self._database.read() as connection:
            boot = await newest_boot(connection, request.charge_point_id)
        peer = session.peer
        is_accepted = boot is not None and boot.registration is RegistrationStatus.ACCEPTED
        return op.Identity(
            boot=boot,
            ocpp_version=peer.ocpp_version,
            ping_ms=round(ping_ms, 3),
            clock_skew_s=peer.clock_skew_s,
            connected_at=peer.connected_at,
            heartbeat_at=came.get(op.TriggerKind.HEARTBEAT),
            heartbeat_told_s=peer.heartbeat_interval if is_accepted else None,
            not_triggered=refused,
        )

    async def ping(self, request: op.Operation) -> op.Ping:
        """Measure a round trip."""
        session = self._session(request)
        latency_ms = round(await _ping(session), 3)
        return op.Ping(latency_ms=latency_ms, ocpp_version=session.peer.ocpp_version)

    async def read_configuration(self, request: op.ReadConfiguration) -> op.Configuration:
        """Read these keys, or all of them."""
        session = self._session(request)
        return await session.protocol.operations.read_configuration(session, request)

    async def apply_configuration(self, request: op.ApplyConfiguration) -> op.ConfigurationOutcome:
        """Write what differs; what became of each parameter is kept with it."""
        session = self._session(request)
        habits = await self._habits(request.charge_point_id)
        reading = Reading(habits.reading)
        restarts = await AwaitedRestarts.of(self._database, session.peer)
        try:
            operations = session.protocol.operations
            applied = await operations.apply_configuration(session, request, restarts, reading)
        except BadAnswerError as error:
            return op.ConfigurationOutcome(parameters=(), detail=str(error))
        except ChargePointGoneError:
            await self._note(request, habits, reading)
            raise
        await self._note(request, habits, reading)
        await restarts.end()
        outcome, reported = applied.outcome, applied.reported
        moment = datetime.now(UTC)
        verdict = judge_configuration(request.parameters, outcome.parameters, last_word=True)
        goes_on = request.then is not None and not verdict.reboot and verdict.failure is None
        async with self._database.write() as connection:
            await Parameters(connection).record(
                request.charge_point_id, outcome.parameters, at=moment
            )
            await keep_reported_keys(
                connection, request.charge_point_id, reported.keys, reported.unknown
            )
            if goes_on:
                await accept_charge_point(connection, request.charge_point_id, at=moment)
        if request.then is None or not goes_on:
            return outcome
        return replace(outcome, identity=await self.read_identity(request.then))

    async def trigger(self, request: op.Trigger) -> op.Outcome:
        """Ask for a message; never again for one that made it drop its link."""
        session = self._session(request)
        habits = await self._habits(request.charge_point_id)
        convicted = self._suspects.convicted(session, run=request.commissioning_id)
        if convicted is not None:
            habits = await self._avoid(request, habits, convicted)
        if request.message in habits.deadly_triggers:
            return op.Outcome(reply=op.Reply.NOT_SUPPORTED, detail=_DEADLY)
        asked_at = asyncio.get_running_loop().time()
        # It may come before the answer.
        coming = session.expect(session.protocol.operations.follows(request))
        try:
            outcome = await _tell(session, request)
        except NeverSentError:
            raise
        except ChargePointGoneError:
            if was_dropped(session, asked_at=asked_at):
                await self._avoid(request, habits, request.message)
            raise
        if outcome.reply is op.Reply.ACCEPTED:
            self._suspects.note(request.message, session, coming, run=request.commissioning_id)
        return outcome

    async def change_availability(self, request: op.ChangeAvailability) -> op.Outcome:
        """Make a connector operative or inoperative; harmless when repeated."""
        return await _tell(self._session(request), request)

    async def unlock_connector(self, request: op.UnlockConnector) -> op.Outcome:
        """Let go of a plug, once."""
        return await self._once(request, op.OperationName.UNLOCK_CONNECTOR)

    async def start_test_transaction(self, request: op.StartTestTransaction) -> op.Outcome:
        """Start remotely, once."""
        return await self._once(request, op.OperationName.START_TEST_TRANSACTION)

    async def stop_test_transaction(self, request: op.StopTestTransaction) -> op.Outcome:
        """Stop remotely, unless the transaction has ended; harmless when repeated."""
        session = self._session(request)
        async with self._database.read() as connection:
            ended = await intents.has_ended(
                connection, request.charge_point_id, request.transaction_id
            )
        if ended:
            return op.Outcome(reply=op.Reply.ACCEPTED, detail=_ENDED)
        return await _tell(session, request)

    async def update_firmware(self, request: op.UpdateFirmware) -> op.Outcome:
        """Order the update, once."""
        return await self._once(request, op.OperationName.UPDATE_FIRMWARE)

    async def reset(self, request: op.Reset) -> op.Outcome:
        """Restart, once."""
        return await self._once(request, op.OperationName.RESET)

    async def collect_logs(self, request: op.CollectLogs) -> op.Outcome:
        """Order the upload of diagnostics, once."""
        return await self._once(request, op.OperationName.COLLECT_LOGS)

    async def _hear(
        self, session: Session, request: op.ReadIdentity
    ) -> tuple[dict[op.TriggerKind, datetime], dict[op.TriggerKind, op.Outcome]]:
        """Ask for messages; returns when each came, if it came soon, and which cannot be asked for.

        An answer about one message says nothing of the others, but two silences do.
        """
        came: dict[op.TriggerKind, datetime] = {}
        refused: dict[op.TriggerKind, op.Outcome] = {}
        for message in request.ask_for:
            trigger = op.Trigger(
                charge_point_id=request.charge_point_id,
                commissioning_id=request.commissioning_id,
                message=message,
            )
            coming = session.expect(session.protocol.operations.follows(trigger))
            outcome = await self.trigger(trigger)
            if outcome.reply in {op.Reply.NOT_SUPPORTED, op.Reply.TIMEOUT}:
                refused[message] = outcome
            if outcome.reply is op.Reply.TIMEOUT:
                break
            if outcome.reply is op.Reply.ACCEPTED:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_MOMENT):
                        came[message] = await coming
        return came, refused

    async def _habits(self, charge_point_id: str) -> Habits:
        async with self._database.read() as connection:
            return await read_habits(connection, charge_point_id)

    async def _avoid(
        self, request: op.Operation, habits: Habits, message: op.TriggerKind
    ) -> Habits:
        learnt = replace(habits, deadly_triggers=habits.deadly_triggers | {message})
        await self._learn(request, learnt)
        return learnt

    async def _note(self, request: op.Operation, habits: Habits, reading: Reading) -> None:
        """Keep how its configuration is read, where that has changed."""
        if reading.widest is not habits.reading:
            await self._learn(request, replace(habits, reading=reading.widest))

    async def _learn(self, request: op.Operation, habits: Habits) -> None:
        async with self._database.write() as connection:
            await keep_habits(connection, request.charge_point_id, habits)

    def _session(self, request: op.Operation) -> Session:
        session = self._registry.require(request.charge_point_id)
        if request.commissioning_id is not None:
            # The run's log takes this command's frames, even if the watch is minutes young.
            session.peer.watched_run = request.commissioning_id
        return session

    async def _once(self, request: _Once, operation: op.OperationName) -> op.Outcome:
        session, intent = self._session(request), request.intent
        claim = intents.Command(
            intent=intent,
            charge_point_id=request.charge_point_id,
            operation=operation,
            at=datetime.now(UTC),
        )
        # Committed before the command leaves: a repeat after a crash finds it, and sends nothing.
        async with self._database.write() as connection:
            earlier = await intents.claim(connection, claim)
        if earlier is not None:
            return earlier
        try:
            outcome = await _tell(session, request)
        except NeverSentError:
            async with self._database.write() as connection:
                await intents.release(connection, intent)
            raise
        except ChargePointGoneError:
            # It left, and the link broke before an answer: it may well have been obeyed.
            return op.Outcome(
                reply=op.Reply.UNKNOWN, detail="The connection broke before the answer."
            )
        await self._store_reply(intent, outcome)
        return outcome

    async def _store_reply(self, intent: str, outcome: op.Outcome) -> None:
        try:
            async with self._database.write() as connection:
                await intents.store_reply(connection, intent, outcome)
        except Exception:  # noqa: BLE001 - logged with its trace
            # The charge point has obeyed or not; that its answer is not kept changes neither.
            _log.exception("reply_not_kept", intent=intent)


async def _tell(session: Session, order: Order) -> op.Outcome:
    return await session.protocol.operations.tell(session, order)


async def _ping(session: Session) -> float:
    """Measure a round trip; a link that does not answer is as good as gone."""
    try:
        return await session.ping()
    except CallTimeoutError as error:
        raise ChargePointGoneError(str(error)) from error
