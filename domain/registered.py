"""How a charge point is called in front of people."""

from domain.commissioning import Registered


def device(registered: Registered) -> str:
    """Vendor and model; installers often write the vendor into the model, and it is said once."""
    vendor, model = registered.vendor, registered.model
    if model.casefold().startswith(vendor.casefold()):
        return model
    return f"{vendor} {model}"
