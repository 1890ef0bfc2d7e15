from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.projects import copy_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the tests' project, to be spoiled."""
    return copy_project(tmp_path)


@pytest.fixture
def spoil(project: Path) -> Callable[..., None]:
    """Replace a text that must be there in one of the project's files."""

    def replace(name: str, old: str, new: str) -> None:
        path = project / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    return replace
