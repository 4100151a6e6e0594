"""The search attributes of the namespace, by which operators filter runs."""

from collections.abc import Iterable

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client

from domain.names import SearchAttribute
from domain.starting import MistakeError


async def register_search_attributes(client: Client) -> None:
    """Register our search attributes where the namespace lacks them; harmless when repeated.

    Raises:
        MistakeError: the namespace has one of these names with another type.

    """
    existing = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    present = existing.custom_attributes
    wrong = [
        name for name in SearchAttribute if present.get(name, _type_of(name)) != _type_of(name)
    ]
    if wrong:
        raise MistakeError(
            f"The Temporal namespace {client.namespace} has search attributes of these names with "
            f"another type: {', '.join(wrong)}. Remove or rename them there, then try again."
        )
    missing = [name for name in SearchAttribute if name not in present]
    if missing:
        await add_search_attributes(client, missing)


async def add_search_attributes(client: Client, names: Iterable[SearchAttribute]) -> None:
    """Add these; the time-skipping test server can add and not list."""
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=client.namespace,
            search_attributes={name: _type_of(name) for name in names},
        )
    )


def _type_of(name: SearchAttribute) -> IndexedValueType.ValueType:
    if name.is_list:
        return IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST
    return IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
