"""What operators read of a workflow in one line, where more than one place starts it."""

from typing import Final

_BYTES: Final = 200  # the server's limit

CONFIGURATION_SUMMARY: Final = "Push the queued configuration"


def within_limit(summary: str) -> str:
    """Cut it to what the server takes."""
    return summary.encode()[:_BYTES].decode(errors="ignore")


def site_summary(name: str) -> str:
    """The workflow that shares the power of a site."""
    return f"Power of {name}"


def orphaned_summary(transaction_id: str) -> str:
    """The workflow that stops a transaction which outlived its run."""
    return f"Stop stray transaction {transaction_id}"
