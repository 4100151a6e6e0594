"""firmware_version: the newest boot reports an approved version."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.rules.firmware import judge_firmware
    from workflows.journal import CheckFailedError
    from workflows.run import Run


async def firmware(run: Run) -> None:
    """Run the check. The newest boot alone is the truth."""
    reported = run.inbox.boot.firmware_version if run.inbox.boot else None
    verdict = judge_firmware(reported, run.briefing.firmware)
    run.journal.evidence({"reported": verdict.reported, "version": verdict.version})
    if verdict.failure is not None:
        raise CheckFailedError(verdict.failure)
    run.journal.step("version", verdict.detail)
    if verdict.needs_review:
        run.journal.note(verdict.detail, needs_review=True)
