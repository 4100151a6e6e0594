"""Is an id tag that of a commissioning run? As :mod:`domain.id_tag` says, in SQL."""

from sqlalchemy import ColumnElement, String, and_, case, func, literal

from domain.id_tag import PADDING, RUN_PART, SHORTEST
from storage.tables import commissioning_runs


def is_tag_of_the_run(id_tag: ColumnElement[str] | str) -> ColumnElement[bool]:
    """Tell, of the row of a run, whether the tag is one of its test charges'."""
    tag = literal(id_tag, String) if isinstance(id_tag, str) else id_tag
    run = _unpadded(func.substr(_key(commissioning_runs.c.id_tag), 1, RUN_PART))
    size = func.length(run)
    told = func.substr(_unpadded(_key(tag)), 1, size)
    enough = func.length(told) >= case((size < SHORTEST, size), else_=SHORTEST)
    return and_(enough, func.substr(run, 1, func.length(told)) == told)


def _key(tag: ColumnElement[str]) -> ColumnElement[str]:
    return func.upper(func.trim(tag))


def _unpadded(tag: ColumnElement[str]) -> ColumnElement[str]:
    return func.ltrim(tag, PADDING)
