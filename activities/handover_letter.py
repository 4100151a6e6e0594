"""The mail that tells a site owner that the site is theirs, who can charge, and what to do."""

from collections.abc import Iterator
from typing import Final

from activities.letters import Letter
from activities.quoting import labelled, passage, quoted
from domain.handover import HandoverNotice
from domain.states import AccessMode

_SHOWN: Final = 20  # charge points of many


def handover_letter(notice: HandoverNotice, *, public_url: str) -> Letter:
    """Tell the site owner what is active, who can charge now, what a kWh costs, what to do next."""
    at = notice.handed_over_at
    lines = [
        "Hello,",
        "",
        "your site is yours to run: its installer handed it over",
        f"on {at.day} {at:%B %Y at %H:%M} ({at.tzinfo}).",
        "",
        *labelled(
            Site=notice.project_name,
            Installer=notice.installer,
            Signed_by=notice.signature,
        ),
        "",
    ]
    for heading, paragraph in (
        ("What is active", _active(notice)),
        ("Who can charge now", _who(notice)),
        ("What a kWh costs", _costs(notice)),
        ("What to do next", _next(notice, public_url.rstrip("/"))),
    ):
        lines += [heading, "", *(f"  {line}".rstrip() for line in paragraph), ""]
    lines += passage("Notes of the installer", notice.notes)
    return Letter(subject=_subject(notice), text="\n".join(lines))


def _subject(notice: HandoverNotice) -> str:
    if _nobody(notice):
        return f"Your site is handed over: say who may charge ({notice.project_id})"
    return f"Your site is handed over to you ({notice.project_id})"


def _nobody(notice: HandoverNotice) -> bool:
    return notice.access is AccessMode.LISTED and not notice.id_tags_listed


def _active(notice: HandoverNotice) -> Iterator[str]:
    count = len(notice.charge_points)
    yield "1 charge point is commissioned:" if count == 1 else f"{count} charge points are:"
    for name in notice.charge_points[:_SHOWN]:
        away = "  (not connected at the moment)" if name in notice.offline else ""
        yield f"- {quoted(name)}{away}"
    if count > _SHOWN:
        yield f"- and {count - _SHOWN} more"
    if notice.limit.amps is None:
        yield "Power: nobody has said what your supply carries, so nobody is held back. Every"
        yield "vehicle may draw what its cable carries, all of them at once."
    else:
        yield f"Power: all of them together stay below {notice.limit.amps:g} A per phase"
        yield f"({notice.limit.phases}-phase supply); vehicles share what there is."
    if notice.prices:
        yield "Billing: every session from now on is recorded with its price."
    else:
        yield "Billing: not set. It begins with your first tariff."


def _who(notice: HandoverNotice) -> Iterator[str]:
    if notice.access is AccessMode.OPEN:
        yield "Everybody, with any card."
        return
    if _nobody(notice):
        yield "Nobody yet: the site is not open, and no card is listed."
        return
    count = notice.id_tags_listed
    yield "The holder of 1 card:" if count == 1 else f"The holders of {count} cards:"
    for name in notice.id_tags:
        yield f"- {quoted(name)}"
    if count > len(notice.id_tags):
        yield f"- and {count - len(notice.id_tags)} more"


def _costs(notice: HandoverNotice) -> Iterator[str]:
    if notice.prices:
        yield from notice.prices
    else:
        yield "Nothing: there is no tariff, so charging is free and is not billed."


def _next(notice: HandoverNotice, url: str) -> Iterator[str]:
    steps = list(_steps(notice))
    for number, (what, *calls) in enumerate(steps, start=1):
        yield f"{number}. {what}"
        for call in calls:
            yield f"   {call}"
    site = f"{url}/api/v1/site-owner/projects/{notice.project_id}"
    yield ""
    yield "… stands for your site:"
    yield site
    yield "Every call, to read and to try out:"
    yield f"{url}/docs"


def _steps(notice: HandoverNotice) -> Iterator[tuple[str, ...]]:
    """What there is to do, the most pressing first, and the calls that do it."""
    yield "Log in with your e-mail address and password.", "POST /api/v1/site-owner/login"
    if _nobody(notice):
        yield (
            "Say who may charge: everybody, or the cards that you list.",
            'PUT …/access {"mode": "open"}',
            "PUT …/id-tags/{number of the card}",
        )
    for name in notice.offline[:_SHOWN]:
        serial = name.partition(",")[0]
        yield (f"See to the power and the network of {quoted(serial)}: it is not connected.",)
    if notice.limit.amps is None:
        yield "Say what your supply carries, if it cannot carry all cables at once.", "PUT …/power"
    if not notice.prices:
        yield "Set a tariff, if charging is to cost something.", "PUT …/tariff"
    if not _nobody(notice):
        yield "Change who may charge.", "PUT …/access, PUT …/id-tags/{number of the card}"
    yield "See that everything is active.", "GET …/features"
    yield "Keep the certificate of your site.", "GET …/report"
