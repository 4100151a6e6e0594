"""Browsers and programs by the header User-Agent, in words that their user recognises."""

from typing import Final

_PROGRAMS: Final = (  # most of them claim to be those that stand below
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_of(user_agent: str | None) -> str:
    """Say what it is, such as "Firefox on Windows"; a program by its own name."""
    if not user_agent:
        return "A program that does not say its name"
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    program = next((name for mark, name in _PROGRAMS if f"{mark}/" in user_agent), None)
    if program is None:
        return user_agent.split(" ", 1)[0].split("/", 1)[0] or user_agent
    return program if system is None else f"{program} on {system}"
