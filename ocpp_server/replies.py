"""How a charge point's answer is read as an outcome."""

from domain.operations import Outcome, Reply
from ocpp_server.calls import BadAnswerError, CallErrorReply, CallTimeoutError
from ocpp_server.dispatch import Payload
from ocpp_server.session import Session


async def ask(session: Session, action: str, payload: Payload) -> Outcome:
    """Send a command whose answer is a ``status``, or nothing at all (then it is accepted).

    Raises:
        ChargePointGoneError: the socket closed before the answer.

    """
    try:
        answer = await session.call(action, payload)
    except BadAnswerError as error:
        return failed(error)
    status = answer.get("status")
    if status is None:
        if session.protocol.answer_schema(action).requires("status"):
            return Outcome(reply=Reply.ERROR, detail=f"{action} was answered without a status.")
        return Outcome(reply=Reply.ACCEPTED)
    return Outcome(reply=session.protocol.replies.get(status, Reply.ERROR), detail=status)


def failed(error: BadAnswerError) -> Outcome:
    """Turn the failure of a call into its outcome."""
    match error:
        case CallTimeoutError():
            return Outcome(reply=Reply.TIMEOUT, detail=str(error))
        case CallErrorReply(code="NotImplemented" | "NotSupported"):
            return Outcome(reply=Reply.NOT_SUPPORTED, detail=str(error))
        case _:
            return Outcome(reply=Reply.ERROR, detail=str(error))
