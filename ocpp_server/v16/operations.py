"""Operations in OCPP 1.6: the functions of :class:`ocpp_server.protocol.Operations`."""

from domain import operations as op
from ocpp_server.protocol import Expected, Order
from ocpp_server.replies import ask
from ocpp_server.session import Session
from ocpp_server.v16.commands import TRIGGERED, command
from ocpp_server.v16.configuration import apply_configuration
from ocpp_server.v16.inventory import read

__all__ = ["apply_configuration", "follows", "read_configuration", "tell"]


def follows(trigger: op.Trigger) -> Expected:
    """Say in which message that comes which was asked for."""
    return Expected(TRIGGERED[trigger.message])


async def tell(session: Session, order: Order) -> op.Outcome:
    """Tell it, once."""
    return await ask(session, *command(order))


async def read_configuration(session: Session, request: op.ReadConfiguration) -> op.Configuration:
    """Read these keys, or all of them."""
    return (await read(session, request.keys)).reported
