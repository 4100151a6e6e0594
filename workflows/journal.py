"""The growing record of a run, and the one place that makes its view."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import contextmanager
    from dataclasses import replace
    from datetime import datetime

    from domain.checks import (
        CheckRecord,
        ConnectorTest,
        Evidence,
        Failure,
        RunView,
        Step,
        Waiting,
    )
    from domain.commissioning import CancelRequest, RunRequest
    from domain.failures import addressed
    from domain.rules.every_connector import Conclusion, with_connector
    from domain.states import CheckName, CheckResult, RunStatus


class CheckFailedError(Exception):
    """A check has its verdict: failed. Caught by the run, never seen by Temporal."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.cause)
        self.failure = failure


class CheckSkippedError(Exception):
    """A person has decided that the check is not made. Caught by the run, as a failure is."""


class ConnectorSkippedError(Exception):
    """A person has decided that a connector is not tested; ``by`` whom, and why in words."""

    def __init__(self, reason: str, *, by: str) -> None:
        super().__init__(reason)
        self.by = by


class Journal:
    """Collects verdicts, steps and evidence. Times are workflow times."""

    def __init__(self, request: RunRequest, *, on_change: Callable[[], None]) -> None:
        self._request = request
        self._on_change = on_change
        """Called after each change, to refresh what operators see."""
        self._checks = {name: CheckRecord(name=name) for name in CheckName}
        self._current: CheckName | None = None
        self._connector: int | None = None
        self._waits: list[Waiting] = []
        self._alarms: list[str] = []
        self.status = RunStatus.IN_PROGRESS
        self.failure: Failure | None = None
        """The first failure."""
        self.cancel: CancelRequest | None = None
        """Who has asked to cancel the run, and why."""
        self.cleaning_up = False
        """Whether the checks have ended, and the verdict is not yet recorded."""
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
            problem = self._addressed(error.failure)
            self.failure = self.failure or problem
            self.leave_out_the_rest(f"The check had ended ({error.failure.code}).")
            self._change(result=CheckResult.FAILED, failure=problem, ended_at=workflow.now())
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

    @contextmanager
    def connector(self, test: ConnectorTest) -> Iterator[None]:
        """Test a connector within the check: what is noted here is about that connector.

        Left normally it passed, by CheckFailedError it failed, or it was skipped; neither ends the
        check. Anything else leaves it pending.
        """
        self._connector = test.connector_id
        begun = replace(test, result=CheckResult.RUNNING, started_at=workflow.now())
        # What the check measured so far is of another connector.
        self._change(evidence={}, connectors=self._with(begun))
        try:
            yield
        except CheckFailedError as error:
            self._change_test(result=CheckResult.FAILED, failure=self._addressed(error.failure))
        except ConnectorSkippedError as error:
            self._change_test(
                result=CheckResult.SKIPPED, skip_reason=str(error), decided_by=error.by
            )
        except BaseException:
            self._change_test(result=CheckResult.PENDING)
            raise
        else:
            self._change_test(result=CheckResult.PASSED)
        finally:
            self._connector = None
        self._change_test(test.connector_id, ended_at=workflow.now())

    def plan(self, tests: Iterable[ConnectorTest]) -> None:
        """Say which connectors there are, and which of them are not tested again, or at all."""
        self._change(connectors=tuple(sorted(tests, key=lambda test: test.connector_id)))

    def leave_out_the_rest(self, why: str) -> None:
        """Skip what is still to be tested in the current check."""
        for test in self._record.connectors:
            if test.result in {CheckResult.PENDING, CheckResult.RUNNING}:
                self._change_test(test.connector_id, result=CheckResult.SKIPPED, skip_reason=why)

    def conclude(self, conclusion: Conclusion) -> None:
        """Give the current check what the tests of its connectors amount to.

        Raises:
            CheckFailedError: one of them failed.
            CheckSkippedError: none of them was tested.

        """
        self._change(evidence=conclusion.evidence)
        self.note(*conclusion.notes, needs_review=conclusion.needs_review)
        if conclusion.failure is not None:
            raise CheckFailedError(conclusion.failure)
        if conclusion.result is CheckResult.SKIPPED:
            raise CheckSkippedError(conclusion.skip_reason or "")

    def fail_connector(self, connector_id: int, failure: Failure) -> None:
        """Fail a connector of the current check, whose test has ended or never began."""
        self._change_test(connector_id, result=CheckResult.FAILED, failure=self._addressed(failure))

    @property
    def connectors(self) -> tuple[ConnectorTest, ...]:
        """Return the tests of the connectors, as far as the current check has come."""
        return self._record.connectors

    def test_of(self, connector_id: int) -> ConnectorTest:
        """Return how the test of that connector stands."""
        return next(one for one in self.connectors if one.connector_id == connector_id)

    def keep(self, check: CheckRecord) -> None:
        """Take over a check of an earlier run, with its evidence."""
        self._checks[check.name] = check

    def keep_connectors(self, tests: tuple[ConnectorTest, ...]) -> None:
        """Take over the tests of connectors that passed in an earlier run."""
        check = self._checks[CheckName.TEST_TRANSACTION]
        self._checks[check.name] = replace(check, connectors=tests)

    def drop_what_was_kept(self) -> None:
        """Forget what was taken over: the charge point is not the same any more."""
        for name, check in self._checks.items():
            if check.kept_from is not None or check.connectors:
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
            name=name,
            result=result,
            at=workflow.now(),
            detail=self._with_connector(detail),
            evidence=evidence or {},
            connector_id=self._connector,
        )
        self._change(steps=(*self._record.steps, step))

    def note(self, *notes: str, needs_review: bool = False) -> None:
        """Add remarks for a reader of the current check."""
        self._change(
            notes=(*self._record.notes, *map(self._with_connector, notes)),
            needs_review=self._record.needs_review or needs_review,
        )
        if (test := self._test) is not None:
            self._change_test(
                notes=(*test.notes, *notes), needs_review=test.needs_review or needs_review
            )

    def evidence(self, evidence: Evidence) -> None:
        """Add measured values to the current check."""
        self._change(evidence={**self._record.evidence, **evidence})
        if (test := self._test) is not None:
            self._change_test(evidence={**test.evidence, **evidence})

    def alarm(self, text: str) -> None:
        """Raise an alarm that stays on the record."""
        self._alarms.append(text)
        self._on_change()

    @contextmanager
    def wait(self, waiting: Waiting) -> Iterator[Waiting]:
        """Say what the run waits for in this block, and what a person may answer.

        A wait inside another is shown in its place, until it is over.
        """
        if self._connector is not None:
            waiting = replace(waiting, connector_id=self._connector)
        self._waits.append(waiting)
        self._on_change()
        try:
            yield waiting
        finally:
            self._waits = [one for one in self._waits if one is not waiting]
            self._on_change()

    def cancel_requested(self, request: CancelRequest) -> None:
        """Remember who cancels, and why."""
        self.cancel = self.cancel or request
        self._on_change()

    def cleans_up(self) -> None:
        """Note that the checks have ended and the charge point is put back as it was found."""
        self.cleaning_up = True
        self._on_change()

    def close(self, *, cancelled: bool = False) -> None:
        """Fix the run's status by its checks; those that never ran are skipped, with the reason."""
        if cancelled:
            self.status = RunStatus.CANCELLED
        else:
            self.status = RunStatus.COMPLETED if self.passed else RunStatus.FAILED
            self.cancel = None  # it came too late
        for check in self._checks.values():
            if check.result is CheckResult.PENDING:
                self._skip(check.name, self._why_never_run(cancelled=cancelled))
        self.cleaning_up = False
        self._waits.clear()
        self._closed_at = workflow.now()
        self._on_change()

    def adopt(self, view: RunView) -> None:
        """Take over the verdict of an earlier try whose end was lost."""
        self.status, self.failure = view.status, view.failure
        self._checks = {check.name: check for check in view.checks}
        self._alarms, self._closed_at = list(view.alarms), view.completed_at
        by = view.cancelled_by
        self.cancel = CancelRequest(by=by, reason=view.cancel_reason) if by else None
        self._on_change()

    @property
    def waiting(self) -> Waiting | None:
        """What the run waits for now, with what may be answered."""
        if not self._waits:
            return None
        asked = self.asked
        return replace(self._waits[-1], answers=asked.answers if asked else ())

    @property
    def asked(self) -> Waiting | None:
        """What a person may answer, also while something else is waited for."""
        return next((one for one in reversed(self._waits) if one.answers), None)

    @property
    def passed(self) -> bool:
        """Whether no check has failed so far."""
        return self.failure is None

    def is_kept(self, name: CheckName) -> bool:
        """Whether a check was taken over from the run before."""
        return self._checks[name].kept_from is not None

    @property
    def failed_checks(self) -> list[CheckName]:
        """The checks that failed, in their order."""
        return [c.name for c in self._checks.values() if c.result is CheckResult.FAILED]

    def view(self) -> RunView:
        """The run as anyone sees it."""
        return RunView(
            commissioning_id=self._request.commissioning_id,
            charge_point_id=self._request.charge_point_id,
            status=self.status,
            checks=tuple(self._checks.values()),
            started_at=self._request.started_at,
            completed_at=self._closed_at,
            failure=self.failure,
            waiting=self.waiting,
            previous_commissioning_id=self._request.previous_commissioning_id,
            run_test_transaction=self._request.options.run_test_transaction,
            test_connectors=self._request.options.test_connectors,
            started_by=self._request.started_by,
            cancelled_by=self.cancel.by if self.cancel else None,
            cancel_reason=self.cancel.reason if self.cancel else None,
            alarms=tuple(self._alarms),
            cleaning_up=self.cleaning_up,
        )

    def _addressed(self, problem: Failure) -> Failure:
        return addressed(problem, self._request.charge_point_id)

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
        check = self._checks[name]
        untested = {CheckResult.PENDING, CheckResult.RUNNING}
        self._checks[name] = replace(
            check,
            result=CheckResult.SKIPPED,
            skip_reason=reason,
            connectors=tuple(
                replace(test, result=CheckResult.SKIPPED, skip_reason=reason)
                if test.result in untested
                else test
                for test in check.connectors
            ),
        )

    def _with_connector(self, sentence: str) -> str:
        """Have a sentence name its connector, where there are others."""
        if self._connector is None or len(self._record.connectors) == 1:
            return sentence
        return with_connector(self._connector, sentence)

    @property
    def _test(self) -> ConnectorTest | None:
        return next((one for one in self.connectors if one.connector_id == self._connector), None)

    def _with(self, test: ConnectorTest) -> tuple[ConnectorTest, ...]:
        return tuple(
            test if one.connector_id == test.connector_id else one
            for one in self._record.connectors
        )

    def _change_test(self, number: int | None = None, **changes: object) -> None:
        number = self._connector if number is None else number
        for test in self._record.connectors:
            if test.connector_id == number:
                changed = replace(test, **changes)  # type: ignore[arg-type]
                self._change(connectors=self._with(changed))

    @property
    def _record(self) -> CheckRecord:
        assert self._current is not None, "steps belong to a check"  # noqa: S101
        return self._checks[self._current]

    def _change(self, **changes: object) -> None:
        assert self._current is not None, "changes belong to a check"  # noqa: S101
        self._checks[self._current] = replace(self._record, **changes)  # type: ignore[arg-type]
        self._on_change()
