"""Named timers on the event loop: a charge point waits without a task for each wait."""

import asyncio
from collections.abc import Callable


class Timers:
    """Timers by name; setting one again replaces it. `speed` shortens every wait."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._handles: dict[str, asyncio.TimerHandle] = {}

    def scaled(self, seconds: float, *, floor: float = 0.0) -> float:
        """Return how long a wait of `seconds` really takes."""
        return max(seconds / self.speed, floor)

    def after(
        self, name: str, seconds: float, callback: Callable[[], None], *, floor: float = 0.0
    ) -> None:
        """Call back after `seconds` (before `speed`), and not sooner than `floor` real seconds."""
        self.cancel(name)
        loop = asyncio.get_running_loop()
        self._handles[name] = loop.call_later(
            self.scaled(seconds, floor=floor), self._fire, name, callback
        )

    def cancel(self, name: str) -> None:
        """Forget a timer; an unknown name is no error."""
        handle = self._handles.pop(name, None)
        if handle is not None:
            handle.cancel()

    def cancel_all(self) -> None:
        """Forget every timer, as a power cut does."""
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()

    def _fire(self, name: str, callback: Callable[[], None]) -> None:
        self._handles.pop(name, None)
        callback()
