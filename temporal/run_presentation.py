"""What operators see of a run from its start, and filter by."""

from collections.abc import Mapping
from typing import Final

from domain.checks import ConnectorsToTest
from domain.commissioning import Registered, RunRequest, RunToStart
from domain.devices import device_name
from domain.names import SearchAttribute
from domain.rules.connector import names_of
from domain.rules.numbers import in_words
from domain.states import ConnectorChoice, RunStatus

_DETAILS: Final = """\
Asked for: {asked}.

- **Cancel** it by *Request Cancellation*; or with a reason by the update `cancel`: \
`{{"reason": "…", "by": "you"}}`.
- **Answer** what it asks by the update `answer`: \
`{{"answer": "done", "note": "…", "by": "you"}}`.
- **Retry** it once it has ended by the update `retry_run` of workflow `{project}`: \
`{{"charge_point_id": "{charge_point}", "by": "you"}}`.
- Never *Terminate* it: its test charge would run on."""


def attributes(run: RunToStart) -> Mapping[SearchAttribute, str]:
    """What operators filter runs by."""
    request, registered = run.request, run.registered
    return {
        SearchAttribute.CHARGE_POINT: registered.charge_point_id,
        SearchAttribute.SERIAL_NUMBER: registered.serial_number,
        SearchAttribute.PROJECT: request.project_id,
        SearchAttribute.INSTALLER: request.installer_id,
        SearchAttribute.VENDOR: registered.vendor,
        SearchAttribute.MODEL: registered.model,
        SearchAttribute.RUN_STATUS: RunStatus.IN_PROGRESS.value,
        SearchAttribute.COMMISSIONING: request.commissioning_id,
    }


def summary(registered: Registered) -> str:
    """One line: the place, the model and the serial number."""
    model = device_name(registered.vendor, registered.model)
    place = registered.place.partition(",")[0].strip()
    return " · ".join(part for part in (place, model, registered.serial_number) if part)


def details(request: RunRequest) -> str:
    """What is fixed from the start: what was asked for, and what can be done."""
    options = request.options
    test = f"with a test charge on {_which(options.test_connectors)}"
    asked = [
        test if options.run_test_transaction else "without a test charge",
        "firmware is updated where it must be" if options.update_firmware else "",
        f"waits {in_words(options.wait_for_connection)} for the charge point",
    ]
    return _DETAILS.format(
        asked=", ".join(part for part in asked if part),
        project=request.project_id,
        charge_point=request.charge_point_id,
    )


def _which(choice: ConnectorsToTest) -> str:
    match choice:
        case ConnectorChoice.ALL:
            return "each connector"
        case ConnectorChoice.FIRST:
            return "the first connector"
        case numbers:
            return names_of(numbers)
