from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from batchtab.cli import progress


@pytest.fixture(autouse=True)
def _in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run where their users run them: in a project's folder."""
    monkeypatch.chdir(project)


@pytest.fixture(autouse=True)
def _steps_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that a busy machine slows down does not print its seconds, as others do not."""
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: 0.0))
