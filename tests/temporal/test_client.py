"""What Temporal does for each run, or at each start, must not cost more than it has to."""

from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration
from pydantic import SecretStr
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.converter import DefaultPayloadConverter
from temporalio.service import RPCError

from activities.mailer import FileMailer
from domain.commissioning import RunOptions
from domain.names import SearchAttribute
from domain.starting import MistakeError
from runtime.settings import Settings
from storage.engine import Database
from temporal.client import DATA_CONVERTER
from temporal.deployment import DEPLOYMENT
from temporal.search_attributes import register_search_attributes
from tests.support.eventually import eventually
from worker import make_webhook_worker, make_worker


def test_converters_share_what_they_know_of_types() -> None:
    one, other = DATA_CONVERTER.payload_converter_class(), DATA_CONVERTER.payload_converter_class()
    assert isinstance(one, type(other))
    assert one is not other
    options = RunOptions(notify_on_complete=True)
    for converter in (one, other):
        (payload,) = converter.to_payloads([options])
        assert converter.from_payload(payload, RunOptions) == options
    encoding = b"json/plain"
    assert one.converters[encoding] is other.converters[encoding]  # type: ignore[attr-defined]


def test_every_other_encoding_is_the_standard_one() -> None:
    ours = DATA_CONVERTER.payload_converter_class()
    standard = DefaultPayloadConverter()
    assert list(ours.converters) == list(standard.converters)  # type: ignore[attr-defined]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_no_worker_hashes_all_code_when_it_starts(
    temporal_client: Client, database: Database, task_queue: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, secret_key=SecretStr("s" * 43))
    mailer = FileMailer(tmp_path, sender=settings.mail_from)
    for worker in (
        make_worker(temporal_client, database, mailer, settings=settings, task_queue=task_queue),
        make_webhook_worker(temporal_client, database, settings=settings, task_queue=task_queue),
    ):
        assert worker.config(active_config=True).get("deployment_config") == DEPLOYMENT


async def test_an_attribute_of_another_type_is_named(
    temporal_client: Client, temporal_address: str, task_queue: str
) -> None:
    await temporal_client.workflow_service.register_namespace(
        RegisterNamespaceRequest(
            namespace=task_queue,
            workflow_execution_retention_period=Duration(seconds=86_400),
        )
    )
    client = await Client.connect(temporal_address, namespace=task_queue)
    keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
    request = AddSearchAttributesRequest(
        namespace=task_queue, search_attributes={SearchAttribute.FAILED_CHECKS: keyword}
    )

    async def added() -> None:
        try:
            await client.operator_service.add_search_attributes(request)
        except RPCError as error:
            raise AssertionError("the namespace is not known everywhere yet") from error

    await eventually(added)
    with pytest.raises(MistakeError, match="another type: FailedChecks"):
        await register_search_attributes(client)
