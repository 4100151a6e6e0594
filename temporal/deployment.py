"""What workers say of their release to Temporal: a deployment, which decides nothing (ADR 39)."""

from importlib.metadata import version
from typing import Final
from uuid import uuid4

import structlog
from temporalio.api.workflowservice.v1 import CreateWorkerDeploymentRequest
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import WorkerDeploymentConfig

RELEASE: Final = version("dynamo-commissioning")
"""A worker that names no release hashes all the code of its process: over a second of CPU at each
start, while nothing else in its event loop goes on."""

DEPLOYMENT: Final = WorkerDeploymentConfig(
    version=WorkerDeploymentVersion(deployment_name="dynamo", build_id=RELEASE),
    use_worker_versioning=False,
)
"""The history of a run names it with each step. Temporal gives tasks to whoever polls: a run never
stands still because nobody has said which release is the current one."""

_log: Final = structlog.get_logger(__name__)


async def register_deployment(client: Client) -> None:
    """Have a page of the deployment in Temporal's UI, to which each run has a link; safe to repeat.

    Nothing depends on it: where Temporal makes none, the link leads nowhere.
    """
    try:
        await client.workflow_service.create_worker_deployment(
            CreateWorkerDeploymentRequest(
                namespace=client.namespace,
                deployment_name=DEPLOYMENT.version.deployment_name,
                identity=client.identity,
                request_id=str(uuid4()),
            )
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            _log.info("deployment_not_registered", error=repr(error)[:300])
