"""The growing record of a run, and the one place that makes its view."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections.abc import Callable, Iterator
    from contextlib import contextmanager
    from dataclasses import replace
    from datetime import datetime

    from domain.checks import CheckRecord, Evidence, Failure, RunView, Step, Waiting
    from domain.commissioning import CancelRequest, RunRequest
    from domain.states import CheckName, CheckResult, RunStatus


class CheckFailedError(Exception):
    """A check has its verdict: failed. Caught by the run, never seen by Temporal."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.cause)
        self.failure = failure


class CheckSkippedError(Exception):
    """A person has decided that the check is not made. Caught by the run, as a failure is."""


class Journal:
    """Collects verdicts, steps and evidence. Times are workflow times."""

    def __init__(self, request: RunRequest, *, on_change: Callable[[], None]) -> None:
        self._request = request
        self._on_change = on_change
        """Called after each change, to refresh what operators see."""
        self._checks = {name: CheckRecord(name=name) for name in CheckName}
        self._current: CheckName | None = None
        self._waits: list[Waiting] = []
        self._alarms: list[str] = []
        self._status = RunStatus.IN_PROGRESS
        self._failure: Failure | None = None
        self._cancel: CancelRequest | None = None
        self._cleaning_up = False
        self._closed_at: datetime | None = None

    @contextmanager
    def check(self, name: CheckName) -> Iterator[None]:
        """Run a check: left normally it passed, by CheckFailedError it failed; or it was skipped.

        Cancellation leaves it pending: there is no verdict.
        """
        self._current = name
        self._change(result=CheckResult.RUNNING, started_at=workflow.now())
        try:
            yield
        except CheckFailedError as error:
            self._failure = self._failure or error.failure
            self._change(result=CheckResult.FAILED, failure=error.failure, ended_at=workflow.now())
        except CheckSkippedError as error:
            self._skip(name, str(error))
            self._change(ended_at=workflow.now())
        except BaseException:
            self._change(result=CheckResult.PENDING)
            raise
        else:
            self._change(result=CheckResult.PASSED, ended_at=workflow.now())
        finally:
            self._waits.clear()
            self._current = None
            self._on_change()

    def keep(self, check: CheckRecord) -> None:
        """Take over a check of an earlier run, with its evidence."""
        self._checks[check.name] = check

    def drop_what_was_kept(self) -> None:
        """Forget what was taken over: the charge point is not the same any more."""
        for name, check in self._checks.items():
            if check.kept_from is not None:
                self._checks[name] = CheckRecord(name=name)

    def step(
        self,
        name: str,
        detail: str,
        evidence: Evidence | None = None,
        *,
        result: CheckResult = CheckResult.PASSED,
    ) -> None:
        """Add a step to the current check."""
        step = Step(
            name=name, result=result, at=workflow.now(), detail=detail, evidence=evidence or {}
        )
        self._change(steps=(*self._record.steps, step))

    def note(self, *notes: str, needs_review: bool = False) -> None:
        """Add remarks for a reader of the current check."""
        self._change(
            notes=(*self._record.notes, *notes),
            needs_review=self._record.needs_review or needs_review,
        )

    def evidence(self, evidence: Evidence) -> None:
        """Add measured values to the current check."""
        self._change(evidence={**self._record.evidence, **evidence})

    def alarm(self, text: str) -> None:
        """Raise an alarm that stays on the record."""
        self._alarms.append(text)
        self._on_change()

    def wait(self, waiting: Waiting) -> Waiting:
        """Say what the run waits for from now on, and what a person may answer.

        A wait inside another is shown in its place, until it is over.
        """
        self._waits.append(waiting)
        self._on_change()
        return waiting

    def stop_waiting(self, waiting: Waiting) -> None:
        """That wait is over."""
        self._waits = [one for one in self._waits if one is not waiting]
        self._on_change()

    def cancel_requested(self, request: CancelRequest) -> None:
        """Remember who cancels, and why."""
        self._cancel = self._cancel or request
        self._on_change()

    def cleans_up(self) -> None:
        """The checks have ended; the charge point is left as it was found."""
        self._cleaning_up = True
        self._on_change()

    def close(self, *, cancelled: bool = False) -> None:
        """Fix the run's status by its checks; the ones that never ran are skipped, and why."""
        if cancelled:
            self._status = RunStatus.CANCELLED
        else:
            self._status = RunStatus.COMPLETED if self.passed else RunStatus.FAILED
            self._cancel = None  # it came too late
        for check in self._checks.values():
            if check.result is CheckResult.PENDING:
                self._skip(check.name, self._why_never_run(cancelled=cancelled))
        self._cleaning_up = False
        self._waits.clear()
        self._closed_at = workflow.now()
        self._on_change()

    def adopt(self, view: RunView) -> None:
        """Take the verdict that stands: that of an earlier try whose end was lost."""
        self._status, self._failure = view.status, view.failure
        self._checks = {check.name: check for check in view.checks}
        self._alarms, self._closed_at = list(view.alarms), view.completed_at
        by = view.cancelled_by
        self._cancel = CancelRequest(by=by, reason=view.cancel_reason) if by else None
        self._on_change()

    @property
    def cancel(self) -> CancelRequest | None:
        """Who has asked to cancel the run, and why."""
        return self._cancel

    @property
    def cleaning_up(self) -> bool:
        """Whether the checks have ended, and the verdict is not yet recorded."""
        return self._cleaning_up

    @property
    def status(self) -> RunStatus:
        """Where the run stands."""
        return self._status

    @property
    def waiting(self) -> Waiting | None:
        """What the run waits for now, with what may be answered."""
        if not self._waits:
            return None
        asked = self.asked
        return replace(self._waits[-1], answers=asked.answers if asked else ())

    @property
    def asked(self) -> Waiting | None:
        """What a person may answer: also what is asked while something else is waited for."""
        return next((one for one in reversed(self._waits) if one.answers), None)

    @property
    def passed(self) -> bool:
        """Whether no check has failed so far."""
        return self._failure is None

    def is_kept(self, name: CheckName) -> bool:
        """Whether a check was taken over from the run before."""
        return self._checks[name].kept_from is not None

    @property
    def failed_checks(self) -> list[CheckName]:
        """The checks that failed, in their order."""
        return [c.name for c in self._checks.values() if c.result is CheckResult.FAILED]

    @property
    def failure(self) -> Failure | None:
        """The first failure."""
        return self._failure

    def view(self) -> RunView:
        """The run as anyone sees it."""
        return RunView(
            commissioning_id=self._request.commissioning_id,
            charge_point_id=self._request.charge_point_id,
            status=self._status,
            checks=tuple(self._checks.values()),
            started_at=self._request.started_at,
            completed_at=self._closed_at,
            failure=self._failure,
            waiting=self.waiting,
            previous_commissioning_id=self._request.previous_commissioning_id,
            run_test_transaction=self._request.options.run_test_transaction,
            started_by=self._request.started_by,
            cancelled_by=self._cancel.by if self._cancel else None,
            cancel_reason=self._cancel.reason if self._cancel else None,
            alarms=tuple(self._alarms),
            cleaning_up=self._cleaning_up,
        )

    def _why_never_run(self, *, cancelled: bool) -> str:
        if cancelled:
            return "The run was cancelled."
        if not self.passed:
            return f"{self.failed_checks[0]} failed."
        options = self._request.options
        return options.skip_reason or (
            f"{self._request.started_by} started the run without a test transaction."
        )

    def _skip(self, name: CheckName, reason: str) -> None:
        """Skip a check, with the reason that the record and the certificate show."""
        self._checks[name] = replace(
            self._checks[name], result=CheckResult.SKIPPED, skip_reason=reason
        )

    @property
    def _record(self) -> CheckRecord:
        assert self._current is not None, "steps belong to a check"  # noqa: S101
        return self._checks[self._current]

    def _change(self, **changes: object) -> None:
        assert self._current is not None, "changes belong to a check"  # noqa: S101
        self._checks[self._current] = replace(self._record, **changes)  # type: ignore[arg-type]
        self._on_change()
