"""Which keys can be chosen, in which type, and what is said of the others."""

import pytest

from domain.catalogue import Parameter, ParameterType, Template
from domain.choices import Choices
from domain.errors import FieldError
from domain.standard_keys import STANDARD_KEYS, Access

INTERVAL = Parameter(
    key="Interval", default=60, type=ParameterType.INTEGER, minimum=5, maximum=90, unit="seconds"
)
CACHE = Parameter(key="Cache", default=True, type=ParameterType.BOOLEAN)
NAME = Parameter(key="Name", default="x", type=ParameterType.STRING)
COUNT = Parameter(key="Count", default=1, type=ParameterType.INTEGER)
TEMPLATE = Template(
    template_version="1", vendor="ABB", model="X", parameters=(INTERVAL, CACHE, NAME, COUNT)
)
REPORTED = {
    "AcmeLedColour": False,
    "AcmeBuild": True,
    "WifiPassword": False,
    "heartbeatinterval": False,
}
CHOICES = Choices(TEMPLATE, REPORTED)


def errors(*overrides: tuple[str, object]) -> tuple[FieldError, ...]:
    return CHOICES.check(overrides).errors


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Interval", 5),
        ("Interval", 90),
        ("Cache", False),
        ("Name", "plain text"),
        ("Name", "x" * 500),
        ("Count", -(2**31) + 1),
        ("MeterValuesSampledData", "Energy.Active.Import.Register,Power.Active.Import"),
        ("ConnectionTimeOut", 120),
        ("LocalAuthListEnabled", True),
        ("AcmeLedColour", "blue"),
    ],
)
def test_what_fits(key: str, value: object) -> None:
    checked = CHOICES.check([(key, value)])
    assert checked.errors == ()
    assert checked.values == {key: value}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("Interval", 4, "between 5 and 90 seconds"),
        ("Interval", True, "whole number"),
        ("Interval", 5.0, "whole number"),
        ("Interval", "60", "whole number"),
        ("Count", 2**31, "between"),
        ("Cache", "true", "true or false"),
        ("Cache", 0, "true or false"),
        ("Cache", None, "true or false"),
        ("Name", 7, "text"),
        ("Name", "a\nb", "control characters"),
        ("Name", "x" * 501, "500 characters"),
        ("ConnectionTimeOut", -1, "between 0 and 2147483647 seconds"),
        ("ConnectionTimeOut", "60", "whole number"),
        ("LocalAuthListEnabled", 1, "true or false"),
        ("MeterValuesSampledData", 7, "text"),
        ("AcmeLedColour", 7, "text"),
    ],
)
def test_a_wrong_value_is_named(key: str, value: object, words: str) -> None:
    (error,) = errors((key, value))
    assert error.field == "parameters.0.value"
    assert error.detail.startswith(key)
    assert words in error.detail


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("NumberOfConnectors", "read-only in OCPP 1.6: it says what the hardware is. Declare"),
        ("supportedfeatureprofiles", "SupportedFeatureProfiles is read-only in OCPP 1.6"),
        ("AuthorizationKey", "is a secret"),
        ("SecurityProfile", "locks it out"),
        ("AcmeBuild", "read-only on this charge point"),
        ("WifiPassword", "looks like a secret"),
    ],
)
def test_what_is_not_taken_is_said_with_its_reason(key: str, words: str) -> None:
    (error,) = errors((key, "1"))
    assert error.field == "parameters.0.key"
    assert words in error.detail
    assert CHOICES.parameter(key) is None


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("Intervall", "Intervall is not known here. Did you mean Interval?"),
        (
            "MeterValueSampledData",
            "MeterValueSampledData is not known here. Did you mean MeterValuesSampledData?",
        ),
        ("AcmeLedColor", "AcmeLedColor is not known here. Did you mean AcmeLedColour?"),
        ("Zzz", "(Interval, Cache, Name, Count) nor a key of OCPP 1.6"),
        ("Zzz", "more_keys"),
    ],
)
def test_what_nobody_knows_is_told_what_can_be_done(key: str, hint: str) -> None:
    (error,) = errors((key, "1"))
    assert error.field == "parameters.0.key"
    assert hint in error.detail


def test_names_are_kept_as_the_template_the_standard_or_the_charge_point_spells_them() -> None:
    checked = CHOICES.check(
        [("interval", 60), ("METERVALUESSAMPLEDDATA", "Voltage"), ("acmeledcolour", "red")]
    )
    assert list(checked.values) == ["Interval", "MeterValuesSampledData", "AcmeLedColour"]


def test_a_key_given_twice() -> None:
    (error,) = errors(("Interval", 60), ("interval", 70))
    assert error.field == "parameters.1.key"


def test_a_choice_is_taken_back() -> None:
    checked = CHOICES.check([], take_back=["interval", "Gone"], chosen=["Interval", "Gone"])
    assert (checked.taken_back, checked.errors) == (("Interval", "Gone"), ())
    wrong = CHOICES.check(
        [("Name", "y")], take_back=["Cache", "name", "Gone"], chosen=["Interval", "Name", "Gone"]
    )
    assert [error.field for error in wrong.errors] == ["take_back.0", "take_back.1"]
    assert "Gone, Interval, Name" in wrong.errors[0].detail


def test_what_can_be_chosen_besides() -> None:
    found = {parameter.key: standard for parameter, standard in CHOICES.beside_the_template()}
    writable = {
        one.parameter.key for one in STANDARD_KEYS.values() if one.access is Access.READ_WRITE
    }
    assert found == dict.fromkeys(writable, True) | {"AcmeLedColour": False}


def test_the_standard_has_them_all() -> None:
    """OCPP 1.6 edition 2 §9: 34 of core, 3 of the local list, 1 of reservation, 5 of charging."""
    assert len(STANDARD_KEYS) == 34 + 3 + 1 + 5 + 6 + 1
    assert len({name for name, one in STANDARD_KEYS.items() if one.access is Access.READ}) == 21
