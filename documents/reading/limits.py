"""What a picture may take while it is read."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Limits of a process that reads pictures."""

    memory_bytes: int = 512 * 1024 * 1024
    """Of the whole process. The dearest picture that is taken, a progressive JPEG of 50 megapixels
    with its colours in full, takes 350 MiB; what a phone makes, less than 70."""
    processor_seconds: float = 10.0
    """For one picture. The dearest takes 0.6, a phone's 0.15."""

    def arguments(self) -> tuple[str, str]:
        """Return them as arguments of its command line."""
        return str(self.memory_bytes), str(self.processor_seconds)

    @classmethod
    def of(cls, arguments: list[str]) -> "Limits":
        """Read them from its command line."""
        memory, seconds = arguments
        return cls(memory_bytes=int(memory), processor_seconds=float(seconds))
