"""Is an id tag that of a commissioning run? As :mod:`domain.id_tag` says, in SQL."""

from sqlalchemy import ColumnElement, func, literal

from domain.id_tag import RUN_PART
from storage.tables import commissioning_runs


def is_tag_of_the_run(id_tag: ColumnElement[str] | str) -> ColumnElement[bool]:
    """Tell, of the row of a run, whether the tag is one of its test charges'."""
    tag = literal(id_tag) if isinstance(id_tag, str) else id_tag
    return _run_part(commissioning_runs.c.id_tag) == _run_part(tag)


def _run_part(tag: ColumnElement[str]) -> ColumnElement[str]:
    return func.upper(func.substr(func.trim(tag), 1, RUN_PART))
