"""What a demo leaves behind: certificates, the month's statement, and how to check them."""

import os
import shlex
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from demo.account import Account
from demo.caller import Caller, Document
from documents.check import check

_KEYS = "/api/v1/certificate-keys"


class Papers:
    """Downloads the owner's papers into a folder."""

    def __init__(self, owner: Caller, account: Account, *, site: str, folder: Path) -> None:
        self._owner = owner
        self._account = account
        self._site = site
        self._folder = folder
        self._kept: list[Path] = []

    async def keep_statement(self, record: Document) -> None:
        """Get the statement of the month in which a record was issued, as CSV and PDF."""
        issued = datetime.fromisoformat(record["last_updated"])
        zone = ZoneInfo(record["cdr_location"]["time_zone"])
        path = f"{self._site}/statements/{issued.astimezone(zone):%Y-%m}"
        for kind in ("csv", "pdf"):
            await self._keep(f"{path}?format={kind}", f"statement.{kind}")

    async def keep_certificates(self, charge_point: str) -> None:
        """Get the certificate of the site and that of a charge point, and verify both."""
        await self._keep(_KEYS, "keys.json")
        keys = self._folder / "keys.json"
        for path, name in (
            (f"{self._site}/report", "certificate.pdf"),
            (f"{self._site}/charge-points/{charge_point}/report", "certificate-charge-point.pdf"),
        ):
            paper = await self._keep(path, name)
            found = check(paper, keys=[keys], data_dir=self._folder)
            self._account.expect(
                holds=found.exit_code == 0,
                what=f"{name}: a signed PDF of {paper.stat().st_size // 1024} KiB, "
                "verified offline",
            )
            self._account.quote(found.said)

    def show(self) -> None:
        """Say where all of it is, and how to check it."""
        self._account.say(f"In {self._folder}: {', '.join(path.name for path in self._kept)}")
        paper, keys = self._folder / "certificate.pdf", self._folder / "keys.json"
        command = shlex.join([_dynamo(), "verify", str(paper), "--key", str(keys)])
        self._account.say(f"Check it yourself: {command}")
        self._account.say(
            "The QR code on it leads to this engine, and works while that runs (--keep)."
        )

    async def _keep(self, path: str, name: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        paper = self._folder / name
        paper.write_bytes(await self._owner.download(path))
        self._kept.append(paper)
        return paper


def _dynamo() -> str:
    """The command as it can be pasted: from here, where that is shorter."""
    program = Path(sys.executable).with_name("dynamo")
    below = os.path.relpath(program)
    return str(program) if below.startswith(os.pardir) else below
