"""The account of a demo: what was asked, what was answered, and whether it held."""

import time

from rich.console import Console
from rich.markup import escape


class DemoFailedError(Exception):
    """Something did not hold; the message says what was expected and what came instead."""


class Account:
    """Prints numbered steps, one line a request, and counts what held."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._steps = 0
        self.held = 0

    @property
    def seconds(self) -> float:
        """How long it has been, from the very start."""
        return time.monotonic() - self._began

    def step(self, title: str) -> None:
        """Begin the next step."""
        self._steps += 1
        self._console.print(
            f"\n[bold]{self._steps:>2}  {escape(title)}[/bold] [dim]{self.seconds:.0f} s[/dim]"
        )

    def request(self, method: str, path: str, status: int) -> None:
        """One request and the status of its answer."""
        self._console.print(f"    [cyan]{method:<4}[/cyan] {escape(path)} [dim]{status}[/dim]")

    def progress(self, text: str) -> None:
        """Tell how far something is that takes its time."""
        self._console.print(f"       [dim]… {self.seconds:.0f} s {escape(text)}[/dim]")

    def say(self, text: str) -> None:
        """Tell a fact."""
        self._console.print(f"         {escape(text)}", highlight=False)

    def quote(self, text: str) -> None:
        """Show a text as it is."""
        for line in text.strip().splitlines():
            self._console.print(f"         [dim]│[/dim] {escape(line)}", highlight=False)

    def expect(self, *, holds: bool, what: str) -> None:
        """Hold the engine to something.

        Raises:
            DemoFailedError: it does not hold.

        """
        if not holds:
            raise DemoFailedError(what)
        self.held += 1
        self._console.print(f"         [green]✔[/green] {escape(what)}", highlight=False)

    def conclude(self) -> None:
        """Say that all of it held."""
        self._console.print(
            f"\n[bold green]All of it held[/bold green]: {self._steps} steps, "
            f"{self.held} expectations, {self.seconds:.0f} s."
        )
