"""The tutorial, as it is written, against a running engine."""

import asyncio
import json
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.dynamo import Up

ROOT = Path(__file__).parents[2]
_BLOCKS = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SAMPLES = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_AT_THE_END = 'trap "kill %1 2>/dev/null || true" EXIT\n'


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
        output, _ = await shell.communicate()
    finally:
        await up.stop()
    said = output.decode()
    assert shell.returncode == 0, said[-3000:]
    # What the text says about the answers.
    for words in (
        '"reason": "The charge point has never connected."',
        '"connected": true',
        '"template_version": "2.1.0"',
        '"applied": [',
        '"status": "completed"',
        "Subject: A charge point is commissioned",
        '"status": "handed_over"',
    ):
        assert words in said, words
    assert '"queued": []' in said
    assert '"mode": "open"' in said
    assert '"label": "Facilities van 3"' in said
    # What the page shows of an answer has the fields of an answer.
    printed = [set(one) for one in objects_in(said)]
    samples = [json.loads(sample) for sample in _SAMPLES.findall(text)]
    assert len(samples) == 2
    for sample in samples:
        assert set(sample) in printed, sample
    assert {path.name for path in tmp_path.iterdir()} == {".venv", ".dynamo"}, "nothing is left"


def objects_in(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object that begins a line of what was printed."""
    decoder = json.JSONDecoder()
    for found in re.finditer(r"^\{", text, re.MULTILINE):
        value, _ = decoder.raw_decode(text[found.start() :])
        yield value
