"""Every configuration key of OCPP 1.6 (§9) and of its security whitepaper (§2.3), in its type."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.catalogue import Parameter, ParameterType


class Access(StrEnum):
    """What may be done with a key."""

    READ_WRITE = "RW"
    READ = "R"
    WITHHELD = "withheld"
    """Written by no call here; why is said by :data:`WITHHELD`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StandardKey:
    """One key: what it may hold, and whether it can be set."""

    parameter: Parameter
    access: Access


WITHHELD: Final[Mapping[str, str]] = {
    "AuthorizationKey": "is a secret, and is neither stored nor shown here",
    "SecurityProfile": "decides how the charge point connects, and a wrong one locks it out for "
    "good, for it never goes down again",
}
"""Keys that are not taken, and why."""

_INTEGERS: Final = {
    "BlinkRepeat": ("", "How often the lighting blinks."),
    "ClockAlignedDataInterval": (
        "seconds",
        "Time between two readings on the clock's marks, 0 for none.",
    ),
    "ConnectionTimeOut": ("seconds", "For how long a start waits for a cable."),
    "HeartbeatInterval": ("seconds", "Time between two Heartbeat messages."),
    "LightIntensity": ("percent", "Of the lighting."),
    "MaxEnergyOnInvalidId": ("Wh", "What is given once a tag has turned out to be invalid."),
    "MeterValueSampleInterval": ("seconds", "Time between two meter readings of a transaction."),
    "MinimumStatusDuration": ("seconds", "For how long a status has to last to be reported."),
    "ResetRetries": ("", "How often a restart that has failed is tried again."),
    "TransactionMessageAttempts": ("", "How often a message of a transaction is sent."),
    "TransactionMessageRetryInterval": ("seconds", "Wait before such a message is sent again."),
    "WebSocketPingInterval": ("seconds", "Time between two pings, 0 for none."),
}
_BOOLEANS: Final = {
    "AllowOfflineTxForUnknownId": "Whether unknown id tags may charge while it is offline.",
    "AuthorizationCacheEnabled": "Whether known id tags may start charging while it is offline.",
    "AuthorizeRemoteTxRequests": "Whether the id tag of a remote start is authorized first.",
    "LocalAuthListEnabled": "Whether the local list of id tags is used.",
    "LocalAuthorizeOffline": "Whether id tags that it knows may charge while it is offline.",
    "LocalPreAuthorize": "Whether id tags that it knows need not wait for the answer.",
    "StopTransactionOnEVSideDisconnect": "Whether unplugging at the vehicle ends a transaction.",
    "StopTransactionOnInvalidId": "Whether a tag that turns out to be invalid ends one.",
    "UnlockConnectorOnEVSideDisconnect": "Whether unplugging at the vehicle unlocks the cable.",
}
_TEXTS: Final = {
    "ConnectorPhaseRotation": "Of each connector, as 0.RST, 1.RST.",
    "CpoName": "The operator, as it stands in certificates of the charge point.",
    "MeterValuesAlignedData": "Measurands of readings on the clock's marks, after commas.",
    "MeterValuesSampledData": "Measurands of readings during a transaction, after commas.",
    "StopTxnAlignedData": "Measurands on the clock's marks that StopTransaction carries.",
    "StopTxnSampledData": "Measurands that StopTransaction carries.",
}
_READ_ONLY: Final = (
    "AdditionalRootCertificateCheck",
    "CertificateSignedMaxChainSize",
    "CertificateStoreMaxLength",
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleAllowedChargingRateUnit",
    "ChargingScheduleMaxPeriods",
    "ConnectorPhaseRotationMaxLength",
    "ConnectorSwitch3to1PhaseSupported",
    "GetConfigurationMaxKeys",
    "LocalAuthListMaxLength",
    "MaxChargingProfilesInstalled",
    "MeterValuesAlignedDataMaxLength",
    "MeterValuesSampledDataMaxLength",
    "NumberOfConnectors",
    "ReserveConnectorZeroSupported",
    "SendLocalListMaxLength",
    "StopTxnAlignedDataMaxLength",
    "StopTxnSampledDataMaxLength",
    "SupportedFeatureProfiles",
    "SupportedFeatureProfilesMaxLength",
    "SupportedFileTransferProtocols",
)


def _keys() -> list[StandardKey]:
    def key(
        name: str,
        kind: ParameterType,
        access: Access = Access.READ_WRITE,
        *,
        unit: str = "",
        description: str = "",
    ) -> StandardKey:
        parameter = Parameter(
            key=name,
            default="",
            type=kind,
            unit=unit or None,
            description=description,
            minimum=0 if kind is ParameterType.INTEGER else None,
        )
        return StandardKey(parameter=parameter, access=access)

    text = ParameterType.STRING
    return [
        *(
            key(name, ParameterType.INTEGER, unit=unit, description=said)
            for name, (unit, said) in _INTEGERS.items()
        ),
        *(key(name, ParameterType.BOOLEAN, description=said) for name, said in _BOOLEANS.items()),
        *(key(name, text, description=said) for name, said in _TEXTS.items()),
        *(key(name, text, Access.READ) for name in _READ_ONLY),
        *(key(name, text, Access.WITHHELD) for name in WITHHELD),
    ]


STANDARD_KEYS: Final[Mapping[str, StandardKey]] = {
    one.parameter.key.casefold(): one for one in _keys()
}
"""By the name in lower case: names are case-insensitive (§9)."""
