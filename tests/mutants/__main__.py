"""Change single operators and numbers of the rules, and see whether a test fails: ``make mutants``.

First the tests of these parts run once, and it is noted which lines each of them runs. Then changes
are drawn by a seed, and for each the tests run that run its line, in a copy of the sources, until
the time is over. What survives is listed: a rule that no test holds, or a change that changes
nothing. What runs in processes of its own is not looked at.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Final

from coverage import Coverage, CoverageData

from tests.mutants.bounded import run_pytest, still_running
from tests.mutants.mutations import Mutant, mutants_of

_ROOT: Final = Path(__file__).parents[2]
# Each part, and the tests that are run for it; each test counts for each part.
_PARTS: Final = {
    "domain": ("tests/domain",),
    "workflows/checks": ("tests/workflows",),
    "ocpp_server/v16": ("tests/ocpp_server",),
    "api/security": ("tests/api/test_accounts.py", "tests/api/test_passwords.py"),
}
_NOT_COPIED: Final = (".git", ".venv", ".dynamo", ".*_cache", ".hypothesis", "__pycache__")
_TESTS_AT_MOST: Final = 40
_SECONDS_AT_MOST: Final = 180.0
_MINUTES: Final = 20.0
_FIRST_AT_MOST: Final = 1_800.0  # six minutes on a busy machine, so far
_NO_TEST_RAN: Final = 5
_STOPPED: Final = 1
_IMPORT: Final = 0  # in place of a line
_Tests = Mapping[tuple[str, int], Sequence[str]]


def main() -> int:
    """Print survivors as they are found, and the figure at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=_MINUTES, help="for the changes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--part", choices=_PARTS, action="append", help="these parts alone")
    options = parser.parse_args()
    parts: Sequence[str] = options.part or tuple(_PARTS)
    paths = [
        str(path.relative_to(_ROOT))
        for part in parts
        for path in sorted((_ROOT / part).rglob("*.py"))
    ]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies = [Path(folder) / str(number) for number in range(options.workers)]
        for copy in copies:
            shutil.copytree(_ROOT, copy, ignore=shutil.ignore_patterns(*_NOT_COPIED), symlinks=True)
        tests = _tests_by_line(copies[0], Path(folder), parts, options.workers)
        drawn = [mutant for path in paths for mutant in mutants_of(_ROOT, path)]
        random.Random(options.seed).shuffle(drawn)
        _say(f"{len(drawn)} changes are possible; seed {options.seed}")
        _see(copies[0], parts, tests)
        return _try_all(drawn, tests, copies, until=time.monotonic() + 60 * options.minutes)


def _tests_by_line(copy: Path, folder: Path, parts: Sequence[str], workers: int) -> _Tests:
    """Run the tests once, and return those of each line, the same ones in the same order always."""
    sources = ",".join(str(copy / part / "*") for part in parts)
    chosen = [test for part in parts for test in _PARTS[part]]
    outcome = run_pytest(
        copy,
        ["-p", "tests.mutants.contexts", "-n", str(workers), *chosen],
        seconds=_FIRST_AT_MOST,
        variables={"MUTANTS_DATA": str(folder / "lines"), "MUTANTS_SOURCES": sources},
    )
    if outcome.code is None:
        stood = ", ".join(still_running(folder / "lines")) or "none of the tests"
        sys.exit(f"Not over after {_FIRST_AT_MOST:.0f} s; then this ran: {stood}.\n{outcome.said}")
    if outcome.code not in {0, 1}:
        sys.exit(outcome.said)
    lines = Coverage(data_file=str(folder / "lines"), config_file=False)
    lines.combine()
    data: CoverageData = lines.get_data()
    found: dict[tuple[str, int], Sequence[str]] = {}
    for measured in data.measured_files():
        path = str(Path(measured).relative_to(copy))
        for line, contexts in data.contexts_by_lineno(measured).items():
            found[path, line] = sorted(name for name in contexts if name)
        found[path, _IMPORT] = sorted(set(chain(*(found[one] for one in found if one[0] == path))))
    return found


def _see(copy: Path, parts: Sequence[str], tests: _Tests) -> None:
    """See in each part that it is the changed file which the tests run, in the sandbox as well."""
    for part in parts:
        (path, _), names = next(
            one for one in tests.items() if one[0][0].startswith(part) and one[1]
        )
        kept = (copy / path).read_bytes()
        (copy / path).write_bytes(b"raise RuntimeError('this is what runs')\n")
        assert _pytest(copy, "-x", names[0]) != 0, f"a broken {path} goes unnoticed"
        (copy / path).write_bytes(kept)


def _try_all(
    drawn: Sequence[Mutant], tests: _Tests, copies: Sequence[Path], *, until: float
) -> int:
    left = iter(drawn)
    killed: list[Mutant] = []
    survived: list[Mutant] = []

    def work(copy: Path) -> None:
        for mutant in left:
            if time.monotonic() > until:
                return
            # What runs at the import alone counts for whoever runs anything of the file.
            names = tests.get((mutant.path, mutant.line)) or tests.get((mutant.path, _IMPORT), ())
            if _survives(copy, mutant, names):
                survived.append(mutant)
                _say(f"survived  {mutant}  ({len(names)} tests)")
            else:
                killed.append(mutant)

    with ThreadPoolExecutor(len(copies)) as pool:
        list(pool.map(work, copies))
    _say(f"{len(killed)} of {len(killed) + len(survived)} changes made a test fail")
    return 0


def _survives(copy: Path, mutant: Mutant, names: Sequence[str]) -> bool:
    if not names:
        return True
    chosen = sorted(random.Random(str(mutant)).sample(names, min(len(names), _TESTS_AT_MOST)))
    path = copy / mutant.path
    kept = path.read_bytes()
    path.write_bytes(mutant.applied_to(kept))
    try:
        return _pytest(copy, "-x", *chosen) in {0, _NO_TEST_RAN}
    finally:
        path.write_bytes(kept)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _pytest(copy: Path, *arguments: str) -> int:
    """Run tests in a copy; one that takes too long has noticed the change."""
    outcome = run_pytest(copy, arguments, seconds=_SECONDS_AT_MOST, variables={})
    return _STOPPED if outcome.code is None else outcome.code


if __name__ == "__main__":
    sys.exit(main())
