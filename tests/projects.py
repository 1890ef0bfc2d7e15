"""The project that tests read and deploy. The one at the top of this repository is its users' to change."""

from __future__ import annotations

import shutil
from pathlib import Path

PROJECT = Path(__file__).resolve().parent / "fixtures" / "project"


def copy_project(target: Path) -> Path:
    """Copies the project to `target`, which may exist; returns `target`."""
    return shutil.copytree(PROJECT, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
