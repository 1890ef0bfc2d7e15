"""The pin: the line of pyproject.toml that says which version of Batchtab a project uses."""

from __future__ import annotations

import re

_PIN = re.compile(
    r"""(?P<before>["']\s*batchtab\s*(?:\[[^\]"']*\])?\s*==\s*)(?P<version>\d[A-Za-z0-9.+!-]*)(?=[\s"';,])""",
    re.IGNORECASE,
)
_COMMENT_LINE = re.compile(r"\s*#")


def pinned(text: str) -> list[str]:
    """The versions that a pyproject.toml pins, in its order; comments do not count."""
    return [found["version"] for line in _lines(text) for found in _PIN.finditer(line)]


def repin(text: str, version: str) -> str:
    """The text with another version in each pin; extras, markers and all else stay."""
    return "".join(
        line if _COMMENT_LINE.match(line) else _PIN.sub(lambda found: found["before"] + version, line)
        for line in text.splitlines(keepends=True)
    )


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if not _COMMENT_LINE.match(line)]
