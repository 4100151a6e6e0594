"""Which checks of an earlier run still hold, so that a retry keeps their evidence?"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from domain.catalogue import FirmwareRule
from domain.checks import CheckRecord, ConnectorsToTest, ConnectorTest, RunView
from domain.commissioning import Registered
from domain.facts import BootFact, ConnectorFact
from domain.rules.connector import covers
from domain.rules.firmware import judge_firmware
from domain.rules.identity import judge_identity
from domain.states import CheckName, CheckResult, ConnectorChoice

_IDENTITY = ("vendor", "model", "charge_point_serial", "charge_box_serial")


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """What a retry knows of its charge point once the handshake has passed.

    ``configured_at`` is when its configuration was last chosen, or may last have been written by a
    run in between; ``reconfigured`` says that this run has written a parameter.
    """

    registered: Registered
    firmware: FirmwareRule | None
    boot: BootFact | None
    connectors: Collection[ConnectorFact]
    configured_at: datetime | None
    reconfigured: bool
    test_connectors: ConnectorsToTest = ConnectorChoice.ALL


def still_holds(previous: RunView, now: Situation) -> tuple[CheckRecord, ...]:
    """Passed checks of the run before that nothing has made stale since, with whose they are.

    The handshake is always looked at again. A restart, another device or another firmware since
    makes everything stale; another configuration what it may have changed; another firmware rule
    the firmware; a word of a connector its check.
    """
    checks = {check.name: check for check in previous.checks}
    boot, firmware = now.boot, checks[CheckName.FIRMWARE_VERSION]
    if boot is None or not _same_charge_point(checks, boot, now):
        return ()
    kept = []
    verdict = judge_firmware(boot.firmware_version, now.firmware)
    if verdict.failure is None and verdict.needs_review == firmware.needs_review:
        kept.append(firmware)
    connector = checks[CheckName.CONNECTOR_AVAILABLE]
    quiet = connector.ended_at is not None and all(
        fact.at <= connector.ended_at for fact in now.connectors
    )
    if not _reconfigured_since(previous, now) and covers(connector, now.registered.connectors):
        if quiet:
            kept.append(connector)
        if now.test_connectors == previous.test_connectors:
            kept.append(checks[CheckName.TEST_TRANSACTION])
    return tuple(
        replace(check, kept_from=check.kept_from or previous.commissioning_id)
        for check in kept
        if check.result is CheckResult.PASSED
    )


def connectors_that_hold(previous: RunView, now: Situation) -> tuple[ConnectorTest, ...]:
    """Connectors whose test charge passed in the run before, or was kept there, and still counts.

    What makes the test charge as a whole stale makes each of them so.
    """
    checks = {check.name: check for check in previous.checks}
    if now.boot is None or not _same_charge_point(checks, now.boot, now):
        return ()
    if _reconfigured_since(previous, now):
        return ()
    return tuple(
        replace(test, kept_from=test.kept_from or previous.commissioning_id)
        for test in checks[CheckName.TEST_TRANSACTION].connectors
        if test.result is CheckResult.PASSED
    )


def _same_charge_point(
    checks: dict[CheckName, CheckRecord], boot: BootFact, now: Situation
) -> bool:
    """Tell whether it is the device with the firmware of the run before, and runs since then."""
    firmware = checks[CheckName.FIRMWARE_VERSION]
    since = firmware.ended_at
    if since is None or boot.at > since:
        return False
    if not _same_device(checks[CheckName.OCPP_HANDSHAKE], boot):
        return False
    if judge_identity(now.registered, boot) is not None:
        return False
    return firmware.evidence.get("reported") == boot.firmware_version


def _same_device(handshake: CheckRecord, boot: BootFact) -> bool:
    now = (boot.vendor, boot.model, boot.charge_point_serial, boot.charge_box_serial)
    return tuple(handshake.evidence.get(key) for key in _IDENTITY) == now


def _reconfigured_since(previous: RunView, now: Situation) -> bool:
    """Tell whether the values are others than those that the run before has seen to.

    It works with the values that were chosen when it began.
    """
    chosen_later = now.configured_at is not None and now.configured_at > previous.started_at
    return now.reconfigured or chosen_later
