"""A charge point of a site that is handed over, and a run that commissions it once more.

One of the two tells a charge point anything at a time: its site, or the run that the site has lent
it to. The run asks, and waits until it is lent; it gives back when it ends. The site calls for it
where limits are to be told meanwhile; the run lets what it has sent be answered, and asks anew.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Borrow:
    """Signal to SiteWorkflow: a run wants to tell a charge point something.

    ``ask`` numbers the asks of a run, and is answered with :class:`Lent`. ``power``: a test charge
    follows, so what it may draw is set aside before the answer.
    """

    charge_point_id: str
    commissioning_id: str
    workflow_id: str
    ask: int
    power: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Lent:
    """Signal to CommissioningWorkflow: the answer to that ask; from now on the run tells it."""

    commissioning_id: str
    ask: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CalledBack:
    """Signal to CommissioningWorkflow: its site has something to tell the charge point."""

    commissioning_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenBack:
    """Signal to SiteWorkflow: the run has ended, and tells the charge point nothing any more."""

    charge_point_id: str
    commissioning_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A run that has a charge point of the site, or has asked for it.

    ``lent``: the run tells it, and the site nothing; ``called``: the site has asked for it back.
    ``amps`` are what is set aside for a test charge, per phase and for each connector.
    """

    commissioning_id: str
    workflow_id: str
    ask: int = 0
    power: bool = False
    amps: float = 0.0
    lent: bool = False
    called: bool = False
