"""The text of each mark: a person reads it by pointer, by touch or by keyboard, and a screen reader says it.

The marks of a row are radio buttons of one name. A browser then gives the row one tab stop, moves along it with the
arrow keys, and needs no script.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from batchtab.calendar.markup import element, percent, text

_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Label:
    """A mark's text, and the part of the week, from 0 to 1, that the mark covers."""

    start: float
    end: float
    words: str


def labels(row: str, found: Sequence[Label]) -> str:
    """The labels of a row, in order of time. Of two that are close each is pointed at as far as half way.

    Args:
        row: A name that no other row has.
        found: Its labels; a band comes before what is drawn upon it.
    """
    starts, ends = sorted(each.start for each in found), sorted(each.end for each in found)
    parts = []
    for each in sorted(found, key=lambda label: label.start):
        before, after = bisect_right(ends, each.start), bisect_left(starts, each.end)
        left = (ends[before - 1] + each.start) / 2 if before else 0
        right = (starts[after] + each.end) / 2 if after < len(starts) else 1
        places = {"l": left, "x": each.start, "e": 1 - each.end, "r": 1 - right}
        style = ";".join(f"--{name}:{percent(place)}" for name, place in places.items())
        late = " late" if each.start > _HALF else ""
        parts.append(element("label", *choice(row, each.words), class_=f"mark{late}", style=style))
    return element("div", *parts, class_="marks")


def choice(row: str, words: str) -> tuple[str, str]:
    """What a label has in it: a radio button of a row, and the text that it shows."""
    return element("input", type="radio", name=row), element("span", text(words), class_="words")
