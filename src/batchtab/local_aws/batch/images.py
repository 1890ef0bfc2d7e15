"""What an image's name says: its repository, and what the configuration says of it."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


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


def entry_for(image: str, entries: dict[str, T]) -> T | None:
    """Return what is said of an image: by its whole repository first, then by ever fewer of its last parts."""
    parts = repository_of(image).split("/")
    for start in range(len(parts)):
        entry = entries.get("/".join(parts[start:]))
        if entry is not None:
            return entry
    return None
