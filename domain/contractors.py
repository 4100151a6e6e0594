"""The company that did the work, where it is not that of the account or has to say more."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Contractor:
    """A company as it was declared for a project, by whom (an e-mail) and when."""

    company: str
    address: str | None
    registration: str | None
    """Where it is registered, and the number."""
    by: str
    at: datetime
