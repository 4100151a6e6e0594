"""Which frames prove a run? A few of the hundreds that passed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.certificates import Frame, FrameDirection
from domain.messages import ACTIONS, MessageKind
from domain.rules.connector import says_fault

MOST_FRAMES: Final = 14
_CONNECTORS: Final = 2
_MESSAGE: Final = re.compile(r'^\[(\d),\s*"([^"]{0,36})"')
_CONNECTOR: Final = re.compile(r'"connectorId":\s*(\d{1,6})')
_CALL, _RESULT, _ERROR = "2", "3", "4"


@dataclass(frozen=True, slots=True)
class _Wish:
    """Of one kind: its first and its last call, or only the last; with the answer, or without."""

    kind: MessageKind
    first: bool = False
    answer: bool = True


_WISHES: Final = (
    _Wish(MessageKind.BOOT),
    _Wish(MessageKind.HEARTBEAT, answer=False),
    _Wish(MessageKind.START_COMMAND),
    _Wish(MessageKind.TRANSACTION_STARTED),
    _Wish(MessageKind.METER_VALUES, first=True, answer=False),
    _Wish(MessageKind.STOP_COMMAND),
    _Wish(MessageKind.TRANSACTION_STOPPED, answer=False),
    _Wish(MessageKind.FIRMWARE_STATUS, answer=False),
)
_RANKS: Final = {
    kind: rank
    for rank, kind in enumerate(
        (
            MessageKind.TRANSACTION_STARTED,
            MessageKind.TRANSACTION_STOPPED,
            MessageKind.BOOT,
            MessageKind.CONNECTOR_STATUS,
            MessageKind.METER_VALUES,
            MessageKind.FIRMWARE_STATUS,
            MessageKind.START_COMMAND,
        )
    )
}
"""What proves most, first."""
_PROVING: Final = {wish.kind for wish in _WISHES} | {MessageKind.CONNECTOR_STATUS}
PROVING_ACTIONS: Final = frozenset(name for name, kind in ACTIONS.items() if kind in _PROVING)
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
        if (head := _head(frame)) is not None and head[0] in {_RESULT, _ERROR}
        for identity in (head[1],)
    }
    chosen: list[Frame] = []
    for wish in _WISHES:
        calls = [frame for frame in ordered if _of(frame) is wish.kind and _is_call(frame)]
        for frame in dict.fromkeys((*(calls[:1] if wish.first else ()), *calls[-1:])):
            chosen.append(frame)
            head = _head(frame)
            if wish.answer and head is not None and head[1] in answers:
                chosen.append(answers[head[1]])
    chosen += _statuses(ordered)
    return tuple(dict.fromkeys(chosen))


def fewer(frames: Sequence[Frame], most: int) -> tuple[Frame, ...]:
    """Cut an excerpt where there is less room: what carries the verdict stays, by time."""

    def weight(frame: Frame) -> tuple[bool, bool, int]:
        kind = _of(frame)
        rank = len(_RANKS) if kind is None else _RANKS.get(kind, len(_RANKS))
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
    return said and _of(frame) is MessageKind.CONNECTOR_STATUS


def _tells_of_fault(frame: Frame) -> bool:
    return _is_status(frame) and says_fault(frame.text)


def _of(frame: Frame) -> MessageKind | None:
    return ACTIONS.get(frame.action)


def _is_call(frame: Frame) -> bool:
    head = _head(frame)
    return head is not None and head[0] == _CALL


def _head(frame: Frame) -> tuple[str, str] | None:
    found = _MESSAGE.match(frame.text)
    return None if found is None else (found[1], found[2])
