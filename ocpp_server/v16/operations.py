"""Operations in OCPP 1.6: the functions of :class:`ocpp_server.protocol.Operations`."""

from domain import operations as op
from ocpp_server.protocol import Order
from ocpp_server.replies import ask
from ocpp_server.session import Session
from ocpp_server.v16.commands import command
from ocpp_server.v16.configuration import apply_configuration
from ocpp_server.v16.inventory import read

__all__ = ["apply_configuration", "message_of", "read_configuration", "tell"]


def message_of(message: op.TriggerMessage) -> str:
    """Name the action in which what was asked for comes."""
    return message


async def tell(session: Session, order: Order) -> op.Outcome:
    """Tell it, once."""
    return await ask(session, *command(order))


async def read_configuration(session: Session, request: op.ReadConfiguration) -> op.Configuration:
    """Read these keys, or all of them."""
    return (await read(session, request.keys)).reported
