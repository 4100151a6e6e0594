"""Which configuration keys somebody can choose a value for, and what is wrong with a choice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from domain.catalogue import Parameter, ParameterType, ParameterValue, Template
from domain.errors import FieldError
from domain.parameters import what_is_wrong
from domain.standard_keys import STANDARD_KEYS, WITHHELD, Access

SECRET_WORDS: Final = ("authorizationkey", "password", "passwd", "passphrase", "secret")
"""What a key that holds a secret has in its name, in lower case."""
_ON_SITE: Final = "Set it in the charge point's own menu."


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """Choices by the names as they are kept, or what is wrong with them."""

    values: Mapping[str, ParameterValue]
    taken_back: tuple[str, ...]
    errors: tuple[FieldError, ...]


class Choices:
    """The keys of one charge point: of its template, of the standard, and what it has reported."""

    def __init__(self, template: Template, reported: Mapping[str, bool]) -> None:
        """``reported``: names as it reports them, and whether each is read-only there."""
        self._template = template
        self._of_template = {one.key.casefold(): one for one in template.parameters}
        self._reported = {name.casefold(): (name, only) for name, only in reported.items()}

    def parameter(self, key: str) -> Parameter | None:
        """Return what a key may hold, under the name that is kept; None: it cannot be chosen."""
        name = key.casefold()
        if found := self._of_template.get(name):
            return found
        if standard := STANDARD_KEYS.get(name):
            return standard.parameter if standard.access is Access.READ_WRITE else None
        if name in self._reported and self._refusal(key) is None:
            return Parameter(key=self._reported[name][0], default="", type=ParameterType.STRING)
        return None

    def beside_the_template(self) -> Sequence[tuple[Parameter, bool]]:
        """All that can be chosen and is not in the template; and whether the standard has it."""
        names = {one.parameter.key for one in STANDARD_KEYS.values()}
        others = {
            name for name, _ in self._reported.values() if name.casefold() not in STANDARD_KEYS
        }
        return [
            (parameter, name.casefold() in STANDARD_KEYS)
            for name in sorted(names | others, key=str.casefold)
            if name.casefold() not in self._of_template
            and (parameter := self.parameter(name)) is not None
        ]

    def check(
        self,
        overrides: Sequence[tuple[str, object]],
        *,
        take_back: Sequence[str] = (),
        chosen: Iterable[str] = (),
    ) -> Checked:
        """Say what is wrong with values, and with what of the ``chosen`` ones is taken back.

        Each by its path (``parameters.0.value``).
        """
        errors: list[FieldError] = []
        values: dict[str, ParameterValue] = {}
        kept = {name.casefold(): name for name in chosen}
        seen: set[str] = set()
        for place, (key, value) in enumerate(overrides):
            name = key.casefold()
            parameter = self.parameter(key)
            if name in seen:
                errors.append(_at(f"parameters.{place}.key", f"{key} is given twice."))
            elif parameter is None:
                said = self._refusal(key) or self._unknown(key)
                errors.append(_at(f"parameters.{place}.key", said))
            elif (wrong := what_is_wrong(parameter, value)) is not None:
                errors.append(_at(f"parameters.{place}.value", f"{parameter.key} {wrong}"))
            else:
                assert isinstance(value, bool | int | str)  # noqa: S101 - else it is wrong
                values[parameter.key] = value
            seen.add(name)
        for place, key in enumerate(take_back):
            name = key.casefold()
            if name in seen:
                errors.append(_at(f"take_back.{place}", f"{key} is given twice."))
            elif name not in kept:
                chosen = ", ".join(sorted(kept.values())) or "none"
                said = f"No value of {key} is chosen; of {chosen} one is."
                errors.append(_at(f"take_back.{place}", said))
            seen.add(name)
        taken = tuple(kept[key.casefold()] for key in take_back if key.casefold() in kept)
        return Checked(values=values, taken_back=taken, errors=tuple(errors))

    def _refusal(self, key: str) -> str | None:
        """Say why a key that is known is not taken; None where it is, or nobody knows it."""
        name = key.casefold()
        standard = STANDARD_KEYS.get(name)
        if standard is not None:
            spelled = standard.parameter.key
            if standard.access is Access.WITHHELD:
                return f"{spelled} {WITHHELD[spelled]}. {_ON_SITE}"
            if standard.access is Access.READ:
                declared = (
                    " Declare how many there are: connectors, in PATCH of the charge point."
                    if spelled == "NumberOfConnectors"
                    else ""
                )
                return (
                    f"{spelled} is read-only in OCPP 1.6: it says what the hardware is.{declared}"
                )
            return None
        if name not in self._reported:
            return None
        spelled, read_only = self._reported[name]
        if any(word in name for word in SECRET_WORDS):
            return f"{spelled} looks like a secret, and none is stored or shown here. {_ON_SITE}"
        if read_only:
            return f"{spelled} is read-only on this charge point, as it reports. {_ON_SITE}"
        return None

    def _unknown(self, key: str) -> str:
        template = self._template
        known = [one.key for one in template.parameters]
        more = [one.key for one, _ in self.beside_the_template()]
        alike = {name.casefold(): name for name in (*known, *more)}
        near = get_close_matches(key.casefold(), alike, n=1)
        if near:
            return (
                f"{key} is not known here. Did you mean {alike[near[0]]}? If not: what a charge "
                "point has of its own is known once it has been customized or commissioned online."
            )
        return (
            f"{key} is neither in the template of {template.vendor} {template.model} "
            f"({', '.join(known)}) nor a key of OCPP 1.6, and this charge point has not reported "
            "it. GET …/config lists in more_keys what else can be chosen; what a charge point has "
            "of its own is known once it has been customized or commissioned online."
        )


def _at(field: str, detail: str) -> FieldError:
    return FieldError(field=field, detail=detail)
