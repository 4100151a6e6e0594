"""``make release-check``: run every gate, say what holds, and what is not armed yet.

Exit 1 if one that is armed does not hold.
"""

import sys
from collections.abc import Mapping

from tests.release.gate import Checkout, FailedError, Gate, NotArmedError
from tests.release.gates import GATES


def check(checkout: Checkout, gates: Mapping[str, Gate] = GATES) -> bool:
    """Run them, with a line each; tell whether all that are armed hold."""
    held = True
    for name, gate in gates.items():
        try:
            word, said = "holds", gate(checkout)
        except NotArmedError as reason:
            word, said = "not armed", str(reason)
        except Exception as error:  # noqa: BLE001 - whatever stops one gate, the others have their turn
            said = str(error) if isinstance(error, FailedError) else repr(error)
            word, held = "FAILED", False
        sys.stdout.write(f"{word:<10} {name:<11} {said}\n")
        sys.stdout.flush()
    return held


if __name__ == "__main__":
    sys.exit(not check(Checkout()))
