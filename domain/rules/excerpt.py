"""Which frames prove a run? A few of the hundreds that passed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.certificates import Frame, FrameDirection
from domain.rules.connector import says_fault

MOST_FRAMES: Final = 14
_CONNECTORS: Final = 2
_MESSAGE: Final = re.compile(r'^\[(\d),\s*"([^"]{0,36})"')
_CONNECTOR: Final = re.compile(r'"connectorId":\s*(\d{1,6})')
_CALL, _RESULT, _ERROR = "2", "3", "4"


@dataclass(frozen=True, slots=True)
class _Wish:
    """Of one action: its first and its last call, or only the last; with the answer, or without."""

    action: str
    first: bool = False
    answer: bool = True


_WISHES: Final = (
    _Wish("BootNotification"),
    _Wish("Heartbeat", answer=False),
    _Wish("RemoteStartTransaction"),
    _Wish("StartTransaction"),
    _Wish("MeterValues", first=True, answer=False),
    _Wish("RemoteStopTransaction"),
    _Wish("StopTransaction", answer=False),
    _Wish("FirmwareStatusNotification", answer=False),
)
_RANKS: Final = (
    "StartTransaction",
    "StopTransaction",
    "BootNotification",
    "StatusNotification",
    "MeterValues",
    "FirmwareStatusNotification",
    "RemoteStartTransaction",
)
"""What proves most, first."""
PROVING_ACTIONS: Final = frozenset({wish.action for wish in _WISHES} | {"StatusNotification"})
"""Names of the actions from which an excerpt is taken."""


def excerpt(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """Choose the frames that carry the verdict, by time; 14 at most."""
    return fewer(quoted(frames), MOST_FRAMES)


def quoted(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """Return those from which an excerpt is made, of these frames alone or of others with them.

    So no more of a run need be kept than these; of them alone the excerpt is the same.

    The last of what repeats counts: the boot that was accepted, the status in the end. Of the meter
    values both ends are shown, of the connectors the last word of the lowest two, and of any and
    the station itself the newest that told of a fault, though it says that all is well by now.
    """
    ordered = sorted(frames, key=lambda frame: frame.at)
    answers = {
        identity: frame
        for frame in ordered
        if (kind := _kind(frame)) is not None and kind[0] in {_RESULT, _ERROR}
        for identity in (kind[1],)
    }
    chosen: list[Frame] = []
    for wish in _WISHES:
        calls = [frame for frame in ordered if frame.action == wish.action and _is_call(frame)]
        for frame in dict.fromkeys((*(calls[:1] if wish.first else ()), *calls[-1:])):
            chosen.append(frame)
            kind = _kind(frame)
            if wish.answer and kind is not None and kind[1] in answers:
                chosen.append(answers[kind[1]])
    chosen += _statuses(ordered)
    return tuple(dict.fromkeys(chosen))


def fewer(frames: Sequence[Frame], most: int) -> tuple[Frame, ...]:
    """Cut an excerpt where there is less room: what carries the verdict stays, by time."""

    def weight(frame: Frame) -> tuple[bool, bool, int]:
        rank = _RANKS.index(frame.action) if frame.action in _RANKS else len(_RANKS)
        return not _is_call(frame), not _tells_of_fault(frame), rank

    kept = sorted(frames, key=weight)[: max(most, 0)]
    return tuple(sorted(kept, key=lambda frame: frame.at))


def _statuses(ordered: Sequence[Frame]) -> list[Frame]:
    last: dict[int, Frame] = {}
    fault: list[Frame] = []
    for frame in ordered:
        found = _CONNECTOR.search(frame.text)
        if _is_status(frame) and found is not None:
            last[int(found[1])] = frame
        if _tells_of_fault(frame):
            fault = [frame]
    return fault + [last[number] for number in sorted(last) if number > 0][:_CONNECTORS]


def _is_status(frame: Frame) -> bool:
    said = frame.direction is FrameDirection.FROM_CHARGE_POINT
    return said and frame.action == "StatusNotification"


def _tells_of_fault(frame: Frame) -> bool:
    return _is_status(frame) and says_fault(frame.text)


def _is_call(frame: Frame) -> bool:
    kind = _kind(frame)
    return kind is not None and kind[0] == _CALL


def _kind(frame: Frame) -> tuple[str, str] | None:
    found = _MESSAGE.match(frame.text)
    return None if found is None else (found[1], found[2])
