"""What the Temporal UI shows of a run: a Markdown summary that follows each step."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.checks import CheckRecord, RunView
    from domain.commissioning import Registered
    from domain.devices import device_name
    from domain.states import CheckResult

_MARKS = {
    CheckResult.PENDING: "·",
    CheckResult.RUNNING: "▶",
    CheckResult.PASSED: "✔",
    CheckResult.FAILED: "✘",
    CheckResult.SKIPPED: "○",
}


def current_details(view: RunView, registered: Registered | None) -> str:
    """Summarise a run for operators."""
    lines = []
    if registered is not None:
        device = device_name(registered.vendor, registered.model)
        lines += [f"**{device}**, serial `{registered.serial_number}`", ""]
    lines += [f"Run `{view.commissioning_id}` is **{view.status}**", ""]
    if view.waiting is not None:
        waiting = view.waiting
        lines += [
            f"Waits for **{waiting.waiting_for}** until {waiting.until:%Y-%m-%d %H:%M:%S} UTC: "
            + waiting.prompt,
            "",
        ]
    lines += [_line(check) for check in view.checks]
    lines += [f"- **ALARM** {alarm}" for alarm in view.alarms]
    return "\n".join(lines)


def _line(check: CheckRecord) -> str:
    said = check.skip_reason or ""
    if check.failure is not None:
        said = f"`{check.failure.code}` {check.failure.cause} {check.failure.action}"
    elif check.steps:
        said = check.steps[-1].detail
    if check.kept_from is not None:
        said = f"kept from run `{check.kept_from}`"
    colon = ": " if said else ""
    return f"- {_MARKS[check.result]} **{check.name}** {check.result}{colon}{said}"
