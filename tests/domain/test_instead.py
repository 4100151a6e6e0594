"""What came in place of what a verdict misses is told in its place."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from string import Formatter

import pytest

from domain.checks import Failure
from domain.facts import Astray, Irregularity, TransactionFact
from domain.failures import _TEXTS, FailureCode, failure
from domain.messages import MessageKind
from domain.rules.instead import LOOKS, Came, Missed, instead

_BEGAN = datetime(2026, 5, 1, 9, tzinfo=UTC)
_SINCE, _BEFORE = _BEGAN + timedelta(minutes=1), _BEGAN - timedelta(minutes=1)
_MISSED = Missed(connector_id=1, transaction_id="12", since=_BEGAN)


def _problem(code: FailureCode) -> Failure:
    facts = {f: 7 for text in _TEXTS[code] for _, f, _, _ in Formatter().parse(text) if f}
    return failure(code, **facts)


def _odd(action: str, *, refused: bool = True, astray: bool = False, count: int = 3) -> Came:
    return Came(irregularities=[_odd_one(action, refused=refused, astray=astray, count=count)])


def _odd_one(
    action: str, *, refused: bool = True, astray: bool = False, count: int = 3
) -> Irregularity:
    what = "it named transaction 77, which is none of its own" if astray else "it is no JSON"
    return Irregularity(
        action=action,
        what=what,
        refused=refused,
        astray=astray,
        count=count,
        excerpt='[2,"x"',
        last_at=_SINCE,
    )


_STOP = _odd("StopTransaction", refused=False, astray=True)
_VALUES = Came(
    astray=[Astray(action=MessageKind.METER_VALUES, at=_SINCE, connector_id=1, transaction_id="3")]
)
_OTHER_START = Came(
    strangers=[
        TransactionFact(
            transaction_id="4", connector_id=2, id_tag="FREE", started_at=_SINCE, meter_start=0
        )
    ]
)
_START_ELSEWHERE = Came(
    astray=[
        Astray(
            action=MessageKind.TRANSACTION_STARTED, at=_SINCE, charge_point_id="cp_2", place="Bay 4"
        )
    ]
)
_BOOT_ELSEWHERE = Came(
    astray=[Astray(action=MessageKind.BOOT, at=_SINCE, charge_point_id="cp_2", place="Bay 4")]
)


@dataclass(frozen=True)
class _Sign:
    """Something that came, and what the sentence that it makes has to say."""

    came: Came
    says: tuple[str, ...]


_UNREADABLE = ("cannot be used", "it is no JSON", "3")
_AT_ANOTHER = ("at the endpoint of the one in Bay 4",)
_TO_ANOTHER = ("came to the endpoint of the one in Bay 4", "cp_2")
_OTHER = ("connector 2", "'FREE'")

_SIGNS: dict[FailureCode, list[_Sign]] = {
    FailureCode.NEVER_CONNECTED: [_Sign(_BOOT_ELSEWHERE, _TO_ANOTHER)],
    FailureCode.CONNECTION_LOST: [_Sign(_BOOT_ELSEWHERE, _TO_ANOTHER)],
    **{
        code: [_Sign(_odd("BootNotification"), _UNREADABLE), _Sign(_BOOT_ELSEWHERE, _TO_ANOTHER)]
        for code in (
            FailureCode.IDENTITY_UNKNOWN,
            FailureCode.BOOT_NOT_ACCEPTED,
            FailureCode.REBOOT_NOT_SEEN,
            FailureCode.FIRMWARE_NOT_UPDATED,
            FailureCode.FIRMWARE_UPDATE_NOT_CONFIRMED,
        )
    },
    FailureCode.FIRMWARE_UPDATE_NOT_SEEN: [
        _Sign(_odd("BootNotification"), _UNREADABLE),
        _Sign(_odd("FirmwareStatusNotification"), _UNREADABLE),
        _Sign(_BOOT_ELSEWHERE, _TO_ANOTHER),
    ],
    FailureCode.NO_HEARTBEAT: [_Sign(_odd("Heartbeat"), _UNREADABLE)],
    FailureCode.HEARTBEAT_MISSING: [_Sign(_odd("Heartbeat"), _UNREADABLE)],
    FailureCode.CONNECTOR_SILENT: [_Sign(_odd("StatusNotification"), _UNREADABLE)],
    FailureCode.CONNECTOR_UNAVAILABLE: [_Sign(_odd("StatusNotification"), _UNREADABLE)],
    FailureCode.CONNECTOR_IN_USE: [_Sign(_odd("StatusNotification"), _UNREADABLE)],
    FailureCode.TRANSACTION_NOT_STARTED: [
        _Sign(_odd("StartTransaction"), _UNREADABLE),
        _Sign(_OTHER_START, _OTHER),
        _Sign(_START_ELSEWHERE, _AT_ANOTHER),
    ],
    FailureCode.TRANSACTION_REJECTED: [
        _Sign(_OTHER_START, ("refused to start", *_OTHER)),
        _Sign(_START_ELSEWHERE, ("refused to start", *_AT_ANOTHER)),
    ],
    FailureCode.TRANSACTION_NOT_STOPPED: [
        _Sign(_odd("StopTransaction"), _UNREADABLE),
        _Sign(_STOP, ("did say that a transaction ended", "transaction 77")),
    ],
    FailureCode.NO_METER_VALUES: [
        _Sign(_odd("MeterValues"), _UNREADABLE),
        _Sign(_VALUES, ("Meter values came", "of transaction 3 on connector 1")),
    ],
}
"""By verdict, in the order in which it looks."""


def test_each_verdict_of_absence_looks_at_what_may_have_come() -> None:
    assert {code: len(signs) for code, signs in _SIGNS.items()} == {
        code: len(looks) for code, looks in LOOKS.items()
    }


@pytest.mark.parametrize(
    ("code", "sign"), [(code, sign) for code, signs in _SIGNS.items() for sign in signs]
)
def test_what_came_is_told(code: FailureCode, sign: _Sign) -> None:
    found = instead(_problem(code), _MISSED, sign.came)
    assert found is not None
    assert found.code in {code, FailureCode.MESSAGES_UNREADABLE}
    for said in sign.says:
        assert said in f"{found.cause} {found.action}"
    assert "{" not in f"{found.cause} {found.action}".replace("{id}", "")


@pytest.mark.parametrize("code", _SIGNS)
def test_where_nothing_came_the_verdict_stands(code: FailureCode) -> None:
    assert instead(_problem(code), _MISSED, Came()) is None
    assert instead(_problem(code), _MISSED, _odd("DataTransfer")) is None
    assert instead(_problem(code), _MISSED, _odd("MeterValues", refused=False)) is None


@pytest.mark.parametrize("code", sorted(_SIGNS.keys() - {FailureCode.NEVER_CONNECTED}))
def test_a_frame_whose_action_cannot_be_told_may_be_any_message(code: FailureCode) -> None:
    found = instead(_problem(code), _MISSED, _odd(""))
    looks_at_frames = code not in {FailureCode.CONNECTION_LOST, FailureCode.TRANSACTION_REJECTED}
    assert (found is not None) is looks_at_frames


def test_what_came_before_is_no_sign() -> None:
    before = Astray(action=MessageKind.METER_VALUES, at=_BEFORE, connector_id=2)
    problem = _problem(FailureCode.NO_METER_VALUES)
    assert instead(problem, _MISSED, Came(astray=[before])) is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            Astray(action=MessageKind.METER_VALUES, at=_SINCE),
            "the whole charge point (connector 0)",
        ),
        (Astray(action=MessageKind.METER_VALUES, at=_SINCE, connector_id=2), "for connector 2"),
        (Astray(action=MessageKind.METER_VALUES, at=_SINCE, connector_id=1), "by their stamps"),
    ],
)
def test_meter_values_are_named_by_where_they_went(values: Astray, said: str) -> None:
    found = instead(_problem(FailureCode.NO_METER_VALUES), _MISSED, Came(astray=[values]))
    assert found is not None
    assert said in found.cause


def test_all_that_were_refused_are_counted() -> None:
    came = Came(irregularities=[_odd_one("", count=1), _odd_one("MeterValues", count=4)])
    found = instead(_problem(FailureCode.NO_METER_VALUES), _MISSED, came)
    assert found is not None
    assert "sent 5 MeterValues messages that cannot be used" in found.cause


def test_a_failure_that_misses_nothing_is_no_matter_of_messages() -> None:
    assert instead(_problem(FailureCode.NO_ENERGY), _MISSED, _odd("MeterValues")) is None
