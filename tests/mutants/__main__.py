"""Change single operators and numbers of the rules, and see whether a test fails: ``make mutants``.

First the tests of these parts run once, and it is noted which lines each of them runs. Then changes
are drawn by a seed, and for each the tests run that may notice it, in a copy of the sources, until
the time is over. What survives is listed: a rule that no test holds, or a change that changes
nothing. What runs in processes of its own is not looked at.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import Final

from tests.mutants.bounded import run_pytest, still_running
from tests.mutants.mutations import Mutant, mutants_of
from tests.mutants.reach import Reach, read_reach

_ROOT: Final = Path(__file__).parents[2]
# Each part, and the tests that are run for it; each test counts for each part.
_PARTS: Final = {
    "domain": (
        "tests/domain",
        "tests/storage/test_address.py",
        "tests/storage/test_billing.py",
        "tests/storage/test_held.py",
        "tests/storage/test_statements.py",
        "tests/storage/test_superseded.py",
        "tests/storage/test_suspensions.py",
        "tests/api/test_billing.py",
        "tests/api/test_held.py",
    ),
    "workflows/checks": ("tests/workflows",),
    "ocpp_server/v16": ("tests/ocpp_server",),
    "api/security": (
        "tests/api/test_accounts.py",
        "tests/api/test_passwords.py",
        "tests/api/test_protocol.py",
    ),
}
_NOT_COPIED: Final = (".git", ".venv", ".dynamo", ".*_cache", ".hypothesis", "__pycache__")
_SECONDS: Final = 45.0  # the tests of one change, as long as they took unchanged
_SECONDS_AT_MOST: Final = 240.0
_MINUTES: Final = 20.0
_FIRST_AT_MOST: Final = 1_800.0  # six minutes on a busy machine, so far
_PASSED: Final = 0
_NOT_FOUND: Final = 4


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
        reach = _reach(copies[0], Path(folder), parts, options.workers)
        drawn = [mutant for path in paths for mutant in mutants_of(_ROOT, path)]
        random.Random(options.seed).shuffle(drawn)
        _say(f"{len(drawn)} changes are possible; seed {options.seed}")
        _see(copies[0], parts, reach)
        return _try_all(drawn, reach, copies, until=time.monotonic() + 60 * options.minutes)


def _reach(copy: Path, folder: Path, parts: Sequence[str], workers: int) -> Reach:
    """Run the tests once, and note what each runs."""
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
    return read_reach(folder / "lines", copy)


def _see(copy: Path, parts: Sequence[str], reach: Reach) -> None:
    """See in each part that it is the changed file which the tests run, in the sandbox as well."""
    for part in parts:
        (path, _), names = next(
            one for one in reach.tests.items() if one[0][0].startswith(part) and one[1]
        )
        kept = (copy / path).read_bytes()
        (copy / path).write_bytes(b"raise RuntimeError('this is what runs')\n")
        outcome = _outcome(copy, [min(names)])
        assert outcome is not _Outcome.SURVIVED, f"a broken {path} goes unnoticed"
        (copy / path).write_bytes(kept)


class _Outcome(StrEnum):
    NOTICED = "noticed"
    STOOD = "noticed, as the tests stood still"
    SURVIVED = "survived"


def _try_all(drawn: Sequence[Mutant], reach: Reach, copies: Sequence[Path], *, until: float) -> int:
    left = iter(drawn)
    seen: Counter[_Outcome] = Counter()

    def work(copy: Path) -> None:
        for mutant in left:
            if time.monotonic() > until:
                return
            names = reach.of(mutant, seconds=_SECONDS)
            outcome = _outcome_of(copy, mutant, names)
            seen[outcome] += 1
            if outcome is not _Outcome.NOTICED:
                _say(f"{outcome}  {mutant}  ({len(names)} tests)")

    with ThreadPoolExecutor(len(copies)) as pool:
        list(pool.map(work, copies))
    noticed = seen.total() - seen[_Outcome.SURVIVED]
    _say(f"{noticed} of {seen.total()} changes were noticed; {seen[_Outcome.STOOD]} stood still")
    return 0


def _outcome_of(copy: Path, mutant: Mutant, names: Sequence[str]) -> _Outcome:
    path = copy / mutant.path
    kept = path.read_bytes()
    path.write_bytes(mutant.applied_to(kept))
    try:
        return _outcome(copy, names)
    finally:
        path.write_bytes(kept)


def _outcome(copy: Path, names: Sequence[str]) -> _Outcome:
    """Run tests in a copy, until one fails."""
    if not names:
        return _Outcome.SURVIVED
    code = _pytest(copy, names)
    if (
        code == _NOT_FOUND
    ):  # the change is in what a test has for its name; or nothing can be imported
        code = _pytest(copy, sorted({name.partition("[")[0] for name in names}))
    if code is None:
        return _Outcome.STOOD
    return _Outcome.SURVIVED if code == _PASSED else _Outcome.NOTICED


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _pytest(copy: Path, names: Sequence[str]) -> int | None:
    with tempfile.NamedTemporaryFile("w", suffix=".tests") as chosen:
        chosen.write("\n".join(names))
        chosen.flush()
        return run_pytest(
            copy, ["-x", f"@{chosen.name}"], seconds=_SECONDS_AT_MOST, variables={}
        ).code


if __name__ == "__main__":
    sys.exit(main())
