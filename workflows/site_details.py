"""What the Temporal UI shows of a site whose power is shared."""

from domain.power.plan import load
from domain.power.site_controller import SiteController
from domain.states import FeatureState

_ROWS = 50


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
            for bay in bays[:_ROWS]
        ]
    if len(bays) > _ROWS:
        lines.append(f"\nand {len(bays) - _ROWS} more")
    return "\n".join(lines)
