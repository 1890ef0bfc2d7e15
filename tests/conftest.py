"""The order of the tests: files that wait for Terraform begin first, so that none is left for the end."""

from __future__ import annotations

import pytest

# The longest first; the others follow in the order that pytest-randomly gave them.
_LONG = (
    "e2e/test_pull_request.py",
    "e2e/test_up.py",
    "e2e/test_alerts.py",
    "e2e/test_schedules.py",
    "e2e/test_killed_up.py",
    "hcl/",
    "image/",
    "e2e/",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Moves long files to the front, each as a whole."""

    def rank(item: pytest.Item) -> int:
        path = item.path.as_posix()
        return next((number for number, part in enumerate(_LONG) if f"/tests/{part}" in path), len(_LONG))

    items.sort(key=rank)
