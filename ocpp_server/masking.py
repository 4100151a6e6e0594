"""Masks secrets in the text of a frame: in one pass over its tokens, whether or not it is JSON.

A frame may be cut off anywhere, so nothing is parsed as a whole. What cannot be told is masked.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Final

from domain.choices import SECRET_WORDS

MASK: Final = "***"
_TOKEN: Final = re.compile(
    r'"(?:[^"\\]|\\.?)*+(?P<whole>")?|[{}\[\],:]|[^\s{}\[\],:"]+(?:://[^\s{}\[\],"]*)?', re.DOTALL
)
_NO_LETTER: Final = re.compile(r"[\W_]+")
_SPACES: Final = re.compile(r"(\s+)")
_URL: Final = "://"
_MOST_INSIDE: Final = 2
"""How deep texts are looked into that are JSON themselves; deeper ones are masked."""

_Span = tuple[int, int, str]
"""From where to where something else is to stand, and what."""


@dataclass(slots=True, eq=False)
class _Open:
    """An object or a list that has not ended yet."""

    name: str = ""
    """That of the member that is read now."""
    begins: int | None = None
    """Where the value of that member begins."""
    has_secret: bool = False
    """That member is named like a secret itself."""
    is_secret: bool = False
    """Something in it is named like a secret, as in ``{"key": "AuthorizationKey", …}``."""
    values: list[_Span] = field(default_factory=list)
    """What is masked if it is secret."""


class _Scan:
    """One pass over a text."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._root = _Open()
        self._open = [self._root]
        self._last, self._last_is_secret = "", False
        self._spans: list[_Span] = []

    def masked(self, text: str) -> str:
        """Return the text with its secrets masked."""
        was_text = is_torn = False
        for token in _TOKEN.finditer(text):
            is_text = self._take(token)
            is_torn = is_torn or (is_text and was_text)
            was_text = is_text
        if is_torn and self._root.is_secret:  # quotes are missing: what is a text, and what not?
            return MASK
        while self._open:  # cut off: what else is in it is not known
            one = self._open.pop()
            one.is_secret = one.is_secret or one is not self._root
            self._end(one, len(text))
        return self._replaced(text)

    def _take(self, token: re.Match[str]) -> bool:
        """Take a token; True for a text, or a word or number without quotes."""
        top = self._open[-1]
        match token.group()[0]:
            case "{" | "[":
                self._open.append(_Open())
            case "}" | "]":
                self._end(top, token.start())
                if top is not self._root:
                    self._open.pop()
            case ",":
                self._end_member(top, token.start())
            case ":":
                if top.begins is None or self._last_is_secret:
                    top.name, top.begins = self._last, token.end()
                    top.has_secret = self._last_is_secret
            case _:
                self._take_text(token)
                return True
        return False

    def _take_text(self, token: re.Match[str]) -> None:
        written = token.group()
        is_quoted, is_whole = written[0] == '"', token["whole"] is not None
        text = _decoded(written, is_whole=is_whole) if is_quoted else written
        self._last, self._last_is_secret = text, _is_secret(text)
        if self._last_is_secret:
            for one in reversed(self._open):
                if one.is_secret:
                    break
                one.is_secret = True
        shown = text
        if '"' in text and ("{" in text or "[" in text):
            shown = masked(text, self._depth + 1) if self._depth < _MOST_INSIDE else MASK
        if _URL in shown:
            is_cut = not is_whole if is_quoted else token.end() == len(token.string)
            shown = _without_credentials(shown, is_cut=is_cut)
        if shown != text:
            shown = json.dumps(shown, ensure_ascii=False) if is_quoted else shown
            self._spans.append((token.start(), token.end(), shown))

    def _end_member(self, one: _Open, at: int) -> None:
        if one.begins is None:
            return
        span = (one.begins, at, f'"{MASK}"')
        if one.has_secret:
            self._spans.append(span)
        elif one.name.strip().casefold().startswith("val"):
            one.values.append(span)
        one.begins = None

    def _end(self, one: _Open, at: int) -> None:
        self._end_member(one, at)
        if one.is_secret:
            self._spans += one.values
            one.values = []

    def _replaced(self, text: str) -> str:
        parts: list[str] = []
        done = 0
        for start, end, instead in sorted(self._spans, key=lambda span: (span[0], -span[1])):
            if start >= done:
                parts += (text[done:start], instead)
                done = end
        return "".join((*parts, text[done:]))


def masked(text: str, depth: int = 0) -> str:
    """Mask the values of what is named like a secret, and ``user:password@`` in URLs."""
    return _Scan(depth).masked(text)


def _is_secret(name: str) -> bool:
    letters = _NO_LETTER.sub("", name).casefold()
    return any(word in letters for word in SECRET_WORDS)


def _decoded(token: str, *, is_whole: bool) -> str:
    if "\\" not in token:
        return token.strip('"')
    try:
        text: str = json.loads(token if is_whole else f'{token}"', strict=False)
    except ValueError:  # an escape that is none
        return token.strip('"').replace("\\", "")
    return text.encode(errors="replace").decode()


def _without_credentials(text: str, *, is_cut: bool) -> str:
    words = _SPACES.split(text)
    for place, word in enumerate(words):
        scheme, separator, rest = word.partition(_URL)
        user, at, host = rest.rpartition("@")
        if is_cut and separator and place == len(words) - 1:
            words[place] = f"{scheme}{_URL}{MASK}"
        elif user and at:
            words[place] = f"{scheme}{_URL}{MASK}@{host}"
    return "".join(words)
