"""A value that is not usual is a question: 422 ``implausible``, until ``confirm`` names it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.fields import Request
from domain.audit import Actor, AuditAction
from domain.errors import FieldError, InvalidError
from domain.plausibility import Current, Question, written
from storage.audit import Audit
from storage.catalogue import Catalogue

_Named = Annotated[str, Field(max_length=100)]
Confirm = Annotated[
    tuple[_Named, ...],
    Field(
        max_length=100,
        description="Fields whose values are meant though they are not usual, as the `errors` of "
        "`422 implausible` name them; that is audited",
        examples=[["max_power_kw"]],
    ),
]


class Confirming(Request):
    """Base of request bodies whose values may be asked about."""

    confirm: Confirm = ()


def confirmed(questions: Sequence[Question], confirm: Collection[str]) -> Sequence[Question]:
    """Return the questions that the caller has answered already.

    Raises:
        InvalidError: ``implausible``, with each of the others.

    """
    open_ones = [one for one in questions if one.field not in confirm]
    if open_ones:
        names = ", ".join(f'"{one.field}"' for one in open_ones)
        raise InvalidError(
            "implausible",
            " ".join(f"{one.field}: {one.detail}" for one in open_ones)
            + f' If it is meant, send it again with "confirm": [{names}].',
            tuple(asked(one) for one in open_ones),
        )
    return questions


def asked(question: Question, *, row: int | None = None) -> FieldError:
    """A question as one of the errors of a problem."""
    return FieldError(field=question.field, detail=question.detail, row=row, question=question)


async def audit_confirmed(
    audit: Audit, actor: Actor, questions: Sequence[Question], *, target: str, at: datetime
) -> None:
    """Write down who has confirmed what, in the transaction of the change."""
    if questions:
        await audit.write(
            AuditAction.IMPLAUSIBLE_CONFIRMED,
            actor,
            target=target,
            at=at,
            after={one.field: f"{written(one.value)} {one.unit}" for one in questions},
        )


def kinds_of(catalogue: Catalogue, devices: Collection[tuple[str, str]]) -> set[Current]:
    """Which kinds these vendors and models are of; empty where one of them is not known."""
    kinds = {catalogue.resolve(vendor, model).current for vendor, model in devices}
    return set() if None in kinds else {kind for kind in kinds if kind is not None}
