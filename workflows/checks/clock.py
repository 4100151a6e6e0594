"""How the clock of the charge point stands, judged by what says *now*, whenever that comes."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.failures import FailureCode
    from domain.operations import Identity, TriggerKind
    from domain.rules.numbers import in_words, length_of
    from workflows import policies
    from workflows.run import Run


def judge_clock(run: Run, identity: Identity) -> None:
    """Judge it, if something has shown it; raises CheckFailedError when it is off."""
    skew, limit_s = identity.clock_skew_s, policies.CLOCK_SKEW_LIMIT.total_seconds()
    if skew is None:
        return
    run.clock_judged = True
    run.journal.evidence({"clock_skew_s": skew})
    if abs(skew) > limit_s:
        raise run.fail(
            FailureCode.CLOCK_SKEW, skew=_in_words(skew), limit=in_words(policies.CLOCK_SKEW_LIMIT)
        )
    run.journal.step("clock", f"Its clock is off by {abs(skew):.1f} s.")


def _in_words(skew_s: float) -> str:
    return f"{length_of(abs(skew_s))} {'ahead' if skew_s > 0 else 'behind'}"


async def measure_clock(run: Run) -> None:
    """Ask for a message that says now; what does not show it leaves it unmeasured, and is said."""
    if run.clock_judged:
        return
    heard = len(run.inbox.meter_values)
    if await run.trigger(TriggerKind.METER_VALUES):
        await run.wait(
            lambda: len(run.inbox.meter_values) > heard,
            policies.CLOCK_ANSWER,
            why="Wait for a message that tells its clock",
        )
    judge_clock(run, await run.identify())
    if not run.clock_judged:
        run.journal.note(
            "No message of the charge point said what time it has, so its clock was not measured.",
            needs_review=True,
        )
