"""What all rules use. `re` takes four milliseconds, so it is imported only for text that has a mark of a secret."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from re import Match, Pattern

MASK = "***"

_patterns: dict[str, Pattern[str]] = {}


def compiled(pattern: str) -> Pattern[str]:
    """A pattern of this package, compiled once."""
    known = _patterns.get(pattern)
    if known is None:
        import re  # noqa: PLC0415 - most commands have no mark

        known = _patterns[pattern] = re.compile(pattern)
    return known


def replaced(pattern: str, replacement: str | Callable[[Match[str]], str], text: str) -> str:
    """The text with each match of a pattern replaced."""
    return compiled(pattern).sub(replacement, text)


def end_of(pattern: str, text: str, at: int) -> int:
    """Where what matches a pattern from there ends."""
    found = compiled(pattern).match(text, at)
    return found.end() if found else at
