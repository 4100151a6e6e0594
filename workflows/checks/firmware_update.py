"""A firmware update by OCPP: ordered once, followed by its statuses, believed by the new boot."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import contextlib
    from datetime import timedelta

    from activities.charge_point import ChargePointActivities
    from domain.catalogue import FirmwareImage
    from domain.facts import BootFact
    from domain.failures import FailureCode
    from domain.operations import Reply, TriggerKind, UpdateFirmware
    from domain.reported import FIRMWARE_PHASES, FirmwarePhase
    from domain.rules.numbers import in_words
    from domain.states import WaitingFor
    from workflows import policies
    from workflows.absence import absent
    from workflows.charge_point import NoAnswerError
    from workflows.checks.restart import wait_for_reboot_slot
    from workflows.run import Run

# After a restart these say that no update is under way any more.
_OVER = {FirmwarePhase.NONE, FirmwarePhase.INSTALLED}


async def update_by_ocpp(run: Run, image: FirmwareImage) -> None:
    """Have the image installed; returns once a boot with another version is there.

    Raises:
        CheckFailedError: it was refused, it failed, or no other version came.

    """
    update = _Update(run, image)
    await update.order()
    await update.follow()


class _Update:
    """One update of one run. Statuses are hints, the boot is the truth."""

    def __init__(self, run: Run, image: FirmwareImage) -> None:
        self._run = run
        self._inbox = run.inbox
        self._image = image
        self._before = run.inbox.boot
        self._told = len(run.inbox.firmware_statuses)
        """Statuses of the time before belong to something else."""

    async def order(self) -> None:
        run, image = self._run, self._image
        intent = f"{run.request.commissioning_id}:firmware"
        # It restarts once it has installed; nobody knows when, but not many begin at once.
        await wait_for_reboot_slot(run, intent)
        outcome = await run.charge_point.call(
            ChargePointActivities.update_firmware,
            UpdateFirmware(
                charge_point_id=run.request.charge_point_id,
                commissioning_id=run.request.commissioning_id,
                intent=intent,
                location=image.location,
                retrieve_at=workflow.now(),
            ),
            summary=f"Order the update to firmware {image.version}",
        )
        if outcome.reply in {Reply.REJECTED, Reply.NOT_SUPPORTED, Reply.ERROR}:
            raise run.fail(FailureCode.FIRMWARE_UPDATE_REFUSED, detail=outcome.said)
        run.journal.step(
            "update_ordered",
            f"It was told to install firmware {image.version}.",
            {"location": image.location, "reply": outcome.reply},
        )

    async def follow(self) -> None:
        run, inbox = self._run, self._inbox
        deadline = workflow.now() + run.pace.firmware
        patience = run.pace.firmware_silence
        while not self._updated():
            left = deadline - workflow.now()
            if left <= timedelta(0):
                await self._not_seen()
                break
            heard, boot = inbox.firmware_reports, inbox.boot
            if await run.prompt(
                WaitingFor.REBOOT,
                lambda heard=heard, boot=boot: (  # type: ignore[misc]
                    inbox.firmware_reports > heard or not _same(inbox.boot, boot)
                ),
                min(left, patience),
                self._prompt(),
            ):
                patience = run.pace.firmware_silence
                await self._give_up_if_it_failed()
            else:
                # A charge point that says nothing is asked, ever more seldom.
                patience = min(2 * patience, policies.FIRMWARE_PATIENCE * run.pace.firmware_silence)
                await self._ask()
        run.journal.evidence({"update_statuses": list(self._statuses)})
        run.journal.step("restarted", "It came back with another firmware version.")

    def _updated(self) -> bool:
        boot, before = self._inbox.boot, self._before
        new = boot is not None and not _same(boot, before)
        version_before = before.firmware_version if before else None
        return new and boot is not None and boot.firmware_version != version_before

    async def _not_seen(self) -> None:
        """Fail, unless a last look shows it; its newest word may be known only by then."""
        run = self._run
        await run.look_again()
        if not self._updated():
            await self._give_up_if_it_failed()
        missed = await absent(
            run,
            FailureCode.FIRMWARE_UPDATE_NOT_SEEN,
            self._updated,
            waited=in_words(run.pace.firmware),
            said=f"its last word was {self._status!r}" if self._status else "it said nothing of it",
        )
        if missed is not None:
            raise missed

    async def _give_up_if_it_failed(self) -> None:
        status, run = self._status, self._run
        run.journal.evidence({"update_statuses": list(self._statuses)})
        phase = FIRMWARE_PHASES.get(status or "")
        if phase is FirmwarePhase.DOWNLOAD_FAILED:
            raise run.fail(
                FailureCode.FIRMWARE_DOWNLOAD_FAILED, version=self._image.version, status=status
            )
        if phase is FirmwarePhase.INSTALLATION_FAILED:
            raise run.fail(
                FailureCode.FIRMWARE_INSTALL_FAILED, version=self._image.version, status=status
            )
        boot = self._inbox.boot
        restarted = boot is not None and not _same(boot, self._before)
        if restarted and phase in _OVER and not self._updated():
            missed = await absent(
                run,
                FailureCode.FIRMWARE_NOT_UPDATED,
                self._updated,
                wanted=self._image.version,
                version=repr(boot.firmware_version) if boot and boot.firmware_version else "none",
            )
            if missed is not None:
                raise missed

    async def _ask(self) -> None:
        if not self._inbox.connected:
            return
        with contextlib.suppress(NoAnswerError):
            await self._run.trigger(TriggerKind.FIRMWARE_STATUS)

    def _prompt(self) -> str:
        said = f" It last said {self._status}." if self._status else ""
        return (
            f"The charge point installs firmware {self._image.version}; that may take half an "
            f"hour. Leave it switched on.{said}"
        )

    @property
    def _statuses(self) -> list[str]:
        return self._inbox.firmware_statuses[self._told :]

    @property
    def _status(self) -> str | None:
        return self._statuses[-1] if self._statuses else None


def _same(one: BootFact | None, other: BootFact | None) -> bool:
    return (one and one.boot_id) == (other and other.boot_id)
