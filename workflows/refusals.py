"""Refusals of updates of a run, in the form that hands the words on to the caller."""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.checks import Waiting
    from domain.commissioning import RunAnswer, RunRequest
    from domain.errors import ConflictError
    from domain.names import OTHER_RUN
    from domain.states import InstallerAnswer


def another_run(request: RunRequest, meant: str | None) -> None:
    """Refuse what is meant for the run after this one, which has the same workflow id."""
    if meant not in {None, request.commissioning_id}:
        mine = f"This is run {request.commissioning_id}."
        raise ApplicationError(mine, type=OTHER_RUN, non_retryable=True)


def nameless(by: str) -> None:
    """Refuse an empty name."""
    if not by.strip():
        raise _refused(ConflictError("by_missing", "Say who it is, or leave the field by out."))


def run_closing() -> ApplicationError:
    """Give the refusal of a cancel that comes too late."""
    return _refused(
        ConflictError(
            "run_closing",
            "The checks have ended, and the run is about to close with their verdict. "
            "There is nothing left to cancel.",
        )
    )


def no_answer_to(asked: Waiting | None, answer: RunAnswer) -> None:
    """Refuse an answer that the question does not take, and one to no question."""
    if asked is None or not asked.answers:
        raise _refused(
            ConflictError(
                "nothing_asked", "The run asks nothing just now. Its status says what it waits for."
            )
        )
    if answer.answer not in asked.answers:
        possible = " or ".join(asked.answers)
        raise _refused(
            ConflictError(
                "answer_not_possible",
                f"The run asks: {asked.prompt} It takes the answer {possible}.",
            )
        )
    if answer.connector_id not in {None, asked.connector_id}:
        raise _refused(
            ConflictError(
                "answer_not_possible",
                f"The run asks nothing about connector {answer.connector_id} just now. It asks: "
                f"{asked.prompt}",
            )
        )
    if answer.answer is InstallerAnswer.SKIP and not (answer.note or "").strip():
        raise _refused(
            ConflictError("note_missing", "A skip needs a note that says why, for the record.")
        )


def _refused(why: ConflictError) -> ApplicationError:
    return ApplicationError(why.detail, type=why.code, non_retryable=True)
