"""Rules of configuration parameters: what each accepts, and the text that OCPP carries."""

from domain.catalogue import Parameter, ParameterType, ParameterValue

MAX_TEXT = 500
"""Longest value in characters."""

_INT32 = 2**31 - 1
_SHOWN = 80


def text_of(value: ParameterValue) -> str:
    """Write a value as OCPP does: ``true``, ``60``, plain text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def value_of(parameter: Parameter, text: str) -> ParameterValue:
    """Read such a text back in the parameter's type; text that does not fit stays text."""
    match parameter.type:
        case ParameterType.BOOLEAN if text.casefold() in {"true", "false"}:
            return text.casefold() == "true"
        case ParameterType.INTEGER:
            try:
                return int(text)
            except ValueError:
                return text
        case _:
            return text


def shown(text: str) -> str:
    """Write such a text for a sentence: one of nothing is named, a long one cut."""
    if not text.strip():
        return "(empty)"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def what_is_wrong(parameter: Parameter, value: object) -> str | None:
    """Say how a value does not fit, to be read after the name of the key; None when it does."""
    match parameter.type:
        case ParameterType.BOOLEAN:
            return None if isinstance(value, bool) else "must be true or false."
        case ParameterType.INTEGER:
            # bool is a subclass of int, and `true` is no number of seconds.
            if isinstance(value, bool) or not isinstance(value, int):
                return "must be a whole number."
            return _out_of_range(parameter, value)
        case ParameterType.STRING:
            if not isinstance(value, str) or not value.isprintable():
                return "must be text without control characters."
            return None if len(value) <= MAX_TEXT else f"must have {MAX_TEXT} characters at most."


def _out_of_range(parameter: Parameter, value: int) -> str | None:
    low = -_INT32 if parameter.minimum is None else parameter.minimum
    high = _INT32 if parameter.maximum is None else parameter.maximum
    if low <= value <= high:
        return None
    unit = f" {parameter.unit}" if parameter.unit else ""
    return f"must be between {low} and {high}{unit}."
