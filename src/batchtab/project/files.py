"""Files of a project on disk: written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def write_file(path: Path, text: str) -> None:
    """Writes one file: a reader sees the old text or the new one. Keeps the mode of a file that exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _prepare(path, text)
    try:
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_new_files(root: Path, texts: Mapping[str, str]) -> None:
    """Writes files that do not exist: all of them, or none if one cannot be written.

    Raises:
        OSError: A file cannot be written; the folder is as it was.
    """
    folders: list[Path] = []
    temporaries: dict[Path, Path] = {}
    written: list[Path] = []
    try:
        for name, text in texts.items():
            path = root / name
            for folder in _missing(path.parent):
                folder.mkdir()
                folders.append(folder)
            temporaries[path] = _prepare(path, text)
        for path, temporary in temporaries.items():
            temporary.replace(path)
            written.append(path)
    except BaseException:
        for path in (*temporaries.values(), *written):
            path.unlink(missing_ok=True)
        for folder in reversed(folders):
            with suppress(OSError):  # another process put a file there
                folder.rmdir()
        raise


def has_text(path: Path, text: str) -> bool:
    """Whether a file has this text, with any kind of line ends."""
    return path.is_file() and digest(path.read_bytes()) == digest(text.encode())


def digest(content: bytes) -> str:
    """SHA-256 of a text's bytes, the same for all kinds of line ends (Git may change them)."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def _prepare(path: Path, text: str) -> Path:
    """Writes the text beside the file, under a name that a later run writes again."""
    temporary = path.with_name(f".{path.name}.batchtab-new")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _missing(folder: Path) -> list[Path]:
    """The folder and those above it that do not exist, from the top."""
    return [path for path in (folder, *folder.parents) if not path.exists()][::-1]
