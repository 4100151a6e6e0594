"""What comes alive at the handover."""

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from domain.handover import ProjectRequest
    from domain.names import site_workflow_id
    from domain.power.facts import SiteRequest
    from domain.summaries import site_summary
    from workflows.site import SiteWorkflow


async def share_power(project: ProjectRequest) -> None:
    """Have the power of the site shared from now on, by a workflow that outlives the project's."""
    try:
        await workflow.start_child_workflow(
            SiteWorkflow.run,
            SiteRequest(project_id=project.project_id, name=project.name),
            id=site_workflow_id(project.project_id),
            parent_close_policy=ParentClosePolicy.ABANDON,
            static_summary=site_summary(project.name),
        )
    except WorkflowAlreadyStartedError:
        return  # the reconciler was faster
