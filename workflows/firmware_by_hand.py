"""A firmware update that only a person can make: the run asks for it, and looks again."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import contextlib
    from datetime import datetime, timedelta

    from domain.commissioning import RunAnswer
    from domain.failures import FailureCode
    from domain.operations import TriggerKind
    from domain.rules.firmware import FirmwareVerdict, judge_firmware, shown
    from domain.rules.numbers import in_words
    from domain.states import InstallerAnswer, WaitingFor
    from workflows.absence import absent
    from workflows.charge_point import NoAnswerError
    from workflows.run import Run

_ANSWERS = (InstallerAnswer.DONE, InstallerAnswer.GIVE_UP)


async def update_by_hand(run: Run, before: FirmwareVerdict) -> None:
    """Wait for the installer's word, and for a boot with a version that is approved.

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
            _note(run, run.answer, verdict)
            if _boot_id(run) == first_boot:
                await _look_again(run, until=deadline)
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


def _note(run: Run, answer: RunAnswer, verdict: FirmwareVerdict) -> None:
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


async def _look_again(run: Run, *, until: datetime) -> None:
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
