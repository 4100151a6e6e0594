"""Figures that a test measured, printed after the tests: a promise is kept by a number."""

from collections.abc import Callable

import pytest

Figure = Callable[[str], None]
"""Takes a sentence with the figure in it."""

_KEY = "figure"


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Give a function that notes a figure of this test."""
    return lambda sentence: request.node.user_properties.append((_KEY, sentence))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print them, of all xdist workers."""
    told = [
        f"{report.nodeid}: {sentence}"
        for report in terminalreporter.getreports("passed")
        for key, sentence in report.user_properties
        if key == _KEY
    ]
    if told:
        terminalreporter.section("figures")
        for line in told:
            terminalreporter.write_line(line)
