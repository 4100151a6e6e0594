"""CommissioningWorkflow: one run of the four checks on one charge point."""

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    import asyncio
    from collections.abc import Callable, Coroutine
    from typing import Any, TypeVar

    from activities.records import OwnerActivities, RecordActivities
    from activities.runs import RunActivities
    from domain import names
    from domain.checks import RunView, Waiting
    from domain.commissioning import AnswerNote, CancelRequest, RunAnswer, RunRequest, RunVerdict
    from domain.facts import ChargePointEvents
    from domain.power.service import CalledBack, Lent
    from domain.rules.retry import Situation, connectors_that_hold, still_holds
    from domain.states import CheckName, RunStatus
    from workflows import live_site, policies, refusals
    from workflows.absence import no_answer
    from workflows.charge_point import NoAnswerError, RemoteChargePoint
    from workflows.checks.connectors import connectors
    from workflows.checks.every_connector import charge_each_connector
    from workflows.checks.firmware import firmware
    from workflows.checks.handshake import handshake
    from workflows.closing import (
        clean_up,
        mail_verdict,
        push_queued_configuration,
    )
    from workflows.inbox import Inbox
    from workflows.journal import Journal
    from workflows.opening import never_connected, never_free, take_over, went_offline
    from workflows.presentation import Shown, current_details
    from workflows.run import Run
    from workflows.temporal_calls import run_local

ResultT = TypeVar("ResultT")

_RUN_STATUS = SearchAttributeKey.for_keyword(names.SearchAttribute.RUN_STATUS)
_CANCEL_BUTTON = "Cancelled in Temporal by an operator."
_FAILED_CHECKS = SearchAttributeKey.for_keyword_list(names.SearchAttribute.FAILED_CHECKS)


