"""For how long what grows with traffic is kept, and what a round of letting go has done."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Ages:
    """After how long rows go, and how many of a charge point stay however old they are."""

    frames: timedelta
    log: timedelta
    meter_values: timedelta
    """Then they are thinned to one in five minutes."""
    boots: int
    reports: int
    personal: timedelta = timedelta(days=1095)
    """Of what is over: a project that was put aside, a session."""


@dataclass(frozen=True, kw_only=True)
class LetGo:
    """How many rows have gone, by kind. ``is_done``: nothing is old that is there still."""

    frames: int = 0
    entries: int = 0
    commands: int = 0
    meter_values: int = 0
    boots: int = 0
    reports: int = 0
    people: int = 0
    """Rows from which data of people have gone."""
    is_done: bool = False

    def and_also(self, other: "LetGo") -> "LetGo":
        """Add what went afterwards; whether it is done is the later's word."""
        return LetGo(
            frames=self.frames + other.frames,
            entries=self.entries + other.entries,
            commands=self.commands + other.commands,
            meter_values=self.meter_values + other.meter_values,
            boots=self.boots + other.boots,
            reports=self.reports + other.reports,
            people=self.people + other.people,
            is_done=other.is_done,
        )

    @property
    def in_words(self) -> str:
        """Say it to an operator."""
        return (
            f"{self.frames} frames, {self.entries} other entries of logs, "
            f"{self.commands} commands, "
            f"{self.meter_values} meter values, {self.boots} boots and {self.reports} reports "
            "of charge points were old, and have gone. Data of people have gone from "
            f"{self.people} rows."
        )
