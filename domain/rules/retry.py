"""Which checks of an earlier run still hold, so that a retry keeps their evidence?"""

from collections.abc import Collection

from domain.checks import CheckRecord, RunView
from domain.facts import BootFact, ConnectorFact
from domain.states import CheckName, CheckResult

_IDENTITY = ("vendor", "model", "charge_point_serial", "charge_box_serial")


def still_holds(
    previous: RunView,
    *,
    boot: BootFact | None,
    connectors: Collection[ConnectorFact],
    reconfigured: bool,
) -> tuple[CheckRecord, ...]:
    """Passed checks of the run before that nothing has made stale since.

    The handshake is always looked at again. A restart, another device or another firmware since
    makes everything stale; a written parameter what it may have changed; a word of a connector its
    check.
    """
    checks = {check.name: check for check in previous.checks}
    handshake, firmware = checks[CheckName.OCPP_HANDSHAKE], checks[CheckName.FIRMWARE_VERSION]
    since = firmware.ended_at
    if boot is None or since is None or boot.at > since or not _same_device(handshake, boot):
        return ()
    if firmware.evidence.get("reported") != boot.firmware_version:
        return ()
    kept = [firmware]
    connector = checks[CheckName.CONNECTOR_AVAILABLE]
    quiet = connector.ended_at is not None and all(
        fact.at <= connector.ended_at for fact in connectors
    )
    if quiet and not reconfigured:
        kept.append(connector)
    if not reconfigured:
        kept.append(checks[CheckName.TEST_TRANSACTION])
    return tuple(check for check in kept if check.result is CheckResult.PASSED)


def _same_device(handshake: CheckRecord, boot: BootFact) -> bool:
    now = (boot.vendor, boot.model, boot.charge_point_serial, boot.charge_box_serial)
    return tuple(handshake.evidence.get(key) for key in _IDENTITY) == now