@workflow.defn
class CommissioningWorkflow:
    """Commissions a charge point: waits for it, checks it, leaves a record.

    Closes as Completed when every check passed or was skipped, as Failed with an ApplicationError
    of type ``commissioning_failed`` when one failed, as Canceled when it was cancelled.
    """

    @workflow.init
    def __init__(self, request: RunRequest) -> None:
        self._request = request
        self._inbox = Inbox(request.commissioning_id)
        self._journal = Journal(request, on_change=self._present)
        self._word = live_site.Word(request)
        self._run: Run | None = None
        self._doing: str | None = None
        self._catching_up = asyncio.Lock()
        self._taken_back = False
        self._answers = 0
        self._closing = self._cancelled = False

    @workflow.run
    async def run(self, request: RunRequest) -> RunView | None:
        """Run the checks; returns the record, or None when the start had been taken back."""
        cancelled = False
        try:
            self._run = await self._begin(request)
            if self._run is not None:
                told = self._run.briefing.snapshot.connection
                if self._inbox.generation > (told.generation if told else 0):
                    await self._catch_up()  # that connection came first
                await self._wait_for_connection(self._run)
                if request.options.stop_sessions and self._journal.passed:
                    await live_site.end_sessions(self._run)
                await self._check_all(self._run)
            elif self._taken_back:
                await self._word.give_back()
                return None
        except BaseException as error:
            if not is_cancelled_exception(error):
                raise
            cancelled = True
        await _uninterrupted(self._let_answers_be_heard())
        await _uninterrupted(self._finish(cancelled=cancelled))
        await _uninterrupted(workflow.wait_condition(workflow.all_handlers_finished))
        if self._journal.status is RunStatus.CANCELLED:
            raise asyncio.CancelledError
        if self._journal.status is RunStatus.FAILED:
            raise self._verdict()
        return self._journal.view()

    @workflow.signal(name=names.CHARGE_POINT_EVENTS_SIGNAL)
    async def charge_point_events(self, told: ChargePointEvents) -> None:
        """Something happened to the charge point.

        A new connection may mean that the node before it died between a fact and its signal, so
        the run reads again what is known; the same when the node had more to tell than it can keep.
        """
        before = self._inbox.generation
        for event in told.events:
            self._inbox.receive(event)
        missed = told.incomplete or self._inbox.generation > before
        if self._run is not None and missed:
            await self._catch_up()

    @workflow.signal(name=names.LENT_SIGNAL)
    def lent(self, lent: Lent) -> None:
        """The site has nothing to tell the charge point any more."""
        self._word.take(lent)

    @workflow.signal(name=names.CALLED_BACK_SIGNAL)
    async def called_back(self, called: CalledBack) -> None:
        """The site has something to tell the charge point."""
        if called.commissioning_id == self._request.commissioning_id and not self._closing:
            await self._word.called_back()

    async def _catch_up(self) -> None:
        async with self._catching_up:
            self._inbox.catch_up(
                await run_local(
                    OwnerActivities.catch_up, self._request, summary="Read what happened meanwhile"
                )
            )

    @workflow.query
    def status(self) -> RunView:
        """The run as it stands."""
        return self._journal.view()

    @workflow.update
    async def cancel(self, request: CancelRequest) -> None:
        """Cancel the run; the record keeps by whom, and why."""
        if self._cancelled:
            return
        self._journal.cancel_requested(request)
        # A workflow cannot cancel itself, and is to close as Canceled.
        await workflow.execute_activity_method(
            RunActivities.cancel_run,
            start_to_close_timeout=policies.RECORD_TIMEOUT,
            retry_policy=policies.RECORD_RETRY,
            summary=f"Cancel the run, as {request.by} asks",
        )
        self._refuse_while_closing()  # its own end may have come first

    @cancel.validator
    def _can_be_cancelled(self, request: CancelRequest) -> None:
        refusals.another_run(self._request, request.commissioning_id)
        refusals.nameless(request.by)
        self._refuse_while_closing()

    def _refuse_while_closing(self) -> None:
        if self._closing and not self._cancelled:
            raise refusals.run_closing()

    @workflow.update
    async def answer(self, answer: RunAnswer) -> Waiting:
        """Answer what the run asks; returns what was asked."""
        asked = self._journal.asked
        assert asked is not None, "validated"  # noqa: S101
        assert self._run is not None, "validated"  # noqa: S101
        self._run.answer = answer
        self._answers += 1
        note = AnswerNote(
            commissioning_id=self._request.commissioning_id,
            charge_point_id=self._request.charge_point_id,
            project_id=self._request.project_id,
            number=self._answers,
            at=workflow.now(),
            asked=asked.waiting_for,
            answer=answer,
            connector_id=asked.connector_id,
        )
        await run_local(RecordActivities.note_answer, note, summary="Note the answer")
        return asked

    @answer.validator
    def _can_be_answered(self, answer: RunAnswer) -> None:
        refusals.another_run(self._request, answer.commissioning_id)
        asks = self._run is not None and not self._run.answer
        refusals.no_answer_to(self._journal.asked if asks else None, answer)
        refusals.nameless(answer.by)

    async def _begin(self, request: RunRequest) -> Run | None:
        self._present()
        await live_site.begin(self._word, self._journal)
        briefing = await take_over(request, self._journal)
        if not briefing.accepted:
            # An earlier try of this very task, whose end was lost, has left a verdict.
            self._taken_back = briefing.verdict is None
            return None
        if briefing.busy_with is not None:
            with self._journal.check(CheckName.OCPP_HANDSHAKE):
                raise never_free(briefing.busy_with)
            return None
        self._inbox.load(briefing.snapshot)
        return Run(
            request=request,
            briefing=briefing,
            inbox=self._inbox,
            journal=self._journal,
            look_again=self._catch_up,
            charge_point=RemoteChargePoint(
                self._inbox,
                reconnect=request.options.pace.reconnect,
                more_sends=self._more_sends,
                on_call=self._does,
                arrive=self._arrived,
                come_back=self._came_back,
                held=self._word.held,
            ),
        )

    def _more_sends(self) -> int:
        """Return how many more sends a boot loop gets, so that no bad link is blamed for it."""
        restarts = self._inbox.restarts(policies.BOOT_LOOP_WINDOW)
        return policies.SENDS_OF_A_LOOP if restarts else 0

    async def _wait_for_connection(self, run: Run) -> None:
        problem = await never_connected(run)
        if problem is not None:
            with self._journal.check(CheckName.OCPP_HANDSHAKE):
                raise problem

    async def _arrived(self) -> None:
        """Wait as at the beginning: the node of the connection that was seen there had died."""
        assert self._run is not None  # noqa: S101 - it is the run that asks
        problem = await never_connected(self._run)
        if problem is not None:
            raise problem

    async def _came_back(self) -> bool:
        """Wait for a charge point that went offline in the middle of a check."""
        assert self._run is not None  # noqa: S101 - it is the run that asks
        if await went_offline(self._run):
            return True
        await self._catch_up()
        return self._inbox.connected

    async def _check_all(self, run: Run) -> None:
        """Run the four checks. One that cannot say anything any more is skipped at the end."""
        if self._journal.passed:
            run.number_of_connectors = await self._check(
                run, CheckName.OCPP_HANDSHAKE, lambda: handshake(run)
            )
        if self._journal.passed:
            self._keep_what_holds(run)
            # Both are looked at, so that one visit can repair both.
            await self._check(run, CheckName.FIRMWARE_VERSION, lambda: firmware(run))
            if run.firmware_updated:
                self._journal.drop_what_was_kept()
            await self._check(
                run,
                CheckName.CONNECTOR_AVAILABLE,
                # It may open a connector.
                lambda: live_site.with_power(run, self._word, lambda: connectors(run)),
            )
        if self._journal.passed and run.request.options.run_test_transaction:
            await self._check(
                run,
                CheckName.TEST_TRANSACTION,
                lambda: live_site.with_power(run, self._word, lambda: charge_each_connector(run)),
            )

    def _keep_what_holds(self, run: Run) -> None:
        if run.briefing.previous is None:
            return
        now = Situation(
            registered=run.registered,
            firmware=run.briefing.firmware,
            boot=self._inbox.boot,
            connectors=self._inbox.connectors.values(),
            configured_at=run.briefing.configured_at,
            reconfigured=run.reconfigured,
            test_connectors=run.request.options.test_connectors,
        )
        self._journal.keep_connectors(connectors_that_hold(run.briefing.previous, now))
        for check in still_holds(run.briefing.previous, now):
            self._journal.keep(check)

    async def _check(
        self, run: Run, name: CheckName, steps: Callable[[], Coroutine[Any, Any, ResultT]]
    ) -> ResultT | None:
        if self._journal.is_kept(name):
            return None
        with self._journal.check(name):
            try:
                return await run.while_steady(steps())
            except NoAnswerError as error:
                raise await no_answer(run, error) from None
        return None

    async def _let_answers_be_heard(self) -> None:
        """End the task in which an answer was taken before the one in which the run ends.

        Temporal drops what that last task says when an event comes meanwhile, and the person who
        answered would hear that no run is open.
        """
        if self._answers:
            await workflow.wait_condition(workflow.all_handlers_finished)
            await workflow.sleep(policies.ANSWER_HEARD, summary="Let the answer be heard")

    async def _finish(self, *, cancelled: bool) -> None:
        """Leave the charge point as it was found, and the record for ever."""
        self._closing, self._cancelled = True, cancelled
        if cancelled:
            self._journal.cancel_requested(
                CancelRequest(reason=workflow.cancellation_reason() or _CANCEL_BUTTON)
            )
        if not self._word.has_it:  # it was cancelled while the site had it
            await self._word.borrow()
        if self._run is not None:
            self._journal.cleans_up()
            await clean_up(self._run, cancelled=cancelled)
        self._journal.close(cancelled=cancelled)
        finished = await run_local(
            OwnerActivities.finish_run,
            RunVerdict(view=self._journal.view(), cancel=self._journal.cancel),
            summary=f"Record the verdict: {self._journal.status}",
        )
        await self._word.give_back()
        # This task may be its second try, after new events: what the first has stored stands.
        self._journal.adopt(finished.view)
        view, failed = self._journal.view(), self._journal.failed_checks
        workflow.upsert_search_attributes(
            [
                _RUN_STATUS.value_set(view.status),
                *([_FAILED_CHECKS.value_set(failed)] if failed else []),
            ]
        )
        if self._request.options.notify_on_complete:
            await mail_verdict(view.commissioning_id)
        # A run that never began does not know whether the charge point is connected.
        if finished.configuration_queued and (self._inbox.connected or self._run is None):
            await push_queued_configuration(view.charge_point_id)

    def _verdict(self) -> ApplicationError:
        problem = self._journal.failure
        assert problem is not None  # noqa: S101 - called for failed runs only
        failed = self._journal.failed_checks
        return ApplicationError(
            f"{failed[0]}: {problem.cause}",
            {"failed_checks": failed, "code": problem.code, "action": problem.action},
            type=names.COMMISSIONING_FAILED,
            non_retryable=True,
        )

    def _does(self, what: str | None) -> None:
        self._doing = what
        self._present()

    def _present(self) -> None:
        run = self._run
        workflow.set_current_details(
            current_details(
                Shown(
                    request=self._request,
                    view=self._journal.view(),
                    registered=run.registered if run else None,
                    api_url=run.briefing.api_url if run else "",
                    temporal_ui_url=run.briefing.temporal_ui_url if run else "",
                    namespace=workflow.info().namespace,
                    doing=self._doing,
                )
            )
        )


async def _uninterrupted(closing: Coroutine[Any, Any, None]) -> None:
    """Finish what must be finished: a cancellation in the middle comes too late."""
    task = asyncio.create_task(closing)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            continue
    task.result()
