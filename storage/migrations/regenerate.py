"""Writes the initial migration anew from ``storage.models`` (development, before a release).

What no table says has to be put back by hand: ``refuse_changes``, which guards append-only tables.
"""

from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from storage.arrival import HEAD
from storage.migrate import alembic_config


def main() -> None:
    """Compare the tables with an empty database and write what creates them."""
    with create_engine("sqlite://").connect() as connection:
        for old in (Path(__file__).parent / "versions").glob("*.py"):
            old.unlink()
        config = alembic_config(connection, new=True)
        command.revision(config, message="Initial schema", autogenerate=True, rev_id=HEAD)


if __name__ == "__main__":
    main()
