"""What the Temporal UI shows of a run and of a site: Markdown that follows each step."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections.abc import Iterator
    from dataclasses import dataclass
    from urllib.parse import quote

    from domain.checks import CheckRecord, ConnectorTest, RunView, Waiting
    from domain.commissioning import Registered, RunRequest
    from domain.devices import device_name
    from domain.power.plan import load
    from domain.power.site_controller import SiteController
    from domain.states import CheckResult, FeatureState

_MARKS = {
    CheckResult.PENDING: "·",
    CheckResult.RUNNING: "▶",
    CheckResult.PASSED: "✔",
    CheckResult.FAILED: "✘",
    CheckResult.SKIPPED: "○",
}
_BAYS_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class Shown:
    """All that the summary is made of."""

    request: RunRequest
    view: RunView
    registered: Registered | None
    api_url: str
    temporal_ui_url: str
    """Bases of the links; without one its links are not shown."""
    namespace: str
    doing: str | None = None
    """The operation that is under way."""


def current_details(shown: Shown) -> str:
    """Summarise a run for operators."""
    return "\n".join(_lines(shown))


def _lines(shown: Shown) -> Iterator[str]:
    view, registered = shown.view, shown.registered
    if registered is not None:
        device = device_name(registered.vendor, registered.model)
        place = f", {_plain(registered.place)}" if registered.place else ""
        yield f"**{_plain(device)}**, serial `{_code(registered.serial_number)}`{place}"
        yield ""
    by = _plain(view.started_by)
    yield f"Run `{view.commissioning_id}` is **{view.status}**, started by {by}"
    yield ""
    if view.waiting is not None:
        yield from _waiting(view.waiting)
    if view.cleaning_up:
        doing = f": {_plain(shown.doing)}" if shown.doing is not None else ""
        yield f"Now: **cleaning up**{doing}"
        yield ""
    elif view.waiting is None and shown.doing is not None:
        yield f"Now: **{_plain(shown.doing)}**"
        yield ""
    if view.cancelled_by is not None:
        why = f": {_plain(view.cancel_reason)}" if view.cancel_reason else ""
        being = "Being cancelled" if view.status.is_open else "Cancelled"
        yield f"{being} by {_plain(view.cancelled_by)}{why}"
        yield ""
    for check in view.checks:
        yield _line(check)
        if len(check.connectors) > 1:
            yield from map(_line_of_connector, check.connectors)
    for alarm in view.alarms:
        yield f"- **ALARM** {_plain(alarm)}"
    yield ""
    yield " · ".join(_links(shown))


def _waiting(waiting: Waiting) -> Iterator[str]:
    yield (
        f"Waits for **{waiting.waiting_for}** since {waiting.since:%H:%M:%S}, until "
        f"{waiting.until:%Y-%m-%d %H:%M:%S} UTC: {_plain(waiting.prompt)}"
    )
    yield ""
    if waiting.likely_cause:
        yield f"Likely cause: {_plain(waiting.likely_cause)}"
        yield ""
    if waiting.answers:
        answers = " or ".join(f"`{answer}`" for answer in waiting.answers)
        yield f"To answer: *Send an Update*, `answer`, with {answers}"
        yield ""


def _line(check: CheckRecord) -> str:
    said = check.skip_reason or ""
    if check.failure is not None:
        said = f"{check.failure.cause} {check.failure.action}"
    elif check.steps:
        said = check.steps[-1].detail
    if check.kept_from is not None:
        said = f"kept from run {check.kept_from}"
    result = f"{check.result} (needs review)" if check.needs_review else str(check.result)
    code = f"`{check.failure.code}` " if check.failure is not None else ""
    colon = ": " if said else ""
    return f"- {_MARKS[check.result]} **{check.name}** {result}{colon}{code}{_plain(said)}"


def _line_of_connector(test: ConnectorTest) -> str:
    said = test.skip_reason or ""
    if test.failure is not None:
        said = f"`{test.failure.code}` {_plain(test.failure.cause)}"
    elif test.kept_from is not None:
        said = f"kept from run {test.kept_from}"
    else:
        said = _plain(said)
    colon = ": " if said else ""
    return f"  - {_MARKS[test.result]} connector {test.connector_id} {test.result}{colon}{said}"


def _links(shown: Shown) -> Iterator[str]:
    """Link to the API's pages of this run, and to what is beside it in Temporal."""
    request = shown.request
    if shown.api_url:
        base = (
            f"{shown.api_url.rstrip('/')}/api/v1/installer/commissioning/{request.charge_point_id}"
        )
        yield f"[Record]({base}/runs/{request.commissioning_id})"
        yield f"[Status]({base}/status)"
        yield f"[Log]({base}/logs?run={request.commissioning_id})"
        if request.previous_commissioning_id is not None:
            yield f"[Record of the previous run]({base}/runs/{request.previous_commissioning_id})"
    if shown.temporal_ui_url:
        # The UI shows this in a frame of its own, which only whole URLs leave.
        ui = f"{shown.temporal_ui_url.rstrip('/')}/namespaces/{shown.namespace}/workflows"
        yield f"[Project]({ui}/{request.project_id})"
        of_it = quote(f"ChargePointId = '{request.charge_point_id}'")
        yield f"[All runs of the charge point]({ui}?query={of_it})"


_MARKDOWN = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>|#"})


def _plain(text: str) -> str:
    """Show what others have written as it is: a charge point's words are no markup, no link."""
    return " ".join(text.split()).translate(_MARKDOWN)


def _code(text: str) -> str:
    return " ".join(text.split()).replace("`", "'")


def site_details(name: str, controller: SiteController) -> str:
    """Summarise a site for operators, in Markdown."""
    limit = controller.limit
    carries = "no limit set" if limit.amps is None else f"{limit.amps:g} A a phase"
    used = max(load(controller.outlets()).values(), default=0.0)
    lines = [f"**{name}**: {carries}, at most {used:g} A of it in use", ""]
    if controller.paused:
        lines += ["Smart charging is **paused**: nothing keeps the site under its limit.", ""]
    for one in controller.states():
        if one.state is not FeatureState.ACTIVE or one.cause:
            why = f": {one.cause}" if one.cause else ""
            lines.append(f"- `{one.charge_point_id}` **{one.state}**{why}")
    bays = sorted(controller.bays.values(), key=lambda bay: bay.key)
    if bays:
        lines += [
            "",
            "| connector | transaction | allotted | may draw |",
            "| --- | --- | --- | --- |",
        ]
        lines += [
            f"| `{bay.key[0]}` {bay.key[1]} | {bay.transaction_id} | {bay.granted} A "
            f"| {bay.bound:g} A |"
            for bay in bays[:_BAYS_SHOWN]
        ]
    if len(bays) > _BAYS_SHOWN:
        lines.append(f"\nand {len(bays) - _BAYS_SHOWN} more")
    return "\n".join(lines)
