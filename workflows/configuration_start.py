"""How the push of queued configuration values is started by the reconciler."""

from datetime import timedelta

from temporalio.client import Client

from domain.configuration import ConfigurationRequest
from domain.names import CONFIGURATION_DUE_SIGNAL, configuration_workflow_id
from workflows.configuration import ConfigurationWorkflow


async def start_configuration(
    client: Client, charge_point_id: str, *, task_queue: str, rpc_timeout: timedelta
) -> None:
    """Start the push, or have the one that runs look once more.

    Raises:
        RPCError: Temporal refused or did not answer.

    """
    await client.start_workflow(
        ConfigurationWorkflow.run,
        ConfigurationRequest(charge_point_id=charge_point_id, restart=True),
        id=configuration_workflow_id(charge_point_id),
        task_queue=task_queue,
        start_signal=CONFIGURATION_DUE_SIGNAL,
        rpc_timeout=rpc_timeout,
    )
