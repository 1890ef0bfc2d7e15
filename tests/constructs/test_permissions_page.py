"""docs/permissions.md is what the policies say."""

from __future__ import annotations

from tests.permissions_page import PAGE, page


def test_the_page_is_the_generated_one() -> None:
    # GIVEN the policies of stages and modules THEN the page has each statement of theirs
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.permissions_page writes it"
