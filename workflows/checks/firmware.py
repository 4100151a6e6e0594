"""firmware_version: the newest boot reports an approved version, or is brought to one.

An update that only a person can make is asked for here, and looked at again.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import contextlib
    from datetime import datetime, timedelta

    from domain.catalogue import FirmwareUpdate
    from domain.commissioning import RunAnswer
    from domain.failures import FailureCode
    from domain.operations import TriggerKind
    from domain.rules.firmware import FirmwareVerdict, judge_firmware, shown
    from domain.rules.numbers import in_words
    from domain.states import InstallerAnswer, WaitingFor
    from workflows.absence import absent
    from workflows.charge_point import NoAnswerError
    from workflows.checks.firmware_update import update_by_ocpp
    from workflows.checks.handshake import configure
    from workflows.journal import CheckFailedError
    from workflows.run import Run

_ANSWERS = (InstallerAnswer.DONE, InstallerAnswer.GIVE_UP)


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
    verdict = _judge(run)
    run.journal.evidence({"reported": verdict.reported, "version": verdict.version})
    return verdict


async def _update(run: Run, before: FirmwareVerdict) -> FirmwareVerdict:
    """Bring another firmware onto the charge point, configure it anew, and judge again."""
    rule = run.briefing.firmware
    assert rule is not None, "without a rule nothing is outdated"  # noqa: S101
    run.journal.step("version_before", f"{before.detail} It is to be updated.")
    run.journal.evidence({"reported_before": before.reported, "version_before": before.version})
    if rule.update is FirmwareUpdate.VENDOR:
        await _update_by_hand(run, before)
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


async def _update_by_hand(run: Run, before: FirmwareVerdict) -> None:
    """Ask the installer to do it; wait for their word, and for a boot with an approved version.

    A word alone proves nothing: after "done" the charge point says what it runs. If it boots with
    an approved version meanwhile, nobody has to say anything.

    Raises:
        CheckFailedError: it was given up, or nothing was said in time.

    """
    deadline = workflow.now() + run.pace.installer
    prompt = _wish(run)
    first_boot = _boot_id(run)
    verdict = before
    while verdict.failure is not None:
        left = deadline - workflow.now()
        if left <= timedelta(0) or not await run.prompt(
            WaitingFor.INSTALLER,
            lambda: run.answer is not None or _judge(run).failure is None,
            left,
            prompt,
            answers=_ANSWERS,
        ):
            missed = await absent(
                run,
                FailureCode.FIRMWARE_UPDATE_NOT_CONFIRMED,
                lambda: _judge(run).failure is None,
                version=shown(verdict),
                waited=in_words(run.pace.installer),
            )
            if missed is not None:
                raise missed
        if run.answer is not None:
            _note_answer(run, run.answer, verdict)
            if _boot_id(run) == first_boot:
                await _hear_what_it_runs(run, until=deadline)
            first_boot = _boot_id(run)
        verdict = _judge(run)
        prompt = f"The charge point still reports {_reported(verdict)}. {_wish(run)}"
    run.journal.step("updated_by_hand", f"It reports {_reported(verdict)} now.")


def _wish(run: Run) -> str:
    rule = run.briefing.firmware
    wanted = f" to {rule.minimum} or newer" if rule is not None and rule.minimum else ""
    return (
        f"Update the firmware{wanted} in the vendor's app or portal, then answer done; "
        "or give it up."
    )


def _note_answer(run: Run, answer: RunAnswer, verdict: FirmwareVerdict) -> None:
    if answer.answer is InstallerAnswer.GIVE_UP:
        raise run.fail(
            FailureCode.FIRMWARE_UPDATE_GIVEN_UP,
            version=shown(verdict),
            by=answer.by,
            note=(answer.note or "no reason was given").rstrip(". ") + ".",
        )
    said = f" ({answer.note})" if answer.note else ""
    run.journal.step(
        "confirmed", f"{answer.by} said that the firmware is updated{said}.", {"by": answer.by}
    )


async def _hear_what_it_runs(run: Run, *, until: datetime) -> None:
    """Have the charge point say what it runs, where no boot has said so since the request.

    It may be offline for long: the vendor's app has just made it install something.
    """
    known = _boot_id(run)
    while _boot_id(run) == known and (left := until - workflow.now()) > timedelta(0):
        if not await run.prompt(
            WaitingFor.CONNECTION,
            lambda: run.inbox.connected,
            left,
            "Wait until the charge point is back after its update, or switch it on.",
            unnoted=timedelta(0),
        ):
            return
        with contextlib.suppress(NoAnswerError):
            await run.trigger(TriggerKind.BOOT)
        if not run.inbox.connected:
            continue
        await run.prompt(
            WaitingFor.BOOT,
            lambda: _boot_id(run) != known or not run.inbox.connected,
            min(run.pace.boot, until - workflow.now()),
            "Switch the charge point off and on again, so that it says which firmware it runs.",
        )
        if run.inbox.connected:
            return


def _judge(run: Run) -> FirmwareVerdict:
    reported = run.inbox.boot.firmware_version if run.inbox.boot else None
    return judge_firmware(reported, run.briefing.firmware)


def _reported(verdict: FirmwareVerdict) -> str:
    told = verdict.version or verdict.reported
    return f"firmware {told}" if told else "no firmware version"


def _boot_id(run: Run) -> str | None:
    return run.inbox.boot.boot_id if run.inbox.boot else None
