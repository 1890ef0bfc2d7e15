"""What an image's name says: its repository, and the folder that stands for it here."""

from __future__ import annotations

from pathlib import Path


def repository_of(image: str) -> str:
    """Return an image's repository: without registry, tag and digest."""
    path = image.partition("@")[0]
    first, slash, rest = path.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        path = rest
    head, slash, last = path.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def short_name(image: str) -> str:
    """Return the last part of an image's repository."""
    return repository_of(image).rpartition("/")[2]


def folder_for(image: str, folders: dict[str, Path]) -> Path | None:
    """Return the folder of an image: by its whole repository first, then by ever fewer of its last parts."""
    parts = repository_of(image).split("/")
    for start in range(len(parts)):
        folder = folders.get("/".join(parts[start:]))
        if folder is not None:
            return folder
    return None
