"""A week in a few characters: what happens in each stretch of hours of a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchtab.calendar import words
from batchtab.calendar.days import DAYS, Week
from batchtab.calendar.timeline import JobTimeline
from batchtab.schedules.timing import EXCLUDED


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters of a drawing. Each of `some` means at least as many runs as `FROM` has at its place."""

    some: str
    none: str
    usual: str
    bound: str
    excluded: str
    clock: str
    suspended: str
    levels: str
    over: str
    wall: str
    rule: str


FROM = (1, 2, 6, 30)
UNICODE = Glyphs("•░▒█", "·", "─", "╌", words.TIMES, "!", "○", " ▁▂▃▄▅▆▇█", "▲", "│", "─")
ASCII = Glyphs("o:+#", ".", "-", "~", "x", "!", "s", " 123456789", "^", "|", "-")


class Cells:
    """Rows of characters for a week, some for each day: of a day's hours each has its part, whatever clocks do.

    Args:
        week: The week.
        per_day: How many characters a day has; a divisor of 24.
        glyphs: Which.
    """

    def __init__(self, week: Week, per_day: int, glyphs: Glyphs) -> None:
        self._week = week
        self._glyphs = glyphs
        self.per_day = per_day

    def row(self, timeline: JobTimeline) -> list[str]:
        """A job's days."""
        glyphs = self._glyphs
        cells = [glyphs.none] * (DAYS * self.per_day)
        for number in self._running(timeline):
            cells[number] = glyphs.usual if timeline.is_usual else glyphs.bound
        for each in timeline.occurrences:
            if each.note == EXCLUDED:
                cells[self._number(each.at)] = glyphs.excluded
        starts = [0] * len(cells)
        for each in timeline.runs:
            starts[self._number(each.at)] += 1
        for number, runs in enumerate(starts):
            if runs:
                cells[number] = glyphs.suspended if timeline.job.suspend else _density(runs, glyphs)
        for each in timeline.occurrences:
            if each.note not in ("", EXCLUDED):
                # At the hour that is left out where this clock, too, leaves it out.
                is_own = timeline.timing.zone.key == self._week.zone.key
                cells[self._number(each.local if is_own else each.at)] = glyphs.clock
        return self._days(cells)

    def levels(self, peaks: Sequence[float], most: float) -> list[str]:
        """Heights of vCPUs, of which the highest is `most`; with a mark of its own for what is above."""
        steps = len(self._glyphs.levels) - 1
        cells = [
            self._glyphs.over
            if peak > most
            else self._glyphs.levels[-(-round(peak * steps * 1000) // round(most * 1000))]
            for peak in peaks
        ]
        return self._days(cells)

    def edges(self) -> list[int]:
        """The seconds between which the characters are."""
        hours = 24 // self.per_day
        moments = [self._week.moment(day.date, hour) for day in self._week.days for hour in range(0, 24, hours)]
        return [*(self._week.second(moment) for moment in moments), self._week.seconds]

    def _number(self, moment: datetime) -> int:
        local = moment if moment.tzinfo is self._week.zone else self._week.local(moment)
        return (local.date() - self._week.first).days * self.per_day + local.hour * self.per_day // 24

    def _running(self, timeline: JobTimeline) -> set[int]:
        """The characters into which runs last that began before."""
        if timeline.job.suspend:
            return set()
        found: set[int] = set()
        for at in (*timeline.earlier, *(each.at for each in timeline.runs)):
            last = min(at + timedelta(seconds=timeline.seconds - 1), self._week.end - timedelta(seconds=1))
            first = self._number(max(at, self._week.start))
            if len(found) < DAYS * self.per_day:
                found.update(range(first, self._number(last) + 1))
        return found

    def _days(self, cells: Sequence[str]) -> list[str]:
        text = "".join(cells)
        return [text[number : number + self.per_day] for number in range(0, len(text), self.per_day)]


def _density(runs: int, glyphs: Glyphs) -> str:
    return glyphs.some[max(place for place, fewest in enumerate(FROM) if runs >= fewest)]
