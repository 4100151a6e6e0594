"""What must not happen at the site, counted: each list names the offenders."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Row
from sqlmodel import col
from temporalio.client import Client, WorkflowExecutionStatus

from domain.billing.held import HoldState, Wanted
from domain.id_tag import is_of_run
from domain.names import site_workflow_id
from domain.states import Feature, FeatureState
from storage.engine import Database
from storage.models.billing import ChargeDetailRecord, HeldRecord
from storage.models.charge_points import ChargePointFeature
from storage.models.runs import CommissioningRun
from storage.models.transactions import Transaction
from tests.chaos.counts import Broken
from tests.chaos.site import Site


@dataclass(frozen=True, kw_only=True)
class SiteEvidence:
    """Rows of the site, and its workflow."""

    transactions: Sequence[Row[Any]]
    records: Sequence[Row[Any, Any]]
    """Charge detail records and credits."""
    held: frozenset[int]
    """Transactions whose energy waits for the site owner: they are neither lost nor billed."""
    test_tags: frozenset[str]
    """Id tags of commissioning."""
    active: frozenset[str]
    """Charge points that confirmed their limits."""
    shared: bool
    """Whether its workflow runs."""

    @property
    def standing(self) -> Counter[int]:
        """How many records of each transaction no credit has taken back."""
        found: Counter[int] = Counter()
        for record in self.records:
            found[record.transaction_id] += -1 if record.credit else 1
        return found


async def gather_site(database: Database, temporal: Client, site: Site) -> SiteEvidence:
    """Read all of it."""
    here = [one.charge_point_id for one in site.chargers]
    workflow = await temporal.get_workflow_handle(site_workflow_id(site.project_id)).describe()
    async with database.read() as connection:
        return SiteEvidence(
            transactions=(
                await connection.execute(
                    select(Transaction.__table__).where(col(Transaction.charge_point_id).in_(here))
                )
            ).all(),
            records=(
                await connection.execute(
                    select(
                        col(ChargeDetailRecord.transaction_id), col(ChargeDetailRecord.credit)
                    ).where(col(ChargeDetailRecord.project_id) == site.project_id)
                )
            ).all(),
            held=frozenset(
                row.transaction_id
                for row in await connection.execute(
                    select(col(HeldRecord.transaction_id), col(HeldRecord.document))
                    .where(col(HeldRecord.project_id) == site.project_id)
                    .where(col(HeldRecord.state) == HoldState.HELD)
                )
                if Wanted.ENERGY in row.document.wanted
            ),
            test_tags=frozenset(
                row.id_tag for row in await connection.execute(select(col(CommissioningRun.id_tag)))
            ),
            active=frozenset(
                row.charge_point_id
                for row in await connection.execute(
                    select(col(ChargePointFeature.charge_point_id))
                    .where(col(ChargePointFeature.feature) == Feature.SMART_CHARGING)
                    .where(col(ChargePointFeature.state) == FeatureState.ACTIVE)
                )
            ),
            shared=workflow.status is WorkflowExecutionStatus.RUNNING,
        )


def broken_at_site(evidence: SiteEvidence, site: Site) -> Broken:
    """Count all of it; each charge point is online by now, and each vehicle gone."""
    return {
        "moments above the limit of the site": site.above,
        "amperes left over while vehicles waited": site.unused,
        "charge points of the site not active": sorted(
            {one.charge_point_id for one in site.chargers} - evidence.active
        ),
        "sites without a workflow": [] if evidence.shared else [site.project_id],
        "sessions that are not in the records": _unknown(evidence, site),
        "ended sessions without a charge detail record": _unbilled(evidence, site),
        "sessions billed twice": _twice(evidence),
        "test transactions billed": _tests_billed(evidence),
        "charge detail records of nothing": _of_nothing(evidence),
    }


def _tests(evidence: SiteEvidence) -> set[int]:
    return {
        row.id
        for row in evidence.transactions
        if row.commissioning_id is not None
        or any(is_of_run(row.id_tag, open_run_tag=tag) for tag in evidence.test_tags)
    }


def _unknown(evidence: SiteEvidence, site: Site) -> list[str]:
    """Sessions of a charge point whose row there is not, or is open, or is another's."""
    ended = {
        row.id: row.charge_point_id for row in evidence.transactions if row.stopped_at is not None
    }
    told = Counter(one.transaction_id for one in site.sessions)
    return [
        f"{charge_point_id}: {one.transaction_id}"
        for one, charge_point_id in site.sessions.items()
        if one.transaction_id is None
        or told[one.transaction_id] > 1
        or ended.get(one.transaction_id) != charge_point_id
    ]


def _unbilled(evidence: SiteEvidence, site: Site) -> list[str]:
    """As the charge points know sessions, and as the rows say."""
    told = {one.transaction_id for one in site.sessions if one.transaction_id is not None}
    rows = {row.id for row in evidence.transactions if row.stopped_at is not None}
    billed = {number for number, times in evidence.standing.items() if times > 0}
    return sorted(map(str, (told | rows) - _tests(evidence) - billed - evidence.held))


def _twice(evidence: SiteEvidence) -> list[str]:
    return [
        f"{number}: {times}{' and held' if number in evidence.held else ''}"
        for number, times in evidence.standing.items()
        if times > (0 if number in evidence.held else 1)
    ]


def _tests_billed(evidence: SiteEvidence) -> list[str]:
    return sorted(map(str, _tests(evidence) & evidence.standing.keys()))


def _of_nothing(evidence: SiteEvidence) -> list[str]:
    rows = {row.id for row in evidence.transactions}
    return sorted(map(str, evidence.standing.keys() - rows))
