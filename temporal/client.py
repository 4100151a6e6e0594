"""One way to reach Temporal: the client with its data converter, and what stands in its way."""

import asyncio
from datetime import timedelta
from typing import Final

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.service import RPCError, RPCStatusCode

from domain.starting import AwayError, MistakeError, StartingError, is_unknown_host, one_line
from temporal.core_logs import core_runtime
from temporal.workers_end import WorkersEnd

# Temporal makes a converter for each workflow run. One that knows no type yet spends more time on
# learning them than the whole run has work to do, so all of them share what they have learnt.
_JSON = PydanticJSONPlainPayloadConverter()


class PayloadConverter(CompositePayloadConverter):
    """Converts as `temporalio.contrib.pydantic` does, and learns each type once in a process."""

    def __init__(self) -> None:
        standard = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(
            *(_JSON if isinstance(one, JSONPlainPayloadConverter) else one for one in standard)
        )


DATA_CONVERTER = DataConverter(payload_converter_class=PayloadConverter)
"""What every client, worker and replay of ours uses."""


RPC_TIMEOUT: Final = timedelta(seconds=5)
"""How long one call to Temporal may take, where nobody has reason to wait longer."""
_LOOK_SECONDS = 15.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_REFUSED = (RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED)


async def connect() -> Client:
    """Connect as the environment says (``TEMPORAL_ADDRESS``, ``TEMPORAL_NAMESPACE``, TLS, API key).

    Raises:
        RuntimeError: Temporal cannot be reached.

    """
    return await Client.connect(
        **_configured(),
        data_converter=DATA_CONVERTER,
        plugins=[WorkersEnd()],
        runtime=core_runtime(),
    )


async def connect_when_there() -> Client:
    """Connect, as soon as Temporal answers."""
    pause = _FIRST_PAUSE
    while True:
        try:
            return await connect()
        except RuntimeError:  # whoever looks at the start says why
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


async def look() -> None:
    """See that Temporal answers, lets us in, and has our namespace.

    Raises:
        MistakeError: waiting cannot help.
        AwayError: it may come.

    """
    try:
        config = _configured()
    except (RuntimeError, ValueError) as error:
        raise MistakeError(f"TEMPORAL_…: {one_line(error)}.") from error
    address = config.get("target_host", "")
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise MistakeError(
            f"TEMPORAL_ADDRESS: {one_line(address)} is no host and port, such as temporal:7233."
        )
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), int(port))
            client = await connect()
            await client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=client.namespace)
            )
    except Exception as error:
        if isinstance(error, RPCError) and error.status is RPCStatusCode.UNIMPLEMENTED:
            return  # a test server, or a proxy: it answers, and knows no question of this kind
        raise _explained(error, address, config.get("namespace", "default")) from error


def _configured() -> ClientConnectConfig:
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "127.0.0.1:7233")
    return config


def _explained(error: Exception, address: str, namespace: str) -> StartingError:
    said = one_line(error) or type(error).__name__
    if is_unknown_host(error):
        return MistakeError(f"TEMPORAL_ADDRESS: the host of {address} is not known: {said}.")
    status = error.status if isinstance(error, RPCError) else None
    if status is RPCStatusCode.NOT_FOUND:
        return MistakeError(
            f"TEMPORAL_NAMESPACE: Temporal at {address} has no namespace {namespace!r}. Create it "
            f"(temporal operator namespace create --namespace …), or mend the name."
        )
    if status in _REFUSED or any(word in said for word in ("Unauthenticated", "PermissionDenied")):
        return MistakeError(
            f"TEMPORAL_API_KEY, TEMPORAL_TLS_…: Temporal at {address} does not let us into the "
            f"namespace {namespace!r}: {said}."
        )
    return AwayError(f"TEMPORAL_ADDRESS: Temporal at {address} cannot be reached: {said}.")
