"""The gates as a whole: what arms them, and what is said of each."""

import asyncio
from pathlib import Path

import pytest

from tests.release import dumps
from tests.release.__main__ import check
from tests.release.dumps import upgrades_keep_rows
from tests.release.filled import fill, upgrade_and_lose
from tests.release.gate import Checkout, Gate, NotArmedError
from tests.release.gates import (
    GATES,
    MIGRATIONS,
    api_breaks_nobody,
    changelog_has_an_entry,
    histories_are_kept,
    migrations_are_frozen,
    upgrade_is_described,
)
from tests.release.keep import keep
from tests.release.small import DOCUMENT, FILES, rewrite

ARMED_BY_A_RELEASE = [
    migrations_are_frozen,
    upgrades_keep_rows,
    histories_are_kept,
    api_breaks_nobody,
    changelog_has_an_entry,
]


@pytest.mark.parametrize("gate", ARMED_BY_A_RELEASE)
def test_without_a_release_it_is_not_armed(checkout: Checkout, gate: Gate) -> None:
    with pytest.raises(NotArmedError, match=r"tests\.release\.keep"):
        gate(checkout)


@pytest.mark.parametrize("name", GATES)
def test_this_checkout_passes(name: str, tmp_path: Path) -> None:
    here = Checkout(dist=tmp_path)
    try:
        assert GATES[name](here)
    except NotArmedError:
        assert here.releases == []


def test_a_kept_release_arms_every_gate(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = keep(checkout, DOCUMENT, play=lambda url: asyncio.run(fill(url)))
    sums = kept.sums()
    assert sorted(sums)[:2] == [
        f"{MIGRATIONS}/0001_initial_schema.py",
        "tests/release/kept/0.1.0/openapi.json",
    ]
    armed: dict[str, Gate] = {gate.__name__: gate for gate in ARMED_BY_A_RELEASE}
    armed["api_breaks_nobody"] = lambda here: api_breaks_nobody(here, DOCUMENT)
    assert check(checkout, armed)
    assert capsys.readouterr().out.count("holds") == len(armed)
    monkeypatch.setattr(dumps, "upgrade", upgrade_and_lose)
    assert not check(checkout, armed)
    assert (
        "FAILED     upgrades_keep_rows 0.1.0 on sqlite: charge_points had"
        in capsys.readouterr().out
    )
    with pytest.raises(ValueError, match="kept already"):
        keep(checkout, DOCUMENT, play=lambda _url: None)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("CHANGELOG.md", "# Changelog\n", "no entry"),
        ("pyproject.toml", FILES["pyproject.toml"], "names this machine"),
    ],
)
def test_what_cannot_be_kept_is_refused(
    checkout: Checkout, name: str, text: str, said: str
) -> None:
    document = {"paths": {}, "servers": ["/root/.dynamo"]}
    with pytest.raises(ValueError, match=said):
        keep(rewrite(checkout, name, text), document, play=lambda _url: None, kinds=())
    assert checkout.releases == []


def test_what_is_not_armed_fails_nothing_and_what_stops_a_gate_does(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(checkout, {"migrations": migrations_are_frozen, "page": upgrade_is_described})
    assert capsys.readouterr().out.splitlines() == [
        "not armed  migrations  no version is released yet: python -m tests.release.keep",
        "holds      page        docs/how-to/upgrade.md",
    ]
    (checkout.root / "CHANGELOG.md").unlink()
    keepers = {"page": lambda here: here.nothing, "histories": histories_are_kept}
    assert not check(checkout, keepers)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("FAILED     page        AttributeError")
    assert second.startswith("not armed")
