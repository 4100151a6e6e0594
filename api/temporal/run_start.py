"""How a run's workflow is started: its id, and what operators see and filter by."""

from dataclasses import dataclass

from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
)

from domain.commissioning import RunRequest
from domain.devices import device_name
from domain.names import SearchAttribute, commissioning_workflow_id
from domain.states import RunStatus
from storage.charge_points import ChargePoint

_SUMMARY_BYTES = 200  # the server's limit
_COMMISSIONING = SearchAttributeKey.for_keyword(SearchAttribute.COMMISSIONING)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStart:
    """A run that is about to be started, and the charge point it is about."""

    request: RunRequest
    charge_point: ChargePoint

    @property
    def workflow_id(self) -> str:
        """One open workflow per charge point."""
        return commissioning_workflow_id(self.request.charge_point_id)

    @property
    def search_attributes(self) -> TypedSearchAttributes:
        """What operators filter runs by."""
        values = {
            SearchAttribute.CHARGE_POINT: self.charge_point.id,
            SearchAttribute.SERIAL_NUMBER: self.charge_point.serial_number,
            SearchAttribute.PROJECT: self.request.project_id,
            SearchAttribute.INSTALLER: self.request.installer_id,
            SearchAttribute.VENDOR: self.charge_point.vendor,
            SearchAttribute.MODEL: self.charge_point.model,
            SearchAttribute.RUN_STATUS: RunStatus.IN_PROGRESS.value,
            SearchAttribute.COMMISSIONING: self.request.commissioning_id,
        }
        return TypedSearchAttributes(
            [
                SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
                for name, value in values.items()
            ]
        )

    @property
    def summary(self) -> str:
        """One line: the place, the model and the serial number."""
        charge_point = self.charge_point
        model = device_name(charge_point.vendor, charge_point.model)
        place = (charge_point.location.address or "").partition(",")[0].strip()
        parts = [part for part in (place, model, charge_point.serial_number) if part]
        return " · ".join(parts).encode()[:_SUMMARY_BYTES].decode(errors="ignore")

    def is_of(self, attributes: TypedSearchAttributes) -> bool:
        """Tell whether these are the attributes of this very run."""
        return attributes.get(_COMMISSIONING) == self.request.commissioning_id
