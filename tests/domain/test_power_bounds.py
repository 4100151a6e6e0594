"""Whatever is answered, and in whatever order: nobody is raised above what the site may draw."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.facts import ChargePointEvent, ConnectionFact, EventKind, TransactionFact
from domain.operations import Reply
from domain.power.agenda import SitePace
from domain.power.facts import Carried, SiteSnapshot, StationFacts
from domain.power.operations import RateUnit, StationLimited
from domain.power.plan import higher, load, lower
from domain.power.share import BayKey
from domain.power.site import Phase, SiteLimit
from domain.power.site_controller import SiteController

_AT = datetime(2026, 6, 1, tzinfo=UTC)
_PHASES = st.sampled_from([tuple(Phase), *((phase,) for phase in Phase)])
_STATIONS = st.lists(st.tuples(_PHASES, st.sampled_from(RateUnit)), min_size=1, max_size=12)
_REPLIES = st.sampled_from([Reply.ACCEPTED, Reply.REJECTED, Reply.TIMEOUT, Reply.UNKNOWN])


class Site:
    """Charge points that have confirmed their limits; what becomes of each limit is drawn."""

    def __init__(self, stations: list[tuple[tuple[Phase, ...], RateUnit]], amps: int) -> None:
        self.controller = SiteController(Carried(), SitePace())
        self.now = _AT
        self.units = {f"cp_{number}": unit for number, (_, unit) in enumerate(stations)}
        self.transactions = 0
        facts = tuple(
            StationFacts(charge_point_id=f"cp_{number}", phases=phases, connection=self.link())
            for number, (phases, _) in enumerate(stations)
        )
        self.controller.load(SiteSnapshot(limit=SiteLimit(amps=amps), stations=facts), _AT)
        self.prepare()

    def link(self, *, connected: bool = True) -> ConnectionFact:
        return ConnectionFact(
            connected=connected, node_id="node_1", generation=1, ocpp_version="1.6", at=self.now
        )

    def prepare(self) -> None:
        for station in self.controller.to_prepare(self.now):
            unit = self.units[station.charge_point_id]
            limited = StationLimited(reply=Reply.ACCEPTED, unit=unit)
            terms = self.controller.terms(station, self.now)
            assert terms is not None
            self.controller.prepared(station, terms, limited, self.now)

    def live(self, charge_point_id: str, event: str) -> None:
        fields: dict[str, object] = {"event_id": "evt", "at": self.now}
        bay = self.controller.bays.get((charge_point_id, 1))
        if event == "comes" or bay is None:
            self.transactions += 1
            self.receive(charge_point_id, EventKind.TRANSACTION_STARTED, self.transactions)
        elif event == "goes":
            self.receive(charge_point_id, EventKind.TRANSACTION_STOPPED, bay.number)
        else:
            link = self.link(connected=event == "online")
            kind = EventKind.CONNECTED if link.connected else EventKind.DISCONNECTED
            told = ChargePointEvent(kind=kind, connection=link, **fields)  # type: ignore[arg-type]
            self.controller.receive(charge_point_id, told, self.now)

    def receive(self, charge_point_id: str, kind: EventKind, number: int) -> None:
        transaction = TransactionFact(
            transaction_id=str(number),
            number=number,
            connector_id=1,
            id_tag="CARD",
            started_at=self.now,
            meter_start=0,
            stopped_at=self.now if kind is EventKind.TRANSACTION_STOPPED else None,
        )
        told = ChargePointEvent(event_id="evt", kind=kind, at=self.now, transaction=transaction)
        self.controller.receive(charge_point_id, told, self.now)

    def send(self, limits: dict[BayKey, int], answers: st.DataObject) -> None:
        before = load(self.controller.outlets())
        for key, amps in answers.draw(st.permutations(sorted(limits.items()))):
            name = self.controller.bays[key].transaction_id
            reply = answers.draw(_REPLIES)
            self.controller.limited(key, name, amps, reply, self.now, restarts=0)
            assert self.controller.limit.amps is not None
            for phase, bound in load(self.controller.outlets()).items():
                assert bound <= max(self.controller.limit.amps, before[phase])


@given(st.integers(6, 200), _STATIONS, st.data())
def test_bounds_stay_within_the_limit(
    amps: int, stations: list[tuple[tuple[Phase, ...], RateUnit]], answers: st.DataObject
) -> None:
    site = Site(stations, amps)
    events = st.sampled_from(["comes", "goes", "online", "offline"])
    for _ in range(5):
        site.now += timedelta(minutes=answers.draw(st.integers(0, 20)))
        site.controller.limit = SiteLimit(amps=answers.draw(st.sampled_from([amps, 2 * amps])))
        for charge_point_id in answers.draw(st.lists(st.sampled_from(sorted(site.units)))):
            site.live(charge_point_id, answers.draw(events))
        targets = site.controller.targets(site.now)
        site.send(lower(site.controller.outlets(), targets), answers)
        site.send(higher(site.controller.capacity, site.controller.outlets(), targets), answers)
