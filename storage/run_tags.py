"""Is an id tag that of a commissioning run? As :mod:`domain.id_tag` says, in SQL."""

from sqlalchemy import ColumnElement, SQLColumnExpression, String, and_, case, func, literal

from domain.id_tag import PADDING, RUN_PART, SHORTEST
from storage.models.runs import CommissioningRun


def is_tag_of_the_run(id_tag: SQLColumnExpression[str] | str) -> ColumnElement[bool]:
    """Tell, of the row of a run, whether the tag is one of its test charges'."""
    told = _key(literal(id_tag, String) if isinstance(id_tag, str) else id_tag)
    run = func.substr(_key(CommissioningRun.__table__.c.id_tag), 1, RUN_PART)
    zeros = _least(_padding(run), _padding(told))
    rest = func.substr(_unpadded(told), 1, func.length(_unpadded(run)))
    enough = zeros + func.length(rest) >= _least(func.length(run), literal(SHORTEST))
    return and_(enough, func.substr(_unpadded(run), 1, func.length(rest)) == rest)


def _key(tag: SQLColumnExpression[str]) -> ColumnElement[str]:
    return func.upper(func.trim(tag))


def _least(one: SQLColumnExpression[int], other: SQLColumnExpression[int]) -> ColumnElement[int]:
    return case((one < other, one), else_=other)


def _padding(tag: SQLColumnExpression[str]) -> ColumnElement[int]:
    return func.length(tag) - func.length(_unpadded(tag))


def _unpadded(tag: SQLColumnExpression[str]) -> ColumnElement[str]:
    return func.ltrim(tag, PADDING)
