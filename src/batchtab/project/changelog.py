"""The changelog: what changed for users, version by version."""

from __future__ import annotations

import re
import textwrap
from importlib.resources import files
from pathlib import Path

from batchtab.project.version import Version

FILE_NAME = "CHANGELOG.md"
_HEADING = re.compile(r"^## +\[?v?(?P<version>\d[^\s\]]*)\]?", re.MULTILINE)
_SECTION = re.compile(r"^## ", re.MULTILINE)
_BULLET = re.compile(r"\s*[-*] ")


def changes_between(old: str, new: str, text: str | None = None) -> str:
    """The sections of the versions after `old` up to `new`, in the changelog's order; empty if there are none.

    Args:
        old: The version that a project has.
        new: The version that it gets.
        text: The changelog; by default Batchtab's own.
    """
    first, last = Version.parse(old), Version.parse(new)
    sections = []
    for section in _sections(read() if text is None else text):
        found = _HEADING.match(section)
        if found is None:
            continue
        try:
            version = Version.parse(found["version"])
        except ValueError:
            continue
        if first < version <= last:
            sections.append(section.strip())
    return "\n\n".join(sections)


def read() -> str:
    """Batchtab's changelog: from the package, or from the root of a checkout; empty if neither has it."""
    travelling = files(__package__) / FILE_NAME
    if travelling.is_file():
        return travelling.read_text(encoding="utf-8")
    checkout = Path(__file__).resolve().parents[3] / FILE_NAME
    return checkout.read_text(encoding="utf-8") if checkout.is_file() else ""


def wrapped(text: str, width: int) -> str:
    """Markdown of headings, paragraphs and lists for a terminal: no line is longer than `width`, if words allow."""
    lines: list[str] = []
    paragraph: list[str] = []

    def end_paragraph() -> None:
        if paragraph:
            indent = re.match(r"\s*(?:[-*] )?", paragraph[0])
            lines.extend(
                textwrap.wrap(
                    " ".join([paragraph[0].rstrip(), *(part.strip() for part in paragraph[1:])]),
                    width,
                    subsequent_indent=" " * len(indent[0] if indent else ""),
                    break_long_words=False,
                    break_on_hyphens=False,
                )
            )
            paragraph.clear()

    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            end_paragraph()
            lines.append(line)
        elif _BULLET.match(line):
            end_paragraph()
            paragraph.append(line)
        else:
            paragraph.append(line)
    end_paragraph()
    return "\n".join(lines)


def _sections(text: str) -> list[str]:
    starts = [found.start() for found in _SECTION.finditer(text)]
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
