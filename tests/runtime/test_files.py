"""A process asks for the files that its connections take."""

import resource
from collections.abc import Iterator

import pytest

from runtime.files import have_files


@pytest.fixture
def hard() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = 512
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_it_asks_for_what_it_wants_and_for_no_less_than_it_has(hard: int) -> None:
    assert have_files(700) == 700
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (700, hard)
    assert have_files(600) == 600
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (700, hard)


def test_it_takes_no_more_than_the_system_gives(hard: int) -> None:
    if hard == resource.RLIM_INFINITY:
        pytest.skip("the system gives as many as one wants")
    assert have_files(hard + 1) == hard
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
