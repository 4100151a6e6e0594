"""What people and charge points write is in no subject, leads no mail, and stands quoted in it."""

import importlib
import inspect
import pkgutil
import re
import typing
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import activities
from activities.letters import Letter
from domain.checks import CheckRecord, Failure, RunView
from domain.power.site import SiteLimit
from domain.states import CheckName, CheckResult, InvitationStatus, RunStatus, ServiceVisitStatus

HOSTILE = (
    'Your account is locked, see http://evil.example/login now"\r\nBcc: all@evil.example\n\n'
    "<a href='http://evil.example'>evil</a> \u202eevil =?utf-8?q?evil?= " + "evil " * 60
)
LINK = "https://charging.example/invitations/5f"
AT = datetime(2026, 5, 1, 9, tzinfo=UTC)
# Ids, addresses and sentences of ours, what was quoted before, and whom the mail goes to.
OURS = re.compile(r".*_id|to|email|prices|lines|path|remote_address")
QUOTED = (
    re.compile(r'\s+[^"]*"[^"]*".*'),  # labelled, between quotation marks
    re.compile(r"  > .*"),  # a line of a longer text
    re.compile(r"  \d+\. .*\"[^\"]*\".*"),
)
OF_A_RULE = re.compile(r"(  ALARM    | {4}| {11}).{1,620}")  # it may name what was told


def _letters() -> Iterator[Callable[..., Letter]]:
    """Every function of the activities that writes a mail."""
    for module in pkgutil.iter_modules(activities.__path__):
        for _, found in inspect.getmembers(
            importlib.import_module(f"activities.{module.name}"), inspect.isfunction
        ):
            if (
                found.__module__ == f"activities.{module.name}"
                and typing.get_type_hints(found).get("return") is Letter
            ):
                yield found


def _filled(kind: Any, name: str) -> Any:
    """A value of that type in which every text that is not ours is hostile."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    known = {datetime: AT, bool: True, int: 2, float: 16.0, SiteLimit: SiteLimit(amps=16.0)}
    if kind is str:
        return f"{name}-1" if OURS.fullmatch(name) else HOSTILE
    if kind is RunView:
        return _view()
    if kind in known:
        return known[kind]
    if inspect.isclass(kind) and issubclass(kind, Enum):
        return next(iter(kind))
    if is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        made = kind(
            **{  # type: ignore[operator]
                one.name: _filled(hints[one.name], one.name) for one in fields(kind) if one.init
            }
        )
        for one in fields(kind):
            allowed = {"InvitationNews": InvitationStatus.ACCEPTED, "VisitNotice": CLOSED}
            if one.name == "status" and type(made).__name__ in allowed:
                made = replace(made, status=allowed[type(made).__name__])
        return made
    if origin is tuple:
        parts = inner[:1] if inner[-1] is Ellipsis else inner
        return tuple(_filled(part, name) for part in parts)
    some = [one for one in inner if one is not type(None)]
    return _filled(some[0], name)


CLOSED = ServiceVisitStatus.CLOSED


def _view() -> RunView:
    failure = Failure(code="no_power", cause=HOSTILE, action=HOSTILE)
    return RunView(
        commissioning_id="com_1",
        charge_point_id="cp_1",
        status=RunStatus.FAILED,
        started_at=AT,
        alarms=(HOSTILE,),
        cancel_reason=HOSTILE,
        checks=(
            CheckRecord(
                name=CheckName.OCPP_HANDSHAKE,
                result=CheckResult.FAILED,
                failure=failure,
                notes=(HOSTILE,),
            ),
            CheckRecord(
                name=CheckName.TEST_TRANSACTION, result=CheckResult.SKIPPED, skip_reason=HOSTILE
            ),
        ),
    )


def _written(write: Callable[..., Letter]) -> Letter:
    given: dict[str, Any] = {}
    for name, kind in typing.get_type_hints(write).items():
        if name != "return":
            given[name] = (
                LINK if name in {"link", "public_url", "stop_link"} else _filled(kind, name)
            )
    return write(**given)


LETTERS = sorted(_letters(), key=lambda write: write.__name__)


def test_there_are_letters() -> None:
    assert {"verdict_letter", "invitation_letter"} <= {write.__name__ for write in LETTERS}


def test_no_mail_leaves_by_another_way_than_the_one_that_counts() -> None:
    senders = {
        path.stem
        for path in Path(activities.__file__).parent.glob("*.py")
        if "mailer.send(" in path.read_text()
    }
    assert senders == {"post"}


@pytest.mark.parametrize("write", LETTERS, ids=lambda write: write.__name__)
def test_a_subject_is_ours(write: Callable[..., Letter]) -> None:
    subject = _written(write).subject
    assert "evil" not in subject
    assert "locked" not in subject
    assert len(subject) <= 120
    assert "\n" not in subject


@pytest.mark.parametrize("write", LETTERS, ids=lambda write: write.__name__)
def test_we_speak_first_and_whatever_is_not_ours_is_quoted(write: Callable[..., Letter]) -> None:
    first, *rest = _written(write).text.split("\n\n", 2)
    assert first == "Hello,"
    assert "evil" not in rest[0], "it leads the mail"
    for line in _written(write).text.split("\n"):
        if "evil" in line:
            assert any(shape.fullmatch(line) for shape in (*QUOTED, OF_A_RULE)), line
            assert "\r" not in line


@pytest.mark.parametrize("write", LETTERS, ids=lambda write: write.__name__)
def test_html_says_it_no_sooner_and_holds_no_markup_of_it(write: Callable[..., Letter]) -> None:
    html = _written(write).html
    if html is None:
        return
    assert "<a href='http://evil" not in html
    seen = " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
    ours = seen.index('"Your account')  # each is in quotation marks, after its label
    assert "evil" not in seen[:ours]
    assert seen[:ours].rstrip().endswith(":")
