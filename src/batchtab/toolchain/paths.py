"""Paths that the environment names: they may be absent, closed to us, or no paths at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def readable(path: str | os.PathLike[str]) -> bool:
    """Whether a file can be read or a folder be listed. Never raises; what cannot be read counts as absent.

    `Path.exists()` and `Path.is_dir()` raise PermissionError below a folder that is closed to us.
    """
    try:
        return os.access(path, os.R_OK | (os.X_OK if os.path.isdir(path) else 0))  # noqa: PTH112
    except (OSError, ValueError):  # ValueError: a null byte
        return False


def folder_exists(path: str | os.PathLike[str]) -> bool:
    """Whether a folder exists and can be listed. Never raises."""
    return os.path.isdir(path) and readable(path)  # noqa: PTH112 (os.path.isdir never raises for a closed folder)


def names_in(folder: str | os.PathLike[str]) -> list[str]:
    """The names in a folder, sorted; none if it cannot be listed."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 (names alone are wanted)
    except (OSError, ValueError):
        return []


def search_path(first: Path | None = None, *, without: Path | None = None) -> str:
    """The caller's PATH, with a folder put first, or left out however PATH spells it."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    left_out = os.path.realpath(without) if without else None
    kept = [entry for entry in entries if entry and os.path.realpath(entry) != left_out]
    return os.pathsep.join([*([str(first)] if first else []), *kept])


def which(name: str, path: str) -> Path | None:
    """A program on a search path, as an absolute path."""
    found = shutil.which(name, path=path)
    return Path(found).absolute() if found else None
