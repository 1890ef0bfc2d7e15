"""Which of a job's times are drawn one by one, and which as a band because they are too close together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from batchtab.calendar import words
from batchtab.schedules.timing import EXCLUDED, Occurrence

FEWEST = 5  # a band says "every 10 min"; four times and fewer are drawn


@dataclass(frozen=True, slots=True)
class Band:
    """Many times in a row."""

    first: datetime
    last: datetime
    times: int
    runs: bool
    words: str


Mark = Occurrence | Band


def shapes(occurrences: Sequence[Occurrence], closest: timedelta) -> list[Mark]:
    """The marks of a week, in order: bands first, so that what is unusual is drawn over them.

    Args:
        occurrences: A job's times, in order.
        closest: Times that are at most this far apart are put together.
    """
    found: list[Mark] = []
    for kind in (True, False):
        for group in _groups([each for each in occurrences if each.runs is kind and _is_plain(each)], closest):
            if len(group) < FEWEST:
                found.extend(group)
            else:
                found.append(Band(group[0].at, group[-1].at, len(group), kind, _words(group)))
    found.extend(each for each in occurrences if not _is_plain(each))
    return sorted(found, key=lambda mark: not isinstance(mark, Band))


def _is_plain(occurrence: Occurrence) -> bool:
    """Whether it may vanish in a band: a clock's change may not."""
    return occurrence.note in ("", EXCLUDED)


def _groups(occurrences: list[Occurrence], closest: timedelta) -> Iterator[list[Occurrence]]:
    group: list[Occurrence] = []
    for each in occurrences:
        if group and each.at - group[-1].at > closest:
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _words(group: list[Occurrence]) -> str:
    gaps = Counter(round((later.at - earlier.at).total_seconds()) for earlier, later in pairwise(group))
    usual, times = gaps.most_common(1)[0]
    # A change of clocks, or a run left out, doesn't make it irregular.
    return words.every(usual) if times >= 0.9 * gaps.total() else f"{len(group):,} times"
