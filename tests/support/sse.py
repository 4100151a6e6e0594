"""Reads server-sent events as the HTML standard says (§9.2.6), for tests that follow a stream."""

import codecs
import json
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One event."""

    event: str
    data: dict[str, Any]
    id: str | None


async def heard(stream: AsyncIterable[bytes]) -> AsyncIterator[Heard]:
    """Give the events of a stream; comments and ``retry`` are left out."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    text = ""
    async for piece in stream:
        text += decoder.decode(piece)
        while "\n\n" in text:
            block, _, text = text.partition("\n\n")
            fields: dict[str, str] = {}
            for line in block.split("\n"):
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                fields[name] = f"{fields[name]}\n{value}" if name in fields else value
            if "data" in fields:
                yield Heard(
                    event=fields.get("event", "message"),
                    data=json.loads(fields["data"]),
                    id=fields.get("id"),
                )
