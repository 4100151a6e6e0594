"""What bounds each table."""

from docs.generate.table import code, table
from storage.bounds import BOUNDS


def bounds() -> str:
    """Every table by who makes it grow."""
    ordered = sorted(BOUNDS.items(), key=lambda item: (item[1].owner, item[0]))
    return table(
        ("Table", "Made to grow by", "Bound", "How long a row stays"),
        ((code(name), one.owner, one.bound, one.age) for name, one in ordered),
    )
