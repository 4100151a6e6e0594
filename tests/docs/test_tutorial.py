"""The tutorial, as it is written, against a running engine."""

import asyncio
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from tests.support.dynamo import Up

ROOT = Path(__file__).parents[2]
_BLOCKS = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_AT_THE_END = 'trap "kill %1 2>/dev/null || true" EXIT\n'


@pytest.mark.timeout(240)
@pytest.mark.skipif(shutil.which("curl") is None, reason="the tutorial's reader has curl")
async def test_every_command_of_the_tutorial(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "tutorial.md").read_text()
    # The reader's .venv, by another way: this one may be elsewhere.
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("python", "dynamo"):
        (tmp_path / ".venv" / "bin" / name).symlink_to(Path(sys.executable).with_name(name))
    up = await Up.launch(tmp_path / ".dynamo")
    try:
        addresses = await up.until_ready()
        script = "\n".join(_BLOCKS.findall(text))
        api = addresses["API"].removesuffix("/api/v1")
        script = script.replace("http://127.0.0.1:8000", api)
        shell = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", _AT_THE_END + script),
            cwd=tmp_path,
            env=os.environ | {"no_proxy": "*"},
            stdout=PIPE,
            stderr=STDOUT,
        )
        printed, _ = await shell.communicate()
    finally:
        await up.stop()
    said = printed.decode()
    assert shell.returncode == 0, said[-3000:]
    # What the text says about the answers.
    for words in (
        '"reason": "The charge point has never connected."',
        '"connected": true',
        '"template_version": "2.1.0"',
        '"applied": [',
        '"status": "completed"',
        "Subject: CP-SN-00483921 is commissioned",
        '"status": "handed_over"',
    ):
        assert words in said, words
    assert '"queued": []' in said
