"""Alembic migrations, run by ``storage.migrate``.

Until the first release there is one, the initial schema; it is made anew when a table changes:
``python -m storage.migrations.regenerate``.
"""
