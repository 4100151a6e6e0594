from pathlib import Path

import pytest

from tests.release.gate import Checkout
from tests.release.small import FILES, keep_alone


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for name, written in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written)
    return Checkout(tmp_path, dist=tmp_path / "dist")


@pytest.fixture
def released(checkout: Checkout) -> Checkout:
    """One that has kept its version."""
    keep_alone(checkout)
    return checkout
