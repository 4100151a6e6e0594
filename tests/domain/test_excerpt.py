from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.certificates import Frame, FrameDirection
from domain.rules.excerpt import MOST_FRAMES, excerpt, fewer

AT = datetime(2026, 5, 1, 9, 35, tzinfo=UTC)
IN, OUT = FrameDirection.FROM_CHARGE_POINT, FrameDirection.TO_CHARGE_POINT


def frame(second: float, direction: FrameDirection, action: str, text: str) -> Frame:
    return Frame(at=AT + timedelta(seconds=second), direction=direction, action=action, text=text)


def call(second: float, action: str, payload: str = "{}", number: int | None = None) -> Frame:
    return frame(second, IN, action, f'[2,"{number or int(second)}","{action}",{payload}]')


def test_the_boot_that_counts_is_the_last_with_its_answer() -> None:
    first, last = call(1, "BootNotification"), call(5, "BootNotification")
    refused = frame(1.1, OUT, "BootNotification", '[3,"1",{"status":"Pending"}]')
    accepted = frame(5.1, OUT, "BootNotification", '[3,"5",{"status":"Accepted"}]')
    assert excerpt([accepted, last, refused, first]) == (last, accepted)


def test_meter_values_are_shown_from_both_ends() -> None:
    values = [call(second, "MeterValues") for second in range(1, 100)]
    assert excerpt(values) == (values[0], values[-1])


def test_of_many_connectors_the_last_word_of_the_lowest_two() -> None:
    frames = [
        call(10 * repeat + number, "StatusNotification", f'{{"connectorId":{number}}}')
        for repeat in (1, 2)
        for number in range(6)
    ]
    assert [shown.at.second for shown in excerpt(frames)] == [21, 22]


@pytest.mark.parametrize(
    "fault",
    [
        '{"connectorId":1,"status":"Faulted","errorCode":"OtherError","vendorErrorCode":"E-7"}',
        '{"connectorId":0,"status": "Faulted","errorCode":"InternalError"}',
        '{"connectorId":7,"errorCode":"GroundFailure","status":"Charging"}',
        '{"connectorId":1,"errorCode":"groundfailure","status":"faulted"}',
    ],
)
def test_a_fault_that_is_over_is_shown_where_there_is_room_for_little(fault: str) -> None:
    well = '{"connectorId":1,"status":"Available","errorCode":"NoError"}'
    frames = [
        call(1, "BootNotification"),
        call(3, "StartTransaction"),
        call(4, "StatusNotification", fault),
        call(5, "MeterValues"),
        call(9, "StopTransaction"),
        call(10, "StatusNotification", well),
    ]
    assert frames[2] in excerpt(frames)
    assert frames[5] in excerpt(frames)
    assert frames[2] in fewer(excerpt(frames), 1)


def test_no_fault_is_shown_that_none_is() -> None:
    """What others say of faults, and words in other fields."""
    frames = [
        call(1, "StatusNotification", '{"connectorId":3,"status":"Available","info":"Faulted"}'),
        frame(2, OUT, "StatusNotification", '[2,"2","StatusNotification",{"status":"Faulted"}]'),
        call(3, "DataTransfer", '{"connectorId":1,"status":"Faulted"}'),
    ]
    frames += [
        call(number + 4, "StatusNotification", f'{{"connectorId":{number}}}') for number in (1, 2)
    ]
    assert excerpt(frames) == tuple(frames[-2:])


def test_the_end_of_the_transaction_stays_in_the_longest_excerpt() -> None:
    actions = (
        "FirmwareStatusNotification",
        "BootNotification",
        "Heartbeat",
        "RemoteStartTransaction",
        "StartTransaction",
        "MeterValues",
        "MeterValues",
        "RemoteStopTransaction",
    )
    frames = [call(second, action) for second, action in enumerate(actions)]
    frames += [
        frame(one.at.second + 0.5, OUT, one.action, f'[3,"{one.at.second}",{{}}]') for one in frames
    ]
    frames += [
        call(20, "StatusNotification", '{"connectorId":1}'),
        call(21, "StatusNotification", '{"connectorId":2}'),
        call(22, "StopTransaction"),
    ]
    shown = excerpt(frames)
    assert len(shown) == MOST_FRAMES
    assert shown[-1].action == "StopTransaction"


def test_where_there_is_little_room_the_transaction_stays() -> None:
    frames = [
        call(1, "BootNotification"),
        frame(1.1, OUT, "BootNotification", '[3,"1",{"status":"Accepted"}]'),
        call(2, "Heartbeat"),
        call(3, "StartTransaction"),
        frame(3.1, OUT, "StartTransaction", '[3,"3",{"transactionId":7}]'),
        call(9, "StopTransaction"),
    ]
    shown = fewer(frames, 3)
    assert [one.action for one in shown] == [
        "BootNotification",
        "StartTransaction",
        "StopTransaction",
    ]
    assert fewer(frames, -1) == ()
    assert fewer(frames, 100) == tuple(frames)


@given(
    st.lists(
        st.builds(
            frame,
            st.floats(0, 1000),
            st.sampled_from([IN, OUT]),
            st.sampled_from(["BootNotification", "MeterValues", "StatusNotification", "Odd"]),
            st.text(max_size=40) | st.sampled_from(['[2,"1"', '[3,"1",{}]', '[2,"1","x",{}]']),
        ),
        max_size=60,
    )
)
def test_any_log_has_an_excerpt(frames: list[Frame]) -> None:
    shown = excerpt(frames)
    assert len(shown) <= MOST_FRAMES
    assert set(shown) <= set(frames)
    assert list(shown) == sorted(shown, key=lambda one: one.at)
