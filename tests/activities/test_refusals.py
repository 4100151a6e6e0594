"""What an activity is refused goes into a history: it says why, and not to whom."""

import pytest
from temporalio.exceptions import ApplicationError

from activities.project import refusals
from domain.errors import ConflictError


@pytest.mark.parametrize(
    ("said", "written"),
    [
        (
            "sam@acme.com works on the project already. Change their role if that is meant.",
            "Somebody works on the project already. Change their role if that is meant.",
        ),
        ("Ask o'neil@xn--bcher-kva.example.", "Ask Somebody."),
        ("A run is open. See GET …/status.", "A run is open. See GET …/status."),
    ],
)
def test_a_refusal_names_nobody(said: str, written: str) -> None:
    with pytest.raises(ApplicationError) as refused, refusals():
        raise ConflictError("already_there", said, account_id="usr_1")
    error = refused.value
    assert (error.message, error.type, error.details) == (
        written,
        "already_there",
        ({"account_id": "usr_1"},),
    )
    assert error.__cause__ is None
