"""Where a project is: the folder with its files, or one above the current folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def is_project(folder: Path) -> bool:
    """Whether a folder has what every project has, made by `batchtab init` or not: `cdktf.json` and `config/`."""
    return os.path.isfile(folder / "cdktf.json") and os.path.isdir(folder / "config")  # noqa: PTH112, PTH113 (never raise)


def nearest_above(folder: Path, matches: Callable[[Path], bool] = is_project) -> Path | None:
    """The nearest folder above another one that is a project.

    Args:
        folder: Where to begin; does not count itself.
        matches: What makes a folder a project.
    """
    return next((parent for parent in folder.absolute().parents if matches(parent)), None)
