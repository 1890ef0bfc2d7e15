from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's own config/ and jobs/ files, to be spoiled."""
    for name in ("config/local.yaml", "config/example.yaml", "jobs/my-service/jobs.yaml", "jobs/examples/jobs.yaml"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, target)
    (tmp_path / "examples" / "my-service").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def spoil(project: Path) -> Callable[..., None]:
    """Replace a text that must be there in one of the project's files."""

    def replace(name: str, old: str, new: str) -> None:
        path = project / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    return replace
