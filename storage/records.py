"""What implementations of ports stand on: the database, a clock, and the catalogue."""

from collections.abc import Callable
from datetime import datetime

from storage.catalogue import Catalogue
from storage.engine import Database


class Records:
    """Opens a unit of work for each call."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now


class CatalogueRecords(Records):
    """The same, with what is known of models."""

    def __init__(
        self, database: Database, catalogue: Catalogue, *, now: Callable[[], datetime]
    ) -> None:
        super().__init__(database, now=now)
        self._catalogue = catalogue
