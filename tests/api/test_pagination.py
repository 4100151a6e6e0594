"""The last page says that it is the last, also when it is full."""

import pytest

from api.pagination import PageRequest


@pytest.mark.parametrize(("rows", "more"), [(1, False), (2, False), (3, True)])
def test_there_is_another_page_only_if_there_are_more_rows(rows: int, more: bool) -> None:
    page = PageRequest(limit=2, cursor=None).page(range(rows), str, int)
    assert len(page.items) == min(rows, 2)
    assert (page.next_cursor is not None) == more
