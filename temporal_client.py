"""One way to reach Temporal: client, data converter, search attributes."""

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig

from domain.names import SearchAttribute


async def connect() -> Client:
    """Connect as the environment says (``TEMPORAL_ADDRESS``, ``TEMPORAL_NAMESPACE``, TLS, API key).

    Raises:
        RuntimeError: Temporal cannot be reached.

    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "127.0.0.1:7233")
    return await Client.connect(**config, data_converter=pydantic_data_converter)


async def register_search_attributes(client: Client) -> None:
    """Register our search attributes where the namespace lacks them; harmless when repeated."""
    operator = client.operator_service
    existing = await operator.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = [name for name in SearchAttribute if name not in existing.custom_attributes]
    if missing:
        await operator.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=client.namespace,
                search_attributes=dict.fromkeys(
                    missing, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
                ),
            )
        )
