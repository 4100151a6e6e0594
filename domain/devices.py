"""How a charge point's make is said to people."""


def device_name(vendor: str, model: str) -> str:
    """Vendor and model; installers often write the vendor into the model, and it is said once."""
    if model.casefold().startswith(vendor.casefold()):
        return model
    return f"{vendor} {model}"
