"""One way to reach Temporal: client, data converter, search attributes, and workers that end."""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from importlib.metadata import version
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
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
from temporalio.plugin import SimplePlugin
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from domain.names import SearchAttribute
from domain.starting import AwayError, MistakeError, StartingError, is_unknown_host, one_line

# A worker without one hashes all the code of the process: over a second of CPU at each start, while
# nothing else in its event loop goes on.
BUILD_ID: Final = f"dynamo-{version('dynamo-commissioning')}"

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


_LAST_STEP_SECONDS = 5.0
_LOOK_SECONDS = 15.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_REFUSED = (RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED)


class WorkersEnd(SimplePlugin):
    """A plugin of a client: its workers end although the SDK's core sometimes does not.

    When nothing is polled any more and every activity has reported, the last step of a shutdown may
    wait for ever (temporalio 1.35, about once in a hundred where an activity has just ended), and
    the process with it.
    """

    def __init__(self) -> None:
        super().__init__("workers end")

    async def run_worker(
        self,
        worker: Worker,
        next: Callable[[Worker], Awaitable[None]],  # noqa: A002
    ) -> None:
        """Run the worker; the last step of its shutdown takes five seconds at most."""
        core = worker._bridge_worker  # noqa: SLF001 - no setting bounds it
        last_step = core.finalize_shutdown

        async def in_time() -> None:
            async with asyncio.timeout(_LAST_STEP_SECONDS):
                await last_step()

        core.finalize_shutdown = in_time  # type: ignore[method-assign, unused-ignore]
        await next(worker)


_CORE_REPEATS_AFTER = 60.0


class _CoreLines(logging.Filter):
    """Gives the fields of the SDK's core as fields, and leaves out what it repeats each try."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the first of each kind of line in a minute."""
        entry = record.__dict__.pop("temporal_log", None)
        now = time.monotonic()
        kind = re.sub(r"\d+", "", record.getMessage())[:80]
        if now - self._told.get(kind, -_CORE_REPEATS_AFTER) < _CORE_REPEATS_AFTER:
            return False
        self._told[kind] = now
        if entry is not None:
            record.core = {key: str(value) for key, value in entry.fields.items()}
        return True


@cache
def core_runtime() -> Runtime:
    """Make the SDK's core log by our logs; by itself it writes coloured text to the console."""
    logger = logging.getLogger("temporalio.core")
    logger.addFilter(_CoreLines())
    forwarding = LogForwardingConfig(
        logger=logger, prepend_target_on_message=False, append_log_fields_to_message=False
    )
    core = LoggingConfig(
        filter=TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=forwarding
    )
    return Runtime(telemetry=TelemetryConfig(logging=core))


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
