"""The deployment that workers name is there for the UI, and nothing depends on it."""

from temporalio.api.workflowservice.v1 import DescribeWorkerDeploymentRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from temporal.deployment import DEPLOYMENT, register_deployment


async def test_it_has_a_page_and_no_current_release(temporal_client: Client) -> None:
    for _ in range(2):  # each migration does
        await register_deployment(temporal_client)
    found = await temporal_client.workflow_service.describe_worker_deployment(
        DescribeWorkerDeploymentRequest(
            namespace=temporal_client.namespace,
            deployment_name=DEPLOYMENT.version.deployment_name,
        )
    )
    routing = found.worker_deployment_info.routing_config
    assert routing.current_version == "__unversioned__"


async def test_a_temporal_that_knows_no_deployments_stops_no_migration(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    await register_deployment(time_skipping_env.client)
