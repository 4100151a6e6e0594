"""firmware_version: the newest boot reports an approved version, or is brought to one."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.catalogue import FirmwareUpdate
    from domain.rules.firmware import FirmwareVerdict, judge_firmware
    from workflows.checks.handshake import configure
    from workflows.firmware_by_hand import update_by_hand
    from workflows.firmware_update import update_by_ocpp
    from workflows.journal import CheckFailedError
    from workflows.run import Run


async def firmware(run: Run) -> None:
    """Run the check. The newest boot alone is the truth."""
    verdict = _look(run)
    if verdict.failure is not None and run.request.options.update_firmware:
        verdict = await _update(run, verdict)
    if verdict.failure is not None:
        raise CheckFailedError(verdict.failure)
    run.journal.step("version", verdict.detail)
    if verdict.needs_review:
        run.journal.note(verdict.detail, needs_review=True)


def _look(run: Run) -> FirmwareVerdict:
    reported = run.inbox.boot.firmware_version if run.inbox.boot else None
    verdict = judge_firmware(reported, run.briefing.firmware)
    run.journal.evidence({"reported": verdict.reported, "version": verdict.version})
    return verdict


async def _update(run: Run, before: FirmwareVerdict) -> FirmwareVerdict:
    """Bring another firmware onto the charge point, configure it anew, and judge again."""
    rule = run.briefing.firmware
    assert rule is not None, "without a rule nothing is outdated"  # noqa: S101
    run.journal.step("version_before", f"{before.detail} It is to be updated.")
    run.journal.evidence({"reported_before": before.reported, "version_before": before.version})
    if rule.update is FirmwareUpdate.VENDOR:
        await update_by_hand(run, before)
    elif rule.image is not None:
        run.journal.evidence({"image": rule.image.location, "image_version": rule.image.version})
        await update_by_ocpp(run, rule.image)
    else:
        run.journal.note("The catalogue has no firmware image of this model; none was installed.")
        return before
    run.firmware_updated = True
    run.not_supported = frozenset()  # the new one may know more
    await configure(run)  # a new firmware may have set it back
    return _look(run)
