"""Which tests run which lines, and which of them are the likeliest to notice a change."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Final

from coverage import Coverage, CoverageData

from tests.mutants.bounded import SECONDS
from tests.mutants.mutations import Mutant

_NEAR: Final = 30
_SECONDS_AT_LEAST: Final = 0.05
_Place = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What the tests did when nothing was changed."""

    sources: Mapping[str, Sequence[str]]
    """The lines of each file that was measured."""
    tests: Mapping[_Place, frozenset[str]]
    """Who runs a line, which counts from 1."""
    seconds: Mapping[str, float]

    def of(self, mutant: Mutant, *, seconds: float) -> Sequence[str]:
        """Return the tests that may notice it, the likeliest first, as many as take so long.

        What is made at the import, a constant or a field, counts for whoever runs a line that
        names it, and then for whoever runs anything of its file. Likely is who soon runs
        what few run near there.
        """
        places = [(mutant.path, mutant.line)]
        if mutant.names:
            places = list(self._naming(mutant))
        near = {(path, at) for path, line in places for at in range(line - _NEAR, line + _NEAR)}
        score: dict[str, float] = defaultdict(float)
        for place in near:
            names = self.tests.get(place, frozenset())
            for name in names:
                score[name] += 1 / len(names)
        direct = set(chain.from_iterable(self.tests.get(place, ()) for place in places))
        others = self._of_file[mutant.path] - direct if mutant.names else frozenset[str]()
        chosen: list[str] = []
        for some in (direct, others):
            for name in sorted(some, key=lambda one: (-score[one] / self._takes(one), one)):
                if not chosen or self._takes(name) <= seconds:
                    seconds -= self._takes(name)
                    chosen.append(name)
        return chosen

    def _takes(self, name: str) -> float:
        return max(_SECONDS_AT_LEAST, self.seconds.get(name, 1.0))

    def _naming(self, mutant: Mutant) -> Iterator[_Place]:
        """Where a line names it; what begins with an underscore, in its own file alone."""
        named = re.compile(rf"\b(?:{'|'.join(mutant.names)})\b")
        private = all(name.startswith("_") for name in mutant.names)
        for path in [mutant.path] if private else self.sources:
            for number, line in enumerate(self.sources.get(path, ()), start=1):
                if named.search(line):
                    yield path, number

    @cached_property
    def _of_file(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for (path, _), names in self.tests.items():
            found[path] |= names
        return defaultdict(frozenset, {path: frozenset(names) for path, names in found.items()})


def read_reach(data_file: Path, root: Path) -> Reach:
    """Put together what each process of pytest noted."""
    lines = Coverage(data_file=str(data_file), config_file=False)
    lines.combine()
    data: CoverageData = lines.get_data()
    sources, tests = {}, {}
    for measured in data.measured_files():
        path = str(Path(measured).relative_to(root))
        sources[path] = Path(measured).read_text().splitlines()
        for line, contexts in data.contexts_by_lineno(measured).items():
            tests[path, line] = frozenset(filter(None, contexts))
    seconds: dict[str, float] = {}
    for noted in data_file.parent.glob(f"{data_file.name}{SECONDS}*"):
        seconds |= json.loads(noted.read_text())
    return Reach(sources=sources, tests=tests, seconds=seconds)
