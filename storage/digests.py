"""What tells two rows apart that may be one thing said twice, in a column of eight bytes."""

from hashlib import blake2b


def digest(text: str) -> int:
    """Return 64 bits of a text, as a signed number."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)
