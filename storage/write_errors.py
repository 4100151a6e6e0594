"""Whose fault a failed write is: that of what was written, or of a database that is not well."""

from typing import Final

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
    SQLAlchemyError,
    StatementError,
)

# Classes of SQLSTATE that the same statement meets again: data exception, integrity, syntax,
# WITH CHECK OPTION, program limit. What is left is the database's own state: away, full, read-only,
# shutting down, locked.
_OF_THE_STATEMENT: Final = frozenset({"22", "23", "42", "44", "54"})
_BUGS: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def is_refused(error: Exception) -> bool:
    """Tell whether the database, or its driver, will never take this; else it may in a moment."""
    if isinstance(error, IntegrityError | DataError | ProgrammingError):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return str(state)[:2] in _OF_THE_STATEMENT
    if isinstance(error, DBAPIError):
        # The driver for PostgreSQL cannot write a value in its type.
        return isinstance(getattr(cause, "__cause__", None), ValueError)
    if isinstance(error, SQLAlchemyError):
        return isinstance(error, StatementError)
    return isinstance(error, _BUGS)
