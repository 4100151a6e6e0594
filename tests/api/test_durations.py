"""How long a run may be told to wait: what is taken, and what is refused in words."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from api.batches.schemas import Commission
from api.commissioning.schemas import Start


@pytest.mark.parametrize("request_of", [Start, Commission])
@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (1, 1),
        (900, 900),
        (2_592_000, 2_592_000),
        ("PT1S", 1),
        ("PT90.5S", 90.5),
        ("PT15M", 900),
        ("PT1H30M", 5_400),
        ("P1DT12H", 129_600),
        ("P30D", 2_592_000),
        ("P4W", 2_419_200),
    ],
)
def test_a_duration_is_taken_as_it_is_meant(
    request_of: type[Start], given: Any, seconds: float
) -> None:
    request = request_of.model_validate({"wait_for_connection": given})
    assert request.wait_for_connection == timedelta(seconds=seconds)


@pytest.mark.parametrize("request_of", [Start, Commission])
@pytest.mark.parametrize(
    "given",
    [
        *(True, False, None, 900.0, 900.5, [], {}),
        *("", "P", "PT", "P1DT", "PT1H30", "T5M", "900", "15:00", "00:15:00", "30 days", "soon"),
        *("P1M", "P1Y", "P1W1D", "-PT5M", "PT-5M", "+PT5M", " PT5M", "PT5M\n", "pt5m", "PT1.H"),
        *("nan", "inf", "P٣D", "P" + "9" * 5_000 + "D", "P999999999W", 10**30, -(10**30)),
    ],
)
def test_what_is_none_is_refused_in_one_clear_sentence(request_of: type[Start], given: Any) -> None:
    with pytest.raises(ValidationError, match="an ISO 8601 duration in weeks") as refused:
        request_of.model_validate({"wait_for_connection": given})
    assert refused.value.error_count() == 1


@pytest.mark.parametrize("given", [0, -1, 2_592_001, "PT0S", "PT0.5S", "P31D", "P30DT1S", "P5W"])
def test_what_is_too_short_or_too_long_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError, match="from 1 second to 30 days"):
        Start.model_validate({"wait_for_connection": given})
